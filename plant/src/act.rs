//! What is done about the situation. Dispatch wants, the probe looks for curtailed power, the limits have the last word, the other
//! devices of the house are set so that they do not work against it.

/// The other devices.
mod devices;
/// This second's power.
mod dispatch;
/// The decision in words.
pub(crate) mod explain;
/// Compute on surplus.
mod follow;
/// Demand for compute's heat.
mod heating;
/// The last word.
mod limits;
/// What went wrong with the last setpoints.
mod outcomes;
/// Power that the feed-in cap holds back.
mod probe;

use crate::act::devices::Coordination;
use crate::act::dispatch::Dispatch;
use crate::act::limits::Limits;
use crate::act::outcomes::Outcomes;
use crate::act::probe::Probe;
use crate::decision::{Control, Decision, Outcome, Setpoints};
use crate::point::DeviceId;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use std::collections::BTreeMap;

/// What acting remembers from one cycle to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Act {
    dispatch: Dispatch,
    probe: Probe,
    limits: Limits,
    devices: Coordination,
    outcomes: Outcomes,
    /// Cycles since the start.
    cycle: u64,
}

impl Act {
    /// The decision of one cycle.
    pub(crate) fn decide(&mut self, situation: &Situation<'_>) -> Decision {
        let wanted = self.probe.raise(situation, self.dispatch.dispatch(situation));
        let verdict = self.limits.clamp(situation, &wanted, self.devices.held_since());
        self.probe.note(situation, verdict.budget);
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

    /// All that the cycle of `decision` wants, under the cycle's number.
    pub(crate) fn setpoints(&mut self, decision: &Decision) -> Setpoints {
        self.cycle += 1;
        Setpoints { cycle: self.cycle, setpoints: decision.settings.clone() }
    }

    /// Takes note of what came of a setpoint.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        self.outcomes.take(outcome);
    }

    /// Whether some device does not do what this control is set to.
    pub(crate) fn disobeys(&self, control: Control) -> bool {
        self.outcomes.disobeys(control)
    }

    /// What the heat pump takes of what it was offered, and gives up when compute could use it.
    pub(crate) fn yields(&self) -> Watts {
        self.devices.yields()
    }

    /// What went wrong with the last setpoint of each device.
    pub(crate) fn errors(&self) -> BTreeMap<DeviceId, String> {
        self.outcomes.errors()
    }

    /// Since when compute runs; `None` while it does not.
    pub(crate) fn running_since(&self) -> Option<Moment> {
        self.limits.running_since()
    }
}
