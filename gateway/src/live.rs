//! The live host put together: opens what is kept, starts the devices, the engine and the publishers around the loop.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::feeder::Feeder;
use crate::host::{Host, Inputs, Parting};
use crate::interactive::Interactive;
use crate::leases;
use crate::supervise::Supervisor;
use crate::wiring::Wiring;
use anyhow::Result;
use around::Around;
use drivers::device;
use drivers::pace::Pace;
use opened::Opened;
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
mod opened;
mod started;
mod thread;

pub use kept::lock;
pub use started::listen;

/// Events, reports and wishes that may wait for the loop.
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
    /// Whether to tell the person at the terminal where to look.
    pub banner: bool,
}

/// Runs the gateway until `shutdown`.
///
/// # Errors
/// Something that has to be there at the start is not: the data folder, a free port, an intact ledger.
pub async fn run(mut loaded: Loaded, options: Options, shutdown: CancellationToken) -> Result<()> {
    let Options { clock, record, draw, summaries, banner } = options;
    started::follow_pace(&mut loaded.site, &loaded.devices, &clock);
    let now = clock.now();
    let opened = Opened::open(&loaded, record.as_deref(), now).await?;
    let Loaded { config, site, devices, data_dir, broker, schedule, .. } = loaded;

    let (report_sender, reports) = mpsc::channel(WAITING_MAX);
    let (command_sender, commands) = mpsc::channel(64);
    let (event_sender, events) = mpsc::channel(WAITING_MAX);
    let records = watch::Sender::new(None);
    let around = Around {
        wiring: Wiring { records: records.subscribe(), commands: command_sender, shutdown: shutdown.clone() },
        clock: clock.clone(),
        timezone: site.timezone,
        queue: opened.queue,
        ledger: opened.ledger.clone(),
        events: event_sender.clone(),
        tracker: TaskTracker::new(),
        interactive: Interactive::new(),
        worker: opened.worker,
    };
    let page = around.page()?;

    // Devices and engine outlive the loop: they are given back when it has ended.
    let devices_stop = CancellationToken::new();
    let actuators = Actuators::new(devices.iter().map(|device| device.id.clone()).collect(), &opened.owed);
    let pace = Pace { speed: clock.speed() };
    let mut leases = started::devices(devices, &actuators, report_sender, |device, channels| {
        around.tracker.spawn(device::run(device, pace, channels, devices_stop.clone()));
    });
    let feeder = Feeder::new(opened.client.clone(), site.compute.max, actuators.wanted());
    let engine = feeder.status.subscribe();
    leases.all.push(engine.clone());
    let supervisor = Supervisor {
        launch: opened.launch,
        worker: opened.client,
        clock: clock.clone(),
        prices: site.work,
        booked: opened.booked,
        feeder,
        events: event_sender.clone(),
        restarts: 0,
        receipts_read: 0,
    };
    around.tracker.spawn(supervisor.run(devices_stop.clone()));
    around.start(&config, broker, schedule, &data_dir, engine);
    started::demo(&around, draw, summaries);
    around.tracker.spawn(started::page(config.http, opened.listener, page));
    if banner {
        started::announce(opened.page, clock.speed());
    }
    tracing::info!(site = site.name, page = %opened.page, "running");

    let watching = leases::watch(leases.clone(), actuators.wanted(), records.clone(), shutdown.clone());
    around.tracker.spawn(watching);
    let host = Host {
        plant: Plant::new(site, opened.restored, now),
        clock,
        books: Books::new(opened.ledger, opened.state),
        actuators,
        leases,
        recorder: opened.recorder,
        records,
        events: event_sender,
        unavailable: BTreeMap::new(),
    };
    let parting = thread::run(host, Inputs { reports, commands, events }, shutdown.clone()).await;
    // Nothing more is wanted of the devices by now; they write their safe values and end, also where the loop has failed.
    devices_stop.cancel();
    shutdown.cancel();
    let result = farewell(&around.tracker, parting).await;
    drop(opened.lock);
    result
}

/// Waits for everything that was started, within bounds, and hears the devices' last words.
async fn farewell(tracker: &TaskTracker, parting: Result<Parting>) -> Result<()> {
    tracker.close();
    let (parting, result) = match parting {
        Ok(parting) => (Some(parting), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let last_words = async {
        if let Some(parting) = parting {
            parting.listen().await;
        }
    };
    let ended = async { tokio::join!(tracker.wait(), last_words) };
    if tokio::time::timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("not everything ended in time");
    }
    result
}
