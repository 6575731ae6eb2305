//! The other end: programs started on free ports of this machine and ended by their own process id.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;

/// A program that is ended when the test is over.
pub(crate) struct Peer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The shared fixtures beside the workspace, where they are.
pub(crate) fn fixtures() -> Option<PathBuf> {
    let folder = workspace().parent()?.join("shared/fixtures");
    if folder.is_dir() { Some(folder) } else { skip("the fixtures of ../shared are not here") }
}

/// Says why a test does nothing.
pub(crate) fn skip<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: {why}");
    None
}

/// A port nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a program that listens on `port`, and waits until it does.
pub(crate) async fn start(program: &Path, arguments: &[String], port: u16) -> Option<Peer> {
    let name = program.display();
    let child =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(child) = child else { return skip(&format!("{name} cannot be started")) };
    let mut peer = Peer { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
    for _ in 0..400 {
        if TcpStream::connect(peer.address).await.is_ok() {
            return Some(peer);
        }
        if let Ok(Some(status)) = peer.child.try_wait() {
            return skip(&format!("{name} ended at once: {status}"));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{name} does not listen on port {port}");
}

/// Serves a register dump of the fixtures with the given faults.
pub(crate) async fn dump(name: &str, faults: &[&str]) -> Option<Peer> {
    dump_file(&fixtures()?.join("modbus").join(format!("{name}.json")), faults).await
}

/// Serves any register dump.
pub(crate) async fn dump_file(file: &Path, faults: &[&str]) -> Option<Peer> {
    dump_file_on(file, faults, free_port()).await
}

/// Serves any register dump on a given port.
pub(crate) async fn dump_file_on(file: &Path, faults: &[&str], port: u16) -> Option<Peer> {
    let server = fixtures()?.join("serve.py").display().to_string();
    let mut arguments = vec![server, file.display().to_string(), "--port".into(), port.to_string()];
    arguments.extend(faults.iter().map(|fault| (*fault).to_owned()));
    start(Path::new("python3"), &arguments, port).await
}

/// Starts Mosquitto with the given lines of configuration.
pub(crate) async fn mosquitto(folder: &Path, lines: &str) -> Option<Peer> {
    let port = free_port();
    let file = folder.join("mosquitto.conf");
    std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n{lines}\n")).unwrap();
    let arguments = ["-c".to_owned(), file.display().to_string()];
    for program in ["mosquitto", "/usr/sbin/mosquitto"] {
        if Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok() {
            return start(Path::new(program), &arguments, port).await;
        }
    }
    skip("mosquitto is not installed")
}
