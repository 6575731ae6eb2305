//! Recorded messages of real devices through a real Mosquitto, and the connection on bad days.

use crate::peer::{self, Peer};
use drivers::definition;
use drivers::device::{self, DeviceConfig, Pace, Report};
use drivers::mqtt::{self, Broker, Link, LinkEvent, Will};
use plant::point::{DeviceId, Point};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

fn broker(peer: &Peer) -> Broker {
    Broker { host: "127.0.0.1".into(), port: Some(peer.address.port()), ..Broker::default() }
}

/// What a device is known to offer at a moment.
#[derive(Default, Debug)]
struct Seen {
    values: BTreeMap<Point, Option<f64>>,
    unavailable: Option<String>,
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

struct Device {
    reports: mpsc::Receiver<Report>,
    shutdown: CancellationToken,
    seen: Seen,
}

impl Device {
    fn start(peer: &Peer, id: &str, topic: &str, parameters: &[(&str, &str)]) -> Self {
        let (sender, reports) = mpsc::channel(2);
        let (_, orders) = mpsc::channel(1);
        let shutdown = CancellationToken::new();
        let config = DeviceConfig {
            // Names are unique in a site, and make the client ids that brokers tell apart.
            id: DeviceId(format!("{id}-{}", STARTED.fetch_add(1, Ordering::Relaxed))),
            definition: Arc::new(definition::find(id).unwrap()),
            address: format!("mqtt:///{topic}").parse().unwrap(),
            unit: None,
            points: None,
            broker: Some(broker(peer)),
            parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            interval: Duration::from_secs(1),
        };
        tokio::spawn(device::run(config, Pace::default(), sender, orders, shutdown.clone()));
        Self { reports, shutdown, seen: Seen::default() }
    }

    /// Takes reports until the picture is as wanted.
    async fn until(&mut self, what: &str, wanted: impl Fn(&Seen) -> bool) {
        let found = timeout(Duration::from_secs(30), async {
            while !wanted(&self.seen) {
                match self.reports.recv().await.expect("reports end") {
                    Report::Values { values, .. } => {
                        self.seen.unavailable = None;
                        self.seen.values.extend(values);
                    }
                    // All that was known of the device is unknown with it.
                    Report::Unavailable { why, .. } => {
                        self.seen.values.values_mut().for_each(|value| *value = None);
                        self.seen.unavailable = Some(why);
                    }
                    Report::Applied { .. } => {}
                }
            }
        });
        assert!(found.await.is_ok(), "{what}: {:?}", self.seen);
    }

    async fn shows(&mut self, expected: &[(Point, Option<f64>)]) {
        let same = |seen: &Seen| {
            expected.iter().all(|(point, value)| match (seen.values.get(point), value) {
                (Some(Some(found)), Some(value)) => (found - value).abs() < 1e-6,
                (Some(None), None) => true,
                _ => false,
            })
        };
        self.until(&format!("{expected:?}"), same).await;
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Publishes recorded messages.
struct Player {
    link: Link,
    lines: Vec<Json>,
    at: usize,
}

impl Player {
    async fn new(peer: &Peer, name: &str) -> Option<Self> {
        let file = peer::fixtures()?.join("mqtt").join(format!("{name}.jsonl"));
        let lines = std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (link, mut events) = mqtt::connect(broker(peer), format!("player-{name}"), None, Vec::new(), CancellationToken::new());
        assert_eq!(events.recv().await, Some(LinkEvent::Connected));
        // The player does not listen; the receiver has to live as long as the link.
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        Some(Self { link, lines, at: 0 })
    }

    /// Plays everything recorded before `moment`.
    fn play_to(&mut self, moment: f64, all_retained: bool) {
        while let Some(line) = self.lines.get(self.at).filter(|line| line["t"].as_f64().unwrap() < moment) {
            let (topic, payload) = (line["topic"].as_str().unwrap(), line["payload"].as_str().unwrap());
            self.link.publish(topic, payload, all_retained || line["retain"].as_bool().unwrap());
            self.at += 1;
        }
    }
}

async fn stage(name: &str) -> Option<(Peer, Player, tempfile::TempDir)> {
    peer::fixtures()?;
    let folder = tempfile::tempdir().unwrap();
    let peer = peer::mosquitto(folder.path(), "").await?;
    let player = Player::new(&peer, name).await?;
    Some((peer, player, folder))
}

#[tokio::test]
async fn a_shelly_meter_is_heard_updated_in_part_and_noticed_when_it_goes() {
    let Some((peer, mut player, _folder)) = stage("shelly_pro3em_a").await else { return };
    let mut device = Device::start(&peer, "shelly-pro3em", "shellypro3em-test", &[]);
    sleep(Duration::from_millis(300)).await;
    player.play_to(1.0, false);
    device.shows(&[(Point::GridPower, Some(558.965)), (Point::GridImportEnergy, Some(2589.77339)), (Point::GridExportEnergy, Some(1.02661))]).await;
    player.play_to(10.0, false);
    device.shows(&[(Point::GridPower, Some(558.965)), (Point::GridImportEnergy, Some(2589.77339))]).await;
    player.play_to(30.0, false);
    device.until("unavailable", |seen| seen.unavailable.as_deref().is_some_and(|why| why.contains("offline"))).await;
}

#[tokio::test]
async fn plugs_and_meters_give_what_others_read_from_them() {
    let Some((peer, mut player, _folder)) = stage("shelly_plugs_a").await else { return };
    let mut plug = Device::start(&peer, "shelly-plug", "shellyplusplugs-test", &[]);
    sleep(Duration::from_millis(300)).await;
    player.play_to(1.0, false);
    plug.shows(&[(Point::ComputePower, Some(2.7)), (Point::ComputeEnergy, Some(7.258589))]).await;
    player.play_to(9.0, false);
    plug.shows(&[(Point::ComputePower, Some(0.0))]).await;

    let mut player = Player::new(&peer, "shelly_gen1_em_a").await.unwrap();
    let mut meter = Device::start(&peer, "shelly-em-gen1", "shellies/shellyem-test", &[]);
    sleep(Duration::from_millis(300)).await;
    player.play_to(9.0, false);
    meter.shows(&[(Point::GridPower, Some(-620.34)), (Point::GridImportEnergy, Some(401.4729)), (Point::GridExportEnergy, Some(653.6737))]).await;

    let mut player = Player::new(&peer, "tasmota_sml_a").await.unwrap();
    let mut meter = Device::start(&peer, "tasmota-sml", "sml", &[]);
    sleep(Duration::from_millis(300)).await;
    player.play_to(9.0, false);
    meter.shows(&[(Point::GridPower, Some(-894.0)), (Point::GridImportEnergy, Some(34507.4761)), (Point::GridExportEnergy, Some(14737.1422))]).await;
}

#[tokio::test]
async fn tasmota_gives_numbers_and_arrays_under_one_name() {
    let Some((peer, mut player, _folder)) = stage("tasmota_energy_a").await else { return };
    let mut one = Device::start(&peer, "tasmota-plug", "plug1", &[]);
    let mut two = Device::start(&peer, "tasmota-plug", "plug2", &[]);
    let mut second = Device::start(&peer, "tasmota-plug", "plug2", &[("channel", "1")]);
    sleep(Duration::from_millis(300)).await;
    player.play_to(3.0, false);
    one.shows(&[(Point::ComputePower, Some(47.11)), (Point::ComputeEnergy, Some(1290.396))]).await;
    two.shows(&[(Point::ComputePower, Some(8.15)), (Point::ComputeEnergy, Some(0.077))]).await;
    second.shows(&[(Point::ComputePower, Some(0.0))]).await;
    player.play_to(9.0, false);
    one.shows(&[(Point::ComputePower, None)]).await;
}

#[tokio::test]
async fn retained_sources_are_believed_while_they_say_they_are_there() {
    let Some((peer, mut player, _folder)) = stage("evcc_topics_a").await else { return };
    player.play_to(1.0, false);
    sleep(Duration::from_millis(300)).await;
    let mut device = Device::start(&peer, "evcc", "", &[]);
    device.shows(&[
        (Point::PvPower, Some(4659.0)),
        (Point::GridPower, Some(-3491.5)),
        (Point::HousePower, Some(1166.5)),
        (Point::BatteryPower, Some(-1.0)),
    ]).await;
    player.play_to(9.0, false);
    device.shows(&[(Point::PvPower, None), (Point::GridPower, None)]).await;

    let mut player = Player::new(&peer, "heishamon_a").await.unwrap();
    player.play_to(9.0, true);
    let mut pump = Device::start(&peer, "heishamon", "", &[]);
    pump.shows(&[
        (Point::HeatPumpReturnTemperature, Some(23.5)),
        (Point::HeatPumpFlowTemperature, Some(22.5)),
        (Point::OutdoorTemperature, Some(13.0)),
        (Point::TankTemperature, Some(36.0)),
        (Point::HeatPumpPower, Some(0.0)),
    ]).await;
}

#[tokio::test]
async fn a_kept_message_is_not_believed_before_the_device_is_there() {
    let Some((peer, mut player, _folder)) = stage("z2m_a").await else { return };
    // The room sensor's last word, kept by the broker from who knows when.
    player.link.publish("zigbee2mqtt/room", r#"{"temperature": 5.5}"#, true);
    sleep(Duration::from_millis(200)).await;
    let mut room = Device::start(&peer, "zigbee2mqtt-room", "zigbee2mqtt/room", &[]);
    sleep(Duration::from_millis(500)).await;
    assert!(room.reports.try_recv().is_err(), "an old value without a sign of life");
    player.play_to(1.0, false);
    room.shows(&[(Point::RoomTemperature, Some(27.34))]).await;
    player.play_to(6.0, false);
    room.shows(&[(Point::RoomTemperature, None)]).await;
}

#[tokio::test]
async fn victron_is_kept_talking_and_nothing_is_no_value() {
    let Some((peer, mut player, _folder)) = stage("victron_flashmq_a").await else { return };
    let (link, mut events) = mqtt::connect(broker(&peer), "listener", None, vec!["R/#".into()], CancellationToken::new());
    assert_eq!(events.recv().await, Some(LinkEvent::Connected));
    sleep(Duration::from_millis(200)).await;
    let mut device = Device::start(&peer, "victron-gx-mqtt", "c0619ab00000", &[]);
    let kept = timeout(Duration::from_secs(5), events.recv()).await.expect("no keep-alive");
    assert!(matches!(&kept, Some(LinkEvent::Message { topic, .. }) if topic == "R/c0619ab00000/keepalive"), "{kept:?}");
    player.play_to(1.0, false);
    device.shows(&[(Point::PvPower, Some(936.0))]).await;
    player.play_to(4.0, false);
    device.shows(&[(Point::PvPower, None)]).await;
    drop(link);
}

async fn any_message(events: &mut mpsc::Receiver<LinkEvent>) -> (String, Vec<u8>) {
    let found = timeout(Duration::from_secs(60), async {
        loop {
            match events.recv().await.expect("the link has ended") {
                LinkEvent::Message { topic, payload, .. } => return (topic, payload),
                LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
            }
        }
    });
    found.await.expect("nothing is heard")
}

#[tokio::test]
async fn a_broker_that_restarts_empty_gets_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let broker = broker(&peer);
    let (link, mut events) = mqtt::connect(broker.clone(), "us", None, vec!["to/us".into()], CancellationToken::new());
    assert_eq!(events.recv().await, Some(LinkEvent::Connected));
    let large = vec![b'x'; 200_000];
    link.publish("state/large", large.clone(), true);
    link.publish("state/newest", "1", true);
    let file = folder.path().join("mosquitto.conf").display().to_string();
    drop(peer);
    let lost = timeout(Duration::from_secs(10), events.recv()).await.unwrap();
    assert!(matches!(&lost, Some(LinkEvent::Disconnected { why }) if why.contains("127.0.0.1")), "{lost:?}");
    link.publish("state/newest", "2", true);
    let port = broker.port.unwrap();
    let Some(_peer) = peer::start(std::path::Path::new("/usr/sbin/mosquitto"), &["-c".into(), file], port).await else { return };
    let (other, mut heard) = mqtt::connect(broker, "other", None, vec!["state/#".into()], CancellationToken::new());
    let mut state = BTreeMap::new();
    while state.len() < 2 {
        let (topic, payload) = any_message(&mut heard).await;
        state.insert(topic, payload);
    }
    assert_eq!((&state["state/large"], state["state/newest"].as_slice()), (&large, b"2".as_slice()));
    other.publish("to/us", "hello", false);
    assert_eq!(any_message(&mut events).await, ("to/us".to_owned(), b"hello".to_vec()), "the subscription is made again");
}

#[tokio::test]
async fn the_will_is_published_for_a_crash_and_not_for_a_farewell() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = peer::mosquitto(folder.path(), "").await else { return };
    let (_watch, mut heard) = mqtt::connect(broker(&peer), "watch", None, vec!["us/#".into()], CancellationToken::new());
    assert_eq!(heard.recv().await, Some(LinkEvent::Connected));
    sleep(Duration::from_millis(200)).await;
    let will = Will { topic: "us/will".into(), payload: b"gone".to_vec(), retain: false };
    let (link, mut events) = mqtt::connect(broker(&peer), "us", Some(will), Vec::new(), CancellationToken::new());
    assert_eq!(events.recv().await, Some(LinkEvent::Connected));
    for n in 0..500 {
        link.publish(format!("us/n/{n}"), n.to_string(), n % 2 == 0);
    }
    link.publish("us/last", "offline", true);
    link.close().await;
    let mut seen = 0;
    let last = timeout(Duration::from_secs(10), async {
        loop {
            match heard.recv().await.expect("the link has ended") {
                LinkEvent::Message { topic, .. } if topic == "us/will" => panic!("the will after a farewell"),
                LinkEvent::Message { .. } => seen += 1,
                LinkEvent::Connected | LinkEvent::Disconnected { .. } => {}
            }
            if seen == 501 {
                return;
            }
        }
    });
    assert!(last.await.is_ok(), "{seen} of 501 messages arrived before the farewell");
    assert!(timeout(Duration::from_millis(500), heard.recv()).await.is_err(), "nothing more, no will");
}

#[tokio::test]
async fn refused_credentials_are_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("passwords");
    std::fs::write(&passwords, "").unwrap();
    let port = peer::free_port();
    let file = folder.path().join("strict.conf");
    let lines = format!("listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n", passwords.display());
    std::fs::write(&file, lines).unwrap();
    let arguments = ["-c".to_owned(), file.display().to_string()];
    let Some(peer) = peer::start(std::path::Path::new("/usr/sbin/mosquitto"), &arguments, port).await else { return };
    let broker = Broker { username: Some("who".into()), password: Some("what".into()), ..broker(&peer) };
    let (_link, mut events) = mqtt::connect(broker, "us", None, Vec::new(), CancellationToken::new());
    let refused = events.recv().await;
    assert!(matches!(&refused, Some(LinkEvent::Disconnected { why }) if why.contains("password") || why.contains("authorise")), "{refused:?}");
}
