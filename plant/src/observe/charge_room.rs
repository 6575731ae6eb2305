//! What the battery would charge with, if it could have all of the surplus.

use crate::observe::flows::Flows;
use crate::site::Battery;
use crate::time::{Timestamp, elapsed};
use crate::units::{Percent, Watts};
use std::time::Duration;

/// A battery fuller than this takes no more.
const FULL: Percent = Percent(99.5);
/// How long a battery that was seen to refuse power is taken at its word.
const REFUSAL: Duration = Duration::from_secs(300);
/// Export above this, in W, is more than the battery's control leaves over.
const EXPORTING: Watts = Watts(100.0);

/// What the battery would charge with, if it could have all of the surplus.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChargeRoom {
    /// The room when it was last looked at.
    pub power: Watts,
    refused: Option<(Watts, Timestamp)>,
}

impl ChargeRoom {
    /// Takes note of the battery's room at `now`. A battery that lets power pass to the grid takes no more than it takes just
    /// then.
    pub fn observe(&mut self, now: Timestamp, flows: Flows, soc: Option<Percent>, battery: Option<&Battery>) {
        self.power = self.room(now, flows, soc, battery);
    }

    fn room(&mut self, now: Timestamp, flows: Flows, soc: Option<Percent>, battery: Option<&Battery>) -> Watts {
        let Some(battery) = battery else { return Watts::ZERO };
        if soc.is_some_and(|soc| soc >= FULL) {
            return Watts::ZERO;
        }
        if flows.grid < -EXPORTING {
            self.refused = Some((flows.charge().min(battery.charge_max), now));
        }
        match self.refused {
            Some((taken, at)) if at <= now && elapsed(at, now) <= REFUSAL => {
                taken.max(flows.charge()).min(battery.charge_max)
            }
            Some(_) | None => battery.charge_max,
        }
    }
}
