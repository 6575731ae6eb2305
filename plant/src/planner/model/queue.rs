//! Work that waits: what is done of it by when.

use super::Model;

/// Work that waits and will come, from now on; kWh.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::planner) struct Waiting {
    /// What can be done until the start of each step, all that came before included.
    pub available: Vec<f64>,
    /// What has to be done by the end of each step.
    pub due: Vec<f64>,
}

impl Waiting {
    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        self.available.last().is_some_and(|available| *available > 1e-9)
    }
}

impl Model<'_> {
    /// Work that waits. It pays more than work that can always be had by the difference of the two; what is late pays nothing, and costs
    /// once more what it would have paid: somebody waited for it.
    pub(super) fn queue(&mut self, waiting: &Waiting) {
        let (home, nodes) = (self.home, self.nodes);
        let more = (home.rate - home.standing).max(0.0);
        let most = waiting.available.last().copied().unwrap_or(0.0);
        let paid = |node: usize| -nodes.all[node].share * if nodes.is_last(node) { more } else { 0.0 };
        let served = self.quantity(|node| (paid(node), [0.0, most]));
        let late = self.quantity(|node| (-paid(node), [0.0, f64::INFINITY]));
        // Where no other work can be had, compute does not run on more than waits.
        let idles = home.standing > 0.0 || !waiting.any();
        for (node, at) in nodes.all.iter().enumerate() {
            // What has to stay on for a while does so without work, too.
            let bound = self.program.columns[self.columns.compute[node]].lower > 0.0;
            let least = if idles || bound { f64::NEG_INFINITY } else { 0.0 };
            let before = |columns: &[usize]| at.before.map(|before| (columns[before], -1.0));
            let terms = [(served[node], 1.0), (self.columns.compute[node], -at.hours)];
            let row = self.program.row(terms.into_iter().chain(before(&served)), [least, 0.0]);
            self.rows.served.push(row);
            let grows = [(late[node], 1.0)].into_iter().chain(before(&late));
            self.program.row(grows, [0.0, f64::INFINITY]);
            let available = waiting.available.get(at.step).copied().unwrap_or(0.0);
            let due = waiting.due.get(at.step).copied().unwrap_or(0.0).min(available);
            self.program.row([(served[node], 1.0), (late[node], 1.0)], [due, f64::INFINITY]);
            self.program.columns[served[node]].upper = available;
        }
        (self.columns.served, self.columns.late) = (served, late);
    }
}
