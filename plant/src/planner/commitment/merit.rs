//! What a slot costs by the power that is taken in it, when everything else in the house reacts as it is worth: who pays most takes
//! first, who costs least gives first.
//!
//! Example: 3 kW of sun, compute pays 0.15 EUR/kWh, power costs 0.30. A pump that takes 1 kW costs 0.15 an hour, the work that is not
//! done; one that takes 4 kW costs 3 * 0.15 + 1 * 0.30.

use crate::planner::found::Found;
use crate::planner::model::power::BEYOND;

/// Who takes power, and who gives it, in a node.
#[derive(Clone, Debug)]
pub(super) struct Merit {
    /// Power that the house takes beyond its sun, kW; below zero there is more sun than that.
    demand: f64,
    /// What takes as much as it is worth: EUR/kWh and kW, the dearest first.
    takes: Vec<(f64, f64)>,
    /// What gives: EUR/kWh and kW, the cheapest first.
    gives: Vec<(f64, f64)>,
    /// What compute pays, its least and greatest power where it runs, and whether it has to.
    compute: (f64, [f64; 2], bool),
}

impl Merit {
    /// That of a node of `found`, the heat pump left out.
    pub(super) fn of(found: &Found<'_, '_>, node: usize) -> Self {
        let (model, margins) = (found.model, found.margins(node));
        let (home, expected) = (model.home, &model.expected[node]);
        let column = model.columns.compute.get(node).map(|column| model.program.columns[*column]).unwrap_or_default();
        let least = home.compute.min.min(column.upper);
        let mut takes = Vec::new();
        let mut gives = vec![(expected.buy, home.import_max), (BEYOND, f64::INFINITY)];
        if let Some(battery) = home.battery {
            let most = model.program.columns[model.columns.charge[node]].upper;
            takes.push((margins.stored * battery.cells.one_way, most));
            gives.push((battery.taken_out(margins.stored), battery.cells.discharge));
        }
        takes.push((expected.sell, home.export_max));
        // What nobody takes stays on the roof.
        takes.push((0.0, f64::INFINITY));
        gives.sort_by(|a, b| a.0.total_cmp(&b.0));
        let compute = (margins.compute, [least, column.upper], column.lower > 0.0);
        Self { demand: expected.load - expected.pv, takes, gives, compute }
    }

    /// What an hour costs in which the heat pump takes `power` kW, EUR.
    pub(super) fn cost(&self, power: f64) -> f64 {
        let runs = self.computing(power);
        if self.bound() { runs } else { runs.min(self.idle(power)) }
    }

    /// The same while compute runs.
    pub(super) fn computing(&self, power: f64) -> f64 {
        let (pays, [least, most], _) = self.compute;
        self.balanced(self.demand + power + least, (pays, most - least)) - pays * least
    }

    /// The same while it does not.
    pub(super) fn idle(&self, power: f64) -> f64 {
        self.balanced(self.demand + power, (0.0, 0.0))
    }

    /// Whether compute has to run.
    pub(super) fn bound(&self) -> bool {
        self.compute.2
    }

    /// What an hour costs in which `demand` kW are taken whatever they cost, and `more` where it pays.
    fn balanced(&self, demand: f64, more: (f64, f64)) -> f64 {
        let mut takes = self.takes.clone();
        takes.push(more);
        takes.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut takes = takes.into_iter();
        let sun = (f64::NEG_INFINITY, (-demand).max(0.0));
        let (mut needed, mut cost, mut taker) = (demand.max(0.0), 0.0, takes.next());
        for (price, mut left) in std::iter::once(sun).chain(self.gives.iter().copied()) {
            let served = left.min(needed);
            if served > 0.0 {
                (needed, left, cost) = (needed - served, left - served, cost + served * price);
            }
            while let Some((value, wanted)) = taker {
                if left <= 0.0 || value <= price {
                    break;
                }
                let taken = left.min(wanted);
                cost -= taken * if price.is_finite() { value - price } else { value };
                left -= taken;
                taker = if taken < wanted { Some((value, wanted - taken)) } else { takes.next() };
            }
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merit(demand: f64) -> Merit {
        let gives = vec![(0.20, 1.0), (0.30, 17.0), (BEYOND, f64::INFINITY)];
        let takes = vec![(0.15, 2.0), (0.08, 10.0), (0.0, f64::INFINITY)];
        Merit { demand, takes, gives, compute: (0.25, [0.0, 5.0], false) }
    }

    #[test]
    fn who_pays_most_takes_first() {
        // 8 kW of sun: 5 for compute at 0.25, 2 for the battery at 0.15, 1 to the grid at 0.08.
        assert!((merit(-8.0).cost(0.0) + 5.0 * 0.25 + 2.0 * 0.15 + 0.08).abs() < 1e-12);
        // The pump takes first what is worth least.
        assert!((merit(-8.0).cost(3.0) + 5.0 * 0.25).abs() < 1e-12);
    }

    #[test]
    fn who_costs_least_gives_first_and_compute_takes_what_pays() {
        // Nothing but the grid and a kW of the battery: that is worth more to compute than it costs.
        assert!((merit(0.0).cost(0.0) + 0.05).abs() < 1e-12);
        assert!((merit(0.0).cost(4.5) - (0.20 + 3.5 * 0.30)).abs() < 1e-12);
        assert!(merit(0.0).cost(20.0) > 2.0 * BEYOND - 1e-9);
    }

    #[test]
    fn compute_that_has_a_least_power_runs_at_it_or_not_at_all() {
        let least = Merit { compute: (0.25, [1.5, 5.0], false), ..merit(-1.0) };
        // 1 kW of sun and half a kW of the battery at 0.20 for work at 0.25.
        assert!((least.cost(0.0) - (0.5 * 0.20 - 1.5 * 0.25) + 0.5 * 0.05).abs() < 1e-12);
        let bound = Merit { compute: (0.0, [1.5, 5.0], true), ..merit(0.0) };
        assert!((bound.cost(0.0) - (0.20 + 0.5 * 0.30)).abs() < 1e-12);
    }
}
