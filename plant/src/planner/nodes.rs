//! The nodes of a plan: quarter hours for the next four hours, hours after that, up to a day and a half ahead. A heat pump that is
//! switched is looked at in quarter hours throughout: it is on in each, or off.
//!
//! What the sun will do is not known. So the time after the first node is planned once for each scenario, with one first node for all:
//! what is decided now has to do for each of them.
//!
//! ```text
//!                +-- 1 -- 2 -- .. -- 47      little sun
//!   0 (now) -----+
//!                +-- 48 - 49 - .. -- 94      much sun
//! ```

use std::ops::Range;

/// Nodes of a quarter hour.
const QUARTERS: usize = 16;
/// Nodes of an hour that follow.
const HOURS: usize = 32;
/// Slots of an hour.
const HOUR: usize = 4;

/// The nodes.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    /// The slots of each step ahead, counted from the current one.
    pub steps: Vec<Range<usize>>,
    /// The nodes themselves, each after the one it follows.
    pub all: Vec<Node>,
    /// How many scenarios there are.
    pub branches: usize,
}

/// A node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    /// Its step ahead.
    pub step: usize,
    /// The node before it; `None` for the first.
    pub before: Option<usize>,
    /// Its scenario; the first node is in all of them.
    pub branch: usize,
    /// The share of the future that it stands for.
    pub share: f64,
    /// How long it lasts, h.
    pub hours: f64,
}

impl Nodes {
    /// The nodes of `slots` slots ahead, of whose first `left` hours are left, with `branches` equally likely scenarios.
    pub(super) fn of(slots: usize, left: f64, branches: usize) -> Self {
        let mut steps: Vec<Range<usize>> = (0..slots.min(QUARTERS)).map(|slot| slot..slot + 1).collect();
        let hours = slots.saturating_sub(QUARTERS) / HOUR;
        steps.extend((0..hours.min(HOURS)).map(|hour| QUARTERS + hour * HOUR..QUARTERS + (hour + 1) * HOUR));
        Self::in_steps(steps, left, branches)
    }

    /// The same, in quarter hours throughout.
    pub(super) fn in_quarters(&self) -> Self {
        Self::in_steps((0..self.slots()).map(|slot| slot..slot + 1).collect(), self.all[0].hours, self.branches)
    }

    fn in_steps(steps: Vec<Range<usize>>, left: f64, branches: usize) -> Self {
        let mut all = Vec::with_capacity(1 + branches * steps.len().saturating_sub(1));
        all.push(Node { step: 0, before: None, branch: 0, share: 1.0, hours: left });
        for branch in 0..branches {
            let mut before = 0;
            for (step, slots) in steps.iter().enumerate().skip(1) {
                let hours = slots.len() as f64 / HOUR as f64;
                all.push(Node { step, before: Some(before), branch, share: 1.0 / branches as f64, hours });
                before = all.len() - 1;
            }
        }
        Self { steps, all, branches }
    }

    /// The node of a step in a scenario.
    pub(super) fn node(&self, step: usize, branch: usize) -> usize {
        if step == 0 { 0 } else { step + branch * (self.steps.len() - 1) }
    }

    /// The nodes of a step, in all scenarios.
    pub(super) fn of_step(&self, step: usize) -> impl Iterator<Item = usize> {
        let count = if step == 0 { 1 } else { self.branches };
        (0..count).map(move |branch| self.node(step, branch))
    }

    /// The nodes of a scenario, the first one included.
    pub(super) fn path(&self, branch: usize) -> impl Iterator<Item = usize> {
        (0..self.steps.len()).map(move |step| self.node(step, branch))
    }

    /// Whether a node is the last of its scenario.
    pub(super) fn is_last(&self, node: usize) -> bool {
        self.all[node].step + 1 == self.steps.len()
    }

    /// What a kW over a node costs where it costs `price` an hour, by the share of the future that the node stands for.
    pub(super) fn hourly(&self, node: usize, price: f64) -> f64 {
        let node = self.all[node];
        price * node.hours * node.share
    }

    /// What a unit that is left at the end of a scenario costs, where it is worth `worth`.
    pub(super) fn terminal(&self, node: usize, worth: f64) -> f64 {
        if self.is_last(node) { -worth * self.all[node].share } else { 0.0 }
    }

    /// The step of a slot.
    pub(super) fn step(&self, slot: usize) -> usize {
        self.steps.iter().position(|slots| slots.contains(&slot)).unwrap_or(0)
    }

    /// Slots that are planned.
    pub(super) fn slots(&self) -> usize {
        self.steps.last().map_or(0, |slots| slots.end)
    }

    /// The mean of `values` over the slots of a step.
    pub(super) fn mean(&self, step: usize, value: impl Fn(usize) -> f64) -> f64 {
        let slots = self.steps[step].clone();
        slots.clone().map(value).sum::<f64>() / slots.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hours_are_fine_and_the_rest_is_coarse() {
        let nodes = Nodes::of(192, 0.25, 2);
        assert_eq!((nodes.steps.len(), nodes.all.len(), nodes.slots()), (48, 95, 144));
        assert_eq!(nodes.steps[15..18], [15..16, 16..20, 20..24]);
        let length: f64 = nodes.path(1).map(|node| nodes.all[node].hours).sum();
        assert_eq!(length, 36.0);
        assert_eq!((nodes.node(1, 0), nodes.node(1, 1), nodes.node(47, 1)), (1, 48, 94));
        assert_eq!((nodes.all[48].before, nodes.all[49].before), (Some(0), Some(48)));
        assert!(nodes.is_last(47) && nodes.is_last(94) && !nodes.is_last(46));
    }

    #[test]
    fn a_short_outlook_makes_a_short_plan() {
        let nodes = Nodes::of(18, 0.1, 1);
        assert_eq!((nodes.steps.len(), nodes.slots()), (16, 16));
        assert_eq!(nodes.all[0].hours, 0.1);
    }
}
