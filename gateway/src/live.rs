//! The live host put together: opens what is kept, starts the devices, the engine and the publishers around the loop.
//!
//! Everything outside this process is passed in: the clock, the disk, and the world of devices and engine. [`run`] brings
//! the machine's own; a test brings a clock that jumps, a disk in memory and a simulated house, and runs the same loop.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::engine::{Feeder, Watchdog};
use crate::host::{GracefulShutdown, Host};
use crate::http;
use crate::interactive::Interactive;
use crate::leases;
use crate::store::Disk;
use anyhow::{Result, bail};
use devices::Start;
use drivers::pace::Pace;
use keepers::Owed;
use outside::Outside;
use plant::plant::Plant;
use plant::units::Watts;
use queues::Queues;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tasks::Tasks;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wires::Wires;

mod data_folder;
mod devices;
mod earlier;
#[cfg(test)]
mod hour_test;
mod keepers;
mod outside;
mod page;
mod queues;
mod resources;
mod tasks;
mod thread;
mod wires;

pub use page::listen;

/// How long devices, publishers and the engine may take to end.
const FAREWELL: Duration = Duration::from_secs(10);

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
    /// Whether the person at the terminal reads where to look.
    pub banner: bool,
}

/// Runs the gateway until `shutdown`.
pub async fn run(loaded: Loaded, options: Options, shutdown: CancellationToken) -> Result<()> {
    let disk = Disk::Folder(loaded.data_dir.clone());
    let wires = Wires::new(Pace { speed: options.clock.speed() })?;
    run_in(wires, disk, loaded, options, shutdown).await
}

/// The same in the world `outside` and on `disk`.
async fn run_in<O: Outside>(
    outside: O,
    disk: Disk,
    mut loaded: Loaded,
    options: Options,
    shutdown: CancellationToken,
) -> Result<()> {
    let Options { clock, record, draw, summaries, banner } = options;
    devices::follow_pace(&mut loaded.site, &loaded.devices, &clock);
    let now = clock.now();
    let resources = resources::open(&outside, &disk, &loaded, record.as_deref(), now).await?;
    let broker = outside.broker(&loaded);
    let Loaded { config, site, devices, schedule, broker: loaded_broker, .. } = loaded;

    let Queues { inputs, reports, events, wiring, records, confirmations } = Queues::new(&shutdown);
    let tasks = Tasks {
        wiring,
        clock: clock.clone(),
        timezone: site.timezone,
        queue: resources.queue,
        ledger: resources.ledger.clone(),
        events: events.clone(),
        tracker: TaskTracker::new(),
        interactive: Interactive::new(),
        disk,
        worker: resources.worker,
    };
    let page = tasks.page()?;

    // Devices and engine outlive the loop: they are given back when it has ended.
    let devices_stop = CancellationToken::new();
    let actuators = Actuators::new(devices.iter().map(|device| device.id.clone()).collect());
    let configured = (devices.as_slice(), loaded_broker.as_ref());
    let keepers = resources.kept.start(&outside, &tasks, configured, confirmations);
    let start =
        Start { outside: &outside, reports, stop: &devices_stop, tracker: &tasks.tracker, debts: &keepers.debts };
    let mut leases = start.devices(devices, keepers.gone, &actuators);
    // From here on only the devices hold a way to the debts: whoever writes them down ends after the last device.
    drop(keepers.debts);
    let feeder = Feeder::new(resources.engine.clone(), site.compute.max, actuators.wanted());
    let engine = feeder.status.subscribe();
    leases.all.push(engine.clone());
    let watchdog = Watchdog {
        engine: resources.engine,
        clock: clock.clone(),
        prices: site.work,
        booked: resources.booked,
        feeder,
        events: events.clone(),
        restarts: 0,
        receipts_read: 0,
        ready_at: None,
    };
    tasks.tracker.spawn(outside.apart(watchdog.run(devices_stop.clone())));
    tasks.start(&config, broker, schedule, engine);
    tasks.simulation(draw, summaries);
    tasks.tracker.spawn(async move { http::serve(&config.http, resources.listener, page).await });
    page::announce(&site.name, resources.page, banner.then(|| clock.speed()));

    let watching = leases::watch(leases.clone(), actuators.wanted(), records.clone(), shutdown.clone());
    tasks.tracker.spawn(watching);
    let host = Host {
        plant: Plant::new(site, resources.restored, now),
        clock,
        books: Books::new(resources.ledger, resources.state),
        actuators,
        leases,
        recorder: resources.recorder,
        notices: keepers.notices,
        commands: keepers.commands,
        records,
        events,
        unavailable: BTreeMap::new(),
    };
    let rest = outside.drive(host, inputs, shutdown.clone()).await;
    // Where the loop has failed, everything else ends as well, and the leases let go of the devices.
    shutdown.cancel();
    let result = end(rest, &devices_stop, &tasks.tracker, &keepers.owed).await;
    drop(resources.claim);
    result
}

/// Lets everything around the loop end. Nothing more is wanted of the devices by now; they write their safe values and end, and
/// after them whoever writes down that they did.
async fn end(
    rest: Result<GracefulShutdown>,
    devices_stop: &CancellationToken,
    tracker: &TaskTracker,
    owed: &Owed,
) -> Result<()> {
    devices_stop.cancel();
    tracker.close();
    let (mut rest, result) = match rest {
        Ok(rest) => (Some(rest), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let listen = async {
        if let Some(rest) = &mut rest {
            rest.listen().await;
        }
    };
    let ended = async { tokio::join!(tracker.wait(), listen) };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    let owed = owed.list();
    if !owed.is_empty() {
        bail!("not given back: {}; the next start does that first", owed.join(", "));
    }
    result
}
