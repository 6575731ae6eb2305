//! Recorded messages of real devices through a real Mosquitto.

use crate::link::{PATIENCE, any_message, broker, subscribed};
use crate::peer::{self, Peer};
use drivers::debt::Debts;
use drivers::definition;
use drivers::device::{self, Channels, DeviceConfig, Report};
use drivers::lease::Wanted;
use drivers::mqtt::{self, Link, LinkEvent};
use drivers::pace::Pace;
use plant::point::{DeviceId, Point};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// What a device is known to offer at a moment.
#[derive(Default, Debug)]
struct Seen {
    values: BTreeMap<Point, Option<f64>>,
    unavailable: Option<String>,
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

impl Seen {
    fn is(&self, expected: Expected<'_>) -> bool {
        expected.iter().all(|(point, value)| match (self.values.get(point), value) {
            (Some(Some(found)), Some(value)) => (found - value).abs() < 1e-6,
            (Some(None), None) => true,
            _ => false,
        })
    }
}

type Expected<'a> = &'a [(Point, Option<f64>)];

struct Device {
    reports: mpsc::Receiver<Report>,
    shutdown: CancellationToken,
    seen: Seen,
}

impl Device {
    fn start(peer: &Peer, id: &str, topic: &str, parameters: &[(&str, &str)]) -> Self {
        let (sender, reports) = mpsc::channel(2);
        let (_, wanted) = watch::channel(Wanted::default());
        let (leases, _) = watch::channel(Vec::new());
        let channels = Channels { reports: sender, wanted, leases, debts: Debts::none() };
        let shutdown = CancellationToken::new();
        let config = DeviceConfig {
            // Names are unique in a site, and make the client ids that brokers tell apart.
            id: DeviceId(format!("{id}-{}", STARTED.fetch_add(1, Ordering::Relaxed))),
            definition: Arc::new(definition::find(id).unwrap()),
            address: format!("mqtt:///{topic}").parse().unwrap(),
            unit: None,
            points: None,
            broker: Some(broker(peer)),
            controls: BTreeSet::new(),
            parameters: parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            interval: Duration::from_secs(1),
        };
        tokio::spawn(device::run(config, Pace::default(), channels, shutdown.clone()));
        Self { reports, shutdown, seen: Seen::default() }
    }

    /// Takes reports until the picture is as wanted; whether it was in time.
    async fn reaches(&mut self, patience: Duration, wanted: impl Fn(&Seen) -> bool) -> bool {
        let found = timeout(patience, async {
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
        found.await.is_ok()
    }

    async fn shows(&mut self, expected: Expected<'_>) {
        assert!(self.reaches(PATIENCE, |seen| seen.is(expected)).await, "{expected:?}: {:?}", self.seen);
    }

    async fn is_offline(&mut self) {
        let said = |seen: &Seen| seen.unavailable.as_deref().is_some_and(|why| why.contains("offline"));
        assert!(self.reaches(PATIENCE, said).await, "{:?}", self.seen);
    }

    /// Plays everything before `moment`, again where the device was not yet listening, until it shows what is expected.
    async fn hears(&mut self, player: &mut Player, moment: f64, expected: Expected<'_>) {
        let start = player.at;
        for _ in 0..20 {
            player.at = start;
            player.play_to(moment, false);
            if self.reaches(Duration::from_secs(2), |seen| seen.is(expected)).await {
                return;
            }
        }
        panic!("{expected:?}: {:?}", self.seen);
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
        let lines =
            std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (link, mut events) =
            mqtt::connect(broker(peer), format!("player-{name}"), None, Vec::new(), CancellationToken::new());
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
    device
        .hears(
            &mut player,
            1.0,
            &[
                (Point::GridPower, Some(558.965)),
                (Point::GridImportEnergy, Some(2589.77339)),
                (Point::GridExportEnergy, Some(1.02661)),
            ],
        )
        .await;
    player.play_to(10.0, false);
    device.shows(&[(Point::GridPower, Some(558.965)), (Point::GridImportEnergy, Some(2589.77339))]).await;
    player.play_to(30.0, false);
    device.is_offline().await;
}

#[tokio::test]
async fn plugs_and_meters_give_what_others_read_from_them() {
    let Some((peer, mut player, _folder)) = stage("shelly_plugs_a").await else { return };
    let mut plug = Device::start(&peer, "shelly-plug", "shellyplusplugs-test", &[]);
    let expected = [(Point::ComputePower, Some(2.7)), (Point::ComputeEnergy, Some(7.258589))];
    plug.hears(&mut player, 1.0, &expected).await;
    player.play_to(9.0, false);
    plug.shows(&[(Point::ComputePower, Some(0.0))]).await;

    let mut player = Player::new(&peer, "shelly_gen1_em_a").await.unwrap();
    let mut meter = Device::start(&peer, "shelly-em-gen1", "shellies/shellyem-test", &[]);
    let expected = [
        (Point::GridPower, Some(-620.34)),
        (Point::GridImportEnergy, Some(401.4729)),
        (Point::GridExportEnergy, Some(653.6737)),
    ];
    meter.hears(&mut player, 9.0, &expected).await;

    let mut player = Player::new(&peer, "tasmota_sml_a").await.unwrap();
    let mut meter = Device::start(&peer, "tasmota-sml", "sml", &[]);
    meter
        .hears(
            &mut player,
            9.0,
            &[
                (Point::GridPower, Some(-894.0)),
                (Point::GridImportEnergy, Some(34507.4761)),
                (Point::GridExportEnergy, Some(14737.1422)),
            ],
        )
        .await;
}

#[tokio::test]
async fn tasmota_gives_numbers_and_arrays_under_one_name() {
    let Some((peer, mut player, _folder)) = stage("tasmota_energy_a").await else { return };
    let mut one = Device::start(&peer, "tasmota-plug", "plug1", &[]);
    let mut two = Device::start(&peer, "tasmota-plug", "plug2", &[]);
    let mut second = Device::start(&peer, "tasmota-plug", "plug2", &[("channel", "1")]);
    one.hears(&mut player, 3.0, &[(Point::ComputePower, Some(47.11)), (Point::ComputeEnergy, Some(1290.396))]).await;
    player.at = 0;
    two.hears(&mut player, 3.0, &[(Point::ComputePower, Some(8.15)), (Point::ComputeEnergy, Some(0.077))]).await;
    player.at = 0;
    second.hears(&mut player, 3.0, &[(Point::ComputePower, Some(0.0))]).await;
    player.play_to(9.0, false);
    one.shows(&[(Point::ComputePower, None)]).await;
}

#[tokio::test]
async fn retained_sources_are_believed_while_they_say_they_are_there() {
    let Some((peer, mut player, _folder)) = stage("evcc_topics_a").await else { return };
    player.play_to(1.0, false);
    let mut device = Device::start(&peer, "evcc", "", &[]);
    device
        .shows(&[(Point::PvPower, Some(4659.0)), (Point::GridPower, Some(-3491.5)), (Point::BatteryPower, Some(-1.0))])
        .await;
    // While nobody speaks, what stands is reported again, but no power that guards the fuse is made newer.
    let mut again = 0;
    while again < 3 {
        let report = timeout(PATIENCE, device.reports.recv()).await.unwrap().unwrap();
        let Report::Values { values, .. } = report else { panic!("{report:?}") };
        again += values.iter().filter(|value| **value == (Point::PvPower, Some(4659.0))).count();
        assert!(values.iter().all(|(point, _)| *point != Point::GridPower), "{values:?}");
    }
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
    ])
    .await;
}

#[tokio::test]
async fn a_kept_message_is_not_believed_before_the_device_is_there() {
    let Some((peer, mut player, _folder)) = stage("z2m_a").await else { return };
    // The room sensor's last word, kept by the broker from who knows when.
    player.link.publish("zigbee2mqtt/room", r#"{"temperature": 5.5}"#, true);
    let mut room = Device::start(&peer, "zigbee2mqtt-room", "zigbee2mqtt/room", &[]);
    sleep(Duration::from_millis(500)).await;
    assert!(room.reports.try_recv().is_err(), "an old value without a sign of life");
    room.hears(&mut player, 1.0, &[(Point::RoomTemperature, Some(27.34))]).await;
    player.play_to(6.0, false);
    room.shows(&[(Point::RoomTemperature, None)]).await;
}

#[tokio::test]
async fn victron_is_kept_talking_and_nothing_is_no_value() {
    let Some((peer, mut player, _folder)) = stage("victron_flashmq_a").await else { return };
    let (link, mut events) =
        mqtt::connect(broker(&peer), "listener", None, vec!["R/#".into()], CancellationToken::new());
    subscribed(&link, &mut events, "R/ready").await;
    let mut device = Device::start(&peer, "victron-gx-mqtt", "c0619ab00000", &[]);
    while any_message(&mut events).await.0 != "R/c0619ab00000/keepalive" {}
    device.hears(&mut player, 1.0, &[(Point::PvPower, Some(936.0))]).await;
    player.play_to(4.0, false);
    device.shows(&[(Point::PvPower, None)]).await;
    drop(link);
}
