//! The page on a fabricated house, a day in five minutes: `cargo run -p gateway --example page -- [ADDRESS] [HOUR [rule]]`.
//! With HOUR time stands still there; `rule` after it shows a plan by rule, which lays out compute alone. Commands change what is shown; nothing is decided.

#[path = "../src/http/fixture.rs"]
mod fixture;
/// What the fixture needs of the gateway, where it finds it both here and in the gateway's own tests.
mod peers {
    pub(crate) use gateway::jobs::{Answer, JobRequest, Message, Queue};
    pub(crate) use gateway::store::Ledger;
}

use anyhow::Context;
use chrono::{Duration, TimeZone, Utc};
use gateway::clock::Clock;
use gateway::commands::Commanded;
use gateway::config::dimming::Signal;
use gateway::config::http::HttpConfig;
use gateway::http::{Parts, State, serve};
use gateway::interactive::Interactive;
use gateway::jobs::{Limits, Queue};
use gateway::store::{Disk, Ledger};
use gateway::wiring::Wiring;
use plant::command::{Command, Mode};
use plant::record::Record;
use plant::time::Timestamp;
use plant::units::Currency;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// House seconds in a step of half a second.
const STEP_S: i64 = 144;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8099".into());
    let frozen: Option<f64> = arguments.next().map(|hour| hour.parse()).transpose().context("HOUR is not a number")?;
    let by_rule = arguments.next().is_some();
    let (records, receiver) = watch::channel(None);
    let (commands, inbox) = mpsc::channel(16);
    let wiring =
        Wiring { records: receiver, commands, confirmations: mpsc::channel(1).0, shutdown: CancellationToken::new() };
    let folder = tempfile::tempdir()?;
    let disk = Disk::Folder(folder.path().to_owned());
    let ledger = Ledger::open(&disk)?;
    let limits = Limits { queue_max: 100, attempts: 3, eur_per_mtok_in: 0.5, eur_per_mtok_out: 2.0 };
    let jobs = Queue::open(&disk, limits)?;
    fixture::fill(&ledger, &jobs, records_start()?)?;
    fixture::fill_yesterday(&ledger, records_start()?)?;
    let clock = Clock::sped(records_start()?, 288.0);
    let (timezone, currency) = (chrono_tz::Europe::Vienna, Currency::EUR);
    let (interactive, worker) = (Interactive::new(), "http://127.0.0.1:9".to_owned());
    let state = State::new(Parts {
        wiring,
        clock,
        timezone,
        currency,
        ledger,
        jobs,
        interactive,
        worker,
        dimming: Signal::Rest,
    })?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    gateway::terminal::say(format_args!("http://{}", listener.local_addr()?));
    tokio::spawn(live(records, inbox, (frozen, by_rule)));
    serve(&HttpConfig::default(), listener, state).await;
    Ok(())
}

fn records_start() -> anyhow::Result<Timestamp> {
    Utc.with_ymd_and_hms(2026, 11, 20, 23, 0, 0).single().context("a moment")
}

async fn live(
    records: watch::Sender<Option<Arc<Record>>>,
    mut inbox: mpsc::Receiver<Commanded>,
    (frozen, by_rule): (Option<f64>, bool),
) {
    let Ok(midnight) = records_start() else { return };
    let mut at = midnight + Duration::seconds((frozen.unwrap_or(6.0) * 3600.0) as i64);
    let (mut mode, mut limit, mut boost) = (Mode::Auto, fixture::MAX, None);
    loop {
        while let Ok(Commanded { command, kept }) = inbox.try_recv() {
            let _ = kept.send(Ok(()));
            match command {
                Command::SetMode(wanted) => mode = wanted,
                Command::SetPowerLimit(watts) => limit = watts,
                Command::Boost(time) if time.is_zero() => boost = None,
                Command::Boost(time) => boost = Duration::from_std(time).ok().map(|time| at + time),
                Command::GridDimming(_) | Command::Scheduled(_) => (),
            }
        }
        let mut shown =
            Record { mode, power_limit: limit, boost_until: boost.filter(|end| *end > at), ..fixture::record(at) };
        if let Some(plan) = shown.plan.as_mut().filter(|_| by_rule) {
            plan.slots.iter_mut().for_each(|slot| slot.house = None);
            (shown.battery_explanation, shown.heat_pump_explanation) = (None, None);
        }
        records.send_replace(Some(Arc::new(shown)));
        if frozen.is_none() {
            at += Duration::seconds(STEP_S);
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
}
