//! What an earlier run left set, given back by a process that decides nothing: the house waits for its configuration, or the
//! process is about to refuse it. Only devices that are owed something are addressed.

use super::devices::Start;
use super::outside::Outside;
use super::restart::Restart;
use super::wires::Wires;
use super::{FAREWELL, earlier};
use crate::actuate::Actuators;
use crate::clock::Clock;
use crate::config::Known;
use crate::debts::{self, DebtKeeper};
use crate::store::Disk;
use crate::troubles::Troubles;
use anyhow::Result;
use chrono_tz::Tz;
use drivers::debt::Debt;
use drivers::device::Report;
use drivers::pace::Pace;
use plant::point::DeviceId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Reports that may wait.
const WAITING_MAX: usize = 256;
/// How long a process that refuses its configuration waits for its devices. What they have begun by then they may finish.
const PATIENCE: Duration = Duration::from_secs(8);

/// The debts on a disk, on their way to the devices.
#[derive(Debug)]
pub(super) struct Debts {
    /// What is owed by now.
    all: watch::Receiver<Vec<Debt>>,
    /// The devices that are addressed.
    devices: BTreeSet<DeviceId>,
    /// Whether debts are lost: then each device is looked at, for as long as it takes.
    lost: bool,
    /// A sentence for each debt that cannot be carried out.
    elsewhere: Vec<String>,
    reports: mpsc::Receiver<Report>,
    stop: CancellationToken,
    tracker: TaskTracker,
    /// Why each device does not take it.
    errors: BTreeMap<DeviceId, String>,
    _claim: Option<File>,
}

impl Debts {
    /// Reads the debts on `disk` and starts the devices that are owed something.
    ///
    /// # Errors
    /// The disk is claimed by another process.
    pub(super) fn start<O: Outside>(outside: &O, disk: &Disk, known: &Known, troubles: &Troubles) -> Result<Self> {
        let there = disk.has_earlier_run();
        let claim = if there { disk.claim()? } else { None };
        let (file, mut book, aside) = earlier::debts(disk);
        let mut devices: Vec<_> = known.devices.iter().map(|(_, device)| device.clone()).collect();
        let placed = debts::place(&mut book, &devices, known.broker.as_ref());
        let lost = book.lost;
        devices.retain(|device| lost || book.debts.iter().any(|debt| debt.device == device.id));
        let stranded = placed.notices().map(|(_, words)| words);
        let elsewhere = aside.into_iter().map(|words| format!("{words}.")).chain(stranded).collect();
        let (sender, reports) = mpsc::channel(WAITING_MAX);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (keeper, ways) = DebtKeeper::new(file, book, &placed, Clock::real(), Tz::UTC);
        let all = ways.all.clone();
        if there {
            tracker.spawn(outside.apart(keeper.run()));
        }
        let ids: BTreeSet<_> = devices.iter().chain(&placed.gone).map(|device| device.id.clone()).collect();
        let actuators = Actuators::new(ids.clone());
        let restart = Restart { troubles: troubles.clone(), stop: stop.clone() };
        let start = Start { outside, reports: sender, restart, tracker: &tracker, debts: ways };
        start.devices(devices, placed.gone, &actuators);
        tracker.close();
        Ok(Self { all, devices: ids, lost, elsewhere, reports, stop, tracker, errors: BTreeMap::new(), _claim: claim })
    }

    /// Hears the devices until everything that can be given back is; one that does not take it is tried again and again.
    pub(super) async fn carry_out(&mut self) {
        let (mut all, devices, lost) = (self.all.clone(), self.devices.clone(), self.lost);
        let mut settled = pin!(all.wait_for(|all| !lost && debts::owed(all, &devices).is_empty()));
        loop {
            tokio::select! {
                _ = &mut settled => break,
                Some(report) = self.reports.recv() => hear(&mut self.errors, report),
            }
        }
        self.stop.cancel();
    }

    /// What is still owed, a sentence each.
    pub(super) fn open(&self) -> Vec<String> {
        let all = self.all.borrow();
        let owed =
            all.iter().filter(|debt| self.devices.contains(&debt.device)).map(|Debt { device, control, .. }| {
                let why = self.errors.get(device).map_or("it has not answered yet", String::as_str);
                format!("{device} ({control}) is not given back yet: {why}")
            });
        owed.chain(self.elsewhere.iter().cloned()).collect()
    }

    /// Lets the devices end. Returns the controls that may still hold what was set, as `device (control)`.
    pub(super) async fn end(mut self) -> Vec<String> {
        self.stop.cancel();
        let hear = async { while self.reports.recv().await.is_some() {} };
        let _ = timeout(FAREWELL, async { tokio::join!(self.tracker.wait(), hear) }).await;
        debts::owed(&self.all.borrow(), &self.devices)
    }
}

fn hear(errors: &mut BTreeMap<DeviceId, String>, report: Report) {
    match report {
        Report::Values { .. } => {}
        Report::Unavailable { device, why } => drop(errors.insert(device, why)),
        Report::Applied { setpoint, error: Some(error) } => drop(errors.insert(setpoint.device, error)),
        Report::Applied { setpoint, error: None } => drop(errors.remove(&setpoint.device)),
    }
}

/// Before a configuration is refused: gives back what an earlier run left set, as far as its devices can be addressed. Says what
/// could not be given back.
pub async fn give_back(known: &Known, shutdown: &CancellationToken) {
    let disk = Disk::Folder(known.data_dir.clone());
    match Wires::new(Pace::default()) {
        Ok(wires) => give_back_in(&wires, &disk, known, shutdown).await,
        Err(error) => tracing::warn!(error = format!("{error:#}"), "what an earlier run left set cannot be given back"),
    }
}

/// The same in the world `outside`.
pub(super) async fn give_back_in<O: Outside>(outside: &O, disk: &Disk, known: &Known, shutdown: &CancellationToken) {
    let mut debts = match Debts::start(outside, disk, known, &Troubles::default()) {
        Ok(debts) => debts,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "what an earlier run left set cannot be given back");
            return;
        }
    };
    let _ = timeout(PATIENCE, shutdown.run_until_cancelled(debts.carry_out())).await;
    for debt in debts.open() {
        tracing::warn!("{debt}");
    }
    debts.end().await;
}
