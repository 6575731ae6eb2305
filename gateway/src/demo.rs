//! The main job without hardware or accounts: a simulated house whose devices answer over real Modbus TCP and MQTT, read
//! through the same drivers and definitions as a user's own, with the real engine. Its configuration is written into the
//! data folder, to be looked at and taken from there.

use crate::clock::Clock;
use crate::config;
use crate::config::influx::InfluxApi;
use crate::live::{self, Options, Shell};
use crate::store::{Disk, Ledger, StateStore};
use crate::terminal::say;
use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use drivers::mqtt::Broker;
use drivers::sim::house::State;
use drivers::{broker, sim};
use plant::time::Timestamp;
use plant::units::Watts;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

mod configuration;

/// A sunny day in spring with a cold night begins: 14 April 2026, 7 o'clock in Berlin.
const FIRST_MORNING: DateTime<Utc> = match DateTime::from_timestamp(1_776_142_800, 0) {
    Some(moment) => moment,
    None => DateTime::UNIX_EPOCH,
};
/// The demo's own broker listens here, if the port is free.
const BROKER_PORT: u16 = 18_883;
/// Weather and habits of the demo's house.
const SEED: u64 = 7;

/// House time between two rounds of summaries: about what the engine needs for one on two cores, so that there is work all day.
const SUMMARIES: Duration = Duration::from_secs(600);
/// Wall time between two savings of the house.
const SAVE: Duration = Duration::from_secs(5);

/// What a person may change about the demo.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Where the page listens.
    pub http: String,
    /// The broker to use in place of an embedded one.
    pub mqtt: Option<Broker>,
    /// Where everything is kept.
    pub data: PathBuf,
    /// Where the experts are: an absolute path.
    pub experts: PathBuf,
    /// The database that history is written to, and its kind.
    pub influx: Option<(String, InfluxApi)>,
    /// House seconds in a second.
    pub speed: f64,
    /// How long it runs; until it is stopped where not given.
    pub duration: Option<Duration>,
    pub record: Option<PathBuf>,
}

/// Sees whether the data folder and the page's port can be had, before anything is fetched or written over.
pub async fn check(demo: &Demo) -> Result<()> {
    drop(Disk::Folder(demo.data.clone()).claim()?);
    let address = demo.http.parse().with_context(|| format!("{} is no address and port", demo.http))?;
    drop(live::listen(address).await?);
    Ok(())
}

/// Runs the demo until `shutdown` or the end of its time.
pub async fn run(demo: Demo, shutdown: CancellationToken) -> Result<()> {
    std::fs::create_dir_all(&demo.data)
        .with_context(|| format!("cannot make the data folder {}", demo.data.display()))?;
    let clock = Clock::sped(beginning(&demo.data), demo.speed);
    let (broker, _embedded) = match &demo.mqtt {
        Some(broker) => (broker.clone(), None),
        None => {
            let embedded = embedded_broker()?;
            let address = embedded.address;
            say(format_args!("The demo's own MQTT broker listens on {address}."));
            let broker = Broker { host: address.ip().to_string(), port: Some(address.port()), ..Broker::default() };
            (broker, Some(embedded))
        }
    };
    let draw = watch::Sender::new(Watts::ZERO);
    let house_stop = CancellationToken::new();
    let time = {
        let clock = clock.clone();
        Arc::new(move || clock.now())
    };
    let kept = House::at(&demo.data);
    let mut config = sim::SimConfig::new(time, demo.speed, broker.clone(), draw.subscribe(), SEED);
    config.state = kept.state()?;
    let house = sim::start(config, house_stop.clone())
        .await
        .map_err(|error| anyhow!("the simulated house cannot start: {error}"))?;
    say(format_args!(
        "The simulated house answers: inverter and meter on tcp://{}, heat pump on tcp://{}.",
        house.inverter, house.heat_pump
    ));

    let file = demo.data.join("heatmine.toml");
    std::fs::write(&file, configuration::configuration(&demo, &broker, house.inverter, house.heat_pump))
        .with_context(|| format!("cannot write {}", file.display()))?;
    say(format_args!("Its configuration is in {}.", file.display()));
    let loaded = config::load(&file).map_err(|errors| anyhow!("{errors}"))?;

    let end = shutdown.child_token();
    if let Some(duration) = demo.duration {
        let end = end.clone();
        tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            end.cancel();
        });
    }
    let (draw, summaries, shell) = (Some(draw), Some(SUMMARIES), Shell::default());
    let options = Options { clock, record: demo.record, draw, summaries, banner: true, shell };
    let mut save = tokio::time::interval(SAVE);
    let run = live::run(loaded, options, end);
    tokio::pin!(run);
    let result = loop {
        tokio::select! {
            result = &mut run => break result,
            _ = save.tick() => kept.save(&house),
        }
    };
    kept.save(&house);
    house_stop.cancel();
    house.stopped().await;
    result
}

/// The house as it was left, so that its meters never count backwards.
struct House(PathBuf);

impl House {
    fn at(folder: &Path) -> Self {
        Self(folder.join("house.json"))
    }

    fn state(&self) -> Result<State> {
        match std::fs::read(&self.0) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!("{} does not hold a house; delete it to begin with a new one", self.0.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        }
    }

    fn save(&self, house: &sim::Running) {
        let fresh = self.0.with_extension("new");
        let saved = serde_json::to_vec(&house.truth().state)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&fresh, text))
            .and_then(|()| std::fs::rename(&fresh, &self.0));
        if let Err(error) = saved {
            tracing::warn!(%error, file = %self.0.display(), "the simulated house cannot be saved");
        }
    }
}

/// The first morning, or where the last run in this folder stopped: books never go back in time.
fn beginning(folder: &Path) -> Timestamp {
    let disk = Disk::Folder(folder.to_owned());
    let booked = || {
        let ledger = Ledger::open_existing(&disk).ok()?;
        let newest = ledger.head().ok()?.sequence.checked_sub(1)?;
        ledger.after(newest, 1).ok()?.first().map(|entry| entry.booked_at)
    };
    let state = StateStore::peek(&disk).map(|checkpoint| checkpoint.at);
    state.max(booked()).unwrap_or(FIRST_MORNING)
}

fn embedded_broker() -> Result<broker::Running> {
    let usual = SocketAddr::from(([127, 0, 0, 1], BROKER_PORT));
    broker::start(usual)
        .or_else(|_| broker::start(SocketAddr::from(([127, 0, 0, 1], 0))))
        .map_err(|error| anyhow!("the embedded MQTT broker cannot start: {error}"))
}
