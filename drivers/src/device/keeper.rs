//! Keeps the leases of a device: hands them the core's cycles, does what is due, and says who holds what.
//!
//! ```text
//!   take     read what the registers hold -> have the debt written down -> write -> read again
//!   look     compare: it stands, it fell back, or somebody else has set it
//!   release  write what was found -> read again -> have the debt forgotten
//! ```

use super::grips::Grips;
use super::leases::Leases;
use super::reporter::Reporter;
use super::writer::Writer;
use crate::definition::ControlRow;
use crate::error::Error;
use crate::lease::{Act, Duty, Failure, Wanted};
use plant::decision::{Control, Setpoint};
use plant::point::DeviceId;
use plant::record::{LeaseState, LeaseStatus};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// How often the leases of a device that is being given back are asked.
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Keeper {
    pub(super) device: DeviceId,
    pub(super) leases: Leases,
    pub(super) writer: Writer,
    pub(super) reporter: Reporter,
    /// For those who watch the loop: this way does not lead through it.
    pub(super) statuses: watch::Sender<Vec<LeaseStatus>>,
    /// What was written, and what was found before.
    pub(super) grips: Grips,
    /// Controls of which is not known yet what an earlier run left.
    pub(super) unsearched: BTreeSet<Control>,
}

impl Keeper {
    /// Follows the newest cycle.
    pub(super) async fn follow(&mut self, wanted: &Wanted) {
        for (setpoint, error) in self.leases.take(wanted) {
            self.reporter.applied(self.leases.outcome(setpoint), error);
        }
        self.look().await;
    }

    /// Tries at once what the device did not take before it answered again.
    pub(super) async fn retry(&mut self) {
        self.leases.retry();
        self.look().await;
    }

    /// The device is back after it was away, for however short: what it was set to is looked at.
    pub(super) fn back(&mut self) {
        self.leases.back();
    }

    /// Does what is due. It may take long, so that each control is asked for when its turn comes, and what the leases say is
    /// published before it.
    pub(super) async fn look(&mut self) {
        if !self.unsearched.is_empty() {
            self.search().await;
        }
        for control in self.leases.controls() {
            if self.unsearched.contains(&control) {
                continue;
            }
            loop {
                let due = self.leases.due(control, Instant::now());
                self.publish();
                let Some((row, duty)) = due else { break };
                let looks = duty.act == Act::Look;
                self.carry_out(&row, duty).await;
                // What a look has found may be due at once.
                if !looks {
                    break;
                }
            }
        }
        self.publish();
    }

    /// Finds out what an earlier run left set whose debts are lost: what holds one of our values is owed its own control. A device that
    /// does not answer is asked again.
    async fn search(&mut self) {
        for (row, settings) in self.leases.modes() {
            if !self.unsearched.contains(&row.name) {
                continue;
            }
            let mut holds = Ok(false);
            for setting in settings {
                holds = self.writer.holds(&row, setting).await;
                if holds != Ok(false) {
                    break;
                }
            }
            if holds == Ok(true) {
                tracing::warn!(device = %self.device, control = %row.name, "holds a value of ours and no debt is known: given back");
                self.grips.adopt(row.name).await;
                self.leases.owe(row.name);
            }
            if holds.is_ok() {
                self.unsearched.remove(&row.name);
            }
        }
    }

    /// Gives every control back whose device may hold something else than its safe value. Ends when all are. Those that had fallen
    /// back are reported as well. First everything is written, then it is looked at whether it was taken: no control waits for
    /// what another one's device takes its time for.
    pub(super) async fn give_back(&mut self) {
        self.leases.end();
        // Also what was being written when the end came.
        self.grips.controls().for_each(|control| self.leases.owe(control));
        for setpoint in self.leases.released() {
            self.reporter.applied(setpoint, None);
        }
        while self.leases.any_set() {
            let mut written = Vec::new();
            for control in self.leases.controls() {
                if let Some((row, duty)) = self.leases.due(control, Instant::now()) {
                    let result = self.grips.restore(&mut self.writer, &row, false).await;
                    written.push((row, duty, result));
                }
            }
            for (row, duty, result) in written {
                let result = match result {
                    Ok(_) => self.grips.restored(&self.writer, &row).await,
                    Err(error) => Err(error),
                };
                self.wrote(duty, result.map_err(Failure::touched));
            }
            self.publish();
            sleep(POLL).await;
        }
    }

    async fn carry_out(&mut self, row: &ControlRow, duty: Duty) {
        let setting = duty.setpoint.setting;
        let result = match (duty.act, setting.is_safe()) {
            (Act::Look, _) => return self.compare(row, &duty.setpoint).await,
            (Act::Set, true) => self.release(row).await,
            (Act::Set, false) => self.take(row, &duty).await,
            (Act::Renew, true) => self.writer.release(row, |_| true).await.map_err(Failure::touched),
            (Act::Renew, false) => self.grips.renew(&mut self.writer, row, setting).await.map_err(Failure::touched),
        };
        self.wrote(duty, result);
        if setting.is_safe()
            && let Some((setpoint, why)) = self.leases.unmet(row.name)
        {
            self.reporter.applied(self.leases.outcome(setpoint), Some(why));
        }
    }

    async fn take(&mut self, row: &ControlRow, duty: &Duty) -> Result<(), Failure> {
        let taken = self.grips.take(&mut self.writer, row, duty.setpoint.setting).await;
        if let Ok(Some(time)) = &taken {
            self.leases.forgets_after(row.name, *time);
        }
        taken.map(drop)
    }

    async fn release(&mut self, row: &ControlRow) -> Result<(), Failure> {
        let foreign = self.grips.restore(&mut self.writer, row, true).await.map_err(Failure::touched)?;
        self.grips.restored(&self.writer, row).await.map_err(Failure::touched)?;
        if let Some(what) = foreign {
            self.leases.yields(row.name, &what, Instant::now());
        }
        Ok(())
    }

    /// Compares what was set with what the device holds, and says what it did not keep. A device that is not ready any more is given
    /// back.
    async fn compare(&mut self, row: &ControlRow, setpoint: &Setpoint) {
        if let Err(error @ Error::Requirement { .. }) = self.writer.require(row).await {
            let duty = Duty { setpoint: setpoint.clone(), act: Act::Set };
            return self.wrote(duty, Err(Failure::barred(error)));
        }
        let look = self.grips.look(&mut self.writer, row).await;
        let Some(why) = self.leases.looked(row.name, &look, Instant::now()) else { return };
        if self.leases.rests(row.name, Instant::now()) {
            self.grips.yielded(row.name);
        }
        tracing::warn!(device = %self.device, control = %row.name, why, "a value does not stand");
        self.reporter.applied(self.leases.outcome(setpoint.clone()), Some(why));
    }

    fn wrote(&mut self, duty: Duty, result: Result<(), Failure>) {
        let failure = result.err();
        let error = failure.as_ref().map(|failure| failure.error.clone());
        if self.leases.written(&duty, failure, Instant::now()) {
            self.reporter.applied(self.leases.outcome(duty.setpoint), error);
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
