//! Charge room: what the battery would charge with, if it could have all of the surplus.
//!
//! Example: a battery of 5000 W charges with 1200 W while 800 W pass it to the grid: it refuses more, and its room is 1200 W for the
//! next five minutes. Full, it has none.

use crate::observe::flows::Flows;
use crate::site::Battery;
use crate::time::Moment;
use crate::units::{Percent, Watts};
use std::time::Duration;

/// A battery fuller than this takes no more: charge is shown in steps of up to 1 %.
const FULL: Percent = Percent(99.5);
/// How long a battery that was seen to refuse power is taken to refuse more: chosen, a few times the pace of its own control.
const REFUSAL: Duration = Duration::from_secs(300);
/// Export above this is more than the control of a battery at work leaves over.
const EXPORTING: Watts = Watts(100.0);

/// What the battery would charge with, if it could have all of the surplus.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChargeRoom {
    /// The room when it was last looked at.
    pub power: Watts,
    refused: Option<(Watts, Moment)>,
}

impl ChargeRoom {
    /// Takes note of the battery's room at `now`. A battery that lets power pass to the grid takes no more than it takes just
    /// then.
    pub(crate) fn observe(&mut self, now: Moment, flows: Flows, soc: Option<Percent>, battery: Option<&Battery>) {
        self.power = self.room(now, flows, soc, battery);
    }

    fn room(&mut self, now: Moment, flows: Flows, soc: Option<Percent>, battery: Option<&Battery>) -> Watts {
        let Some(battery) = battery else { return Watts::ZERO };
        if soc.is_some_and(|soc| soc >= FULL) {
            return Watts::ZERO;
        }
        if flows.grid < -EXPORTING {
            self.refused = Some((flows.charge().min(battery.charge_max), now));
        }
        match self.refused {
            Some((taken, at)) if now.since(at) <= REFUSAL => taken.max(flows.charge()).min(battery.charge_max),
            Some(_) | None => battery.charge_max,
        }
    }
}
