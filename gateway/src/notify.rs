//! The messages to systemd (`sd_notify`): that HeatMine is ready, that its control loop goes on, that it stops.
//!
//! Under a unit with `WatchdogSec=90` systemd wants a sign of life in 90 s. It gets one every 22 s as long as cycles go on, since
//! a cycle is what makes it; a loop that hangs gives none, and systemd ends the process and starts it again. Without systemd
//! nothing is sent.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A sign of life is sent this many times in the time that systemd allows.
const SIGNS: u32 = 4;

/// The way to systemd, where it started this process. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Notify {
    socket: Option<Arc<UnixDatagram>>,
    /// The time in which a sign of life is wanted.
    watchdog: Option<Duration>,
}

impl Notify {
    /// What the environment says of it: `NOTIFY_SOCKET`, `WATCHDOG_USEC`.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let watchdog = variable("WATCHDOG_USEC").and_then(|text| text.parse().ok()).map(Duration::from_micros);
        let socket = variable("NOTIFY_SOCKET").and_then(|name| connect(&name).ok()).map(Arc::new);
        Self { socket, watchdog }
    }

    /// Says that HeatMine has started.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", status.replace('\n', " ")));
    }

    /// Says that HeatMine stops.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Says that HeatMine is alive.
    pub fn alive(&self) {
        if self.watchdog.is_some() {
            self.send("WATCHDOG=1");
        }
    }

    /// Says so whenever `cycles` go on, as long as they do.
    pub async fn follow<T>(&self, mut cycles: watch::Receiver<T>) {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut said: Option<Instant> = None;
        while cycles.changed().await.is_ok() {
            if said.is_none_or(|at| at.elapsed() >= watchdog / SIGNS) {
                self.alive();
                said = Some(Instant::now());
            }
        }
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            tracing::debug!(%error, "systemd does not take messages");
        }
    }
}

/// A socket to `name`: a path, or a name of its own kind behind `@`.
fn connect(name: &str) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // Nothing here waits for systemd.
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
        }
        _ => socket.connect(Path::new(name))?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(socket: &UnixDatagram) -> Vec<String> {
        let mut buffer = [0; 256];
        let mut receive =
            || socket.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into());
        std::iter::from_fn(&mut receive).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_while_cycles_go_on_and_end_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let socket = connect(path.to_str().unwrap()).unwrap();
        let notify = Notify { socket: Some(Arc::new(socket)), watchdog: Some(Duration::from_secs(40)) };
        notify.ready("a house\nof two lines");
        assert_eq!(messages(&systemd), ["READY=1\nSTATUS=a house of two lines"]);

        let (cycle, cycles) = watch::channel(0);
        let follow = notify.clone();
        tokio::spawn(async move { follow.follow(cycles).await });
        for number in 1..=30 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cycle.send_replace(number);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(messages(&systemd), ["WATCHDOG=1"; 3], "at 1, 11 and 21 s");
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert!(messages(&systemd).is_empty(), "a loop that hangs");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_be_abstract() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("heatmine-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let systemd = UnixDatagram::bind_addr(&address).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let notify = Notify { socket: connect(&format!("@{name}")).ok().map(Arc::new), watchdog: None };
        notify.alive();
        notify.stopping();
        assert_eq!(messages(&systemd), ["STOPPING=1"], "nobody asked for signs of life");
    }
}
