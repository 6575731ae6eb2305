//! A store of heat as the program has it, and what the heat pump can do to it in each step. It is read from the program's rows, so that
//! there is one place that knows how a room or a tank warms up.

use crate::planner::commitment::merit::Merit;
use crate::planner::found::Found;
use crate::planner::home::Heater;
use crate::planner::model::Model;
use crate::planner::nodes::Node;
use crate::program::Program;

/// Less power than this is none, kW.
const TINY: f64 = 1e-6;

/// What the heat pump does, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// It heats the tank.
    Tank,
    /// It heats the rooms.
    Room,
    /// It cools the rooms.
    Cooling,
}

impl Task {
    /// All of them, who comes first first: a diverter valve serves hot water before rooms.
    pub(super) const ALL: [Self; 3] = [Self::Tank, Self::Room, Self::Cooling];

    /// The columns of its power.
    pub(super) fn columns<'a>(self, model: &'a Model<'_>) -> &'a [usize] {
        let columns = &model.columns;
        match self {
            Self::Tank => &columns.hot_water,
            Self::Room => &columns.heating,
            Self::Cooling => &columns.cooling,
        }
    }

    /// The same in a step, in all scenarios.
    pub(super) fn at(self, model: &Model<'_>, step: usize) -> Vec<usize> {
        let columns = self.columns(model);
        model.nodes.of_step(step).filter_map(|node| columns.get(node).copied()).collect()
    }

    /// Whether the pump can be told to do it at any time ahead.
    pub(super) fn possible(self, model: &Model<'_>) -> bool {
        let told = model.home.heater.and_then(|heater| match self {
            Self::Tank => heater.for_tank,
            Self::Room => heater.for_room,
            Self::Cooling => heater.cools,
        });
        told.is_some() && self.columns(model).iter().any(|column| model.program.columns[*column].upper > TINY)
    }

    /// The columns of the temperatures that it changes, and the rows that say how.
    fn store<'a>(self, model: &'a Model<'_>) -> Vec<(&'a [usize], &'a [usize])> {
        let (columns, rows) = (&model.columns, &model.rows);
        match self {
            Self::Tank => vec![(&columns.tank, &rows.tank)],
            Self::Room | Self::Cooling => vec![(&columns.air, &rows.air), (&columns.mass, &rows.mass)],
        }
    }

    /// What its temperatures hold, kWh/K.
    fn capacity(self, model: &Model<'_>) -> [f64; 2] {
        let (home, none) = (model.home, [1.0, 0.0]);
        let room = |room: crate::planner::home::Room| {
            let fabric = room.warmth.fabric;
            [fabric.air_kwh_per_k, fabric.mass_kwh_per_k]
        };
        match self {
            Self::Tank => home.tank.map_or(none, |store| [store.tank.capacity, 0.0]),
            Self::Room | Self::Cooling => home.room.map_or(none, room),
        }
    }
}

/// A store of one temperature, or of two, and the steps ahead.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// What its temperatures hold, kWh/K.
    pub capacity: [f64; 2],
    /// What a kelvin of each costs that is left at the end, EUR/K: less than nothing.
    pub left: [f64; 2],
    /// The steps.
    pub steps: Vec<Step>,
}

impl Store {
    /// Whether so many hours of the pump fit into it.
    pub(super) fn bears(&self, hours: f64) -> bool {
        self.steps.iter().all(|step| {
            let most = step.powers.iter().map(|(power, _)| power * step.warms[0]).fold(0.0, f64::max);
            let most = most * hours / step.hours;
            let least = step.below.first().map_or(step.most, |(limit, _)| *limit);
            step.most.is_infinite() || most <= step.most - least
        })
    }
}

/// A step.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// How long it lasts, h.
    pub hours: f64,
    /// Temperatures at its end: of those before it,
    pub keeps: [[f64; 2]; 2],
    /// from what else happens,
    pub base: [f64; 2],
    /// and for each kW of the pump, K.
    pub warms: [f64; 2],
    /// What a kelvin costs by which the first temperature is below, or above, a limit: °C and EUR/K. The first one below is the least that is
    /// comfortable.
    pub below: Vec<(f64, f64)>,
    pub above: Vec<(f64, f64)>,
    /// The most that the first one may be.
    pub most: f64,
    /// The powers that the pump may take and what each costs: nothing first, and alone where it is on for something else; kW and EUR.
    pub powers: Vec<(f64, f64)>,
    /// Whether it is on for something else.
    pub busy: bool,
}

/// What `found` says of the store of a task, beside what the pump is `busy` with.
pub(super) fn read(found: &Found<'_, '_>, heater: &Heater, task: Task, busy: &dyn Fn(usize) -> bool) -> Store {
    let model = found.model;
    let nodes = model.nodes;
    let terms = by_row(&model.program);
    let reading = Reading { found, task, limits: limits(model, task, &terms), terms };
    let steps = (0..nodes.steps.len()).map(|step| reading.step(heater, step, busy(step))).collect();
    let last = nodes.steps.len() - 1;
    let mut left = [0.0; 2];
    for (left, (own, _)) in left.iter_mut().zip(task.store(model)) {
        *left = nodes.of_step(last).map(|node| model.program.columns[own[node]].cost).sum();
    }
    Store { capacity: task.capacity(model), left, steps }
}

/// Compute as if it held something, with nothing but its times to keep: on, 1, or off, while the heat pump takes `pumped` kW.
pub(super) fn compute(found: &Found<'_, '_>, pumped: &dyn Fn(usize) -> f64) -> Store {
    let model = found.model;
    let step = |step: usize| {
        let hours = model.nodes.all[model.nodes.node(step, 0)].hours;
        let (mut idle, mut computing, mut bound) = (0.0, 0.0, false);
        for node in model.nodes.of_step(step) {
            let merit = Merit::of(found, node);
            let weight = model.nodes.all[node].share * hours;
            idle += weight * merit.idle(pumped(step));
            computing += weight * merit.computing(pumped(step));
            bound |= merit.bound();
        }
        let powers = if bound { vec![(1.0, computing)] } else { vec![(0.0, idle), (1.0, computing)] };
        Step { hours, powers, most: f64::INFINITY, ..Step::default() }
    };
    Store { steps: (0..model.nodes.steps.len()).map(step).collect(), ..Store::default() }
}

/// The terms of each row.
fn by_row(program: &Program) -> Vec<Vec<(usize, f64)>> {
    let mut rows = vec![Vec::new(); program.rows.len()];
    for (row, column, value) in &program.terms {
        rows[*row as usize].push((*column as usize, *value));
    }
    rows
}

/// What a kelvin below or above a limit costs in a node, EUR/K.
#[derive(Clone, Debug, Default)]
struct Limits {
    below: Vec<(f64, f64)>,
    above: Vec<(f64, f64)>,
}

/// The limits of each node: the rows of the first temperature and of what it lacks alone.
fn limits(model: &Model<'_>, task: Task, rows: &[Vec<(usize, f64)>]) -> Vec<Limits> {
    let program = &model.program;
    let mut limits = vec![Limits::default(); model.nodes.all.len()];
    let stores = task.store(model);
    let Some((own, _)) = stores.first() else { return limits };
    let mut node_of = vec![None; program.columns.len()];
    own.iter().enumerate().for_each(|(node, column)| node_of[*column] = Some(node));
    for (row, terms) in rows.iter().enumerate() {
        let [(a, _), (b, _)] = terms[..] else { continue };
        let (node, lacks) = match (node_of[a], node_of[b]) {
            (Some(node), None) => (node, b),
            (None, Some(node)) => (node, a),
            (Some(_), Some(_)) | (None, None) => continue,
        };
        let price = program.columns[lacks].cost;
        let row = program.rows[row];
        if row.lower.is_finite() && row.lower < row.upper {
            limits[node].below.push((row.lower, price));
        } else if row.upper.is_finite() && row.lower < row.upper {
            limits[node].above.push((row.upper, price));
        }
    }
    limits
}

struct Reading<'a, 'b, 'c> {
    found: &'a Found<'b, 'c>,
    task: Task,
    terms: Vec<Vec<(usize, f64)>>,
    limits: Vec<Limits>,
}

impl Reading<'_, '_, '_> {
    fn step(&self, heater: &Heater, step: usize, busy: bool) -> Step {
        let model = self.found.model;
        let first = model.nodes.node(step, 0);
        let Node { hours, share, .. } = model.nodes.all[first];
        let priced = |limits: &[(f64, f64)]| limits.iter().map(|(limit, price)| (*limit, price / share)).collect();
        let bounds = |own: &[usize]| model.program.columns[own[first]].upper;
        let mut result = Step {
            hours,
            below: priced(&self.limits[first].below),
            above: priced(&self.limits[first].above),
            most: self.task.store(model).first().map_or(f64::INFINITY, |(own, _)| bounds(own)),
            busy,
            ..Step::default()
        };
        for node in model.nodes.of_step(step) {
            self.warming(node, &mut result);
        }
        self.powers(heater, step, &mut result);
        result
    }

    /// Adds what a node says of how the store warms up, by its share.
    fn warming(&self, node: usize, step: &mut Step) {
        let (model, solution) = (self.found.model, self.found.solution);
        let Node { before, share, .. } = model.nodes.all[node];
        let power = self.task.columns(model)[node];
        let stores = self.task.store(model);
        for (index, (own, rows)) in stores.iter().enumerate() {
            let terms = &self.terms[rows[node]];
            let lead = terms.iter().find(|(column, _)| *column == own[node]).map_or(1.0, |(_, value)| *value);
            step.base[index] += share * model.program.rows[rows[node]].upper / lead;
            for (column, value) in terms.iter().filter(|(column, _)| *column != own[node]) {
                let part = -value / lead * share;
                let earlier = stores.iter().position(|(own, _)| before.is_some_and(|before| own[before] == *column));
                match earlier {
                    Some(earlier) => step.keeps[index][earlier] += part,
                    None if *column == power => step.warms[index] += part,
                    None => step.base[index] += part * solution.values[*column],
                }
            }
        }
    }

    /// The powers that the pump may take in a step. While it does this it does nothing else.
    fn powers(&self, heater: &Heater, step: usize, result: &mut Step) {
        let model = self.found.model;
        let mut levels = vec![0.0];
        let most = model.nodes.of_step(step).map(|node| model.program.columns[self.task.columns(model)[node]].upper);
        let most = most.fold(f64::INFINITY, f64::min);
        if !result.busy && most > TINY {
            levels.push(heater.min.min(most));
            levels.push(most);
            levels.dedup_by(|a, b| (*a - *b).abs() < TINY);
        }
        result.powers = levels.into_iter().map(|power| (power, 0.0)).collect();
        for node in model.nodes.of_step(step) {
            let merit = Merit::of(self.found, node);
            let flows = self.found.flows(node);
            let own = match self.task {
                Task::Tank => flows.hot_water,
                Task::Room => flows.heating,
                Task::Cooling => flows.cooling,
            };
            let weight = model.nodes.all[node].share * result.hours;
            for (power, cost) in &mut result.powers {
                *cost += weight * merit.cost(if *power > TINY { *power } else { flows.heat_pump() - own });
            }
        }
    }
}
