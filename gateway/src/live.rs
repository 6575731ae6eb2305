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
use around::Around;
use crate::http;
use anyhow::{Context, Result};
use inference::client;
use plant::plant::Plant;
use plant::units::Watts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod around;
mod kept;
mod started;

pub use kept::lock;
pub use started::listen;

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
    /// Queue summaries of the day so far this often in house time.
    pub summaries: Option<Duration>,
    /// Whether to tell the person at the terminal where to look.
    pub banner: bool,
}

/// Runs the gateway until `shutdown`.
///
/// # Errors
/// Something that has to be there at the start is not: the data folder, a free port, an intact ledger.
pub async fn run(loaded: Loaded, options: Options, shutdown: CancellationToken) -> Result<()> {
    let Loaded { config, mut site, devices, data_dir, experts_dir, broker, http_listen, worker_listen, schedule, .. } = loaded;
    std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let _lock = kept::lock(&data_dir)?;
    let listener = started::listen(http_listen).await?;
    let ledger = Ledger::open(&data_dir.join("ledger.db"))?;
    let state = StateStore::open(&data_dir.join("state.db")).context("cannot open state.db in the data folder")?;
    let restored = kept::restore(&ledger, &state)?;
    let booked = kept::booked_receipts(&ledger)?;
    let owed = state.owed().context("cannot read state.db in the data folder")?;

    let clock = options.clock.clone();
    started::follow_pace(&mut site, &devices, &clock);
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

    let (launch, address) = started::worker(&config.worker, &site.compute, worker_listen, &experts_dir, &data_dir)?;
    let worker = client::Worker::new(&address).context("the client to the worker could not be made")?;
    let limits = jobs::Limits {
        queue_max: config.jobs.queue_max,
        attempts: config.jobs.attempts,
        eur_per_mtok_in: site.work.eur_per_mtok_in,
        eur_per_mtok_out: site.work.eur_per_mtok_out,
    };
    let queue = jobs::Queue::open(&data_dir.join("jobs.db"), limits)?;
    let interactive = Interactive::new();
    let supervisor = Supervisor {
        launch,
        worker,
        clock: clock.clone(),
        prices: site.work,
        booked,
        budget: actuators.budget(),
        events: event_sender.clone(),
        restarts: 0,
        receipts_read: 0,
    };
    tracker.spawn(supervisor.run(devices_stop.clone()));
    let around = Around {
        wiring: wiring.clone(),
        clock: clock.clone(),
        timezone: site.timezone,
        queue: queue.clone(),
        ledger: ledger.clone(),
        events: event_sender.clone(),
        tracker: tracker.clone(),
    };
    around.backlog(interactive.clone());
    around.jobs(address.clone(), actuators.budget(), usize::from(config.worker.parallel));
    around.schedule(schedule);
    around.feeds(&config, broker.clone());
    around.publishers(&config, broker, &data_dir);
    if let Some(draw) = options.draw.clone() {
        tracker.spawn(started::follow_draw(wiring.clone(), draw));
    }
    if let Some(interval) = options.summaries {
        tracker.spawn(started::summaries(around.clone(), interval));
    }
    let page = http::State::new(http::Parts { wiring, timezone: site.timezone, clock: clock.clone(), ledger: ledger.clone(), jobs: queue, interactive, worker: address })?;
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
    if tokio::time::timeout(Duration::from_secs(10), tracker.wait()).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    Ok(())
}
