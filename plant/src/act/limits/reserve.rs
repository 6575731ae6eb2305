//! The battery's reserve: compute never takes the battery below it.
//!
//! Terms: what is *left* is the charge that the battery may have when compute has obeyed: what it showed, less what it can have given
//! since then and gives until compute has obeyed. The battery is *low* where no more than its reserve is left, *near* where it is low
//! in the minute that it may take to obey, and *recovered* where 2 % more are left.
//!
//! ```text
//!   near, and compute wants more than the surplus   the battery is set to hold (`devices/hold.rs`)
//!   low, and it is not seen to hold                 compute has the surplus only, for a minute or until the battery rests
//!   low, holds for a minute, and gives              compute has the surplus only, until it has recovered
//!   low, no control, and gives                      the same
//! ```
//!
//! A battery that gives although it was set to hold is not held for compute any more: it serves the house.
//!
//! A battery that rests at its reserve by itself, and compute on the grid's power, are left alone.
//!
//! And when it says nothing? A battery whose charge is not known counts as low, one whose power is not known may only be relied on
//! when it has recovered.
//!
//! Example: 10 kWh and 5000 W, a reserve of 10 %, its charge read 10 s ago as 11 %, a box that obeys within 4 s: in 15 s it may have
//! given 21 Wh, 0.2 %. The charge is 10.5 % at least, so 10.3 % are left: it is not low. In a minute it may give 83 Wh more: it is
//! near.

use super::Passage;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::Battery;
use crate::time::Moment;
use crate::units::{Percent, Watts};
use crate::value::situation::Situation;
use std::time::Duration;

/// Hysteresis: a battery at its reserve has to be charged this much above it before compute may take from it again: two of the steps
/// in which batteries show their charge.
const RECOVERED: Percent = Percent(2.0);
/// Half a step in which batteries show their charge.
const HALF_A_STEP: Percent = Percent(0.5);
/// A battery that moves less than this is at rest: inverters hold zero to within some tens of watts.
const RESTING: Watts = Watts(50.0);
/// How long a battery may take to obey: the slowest known gateways poll once a minute.
const OBEYING: Duration = Duration::from_secs(60);
/// A battery that rests so long after it was set to hold does not give: most obey within a few seconds.
const SETTLING: Duration = Duration::from_secs(5);
/// The next cycle comes within this.
const CYCLE: Duration = Duration::from_secs(1);

/// Whether the battery is guarded until it has recovered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reserve {
    guarding: bool,
}

impl Reserve {
    /// Guards the battery, which is set to hold since `held`, from compute; whether compute waits for it to hold.
    pub(super) fn guard(&mut self, situation: &Situation<'_>, held: Option<Moment>, passage: &mut Passage) -> bool {
        let Some(battery) = &situation.site.battery else { return false };
        let left = left(situation, battery, Duration::ZERO);
        let low = left.is_none_or(|left| left <= battery.reserve);
        let recovered = left.is_some_and(|left| left > battery.reserve + RECOVERED);
        let Some(bus) = situation.bus else {
            // What the battery gives is not known: it may only be above its reserve.
            if !recovered {
                passage.lower(Reason::StaleData, Watts::ZERO);
            }
            return false;
        };
        // A plug that is read seldom shows a box that starts as off.
        let drawn = situation.image.get(Point::ComputePower).fresh().unwrap_or_default();
        let gives = bus.discharge() > RESTING;
        let taking = low && gives && (passage.power > Watts::ZERO || drawn > RESTING.0);
        // A reading from when it has held for so long.
        let heard = situation.image.taken.get(&Point::BatteryPower);
        let held_for = |span| held.zip(heard).is_some_and(|(held, heard)| heard.since(held) >= span);
        self.guarding = !recovered && (self.guarding || taking && (held_for(OBEYING) || !situation.can_hold()));
        let ready = held_for(OBEYING) || held_for(SETTLING) && !gives;
        let waiting = low && situation.can_hold() && !ready;
        if self.guarding || waiting {
            let reason = if situation.soc.is_some() { Reason::BatteryReserve } else { Reason::StaleData };
            passage.lower(reason, bus.surplus().positive());
        }
        waiting && !self.guarding
    }
}

/// Whether the battery may be at its reserve before it obeys.
pub(in crate::act) fn is_near(situation: &Situation<'_>, battery: &Battery) -> bool {
    left(situation, battery, OBEYING).is_some_and(|left| left <= battery.reserve)
}

/// The charge that the battery has at least when compute has obeyed, and `ahead` of that; `None` where it is not known.
fn left(situation: &Situation<'_>, battery: &Battery, ahead: Duration) -> Option<Percent> {
    let taken = *situation.image.taken.get(&Point::BatterySoc)?;
    let compute = &situation.site.compute;
    let giving = situation.moment.since(taken) + CYCLE + compute.obeys_within + ahead;
    let given = battery.discharge_max.0 * giving.as_secs_f64() / 3600.0;
    let share = Percent(100.0 * given / (1000.0 * battery.capacity.0).max(1.0));
    Some(situation.soc? - HALF_A_STEP - share)
}
