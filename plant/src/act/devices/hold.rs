//! The battery that is kept from feeding compute: it holds while compute takes more than the surplus, and the grid's power is cheaper
//! than what the battery would give, or the battery is at its reserve.
//!
//! Example: import costs 0.10 EUR/kWh, what is in the battery will be worth 0.24: compute at 1000 W with 300 W of surplus takes 700 W
//! from the grid, and the battery keeps its energy.
//!
//! In mode `boost` it holds only at its reserve, in `heat` and `off` never. A battery whose charge is not known is left to itself;
//! the limits then keep compute from it.

use crate::act::limits::Verdict;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use std::time::Duration;

/// A battery that holds does so for this long while compute runs: it is written to, and its control takes some seconds to change.
const LEAST: Duration = Duration::from_secs(120);
/// Hysteresis: so much beyond the surplus, as a share of the least power, compute takes before the battery holds.
const BEYOND: f64 = 0.5;

/// Whether the battery holds, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hold {
    since: Option<Moment>,
}

impl Hold {
    /// Whether the battery holds in this cycle.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, verdict: &Verdict) -> bool {
        let now = situation.moment;
        let young = self.since.is_some_and(|since| now.since(since) < LEAST);
        let holds = situation.may_hold() && verdict.budget > Watts::ZERO && (young || self.pays(situation, verdict));
        self.since = holds.then(|| self.since.unwrap_or(now));
        holds
    }

    fn pays(&self, situation: &Situation<'_>, verdict: &Verdict) -> bool {
        let (Some(battery), Some(bus)) = (&situation.site.battery, situation.bus) else { return false };
        let margin = if self.since.is_some() { 0.0 } else { situation.site.compute.min.0 * BEYOND };
        let beyond = verdict.budget.0 > bus.surplus().positive().0 + margin;
        let cheap = situation.spares_stored()
            && situation.prices.import.is_some()
            && situation.values.import < situation.values.stored;
        let low = situation.soc.is_some_and(|soc| soc <= battery.reserve);
        beyond && (cheap || low)
    }
}
