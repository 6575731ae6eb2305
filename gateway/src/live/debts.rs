//! What an earlier run left set, given back by a process that decides nothing: the house waits for its configuration, or the
//! process is about to refuse it. Only devices that are owed something are addressed.

use super::devices::Start;
use super::outside::Outside;
use super::restart::Restart;
use super::wires::Wires;
use crate::actuate::Actuators;
use crate::config::Known;
use crate::store::{Disk, StateStore};
use crate::troubles::Troubles;
use anyhow::Result;
use drivers::device::Report;
use drivers::pace::Pace;
use plant::point::DeviceId;
use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The file whose presence says that there was an earlier run.
const STATE: &str = "state.db";
/// Reports that may wait.
const WAITING_MAX: usize = 256;
/// How long a process that refuses its configuration gives devices back: with [`FAREWELL`], less than a supervisor allows.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long the devices' tasks may take to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// The debts on a disk, on their way to the devices.
#[derive(Debug)]
pub(super) struct Debts {
    state: Option<StateStore>,
    actuators: Actuators,
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
        let there = disk.path(STATE).exists();
        let claim = if there { disk.claim()? } else { None };
        let opened = there.then(|| StateStore::open(disk).and_then(|state| Ok((state.owed()?, state))));
        let (owed, state, unread) = match opened {
            Some(Ok((owed, state))) => (owed, Some(state), None),
            Some(Err(error)) => (Vec::new(), None, Some(error.to_string())),
            None => (Vec::new(), None, None),
        };
        let mut devices: Vec<_> = known.devices.iter().map(|(_, device)| device.clone()).collect();
        devices.retain(|device| owed.iter().any(|(debtor, _)| *debtor == device.id));
        let lost = owed.iter().filter(|(debtor, _)| devices.iter().all(|device| device.id != *debtor));
        let elsewhere = lost.map(|(device, control)| {
            format!(
                "{device} ({control}) may still hold what HeatMine set; it is given back once its [[device]] is in order again"
            )
        });
        let unread = unread.map(|error| {
            format!(
                "{} cannot be read ({error}): a device may still hold what HeatMine set",
                disk.path(STATE).display()
            )
        });
        let elsewhere = elsewhere.chain(unread).collect();

        let (sender, reports) = mpsc::channel(WAITING_MAX);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let actuators = Actuators::new(devices.iter().map(|device| device.id.clone()).collect(), &owed);
        let restart = Restart { troubles: troubles.clone(), stop: stop.clone() };
        Start { outside, reports: sender, restart, tracker: &tracker }.devices(devices, &actuators);
        tracker.close();
        Ok(Self { state, actuators, elsewhere, reports, stop, tracker, errors: BTreeMap::new(), _claim: claim })
    }

    /// Hears the devices until everything that can be given back is; one that does not take it is tried again and again.
    pub(super) async fn carry_out(&mut self) {
        while self.actuators.owed().next().is_some() {
            let Some(report) = self.reports.recv().await else { return };
            self.hear(report);
        }
        self.stop.cancel();
    }

    /// What is still owed, a sentence each.
    pub(super) fn open(&self) -> Vec<String> {
        let owed = self.actuators.owed().map(|(device, control)| {
            let why = self.errors.get(device).map_or("it has not answered yet", String::as_str);
            format!("{device} ({control}) is not given back yet: {why}")
        });
        owed.chain(self.elsewhere.iter().cloned()).collect()
    }

    /// Lets the devices end. Returns the controls that may still hold what was set, as `device (control)`.
    pub(super) async fn end(mut self) -> Vec<String> {
        self.stop.cancel();
        let hear = async {
            while let Some(report) = self.reports.recv().await {
                hear(&mut self.actuators, &mut self.state, report);
            }
        };
        let _ = timeout(FAREWELL, async { tokio::join!(self.tracker.wait(), hear) }).await;
        self.actuators.owed().map(|(device, control)| format!("{device} ({control})")).collect()
    }

    fn hear(&mut self, report: Report) {
        match &report {
            Report::Values { .. } => {}
            Report::Unavailable { device, why } => drop(self.errors.insert(device.clone(), why.clone())),
            Report::Applied { setpoint, error } => {
                let device = setpoint.device.clone();
                match error {
                    Some(error) => drop(self.errors.insert(device, error.clone())),
                    None => drop(self.errors.remove(&device)),
                }
            }
        }
        hear(&mut self.actuators, &mut self.state, report);
    }
}

fn hear(actuators: &mut Actuators, state: &mut Option<StateStore>, report: Report) {
    if let (Report::Applied { setpoint, error }, Some(state)) = (report, state) {
        actuators.settle(&setpoint, error.as_deref(), state);
    }
}

/// Before a configuration is refused: gives back what an earlier run left set, as far as its devices can be addressed. Says what
/// could not be given back.
pub async fn give_back(known: &Known, shutdown: &CancellationToken) {
    let disk = Disk::Folder(known.data_dir.clone());
    let started =
        Wires::new(Pace::default()).and_then(|wires| Debts::start(&wires, &disk, known, &Troubles::default()));
    let mut debts = match started {
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
