//! Meters over MQTT that say words for numbers, impossible numbers, or the same number for ever.

use super::gateway::Gateway;
use super::{LIMIT, experts, problems, reason, state};
use crate::peer::Mosquitto;
use anyhow::{Result, ensure};
use rumqttc::{AsyncClient, MqttOptions, PublishOptions, QoS};
use serde_json::Value;
use std::path::Path;
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// What devices and automations say when they have no number.
const NONE: [&str; 10] = ["nan", "NaN", "unavailable", "unknown", "", "null", "inf", "{}", "offline", "1e999"];
/// A meter that shows the same to the last digit for this long, while the house moves, is frozen.
const FROZEN: u64 = 180;

#[tokio::test]
async fn what_is_no_value_is_missing_and_a_frozen_meter_is_stale() -> Result<()> {
    let (Some(experts), Some(mosquitto)) = (experts(), Mosquitto::start().await?) else { return Ok(()) };
    let folder = TempDir::new()?;
    let gateway = Gateway::run(folder.path(), config(mosquitto.port, &experts)).await?;
    gateway.ready_worker().await?;
    let meters = Meters::start(mosquitto.port)?;
    let fresh =
        |record: &Value| ["grid.power", "pv.power", "room.temperature"].iter().all(|p| state(record, p) == "fresh");
    gateway.until("all three values", fresh).await?;

    for word in NONE {
        meters.say("grid", Some(word));
        let missing = |record: &Value| state(record, "grid.power") == "missing";
        let record = gateway.until(&format!("'{word}' to be missing"), missing).await?;
        ensure!(record["points"]["grid.power"]["value"].is_null(), "'{word}': {}", record["points"]);
        ensure!(state(&record, "house.power") == "missing", "'{word}': {}", record["points"]);
        ensure!(
            reason(&record) == "stale_data" && record["decision"]["budget"] == 0.0,
            "'{word}': {}",
            record["decision"]
        );
        meters.say("grid", None);
        gateway.until("the meter again", fresh).await?;
    }
    for sentinel in ["-300", "3276.7", "-127.9"] {
        meters.say("room", Some(sentinel));
        gateway.until(sentinel, |record| state(record, "room.temperature") == "missing").await?;
    }
    meters.say("room", None);
    gateway.until("the thermometer again", fresh).await?;

    meters.say("grid", Some("1234.5"));
    let frozen = |record: &Value| state(record, "grid.power") == "stale";
    let record = gateway.within(Duration::from_secs(FROZEN) + LIMIT, "the frozen meter", frozen).await?;
    let point = &record["points"]["grid.power"];
    ensure!(point["value"] == 1234.5 && point["age_s"].as_u64() >= Some(FROZEN), "{point}");
    ensure!(reason(&record) == "stale_data" && record["decision"]["budget"] == 0.0, "{}", record["decision"]);
    ensure!(state(&record, "pv.power") == "fresh", "{}", record["points"]);
    meters.say("grid", None);
    let record = gateway.until("the meter to live again", fresh).await?;
    ensure!(reason(&record) != "stale_data" && problems(&record).is_empty(), "{}", record["decision"]);
    Ok(())
}

fn config(port: u16, experts: &Path) -> toml::Table {
    let mut config = toml::toml! {
        [site]
        name = "Bad days"
        timezone = "Europe/Berlin"

        [grid]
        import_limit_w = 17250

        [pv]
        peak_w = 8000

        [compute]
        max_w = 500

        [room]
        low_c = 20
        high_c = 23
        capacity_kwh_per_k = 6
        loss_kw_per_k = 0.18

        [tariff.import]
        price_eur_per_kwh = 0.3

        [home_assistant]
        enabled = false

        [mqtt]
        host = "127.0.0.1"

        [worker]
        parallel = 1

        [[device]]
        name = "meter"
        type = "generic-mqtt"
        topic = "house/grid"
        points = ["grid.power"]

        [[device]]
        name = "roof"
        type = "generic-mqtt"
        topic = "house/pv"
        points = ["pv.power"]

        [[device]]
        name = "room"
        type = "generic-mqtt"
        topic = "house/room"
        points = ["room.temperature"]
    };
    config["mqtt"].as_table_mut().map(|mqtt| mqtt.insert("port".into(), i64::from(port).into()));
    config["worker"]
        .as_table_mut()
        .map(|worker| worker.insert("experts_dir".into(), experts.display().to_string().into()));
    config
}

/// Three meters that say something every second: what they were set to, or numbers that move as a house does.
struct Meters {
    said: Arc<Mutex<[Option<String>; 3]>>,
    tasks: [JoinHandle<()>; 2],
}

/// Their names, in the order of what they were set to.
const NAMES: [&str; 3] = ["grid", "pv", "room"];

impl Meters {
    fn start(port: u16) -> Result<Self> {
        let options = MqttOptions::new(format!("meters-{port}"), ("127.0.0.1", port));
        let (client, mut events) = AsyncClient::builder(options).capacity(16).try_build()?;
        let polling = tokio::spawn(async move { while events.poll().await.is_ok() {} });
        let said = Arc::<Mutex<[Option<String>; 3]>>::default();
        let say = said.clone();
        let talking = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            for second in 0_u32.. {
                ticks.tick().await;
                let wave = f64::from(second % 40);
                // A cloud comes and goes in two minutes.
                let cloud = f64::from((second % 240).min(240 - second % 240));
                let live = [500.0 + 40.0 * wave, 3000.0 - 18.0 * cloud, 21.0 + 0.01 * wave];
                let words = say.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for ((name, word), live) in NAMES.iter().zip(words).zip(live) {
                    let payload = word.unwrap_or_else(|| format!("{live:.2}"));
                    let options = PublishOptions::new(QoS::AtLeastOnce);
                    let _ = client.publish(format!("house/{name}"), payload, options).await;
                }
            }
        });
        Ok(Self { said, tasks: [polling, talking] })
    }

    /// Has a meter repeat a word, or live again.
    fn say(&self, name: &str, word: Option<&str>) {
        if let Some(at) = NAMES.iter().position(|known| *known == name) {
            self.said.lock().unwrap_or_else(PoisonError::into_inner)[at] = word.map(str::to_owned);
        }
    }
}

impl Drop for Meters {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
