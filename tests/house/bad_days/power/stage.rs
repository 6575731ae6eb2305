//! A house with a cellar, an engine, a broker and a gateway in it: everything but the gateway outlives its ends.

use super::super::gateway::Gateway;
use super::super::{LIMIT, receipts, verify};
use super::cellar::Cellar;
use super::chance::Chance;
use super::disk::Disk;
use super::engine::Engine;
use super::talk::{Said, Voice};
use crate::peer::{Mosquitto, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// The house.
pub(super) struct Stage {
    /// The gateway.
    pub gateway: Gateway,
    /// Its devices.
    pub cellar: Cellar,
    /// The disk below its data folder.
    pub disk: Disk,
    /// Who talks to it.
    pub voice: Voice,
    /// What was said.
    pub said: Said,
    /// Where it keeps everything.
    pub data: PathBuf,
    /// Entries of its books, as far as they were counted.
    entries: u64,
    engine: Engine,
    _broker: Mosquitto,
    _folder: TempDir,
}

impl Stage {
    /// A house whose gateway is at work; `None`, said loudly, where there is no Mosquitto.
    pub(super) async fn start(chance: Chance) -> Result<Option<Self>> {
        Self::start_in(TempDir::new()?, chance).await
    }

    /// The same with its data in `data` in a folder.
    pub(super) async fn start_in(folder: TempDir, mut chance: Chance) -> Result<Option<Self>> {
        let Some(broker) = Mosquitto::start().await? else { return Ok(None) };
        let (cellar, engine) = (Cellar::start().await?, Engine::start().await?);
        let data = folder.path().join("data");
        let disk = Disk::new(&data, &folder.path().join("power"))?;
        let dims_over_mqtt = chance.coin();
        let mut config = configuration(&cellar, &engine, broker.port)?;
        let signal = if dims_over_mqtt { "mqtt" } else { "rest" };
        config.insert("dimming".into(), toml::Table::from_iter([("signal".into(), signal.into())]).into());
        let gateway = Gateway::run_under(folder.path(), config, disk.environment()).await?;
        let voice = Voice::new((&gateway.http, broker.port), chance, dims_over_mqtt)?;
        let said = Said::default();
        let stage =
            Self { gateway, cellar, disk, voice, said, data, entries: 0, engine, _broker: broker, _folder: folder };
        // From here on the broker keeps what comes for a gateway that is away.
        let connected = || {
            std::fs::read_to_string(stage.data.join("mqtt.json")).is_ok_and(|text| text.contains("\"connected\":true"))
        };
        wait_until(LIMIT, "the connection", async || connected().then_some(())).await?;
        Ok(Some(stage))
    }

    /// Has the devices set, and waits until they are.
    pub(super) async fn hold(&self) -> Result<()> {
        self.gateway.set_mode("auto").await?;
        let set = || self.cellar.devices().iter().all(|(_, _, device)| !device.is_own());
        wait_until(LIMIT, "both devices to be set", async || set().then_some(()))
            .await
            .with_context(|| self.gateway.process.tail())
    }

    /// Nobody asks the engine anything from now on: what its answers cost is theirs, and not a day's.
    pub(super) fn leave_the_engine_alone(&self) {
        self.engine.left_alone();
    }

    /// Waits until each device was under its own control at some moment since `since`.
    pub(super) async fn given_back(&self, since: Instant, limit: Duration) -> Result<()> {
        let own = || self.cellar.devices().iter().all(|(_, _, device)| device.was_own_since(since));
        let given_back = wait_until(limit, "both devices to be given back", async || own().then_some(()));
        given_back.await.with_context(|| self.gateway.process.tail())
    }

    /// The books that the folder holds are whole, and no shorter than they were.
    pub(super) fn books_are_whole(&mut self) -> Result<()> {
        if self.entries == 0 && !self.data.join("ledger.db").exists() {
            return Ok(());
        }
        let entries = verify(&self.data)?["entries"].as_u64().context("a number of entries")?;
        ensure!(entries >= self.entries, "{} entries became {entries}", self.entries);
        self.entries = entries;
        Ok(())
    }

    /// Each answer that the engine ever gave is in the books, once.
    pub(super) async fn every_answer_is_booked(&self) -> Result<()> {
        // Where each end came too soon for an answer, there is one now.
        if self.engine.receipts().is_empty() {
            self.hold().await?;
            wait_until(LIMIT, "an answer", async || (!self.engine.receipts().is_empty()).then_some(())).await?;
        }
        let (answered, data) = (self.engine.receipts(), self.data.clone());
        let booked = wait_until(LIMIT, "every answer in the books", async || {
            let booked = receipts(&data).ok()?;
            let unique: BTreeSet<&String> = booked.iter().collect();
            answered.iter().all(|id| unique.contains(id)).then_some(booked.len() == unique.len())
        });
        ensure!(booked.await?, "an answer is booked twice: {:?}", receipts(&self.data)?);
        Ok(())
    }
}

/// The controls that the data folder has a debt of, as `device control`: the newer copy counts.
pub(super) fn debts(data: &Path) -> Vec<String> {
    let read = |name: &str| {
        let text = std::fs::read_to_string(data.join(name)).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let copies = ["debts.json", "debts.backup.json"].into_iter().filter_map(read);
    let newest = copies.max_by_key(|copy| copy["generation"].as_u64()).unwrap_or_default();
    let debts = newest["body"]["debts"].as_array().into_iter().flatten();
    debts.map(|debt| format!("{} {}", word(&debt["device"]), word(&debt["control"]))).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A house in which power costs less than nothing.
fn configuration(cellar: &Cellar, engine: &Engine, broker: u16) -> Result<toml::Table> {
    let text = format!(
        r#"
[site]
name = "Cellar"
timezone = "Europe/Berlin"
[grid]
import_limit_w = 17250
[tariff.import]
price_eur_per_kwh = -0.05
[tariff.export]
price_eur_per_kwh = 0.05
[pv]
peak_w = 10000
[battery]
capacity_kwh = 10
charge_max_w = 5000
discharge_max_w = 5000
reserve_percent = 60
[compute]
max_w = 1500
idle_w = 30
min_w = 150
min_off_s = 0
[work]
standing_eur_per_kwh = 0.30
[heat]
kind = "heat_pump"
[room]
low_c = 20
high_c = 24
capacity_kwh_per_k = 8
loss_kw_per_k = 0.18
[[device]]
name = "battery"
type = "fronius-gen24"
address = "tcp://{}"
controls = ["battery.mode"]
[[device]]
name = "heat_pump"
type = "lambda-eu-l"
address = "tcp://{}"
controls = ["heat_pump.surplus"]
[mqtt]
host = "127.0.0.1"
port = {broker}
[worker]
url = "http://{}"
"#,
        cellar.battery.address, cellar.heat_pump.address, engine.address,
    );
    Ok(text.parse()?)
}
