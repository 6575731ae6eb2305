//! The live host put together: opens what is kept, starts the devices, the engine and the publishers around the loop.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::engine::process::EngineProcess;
use crate::host::{Host, Inputs};
use crate::interactive::Interactive;
use crate::wiring::Wiring;
use anyhow::Result;
use plant::plant::Plant;
use plant::units::Watts;
use resources::Resources;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tasks::Tasks;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod data_folder;
mod devices;
mod resources;
mod tasks;

pub use data_folder::lock;
pub use devices::listen;

/// Events, reports and commands that may wait for the loop.
const WAITING_MAX: usize = 4096;
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
///
/// # Errors
/// Something that has to be there at the start is not: the data folder, a free port, an intact ledger.
pub async fn run(mut loaded: Loaded, options: Options, shutdown: CancellationToken) -> Result<()> {
    let Options { clock, record, draw, summaries, banner } = options;
    devices::follow_pace(&mut loaded.site, &loaded.devices, &clock);
    let now = clock.now();
    let resources = Resources::open(&loaded, record.as_deref(), now).await?;
    let Loaded { config, site, devices, data_dir, broker, schedule, .. } = loaded;

    let (report_sender, reports) = mpsc::channel(WAITING_MAX);
    let (command_sender, commands) = mpsc::channel(64);
    let (event_sender, events) = mpsc::channel(WAITING_MAX);
    let records = watch::Sender::new(None);
    let tasks = Tasks {
        wiring: Wiring { records: records.subscribe(), commands: command_sender, shutdown: shutdown.clone() },
        clock: clock.clone(),
        timezone: site.timezone,
        queue: resources.queue,
        ledger: resources.ledger.clone(),
        events: event_sender.clone(),
        tracker: TaskTracker::new(),
        interactive: Interactive::new(),
        worker: resources.worker,
    };
    let page = tasks.page()?;

    // Devices and engine outlive the loop: they get their safe values when it has ended.
    let devices_stop = CancellationToken::new();
    let setpoints = devices::devices(devices, &clock, report_sender, &devices_stop, &tasks.tracker);
    let actuators = Actuators::new(setpoints);
    actuators.restore(&resources.owed);
    let process = EngineProcess {
        launch: resources.launch,
        worker: resources.client,
        clock: clock.clone(),
        prices: site.work,
        booked: resources.booked,
        budget: actuators.budget(),
        events: event_sender.clone(),
        restarts: 0,
        receipts_read: 0,
    };
    tasks.tracker.spawn(process.run(devices_stop.clone()));
    tasks.start(&config, broker, schedule, &data_dir, actuators.budget());
    if let Some(draw) = draw {
        tasks.tracker.spawn(devices::follow_draw(tasks.wiring.clone(), draw));
    }
    if let Some(interval) = summaries {
        tasks.tracker.spawn(devices::summaries(tasks.clone(), interval));
    }
    tasks.tracker.spawn(devices::page(config.http, resources.listener, page));
    if banner {
        devices::announce(resources.page, clock.speed());
    }
    tracing::info!(site = site.name, page = %resources.page, "running");

    let host = Host {
        plant: Plant::new(site, resources.restored, now),
        clock,
        books: Books::new(resources.ledger, resources.state),
        actuators,
        recorder: resources.recorder,
        records,
        events: event_sender,
        unavailable: BTreeMap::new(),
    };
    let farewell = host.run(Inputs { reports, commands, events }, shutdown).await;
    // The loop's last setpoints are in the devices' channels by now; then they write their safe values and end.
    devices_stop.cancel();
    tasks.tracker.close();
    let ended = async { tokio::join!(tasks.tracker.wait(), farewell.listen()) };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    drop(resources.lock);
    Ok(())
}
