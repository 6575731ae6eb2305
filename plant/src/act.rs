//! The last stage before the books: what is done about the situation. Dispatch wants, the limits have the last word, the other
//! devices of the house are set so that they do not work against it.

/// The other devices.
mod devices;
/// This second's power.
mod dispatch;
/// The decision in words.
pub(crate) mod explain;
/// The last word.
mod limits;
/// Which settings are sent, and when.
pub(crate) mod orders;

use crate::act::devices::Coordination;
use crate::act::dispatch::Dispatch;
use crate::act::limits::Limits;
use crate::act::orders::Orders;
use crate::command::Mode;
use crate::decision::{Decision, Outcome, Setpoint};
use crate::point::DeviceId;
use crate::site::Site;
use crate::time::Timestamp;
use crate::value::situation::Situation;
use std::collections::BTreeMap;

/// What acting remembers from one cycle to the next.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    dispatch: Dispatch,
    limits: Limits,
    devices: Coordination,
    orders: Orders,
}

impl Act {
    /// Nothing done yet at `site`.
    pub(crate) fn new(site: &Site) -> Self {
        Self {
            dispatch: Dispatch::default(),
            limits: Limits::default(),
            devices: Coordination::default(),
            orders: Orders::new(site),
        }
    }

    /// The decision of one cycle.
    pub(crate) fn decide(&mut self, situation: &Situation<'_>) -> Decision {
        let wanted = self.dispatch.dispatch(situation);
        let verdict = self.limits.clamp(situation, &wanted);
        Decision {
            at: situation.now,
            wanted: wanted.power,
            budget: verdict.budget,
            reason: verdict.reason,
            worth: situation.worth(verdict.budget, wanted.worth.revenue),
            settings: self.devices.settle(situation, &verdict),
            limits: verdict.hits,
        }
    }

    /// The setpoints of `decision` that are to be sent.
    pub(crate) fn due(&mut self, situation: &Situation<'_>, decision: &Decision) -> Vec<Setpoint> {
        let urgent = situation.bus.is_none() || situation.mode() == Mode::Off;
        self.orders.due(&decision.settings, urgent, situation.now)
    }

    /// Takes note of what came of a setpoint.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        self.orders.take(outcome);
    }

    /// Setpoints that give every device back its own control.
    pub(crate) fn release(&self) -> Vec<Setpoint> {
        self.orders.release()
    }

    /// What went wrong with the last setpoint of each device.
    pub(crate) fn errors(&self) -> &BTreeMap<DeviceId, String> {
        &self.orders.errors
    }

    /// Since when compute runs; `None` while it does not.
    pub(crate) fn running_since(&self) -> Option<Timestamp> {
        self.limits.running_since()
    }
}
