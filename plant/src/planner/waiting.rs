//! Work that waits and will come: what can be done by when, and what has to be.

use crate::plan::PlanRequest;
use crate::planner::model::queue::Waiting;
use crate::planner::nodes::Nodes;
use crate::time::Slot;
use crate::value::revenue::Demand;

/// Slots of a day.
const DAY: i64 = 96;
/// What is due is done so many slots early.
const EARLY: i64 = 1;
/// Slots within which what is due has to be looked at.
const SOON: usize = 12;

/// Work of `request` by the steps of `nodes`.
pub(super) fn waiting(request: &PlanRequest, nodes: &Nodes) -> Waiting {
    let demand = Demand::of(&request.backlog, &request.site.work, request.tokens_per_kwh);
    let first = Slot::containing(request.at);
    let comes = |slot: i64| {
        let of_day = request.arrivals.get(slot.rem_euclid(DAY) as usize);
        of_day.map_or(0.0, |energy| energy.0)
    };
    // What comes later is given as much time as what waits has at most; a day where nothing waits.
    let patience =
        request.backlog.due.iter().map(|due| Slot::containing(due.at).0 - first.0).max().unwrap_or(0).max(DAY);
    let mut waiting = Waiting::default();
    for slots in &nodes.steps {
        let (start, end) = (slots.start as i64, slots.end as i64);
        let until = |slot: i64| (1..slot.max(1)).map(comes).sum::<f64>();
        waiting.available.push(demand.jobs.0 + until(start + 1));
        let by = first.plus(end + EARLY).start();
        let due = request.backlog.due.iter().filter(|due| due.at <= by);
        let due: f64 = due.map(|due| Demand::energy(due.tokens, request.tokens_per_kwh).0).sum();
        waiting.due.push(due + until(end + EARLY - patience));
    }
    waiting
}

/// Power that is needed now, so that what is due can still be done with `max` kW afterwards; kW.
pub(super) fn needed(waiting: &Waiting, nodes: &Nodes, max: f64) -> f64 {
    let hours = |step: usize| nodes.all[nodes.node(step, 0)].hours;
    let mut later = 0.0;
    let mut needed = 0.0_f64;
    for (step, due) in waiting.due.iter().enumerate().take(SOON) {
        if step > 0 {
            later += max * hours(step);
        }
        needed = needed.max((due - later) / hours(0));
    }
    needed.clamp(0.0, max)
}
