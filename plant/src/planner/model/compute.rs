//! The box and the work that it does.

use super::Model;
use super::queue::Waiting;

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
            // A full connection ends it all the same.
            let fits = self.expected[node].load - self.expected[node].pv + home.compute.min * drawn <= home.import_max;
            let least = if works && fits && bound[nodes.all[node].step] { home.compute.min } else { 0.0 };
            let most = if works { home.compute.max.max(least) } else { 0.0 };
            (-nodes.hourly(node, home.standing), [least, most])
        });
        self.balance(&compute, -drawn);
        self.columns.compute = compute;
        self.queue(waiting);
    }
}
