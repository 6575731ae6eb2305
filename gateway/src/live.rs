//! The live host put together: opens what is kept, starts the devices, the engine and the publishers around the loop.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::host::{Host, Inputs};
use crate::interactive::Interactive;
use crate::jobs;
use crate::store::{Ledger, StateStore};
use crate::supervise::Supervisor;
use crate::wiring::Wiring;
use crate::{feeds, http, publish, schedule};
use anyhow::{Context, Result};
use inference::client;
use plant::plant::Plant;
use plant::units::Watts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod kept;
mod started;

/// Events, reports and wishes that may wait for the loop.
const WAITING_MAX: usize = 4096;

/// How this run differs from what the configuration says.
#[derive(Clone, Debug)]
pub struct Options {
    /// House time.
    pub clock: Clock,
    /// Where to record, if anywhere.
    pub record: Option<PathBuf>,
    /// Where the engine's reported power goes, for a simulated house.
    pub draw: Option<watch::Sender<Watts>>,
    /// Whether to tell the person at the terminal where to look.
    pub banner: bool,
}

/// Runs the gateway until `shutdown`.
///
/// # Errors
/// Something that has to be there at the start is not: the data folder, a free port, an intact ledger.
pub async fn run(loaded: Loaded, options: Options, shutdown: CancellationToken) -> Result<()> {
    let Loaded { config, site, devices, data_dir, broker, .. } = loaded;
    std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let _lock = kept::lock(&data_dir)?;
    let listener = started::listen(&config.http.listen).await?;
    let ledger = Ledger::open(&data_dir.join("ledger.db"))?;
    let state = StateStore::open(&data_dir.join("state.db")).context("cannot open state.db in the data folder")?;
    let restored = kept::restore(&ledger, &state)?;
    let booked = kept::booked_receipts(&restored);
    let owed = state.owed().context("cannot read state.db in the data folder")?;

    let clock = options.clock.clone();
    let tracker = TaskTracker::new();
    let devices_stop = CancellationToken::new();
    let (report_sender, reports) = mpsc::channel(WAITING_MAX);
    let (command_sender, commands) = mpsc::channel(64);
    let (event_sender, events) = mpsc::channel(WAITING_MAX);
    let records = watch::Sender::new(None);
    let wiring = Wiring { records: records.subscribe(), commands: command_sender, shutdown: shutdown.clone() };

    let now = clock.now();
    let recorder = kept::recorder(options.record.as_deref(), &site, &restored, now)?;
    let orders = started::devices(devices, &clock, &report_sender, &devices_stop, &tracker);
    drop(report_sender);
    let actuators = Actuators::new(orders);
    actuators.restore(&owed);

    let (launch, address) = started::worker(&config.worker, &site.compute, &data_dir)?;
    let worker = client::Worker::new(&address).context("the client to the worker could not be made")?;
    let queue = jobs::Queue::open(&data_dir.join("jobs.db"), &config.jobs).context("cannot open jobs.db in the data folder")?;
    let interactive = Interactive::new();
    let supervisor = Supervisor {
        launch,
        worker: worker.clone(),
        clock: clock.clone(),
        prices: site.work,
        booked,
        budget: actuators.budget(),
        events: event_sender.clone(),
        restarts: 0,
        receipts_read: 0,
    };
    tracker.spawn(supervisor.run(devices_stop.clone()));
    tracker.spawn(started::backlog(queue.clone(), interactive.clone(), event_sender.clone(), shutdown.clone()));
    tracker.spawn(jobs::run(queue.clone(), worker, actuators.budget(), clock.clone(), usize::from(config.worker.parallel), shutdown.clone()));
    tracker.spawn(feeds::run(config.tariff.clone(), broker.clone(), clock.clone(), event_sender.clone(), shutdown.clone()));
    tracker.spawn(schedule::run(config.clone(), site.timezone, clock.clone(), queue.clone(), wiring.clone()));
    if let Some(draw) = options.draw.clone() {
        tracker.spawn(started::follow_draw(wiring.clone(), draw));
    }
    if let (Some(broker), true) = (broker, config.home_assistant.enabled) {
        let (requests, received) = mpsc::channel(64);
        tracker.spawn(jobs::accept(queue.clone(), received, clock.clone(), shutdown.clone()));
        let announcement = publish::home_assistant::Announcement {
            config: config.home_assistant.clone(),
            topic_prefix: config.mqtt.as_ref().map(|mqtt| mqtt.topic_prefix.clone()).unwrap_or_default(),
            timezone: site.timezone,
            page: None,
        };
        tracker.spawn(publish::home_assistant::run(announcement, broker, wiring.clone(), Some(requests)));
    }
    if config.influx.enabled {
        tracker.spawn(publish::influx::run(config.influx.clone(), data_dir.clone(), wiring.clone()));
    }
    let page = http::State::new(wiring.clone(), site.timezone, ledger.clone(), interactive, address, queue)?;
    let local = listener.local_addr().context("the page's address is unknown")?;
    tracker.spawn(started::page(config.http.clone(), listener, page));
    if options.banner {
        started::announce(local, clock.speed());
    }
    tracing::info!(site = site.name, page = %local, "running");

    let host = Host {
        plant: Plant::new(site, restored, now),
        clock,
        books: Books::new(ledger, state),
        actuators,
        recorder,
        records,
        events: event_sender,
        unavailable: BTreeMap::new(),
    };
    host.run(Inputs { reports, commands, events }, shutdown).await;
    // Orders of the loop's last breath are in the devices' channels by now; then they write their safe values and end.
    devices_stop.cancel();
    tracker.close();
    if tokio::time::timeout(std::time::Duration::from_secs(10), tracker.wait()).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    Ok(())
}
