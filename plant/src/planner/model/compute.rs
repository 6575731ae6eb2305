//! The box and the work that it does.

use super::Model;
use super::queue::Waiting;
use crate::planner::expected::Expected;

/// What a kilowatt-hour at the far end of the plan is worth less to compute that runs, and more to compute that rests, EUR: nearly equal
/// hours are no reason to stop or to start.
const LINGERS: f64 = 5e-4;

impl Model<'_> {
    /// Compute: work that can always be had pays for each kilowatt-hour; work that waits pays when it is done.
    pub(super) fn box_and_work(&mut self, waiting: &Waiting) {
        let (home, nodes) = (self.home, self.nodes);
        let works = home.standing > 0.0 || waiting.any();
        let mut passed = 0.0;
        let bound: Vec<bool> = nodes
            .path(0)
            .map(|node| {
                passed += nodes.all[node].hours;
                home.compute.on && passed <= home.compute.bound_on + 1e-9
            })
            .collect();
        let drawn = 1.0 + home.compute.fan * home.compute.heat;
        let compute = self.quantity(|node| {
            // A full connection ends it all the same, and so does the grid operator.
            let Expected { pv, load, .. } = self.expected[node];
            let least = home.compute.min * drawn;
            let dims = home.compute.dimmed.is_some_and(|dimmed| least > dimmed + (pv - load).max(0.0));
            let fits = load - pv + least <= home.import_max && !dims;
            let least = if works && fits && bound[nodes.all[node].step] { home.compute.min } else { 0.0 };
            let most = if works { home.compute.max.max(least) } else { 0.0 };
            // Of nearly equal hours what runs takes the next, and what rests the last: so it starts less often.
            let passed = nodes.all[node].step as f64 / nodes.steps.len() as f64;
            let lingers = LINGERS * if home.compute.on { passed } else { 1.0 - passed };
            (nodes.hourly(node, lingers - home.standing), [least, most])
        });
        self.balance(&compute, -drawn);
        self.columns.compute = compute;
        if let Some(dimmed) = home.compute.dimmed {
            self.dim(dimmed, drawn);
        }
        self.queue(waiting);
    }

    /// Compute, and the battery where it charges, take no more than `dimmed` kW from the grid, and what the sun gives beside.
    fn dim(&mut self, dimmed: f64, drawn: f64) {
        for node in 0..self.nodes.all.len() {
            let Expected { pv, load, .. } = self.expected[node];
            let battery = [(&self.columns.charge, 1.0), (&self.columns.discharge, -1.0)];
            let battery = battery.into_iter().filter_map(|(columns, factor)| Some((*columns.get(node)?, factor)));
            let terms: Vec<_> = [(self.columns.compute[node], drawn)].into_iter().chain(battery).collect();
            self.program.row(terms, [f64::NEG_INFINITY, (pv - load).max(0.0) + dimmed]);
        }
    }
}
