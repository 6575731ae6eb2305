//! The cheapest course of a pump through the steps ahead: dynamic programming. What ends a step with about as much heat in the store, and
//! with the pump on or off for about as long, is as good as any other that does: the cheapest of them goes on.
//!
//! Each goes on with its own temperatures, not with those of a grid: what they differ by within such a group is counted at what heat is
//! worth at the end.

use crate::planner::commitment::store::{Step, Store};

/// Electric power of each step, kW.
pub(super) type Course = Vec<f64>;

/// Groups of heat for each step of the pump's heat: a quarter hour of it is told apart in so many parts.
const GROUPS: f64 = 12.0;
/// The most groups of heat.
const GROUPS_MAX: usize = 256;
/// Of two courses that cost the same the one with fewer starts is taken, EUR a start.
const START: f64 = 0.002;
/// What a kelvin costs above what the store bears: more than any course saves.
const FORBIDDEN: f64 = 100.0;
/// What a change costs that comes too early, EUR: more than an hour in rooms that are too warm, where nothing else takes the heat.
const EARLY: f64 = 0.5;
/// Temperatures within so many K of a limit are at it.
const AT_LIMIT: f64 = 1e-6;

/// How the pump is switched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habit {
    /// Whether it ran before, as far as that is known.
    pub on: Option<bool>,
    /// Hours that it stays on, or off, once it is.
    pub holds: f64,
    /// Hours that it has been on, or off.
    pub since: f64,
    /// What a start costs, EUR.
    pub start: f64,
}

/// A way through the steps so far.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// Temperatures of the store.
    at: [f64; 2],
    /// What it has cost.
    cost: f64,
    /// The power of its last step.
    power: f64,
    /// Whether the pump is on, and for how long it has been on or off, h.
    on: bool,
    since: f64,
    /// The way that it goes on from, in the step before.
    from: usize,
}

/// The cheapest course; `None` where there is nothing to choose.
pub(super) fn cheapest(store: &Store, habit: &Habit) -> Option<Course> {
    let pulse = store.steps.iter().flat_map(|step| heat(store, step)).fold(0.0, f64::max);
    if store.steps.iter().all(|step| step.powers.len() < 2) {
        return None;
    }
    let began = Way { at: [0.0; 2], cost: 0.0, power: 0.0, on: habit.on.unwrap_or(false), since: habit.since, from: 0 };
    let mut layers = vec![vec![began]];
    for step in &store.steps {
        let ways = layers.last()?;
        let next = ways
            .iter()
            .enumerate()
            .flat_map(|(from, way)| step.powers.iter().map(move |power| goes_on(step, habit, (from, way), *power)));
        let next = next.collect();
        layers.push(kept(store, habit, pulse / GROUPS, next));
    }
    let total = |way: &Way| way.cost + way.at[0] * store.left[0] + way.at[1] * store.left[1];
    let ends = layers.last()?.iter().enumerate();
    let (mut way, _) = ends.min_by(|(_, a), (_, b)| total(a).total_cmp(&total(b)))?;
    let mut course: Course = layers[1..]
        .iter()
        .rev()
        .map(|layer| {
            let Way { power, from, .. } = layer[way];
            way = from;
            power
        })
        .collect();
    course.reverse();
    Some(course)
}

/// Heat, cold included, that each power brings in a step, kWh.
fn heat<'a>(store: &'a Store, step: &'a Step) -> impl Iterator<Item = f64> + 'a {
    let brought = (store.capacity[0] * step.warms[0] + store.capacity[1] * step.warms[1]).abs();
    step.powers.iter().map(move |(power, _)| power * brought)
}

/// `way` after a step with such a power and what that costs.
fn goes_on(step: &Step, habit: &Habit, (from, way): (usize, &Way), (power, price): (f64, f64)) -> Way {
    let end = |index: usize| {
        let [first, second] = step.keeps[index];
        first * way.at[0] + second * way.at[1] + step.base[index] + step.warms[index] * power
    };
    let at = [end(0), end(1)];
    let on = power > 0.0 || step.busy;
    let changes = on != way.on;
    let mut cost = way.cost + price;
    cost += step.below.iter().map(|(limit, price)| (limit - at[0]).max(0.0) * price).sum::<f64>();
    cost += step.above.iter().map(|(limit, price)| (at[0] - limit).max(0.0) * price).sum::<f64>();
    if power > 0.0 && at[0] > step.most + AT_LIMIT {
        cost += FORBIDDEN * (1.0 + at[0] - step.most);
    }
    if changes && way.since + AT_LIMIT < habit.holds {
        cost += EARLY;
    }
    if changes && on {
        cost += START + habit.start;
    }
    let since = if changes { step.hours } else { (way.since + step.hours).min(habit.holds) };
    Way { at, cost, power, on, since, from }
}

/// Of each group of ways the cheapest.
fn kept(store: &Store, habit: &Habit, width: f64, ways: Vec<Way>) -> Vec<Way> {
    let [first, second] = store.capacity;
    let held = |way: &Way| first * way.at[0] + second * way.at[1];
    let least = ways.iter().map(held).fold(f64::INFINITY, f64::min);
    let most = ways.iter().map(held).fold(f64::NEG_INFINITY, f64::max);
    let width = width.max((most - least) / GROUPS_MAX as f64).max(f64::EPSILON);
    let quarters = |hours: f64| (hours.min(habit.holds) * 4.0).round() as usize;
    let spans = quarters(habit.holds) + 1;
    let worth = store.left[0] / first.max(1e-9);
    let mut best: Vec<Option<(f64, usize)>> = Vec::new();
    for (index, way) in ways.iter().enumerate() {
        let group = ((held(way) - least) / width) as usize;
        let place = (group * spans + quarters(way.since)) * 2 + usize::from(way.on);
        if best.len() <= place {
            best.resize(place + 1, None);
        }
        let cost = way.cost + worth * held(way);
        if best[place].is_none_or(|(least, _)| cost < least) {
            best[place] = Some((cost, index));
        }
    }
    best.into_iter().flatten().map(|(_, index)| ways[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tank of 1 kWh/K that loses half a kelvin in each step, from 50 °C; the pump warms it by 2 K at such prices.
    fn store(prices: &[f64]) -> Store {
        let step = |(index, price): (usize, &f64)| Step {
            hours: 0.25,
            keeps: if index == 0 { [[0.0; 2]; 2] } else { [[1.0, 0.0], [0.0; 2]] },
            base: [if index == 0 { 49.5 } else { -0.5 }, 0.0],
            warms: [1.0, 0.0],
            below: vec![(49.0, 1.0)],
            most: 52.0,
            powers: vec![(0.0, 0.0), (2.0, *price)],
            ..Step::default()
        };
        Store { capacity: [1.0, 0.0], left: [-1e-3, 0.0], steps: prices.iter().enumerate().map(step).collect() }
    }

    fn on(prices: &[f64], habit: &Habit) -> Vec<usize> {
        let course = cheapest(&store(prices), habit).unwrap();
        (0..course.len()).filter(|step| course[*step] > 0.0).collect()
    }

    #[test]
    fn it_runs_when_that_is_cheapest_and_before_the_store_is_cold() {
        let free = Habit { since: 1.0, ..Habit::default() };
        assert_eq!(on(&[0.3, 0.3, 0.1, 0.3, 0.3, 0.3], &free), [2]);
        // By the third step the tank lacks half a kelvin: that is dearer than power.
        assert_eq!(on(&[0.3, 0.2, 0.3, 0.1, 0.3, 0.3], &free), [1]);
    }

    #[test]
    fn it_never_heats_beyond_what_the_store_bears() {
        let free = Habit { since: 1.0, ..Habit::default() };
        let cheap = on(&[-0.5; 6], &free);
        let mut at = 50.0;
        for step in 0..6 {
            at += if cheap.contains(&step) { 1.5 } else { -0.5 };
            assert!(at <= 52.0 + 1e-9, "{at}");
        }
        assert_eq!(cheap.len(), 2);
    }

    #[test]
    fn it_stays_on_and_off_as_long_as_it_has_to() {
        let habit = Habit { on: Some(false), holds: 0.5, since: 1.0, start: 0.0 };
        let prices = [0.3, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3];
        let runs = on(&prices, &habit);
        assert!(runs.len() >= 2 && runs.windows(2).all(|pair| pair[1] - pair[0] != 2), "{runs:?}");
        assert!(runs.contains(&2) && (runs.contains(&1) || runs.contains(&3)), "{runs:?}");
    }
}
