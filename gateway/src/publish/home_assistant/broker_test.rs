//! The publisher against the real Mosquitto, with a fabricated record.

use super::fixture::record;
use super::*;
use crate::commands::Commanded;
use crate::jobs::Limits;
use crate::store::Disk;
use drivers::mqtt::{Broker, Link};
use plant::command::{Command, Mode};
use serde_json::json;
use std::process::{Child, Stdio};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(20);

struct Mosquitto {
    child: Child,
    port: u16,
}

impl Mosquitto {
    fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = std::process::Command::new("mosquitto");
        command.args(["-p", &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.env("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin").spawn() {
            Ok(child) => Some(Self { child, port }),
            Err(error) => {
                eprintln!("SKIPPED: mosquitto cannot be started: {error}");
                None
            }
        }
    }

    fn broker(&self) -> Broker {
        Broker { host: "127.0.0.1".into(), port: Some(self.port), ..Broker::default() }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody else on the broker.
struct Observer {
    link: Link,
    events: mpsc::Receiver<LinkEvent>,
}

impl Observer {
    async fn connect(broker: Broker, stop: &CancellationToken) -> Self {
        let topics = vec!["heatmine/#".to_owned(), "homeassistant/device/#".to_owned()];
        let (link, events) = mqtt::connect(broker, "observer", None, topics, stop.clone());
        let mut observer = Self { link, events };
        let connected = async { while observer.events.recv().await != Some(LinkEvent::Connected) {} };
        tokio::time::timeout(LIMIT, connected).await.unwrap();
        observer
    }

    /// Waits for a message on `topic` that is as wanted.
    async fn wait(&mut self, topic: &str, wanted: impl Fn(&str) -> bool) -> String {
        let found = async {
            loop {
                if let Some(LinkEvent::Message { topic: on, payload, .. }) = self.events.recv().await {
                    let payload = String::from_utf8_lossy(&payload).into_owned();
                    if on == topic && wanted(&payload) {
                        return payload;
                    }
                }
            }
        };
        tokio::time::timeout(LIMIT, found).await.unwrap_or_else(|_| panic!("nothing fitting on {topic}"))
    }
}

#[tokio::test]
async fn states_go_out_and_only_sensible_fresh_commands_come_in() {
    let Some(mosquitto) = Mosquitto::start() else { return };
    let stop = CancellationToken::new();
    let mut observer = Observer::connect(mosquitto.broker(), &stop).await;
    // A command that the broker kept from before.
    observer.link.publish("heatmine/mode/set", "boost", true);
    observer.wait("heatmine/mode/set", |payload| payload == "boost").await;

    let (_records, records) = watch::channel(Some(Arc::new(record())));
    let (commands, mut commanded) = mpsc::channel(4);
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { queue_max: 9, attempts: 1, eur_per_mtok_in: 1.0, eur_per_mtok_out: 1.0 };
    let queue = Queue::open(&Disk::Folder(folder.path().to_owned()), limits).unwrap();
    let mut queued = queue.changed();
    let shutdown = CancellationToken::new();
    let (confirmations, mut confirmed) = mpsc::channel(1);
    let wiring = Wiring { records, commands, confirmations, shutdown: shutdown.clone() };
    let announcement = Announcement {
        config: HomeAssistantConfig::default(),
        dimming: Signal::Rest,
        topic_prefix: "heatmine".into(),
        timezone: Tz::Europe__Berlin,
        page: None,
        disk: Disk::Folder(folder.path().to_owned()),
        troubles: Troubles::default(),
    };
    let publisher = tokio::spawn(run(announcement, mosquitto.broker(), wiring, queue.clone(), Clock::real()));

    let refused = observer.wait("heatmine/error", |_| true).await;
    assert!(refused.contains("does not keep"), "the kept command is refused: {refused}");
    observer.link.publish("heatmine/mode/set", "", true);
    for (topic, payload) in [
        ("mode", "warp"),
        ("power_limit", "-5"),
        ("boost", "\u{0}"),
        ("job", "{\"prompt\":\"\"}"),
        ("confirm", "yes"),
        ("grid_dimming", "none"),
        ("no_such", "1"),
    ] {
        observer.link.publish(format!("heatmine/{topic}/set"), payload, false);
        let error = observer.wait("heatmine/error", |error| error.contains(&format!("heatmine/{topic}/set"))).await;
        assert!(error.contains("expected"), "{error}");
    }
    assert!(commanded.try_recv().is_err(), "nothing of it has acted");

    observer.link.publish("heatmine/mode/set", "surplus", false);
    let command = tokio::time::timeout(LIMIT, commanded.recv()).await.unwrap();
    let Commanded { command, kept } = command.unwrap();
    assert_eq!(command, Command::SetMode(Mode::Surplus));
    kept.send(Err("it is in force, but a restart forgets it: the disk is full".into())).unwrap();
    observer.wait("heatmine/error", |error| error.contains("a restart forgets it")).await;
    observer.link.publish("heatmine/confirm/set", "PRESS", false);
    tokio::time::timeout(LIMIT, confirmed.recv()).await.unwrap().unwrap().send(Ok(())).unwrap();
    let job = json!({"title": "greet", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 9});
    observer.link.publish("heatmine/job/set", job.to_string(), false);
    tokio::time::timeout(LIMIT, queued.wait_for(|backlog| backlog.jobs == 1)).await.unwrap().unwrap();
    assert_eq!(queue.list(9).unwrap()[0].request.title, "greet");
    let endless = json!({"title": "x", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 40000});
    observer.link.publish("heatmine/job/set", endless.to_string(), false);
    observer.wait("heatmine/error", |error| error.contains("max_tokens: is 40000; expected 1 to 32768")).await;

    observer.link.publish("homeassistant/status", ONLINE, false);
    observer.wait("homeassistant/device/heatmine/config", |payload| payload.contains("heatmine_grid_power")).await;
    observer.wait("heatmine/live", |payload| payload.contains("\"grid_power\":-1234")).await;

    shutdown.cancel();
    observer.wait("heatmine/status", |payload| payload == OFFLINE).await;
    tokio::time::timeout(LIMIT, publisher).await.unwrap().unwrap();
    stop.cancel();
}
