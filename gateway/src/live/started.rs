//! The tasks around the loop.

use super::around::Around;
use crate::actuate::Actuators;
use crate::clock::Clock;
use crate::config::http::HttpConfig;
use crate::config::worker::WorkerConfig;
use crate::http;
use crate::jobs::summary::{self, Reader};
use crate::leases::Leases;
use crate::supervise::Launch;
use crate::terminal::say;
use crate::wiring::Wiring;
use anyhow::{Context, Result, anyhow};
use drivers::device::{Channels, DeviceConfig, Report};
use drivers::pace::Pace;
use plant::site::{Compute, Site};
use plant::units::Watts;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// No summaries are added to a queue of this length: nobody would read them.
const SUMMARIES_MAX: u32 = 24;

/// Opens the page's port.
///
/// # Errors
/// The address is wrong or in use.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "it is in use by another program; choose another with [http] listen or --http"
            }
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need root",
            _ => "expected address:port, as 0.0.0.0:8099",
        };
        anyhow!("cannot listen on {address} for the page: {error}; {hint}")
    })
}

/// A house whose time runs fast is read over wires that do not: samples may be as much older.
pub fn follow_pace(site: &mut Site, configs: &[DeviceConfig], clock: &Clock) {
    if clock.speed() <= 1.0 {
        return;
    }
    for (device, config) in site.devices.iter_mut().zip(configs) {
        let ages = config.definition.ages(config.interval, Pace { speed: clock.speed() });
        device.max_age = device.max_age.max(ages.usual);
        device.slow = ages.slow;
    }
}

/// Starts the devices under what `actuators` want of them; returns who holds their controls.
pub fn devices(
    configs: Vec<DeviceConfig>,
    actuators: &Actuators,
    reports: mpsc::Sender<Report>,
    start: impl Fn(DeviceConfig, Channels),
) -> Leases {
    let mut leases = Leases::default();
    for config in configs {
        let (sender, receiver) = watch::channel(Vec::new());
        leases.all.push(receiver);
        let (wanted, debts) = (actuators.wanted(), actuators.debts(&config.id));
        start(config, Channels { reports: reports.clone(), wanted, leases: sender, debts });
    }
    leases
}

/// How the worker is started, unless it runs elsewhere, and its address.
///
/// # Errors
/// Its port cannot be had.
pub fn worker(
    config: &WorkerConfig,
    compute: &Compute,
    listen: SocketAddr,
    experts: &Path,
    folder: &Path,
) -> Result<(Option<Launch>, String)> {
    if let Some(url) = &config.url {
        return Ok((None, url.trim_end_matches('/').to_owned()));
    }
    let listen = free(listen).with_context(|| format!("cannot listen on {listen} for the worker ([worker] listen)"))?;
    let mut arguments: Vec<OsString> = vec!["worker".into()];
    let mut add = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    add("--listen", listen.to_string().into());
    add("--experts", experts.into());
    add("--data", folder.join("worker").into());
    add("--parallel", config.parallel.to_string().into());
    add("--context", config.context.to_string().into());
    add("--idle-w", compute.idle.0.to_string().into());
    add("--max-w", compute.max.0.to_string().into());
    add("--budget", "0".into());
    if let Some(expert) = &config.expert {
        add("--model", expert.into());
    }
    if let Some(threads) = config.threads {
        add("--threads", threads.to_string().into());
    }
    arguments.push("--supervised".into());
    let program = std::env::current_exe().context("the path of this program is unknown")?.into();
    Ok((Some(Launch { program, arguments }), format!("http://{listen}")))
}

/// A port that is free now, so that the worker keeps it over its restarts.
fn free(listen: SocketAddr) -> std::io::Result<SocketAddr> {
    std::net::TcpListener::bind(listen)?.local_addr()
}

/// What only a simulated house has: the engine's power on its bus, and work for all day.
pub fn demo(around: &Around, draw: Option<watch::Sender<Watts>>, interval: Option<Duration>) {
    if let Some(draw) = draw {
        around.tracker.spawn(follow_draw(around.wiring.clone(), draw));
    }
    if let Some(interval) = interval {
        around.tracker.spawn(summaries(around.clone(), interval));
    }
}

/// Passes the power that the engine says it draws to a simulated house.
async fn follow_draw(mut wiring: Wiring, draw: watch::Sender<Watts>) {
    while wiring.records.changed().await.is_ok() {
        let power = wiring.records.borrow_and_update().as_ref().and_then(|record| record.worker.power);
        draw.send_replace(power.unwrap_or(Watts::ZERO));
    }
}

/// Queues summaries of the day so far, for every kind of reader: work that can wait for the sun.
async fn summaries(around: Around, interval: Duration) {
    let Around { wiring, clock, timezone, queue, .. } = around;
    let pause = interval.div_f64(clock.speed());
    while wiring.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let Some(record) = wiring.records.borrow().clone() else { continue };
        if queue.backlog().jobs >= SUMMARIES_MAX {
            continue;
        }
        let now = clock.now();
        let day = now.with_timezone(&timezone).date_naive();
        for reader in Reader::ALL {
            let request = summary::request(reader, &record.site, day, &record.today, now);
            if let Err(error) = queue.submit(&request, now) {
                tracing::warn!(%error, "a summary could not be queued");
            }
        }
    }
}

/// Serves the page until the gateway stops.
pub async fn page(config: HttpConfig, listener: TcpListener, state: http::State) {
    http::serve(&config, listener, state).await;
}

/// Tells the person at the terminal where to look.
pub fn announce(address: SocketAddr, speed: f64) {
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    say(format_args!("HeatMine runs. Look at http://{host}:{} in a browser; Ctrl-C ends it.", address.port()));
    if speed > 1.0 {
        say(format_args!("A second here is {speed} seconds in the house."));
    }
}
