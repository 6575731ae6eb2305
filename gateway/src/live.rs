//! The live host put together: opens what is kept, starts the devices, the engine and the publishers around the loop.
//!
//! Everything outside this process is passed in: the clock, the disk, and the world of devices and engine. [`run`] brings
//! the machine's own; a test brings a clock that jumps, a disk in memory and a simulated house, and runs the same loop.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::{Known, Loaded};
use crate::engine::Feeder;
use crate::feeds::Board;
use crate::host::{GracefulShutdown, Host};
use crate::interactive::Interactive;
use crate::notify::Notify;
use crate::planning::Planner;
use crate::source::Source;
use crate::store::Disk;
use crate::troubles::Troubles;
use anyhow::{Result, bail};
use devices::Start;
use drivers::pace::Pace;
use keepers::Owed;
use outside::Outside;
use plant::plant::Plant;
use plant::units::Watts;
use queues::Queues;
use restart::Restart;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tasks::Tasks;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wires::Wires;

mod data_folder;
mod debts;
mod devices;
mod earlier;
mod engine;
#[cfg(test)]
mod history_test;
#[cfg(test)]
mod hour_test;
mod keepers;
mod outside;
mod page;
mod queues;
mod resources;
mod restart;
#[cfg(test)]
mod rot_test;
mod setup;
mod simulation;
mod tasks;
mod thread;
mod wires;

pub use debts::give_back;
pub use page::listen;
pub use setup::setup;

/// How long devices, publishers and the engine may take to end: the 60 s that the Supervisor gives an app, less a loop that hangs and
/// what is left then.
const FAREWELL: Duration = Duration::from_secs(52);

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
    /// What is found out beside the loop.
    pub shell: Shell,
}

/// What the program around a house knows and finds out. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// What is wrong around the loop.
    pub troubles: Troubles,
    /// The way to systemd.
    pub notify: Notify,
    /// Where the configuration came from, and the mark of what was found there.
    pub source: Option<(Source, u64)>,
}

impl Shell {
    /// What starts tasks again until `stop`, and says what is wrong with them.
    fn restart(&self, stop: &CancellationToken) -> Restart {
        Restart { troubles: self.troubles.clone(), stop: stop.clone() }
    }
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
    Options { clock, record, draw, summaries, banner, shell }: Options,
    shutdown: CancellationToken,
) -> Result<()> {
    devices::follow_pace(&mut loaded.site, &loaded.devices, &clock);
    let (now, feeds) = (clock.now(), Board::default());
    let resources = match resources::open(&outside, &disk, &loaded, record.as_deref(), now).await {
        Ok(resources) => resources,
        Err(error) => return refused(&outside, &disk, &loaded, &shutdown, error).await,
    };
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
        feeds: feeds.clone(),
        notices: resources.kept.notices.clone(),
        worker: resources.worker,
        restart: shell.restart(&shutdown),
    };
    tasks.serve(&config, resources.listener)?;

    // Devices and engine outlive the loop: they are given back when it has ended.
    let devices_stop = CancellationToken::new();
    let actuators = Actuators::new(devices.iter().map(|device| device.id.clone()).collect());
    let keepers = resources.kept.start(&outside, &tasks, (&devices, loaded_broker.as_ref()), confirmations);
    // From here on only the devices hold a way to the debts: whoever writes them down ends after the last device.
    let (tracker, debts) = (&tasks.tracker, keepers.debts);
    let start = Start { outside: &outside, reports, restart: shell.restart(&devices_stop), tracker, debts };
    let mut leases = start.devices(devices, keepers.gone, &actuators);
    let feeder = Feeder::new(resources.engine.clone(), site.compute.max, actuators.wanted());
    let engine = feeder.status.subscribe();
    leases.all.push(engine.clone());
    let plant = Plant::new(site.clone(), resources.restored, now);
    let books = Books::new(resources.ledger.clone(), resources.state, clock.speed())
        .with_history(resources.history, site.clone())
        .after(plant.checkpoint(now).journals);
    let (engine_tasks, settled) = (tasks.clone(), books.settled());
    let watched = engine::Watched { engine: resources.engine, prices: site.work, feeder, tasks: engine_tasks, settled };
    tasks.tracker.spawn(outside.apart(watched.keep(shell.restart(&devices_stop))));
    tasks.start(&config, broker, schedule, (engine, &books.settled()));
    tasks.follow_source(&config, shell.source);
    tasks.simulation(draw, summaries);
    tasks.watch(&leases, &actuators, &records, &shell.notify);
    say_running(&site.name, resources.page, banner.then_some(clock.speed()), &shell.notify);

    let host = Host {
        plant,
        books,
        clock,
        actuators,
        leases,
        recorder: resources.recorder,
        notices: keepers.notices,
        commands: keepers.commands,
        records,
        planner: Planner::new(events.clone()),
        events,
        unavailable: BTreeMap::new(),
        troubles: shell.troubles,
        feeds,
    };
    let rest = outside.drive(host, inputs, shutdown.clone()).await;
    // Where the loop has failed, everything else ends as well, and the leases let go of the devices.
    shutdown.cancel();
    shell.notify.stopping();
    let _claim = resources.claim;
    end(rest, &devices_stop, &tasks.tracker, &keepers.owed).await
}

/// A house that cannot start gives back what an earlier run left set, all the same.
async fn refused(
    outside: &impl Outside,
    disk: &Disk,
    loaded: &Loaded,
    shutdown: &CancellationToken,
    error: anyhow::Error,
) -> Result<()> {
    debts::give_back_in(outside, disk, &Known::from(loaded), shutdown).await;
    Err(error)
}

/// Says that the house runs: in the log, to systemd, and at the terminal with the `speed` of its time where somebody reads there.
fn say_running(site: &str, page: SocketAddr, speed: Option<f64>, notify: &Notify) {
    if let Some(speed) = speed {
        page::announce(page, speed);
    }
    tracing::info!(site, %page, "running");
    notify.ready(&format!("{site} runs; its page is at {page}"));
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
    given_back(&owed.list()).and(result)
}

/// Names the controls that may still hold one of our settings, as `device (control)`, where there are any.
fn given_back(owed: &[String]) -> Result<()> {
    if owed.is_empty() {
        return Ok(());
    }
    bail!("not given back: {}; the next start does that first", owed.join(", "))
}
