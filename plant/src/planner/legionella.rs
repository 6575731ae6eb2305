//! When the tank is heated against legionella: within a week of the last time, in the hour whose power is cheapest.

use crate::plan::PlanRequest;
use crate::planner::expected::Expected;
use crate::planner::nodes::Nodes;
use crate::time::elapsed;
use std::ops::Range;

/// The tank has to be hot once in so many hours: a week (DVGW W 551, and what the makers of heat pumps set).
const EVERY_H: f64 = 7.0 * 24.0;
/// It is planned so many hours ahead of that at the latest.
const SPARE_H: f64 = 2.0;
/// It is planned from so many hours before.
const AHEAD_H: f64 = 36.0;
/// So much surplus, kW, is counted as what heats it.
const SURPLUS: f64 = 1.5;
/// The later the dearer, EUR/kWh for each hour: what is done is done.
const LATER: f64 = 0.0005;
/// It is kept hot for so long beyond what is asked, h.
const LONGER_H: f64 = 0.5;

/// The steps in which the tank has to be hot; `None` where that is not due.
pub(super) fn hot(request: &PlanRequest, nodes: &Nodes, expected: &[Expected]) -> Option<Range<usize>> {
    let programme = request.site.building.legionella?;
    let since = request.disinfected.map_or(0.0, |last| elapsed(last, request.at).as_secs_f64() / 3600.0);
    let due = EVERY_H - since;
    if due > AHEAD_H {
        return None;
    }
    let latest = (due - SPARE_H).max(SPARE_H / 4.0);
    let mut end = 0.0;
    let steps = nodes.path(0).map(|node| {
        let start = end;
        end += nodes.all[node].hours;
        (node, start, end)
    });
    let steps: Vec<(usize, f64, f64)> = steps.collect();
    let cost = |&(node, _, end): &(usize, f64, f64)| {
        let Expected { buy, sell, pv, load, .. } = expected[node];
        (if pv - load > SURPLUS { sell } else { buy }) + LATER * end
    };
    let in_time = steps.iter().filter(|(_, _, end)| *end <= latest);
    let (_, from, _) = *in_time.min_by(|a, b| cost(a).total_cmp(&cost(b))).or(steps.first())?;
    let until = from + programme.hold.as_secs_f64() / 3600.0 + LONGER_H;
    let first = steps.iter().position(|(_, start, _)| *start >= from)?;
    let last = steps.iter().position(|(_, _, end)| *end >= until - 1e-9).unwrap_or(steps.len() - 1);
    Some(first..last + 1)
}
