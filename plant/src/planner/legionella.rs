//! When the tank is heated against legionella: within a week of the last time, in the hour whose power is cheapest.

use crate::plan::PlanRequest;
use crate::planner::expected::Expected;
use crate::planner::home::Store;
use crate::planner::nodes::Nodes;
use crate::site::building::Legionella;
use crate::time::elapsed;
use chrono::Timelike;
use std::ops::Range;

/// The tank has to be hot once in so many hours: a week (DVGW W 551, and what the makers of heat pumps set), where the programme's own
/// rule, which begins after `OWN_RULE_H`, leaves so much.
const EVERY_H: f64 = 7.0 * 24.0;
const OWN_RULE_H: f64 = 6.0 * 24.0;
const DAY_H: f64 = 24.0;
/// It is planned so many hours ahead of that at the latest.
const SPARE_H: f64 = 2.0;
/// It is planned from so many hours before.
const AHEAD_H: f64 = 36.0;
/// So much surplus, kW, is counted as what heats it.
const SURPLUS: f64 = 1.5;
/// The later the dearer, EUR/kWh for each hour: what is done is done.
const LATER: f64 = 0.0005;
/// Power is never counted as cheaper than this, EUR/kWh: what costs nothing is not worth waiting for.
const LEAST: f64 = 0.01;
/// It is kept hot for so long beyond what is asked, h.
const LONGER_H: f64 = 0.5;

/// A tank that nobody heats is half way down to its least temperature after so many hours.
const COOLS_H: f64 = 8.0;

/// The steps in which the tank of `store` has to be hot; `None` where that is not due. Nobody knows of a tank that was never seen hot when
/// it last was: it is due by the hour at which its own rule would begin, so that no cheaper hour puts it off for ever.
pub(super) fn hot(
    request: &PlanRequest,
    store: Option<&Store>,
    nodes: &Nodes,
    expected: &[Expected],
) -> Option<Range<usize>> {
    let (programme, store) = (request.site.building.legionella?, store?);
    let since = request.disinfected.map(|last| elapsed(last, request.at).as_secs_f64() / 3600.0);
    let due = since.map_or_else(|| until(request, programme.hour), |since| every(&programme) - since);
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
    // A tank that is nearly hot needs little more: what has begun is ended.
    let lacks = |hours: f64| store.hot - store.low - (store.now - store.low) * (-hours / COOLS_H).exp2();
    let cost = |&(node, start, end): &(usize, f64, f64)| {
        let Expected { buy, sell, pv, load, cop_tank, .. } = expected[node];
        let price = if pv - load > SURPLUS { sell } else { buy } + LATER * end;
        price.max(LEAST) * lacks(start).max(0.0) / cop_tank
    };
    let in_time = steps.iter().filter(|(_, _, end)| *end <= latest);
    let (_, from, _) = *in_time.min_by(|a, b| cost(a).total_cmp(&cost(b))).or(steps.first())?;
    let until = from + programme.hold.as_secs_f64() / 3600.0 + LONGER_H;
    let first = steps.iter().position(|(_, start, _)| *start >= from)?;
    let last = steps.iter().position(|(_, _, end)| *end >= until - 1e-9).unwrap_or(steps.len() - 1);
    Some(first..last + 1)
}

/// Hours within which the tank has to be hot again.
fn every(programme: &Legionella) -> f64 {
    let after = programme.after.as_secs_f64() / 3600.0;
    if after < OWN_RULE_H { after } else { after.max(EVERY_H) }
}

/// Hours until it is `hour` on the wall.
fn until(request: &PlanRequest, hour: u32) -> f64 {
    let now = request.at.with_timezone(&request.site.timezone).num_seconds_from_midnight();
    let now = f64::from(now) / 3600.0;
    if f64::from(hour) > now { f64::from(hour) - now } else { f64::from(hour) + DAY_H - now }
}
