//! Keeps the leases of a device: hands them the core's cycles, makes the writes that are due, and says who holds what.

use super::leases::Leases;
use super::reporter::Reporter;
use super::writer::Writer;
use crate::debt::{Debt, Debts};
use crate::definition::ControlRow;
use crate::lease::{Duty, Wanted};
use plant::decision::Control;
use plant::point::DeviceId;
use plant::record::{LeaseState, LeaseStatus};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How often a device that is being given back is looked at; its leases decide when it is written to.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Keeper {
    pub(super) device: DeviceId,
    pub(super) leases: Leases,
    pub(super) writer: Writer,
    pub(super) reporter: Reporter,
    /// For those who watch the loop: this way does not lead through it.
    pub(super) statuses: watch::Sender<Vec<LeaseStatus>>,
    /// Where debts are written down.
    pub(super) debts: Debts,
    /// The controls that have a debt there.
    pub(super) owed: BTreeSet<Control>,
    /// Those of an earlier run.
    pub(super) earlier: BTreeSet<Control>,
}

impl Keeper {
    /// Follows the newest cycle.
    pub(super) async fn follow(&mut self, wanted: &Wanted) {
        for (setpoint, error) in self.leases.take(wanted) {
            self.reporter.applied(setpoint, error.map(|error| error.to_string()));
        }
        self.look().await;
    }

    /// Tries at once what the device did not take before it answered again.
    pub(super) async fn retry(&mut self) {
        self.leases.retry();
        self.look().await;
    }

    /// Makes the writes that are due. One may take long, so that each is asked for when its turn comes, and what the leases say is
    /// published before it.
    pub(super) async fn look(&mut self) {
        for control in self.leases.controls() {
            let due = self.leases.due(control, Instant::now());
            self.publish();
            if let Some((row, duty)) = due {
                self.carry_out(&row, duty).await;
            }
        }
        self.publish();
    }

    /// Gives every control back whose device may hold something else than its safe value. Ends when all are. Those that had fallen
    /// back are reported as well, so that their debts are settled.
    pub(super) async fn give_back(&mut self) {
        self.leases.end();
        for setpoint in self.leases.released() {
            self.reporter.applied(setpoint, None);
        }
        while self.leases.any_set() {
            self.look().await;
            sleep(LOOK).await;
        }
    }

    async fn carry_out(&mut self, row: &ControlRow, duty: Duty) {
        let error = match self.remember(row.name, &duty).await {
            Ok(()) => self.writer.carry_out(row, &duty).await.err().map(|error| error.to_string()),
            Err(why) => Some(format!("not sent: {why}")),
        };
        if error.is_none() && duty.setpoint.setting.is_safe() {
            self.settle(row.name).await;
        }
        if self.leases.written(&duty, error.clone(), Instant::now()) {
            self.reporter.applied(duty.setpoint, error);
        }
    }

    /// Has a debt written down before a control is taken from its device; waits for the disk.
    async fn remember(&mut self, control: Control, duty: &Duty) -> Result<(), String> {
        if duty.setpoint.setting.is_safe() || duty.renewal || self.owed.contains(&control) {
            return Ok(());
        }
        let debt = Debt { device: self.device.clone(), control, place: None, registers: Vec::new() };
        self.debts.owe(debt, None).await?;
        self.owed.insert(control);
        Ok(())
    }

    async fn settle(&mut self, control: Control) {
        if self.earlier.remove(&control) {
            tracing::info!(device = %self.device, %control, "given back its own control after an unclean stop");
        }
        if self.owed.remove(&control) {
            self.debts.settle(self.device.clone(), control).await;
        }
    }

    fn publish(&self) {
        let newest = self.leases.statuses();
        self.statuses.send_if_modified(|known| {
            let changed = *known != newest;
            if changed {
                newest.iter().for_each(|lease| log(lease, known.iter().find(|old| old.control == lease.control)));
                *known = newest;
            }
            changed
        });
    }
}

/// Says what a person would want to know of a change.
fn log(lease: &LeaseStatus, before: Option<&LeaseStatus>) {
    let LeaseStatus { device, control, state, error, .. } = lease;
    let fell_back = |lease: &LeaseStatus| lease.state == LeaseState::FellBack;
    match (before.is_some_and(fell_back), *state) {
        (false, LeaseState::FellBack) => tracing::warn!(%device, %control, "the core is silent: given back"),
        (true, LeaseState::Own | LeaseState::Held) => tracing::info!(%device, %control, "the core is back"),
        (true, LeaseState::FellBack) | (false, LeaseState::Own | LeaseState::Held) => {}
    }
    if let Some(error) = error
        && before.is_none_or(|before| before.error.as_ref() != Some(error))
    {
        tracing::warn!(%device, %control, error, "a setting is not taken");
    }
}
