//! The battery that is kept from feeding compute: it holds while compute takes more than the surplus, and the grid's power is cheaper
//! than what the battery would give, or the battery is near its reserve: it is asked before that is reached, and before compute takes
//! more than the surplus. What a box draws that does not obey counts as well.
//!
//! Example: import costs 0.10 EUR/kWh, what is in the battery will be worth 0.24: compute at 1000 W with 300 W of surplus takes 700 W
//! from the grid, and the battery keeps its energy.
//!
//! In mode `boost` it holds only near its reserve, in `heat` and `off` never. A battery whose charge is not known is left to itself;
//! the limits then keep compute from it.

use crate::act::limits::{Verdict, is_near};
use crate::point::Point;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use std::time::Duration;

/// A battery that holds does so for this long: it is written to, and its control takes some seconds to change.
const LEAST: Duration = Duration::from_secs(120);
/// Hysteresis: so much beyond the surplus, as a share of the least power, compute takes before the battery holds.
const BEYOND: f64 = 0.5;

/// Whether the battery holds, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    pub(super) since: Option<Moment>,
}

impl Hold {
    /// Whether the battery holds in this cycle.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, verdict: &Verdict) -> bool {
        let now = situation.moment;
        let young = self.since.is_some_and(|since| now.since(since) < LEAST);
        let power = power(situation, verdict);
        let holds = situation.may_hold() && (young || power > Watts::ZERO && self.pays(situation, power));
        self.since = holds.then(|| self.since.unwrap_or(now));
        holds
    }

    fn pays(&self, situation: &Situation<'_>, power: Watts) -> bool {
        let (Some(battery), Some(bus)) = (&situation.site.battery, situation.bus) else { return false };
        let margin = if self.since.is_some() { 0.0 } else { situation.site.compute.min.0 * BEYOND };
        let beyond = power.0 > bus.surplus().positive().0 + margin;
        let cheap = situation.spares_stored()
            && situation.prices.import.is_some()
            && situation.values.import < situation.values.stored;
        beyond && (cheap || is_near(situation, battery))
    }
}

/// What the battery is to be kept from: what compute may draw, what it waits to draw until the battery holds, and what a box draws that
/// does not obey. Less than its least power is what a box draws without computing.
fn power(situation: &Situation<'_>, verdict: &Verdict) -> Watts {
    let drawn = situation.image.get(Point::ComputePower).fresh().map(Watts);
    let drawn = drawn.filter(|drawn| *drawn >= situation.site.compute.min).unwrap_or_default();
    verdict.budget.max(verdict.awaited).max(drawn)
}
