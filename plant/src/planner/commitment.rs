//! When a heat pump runs that knows little between on and off: its commitment, as the field calls it, without integers.
//!
//! A linear program lets a pump of 4.5 kW run on 0.7 kW of sun all day, which it cannot. So each of its tasks in turn, tank before rooms,
//! is searched through once more, quarter hour by quarter hour, on or off, by dynamic programming over what the store holds: the store as
//! the program has it ([`store`]), a slot's power at what it really costs ([`merit`]), the cheapest course ([`search`]). The program is
//! solved again with that course as its bounds, so that battery, compute and its heat fit to it.
//!
//! ```text
//!   relaxed   0.7  0.7  0.7  0.7  0.7  0.7 kW
//!   on, off   0    0    4.5  0    0    0   kW      in the quarter hour whose sun covers most of it
//! ```
//!
//! What more heat is worth is read from the program in which the pump is committed for the next hours and free after them: later heat
//! saves later power, which a course that is fixed to its end would hide.

/// The program in quarter hours.
mod fine;
/// What a slot costs by the power that is taken in it.
mod merit;
/// The cheapest course.
mod search;
/// A store of heat as the program has it.
mod store;

use crate::plan::PlanRequest;
use crate::planner::commitment::fine::Fine;
use crate::planner::commitment::search::{Course, Habit, cheapest};
use crate::planner::commitment::store::Task;
use crate::planner::found::Found;
use crate::planner::home::Heater;
use crate::planner::model::Model;
use crate::planner::starts::SMALL;
use crate::program::{Program, Solution, Solve};
use crate::time::Slot;

/// What is worth what is read from a program in which the pump is committed for so long, h.
const NEXT_HOURS: f64 = 4.0;
/// A pump's power below this is off, kW.
const OFF: f64 = 0.05;
/// The tasks are searched through so many times, each time with what the others came to.
const ROUNDS: usize = 2;

/// The program in which a switched heat pump is on or off.
#[derive(Clone, Debug)]
pub(super) struct Committed {
    /// The program.
    pub program: Program,
    /// Its solution.
    pub solution: Solution,
    /// What the pump does in each slot.
    pub slots: Vec<Pumped>,
}

/// Electric power of a heat pump by its tasks, kW; `None` for one that is not committed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pumped {
    pub hot_water: Option<f64>,
    pub heating: Option<f64>,
    pub cooling: Option<f64>,
    /// Whether compute runs beside it, where that is committed, too.
    pub computes: Option<bool>,
}

/// Commits a switched heat pump to a course through the slots ahead; `None` where there is none, or no course is found.
pub(super) fn commit(request: &PlanRequest, found: &Found<'_, '_>, solve: &mut Solve<'_>) -> Option<Committed> {
    let model = found.model;
    let heater = model.home.heater.filter(Heater::switched)?;
    let fine = Fine::of(request, model);
    let fine = fine.model(model);
    let mut program = model.program.clone();
    let mut solution = found.solution.clone();
    let mut best: Option<(Program, Solution, Courses)> = None;
    let mut courses = Courses::default();
    let habit = Habit { on: ran(request), holds: heater.holds, since: f64::INFINITY, start: 0.0 };
    for _ in 0..ROUNDS {
        for task in Task::ALL.into_iter().filter(|task| task.possible(model)) {
            let expanded = fine::expanded(&Found { model, solution: &solution }, &fine);
            let store = store::read(&Found { model: &fine, solution: &expanded }, &heater, task, &courses.busy(task));
            // In a store that it heats through sooner it goes on and off by its own thermostat.
            if !store.bears(Slot::SECONDS as f64 / 3600.0) {
                continue;
            }
            // Where a run has to be longer than the tank bears, the rooms take the rest.
            let holds = if store.bears(habit.holds) { habit.holds } else { 0.0 };
            let Some(course) = cheapest(&store, &Habit { holds, ..habit }) else { continue };
            bind(&mut program, model, task, &heater, &course);
            courses.0[task as usize] = Some(course);
            solution = solve(&program)?;
        }
        if courses.0.iter().all(Option::is_none) {
            return None;
        }
        if best.as_ref().is_none_or(|(_, best, _)| solution.cost < best.cost) {
            best = Some((program.clone(), solution.clone(), courses.clone()));
        }
    }
    let (program, solution, courses) = best?;
    let mut committed = Committed { slots: courses.slots(model.nodes.slots()), program, solution };
    compute(model, &fine, &mut committed, solve);
    Some(committed)
}

/// Commits compute, too, where it has a least power: it goes round the pump's runs, and keeps its times. In the next hours the program is
/// bound to that.
fn compute(model: &Model<'_>, fine: &Model<'_>, committed: &mut Committed, solve: &mut Solve<'_>) -> Option<()> {
    let device = &model.home.compute;
    if device.min <= SMALL * device.max {
        return None;
    }
    let expanded = fine::expanded(&Found { model, solution: &committed.solution }, fine);
    let slots = &committed.slots;
    let pumped = |slot: usize| {
        let Pumped { hot_water, heating, cooling, .. } = slots[slot];
        [hot_water, heating, cooling].into_iter().flatten().sum::<f64>()
    };
    let store = store::compute(&Found { model: fine, solution: &expanded }, &pumped);
    let holds = device.min_on.max(device.min_off);
    let since = if device.on { holds - device.bound_on } else { f64::INFINITY };
    let habit = Habit { on: Some(device.on), holds, since, start: device.start };
    let course = cheapest(&store, &habit)?;
    let mut program = committed.program.clone();
    for (step, slots) in model.nodes.steps.iter().enumerate().filter(|(_, slots)| slots.len() == 1) {
        for column in model.run(step..step + 1) {
            let bounds = &mut program.columns[column];
            if course[slots.start] > OFF {
                bounds.lower = bounds.lower.max(device.min).min(bounds.upper);
            } else {
                bounds.upper = bounds.lower;
            }
        }
    }
    committed.solution = solve(&program)?;
    committed.program = program;
    committed.slots.iter_mut().zip(course).for_each(|(slot, power)| slot.computes = Some(power > OFF));
    Some(())
}

/// Reads again what more would be worth in `solution`: from the program with the heat pump free again after the next hours.
pub(super) fn read_again(model: &Model<'_>, free: &Program, solution: &mut Solution, solve: &mut Solve<'_>) {
    if let Some(freed) = solve(&freed(model, free)) {
        solution.duals = freed.duals;
    }
}

/// The program of `model` with the heat pump free again after the next hours, as it is in `free`.
fn freed(model: &Model<'_>, free: &Program) -> Program {
    let mut program = model.program.clone();
    let mut passed = 0.0;
    for step in 0..model.nodes.steps.len() {
        if passed >= NEXT_HOURS {
            for column in Task::ALL.into_iter().flat_map(|task| task.at(model, step)) {
                program.columns[column] = free.columns[column];
            }
        }
        passed += model.nodes.all[model.nodes.node(step, 0)].hours;
    }
    program
}

/// Whether the pump ran before now, as far as the plan in force says.
fn ran(request: &PlanRequest) -> Option<bool> {
    let before = Slot::containing(request.at).plus(-1).start();
    let house = request.before.as_ref()?.at(before)?.house?;
    Some(house.heat_pump_power.0 / 1000.0 > OFF)
}

/// Binds a task to its course, in all scenarios. Where the pump is on it may still choose between its least and its greatest power.
fn bind(program: &mut Program, model: &Model<'_>, task: Task, heater: &Heater, course: &Course) {
    for (step, slots) in model.nodes.steps.iter().enumerate() {
        let on = course[slots.clone()].iter().filter(|power| **power > OFF).count() as f64 / slots.len() as f64;
        for column in task.at(model, step) {
            let most = model.program.columns[column].upper;
            let bounds = &mut program.columns[column];
            (bounds.lower, bounds.upper) = (on * heater.min.min(most), on * most);
        }
    }
}

/// The courses of the tasks.
#[derive(Clone, Debug, Default)]
struct Courses([Option<Course>; Task::ALL.len()]);

impl Courses {
    /// Whether the pump is on for another task in each slot.
    fn busy(&self, task: Task) -> impl Fn(usize) -> bool + '_ {
        move |slot| {
            let others = self.0.iter().enumerate().filter(|(other, _)| *other != task as usize);
            others.filter_map(|(_, course)| course.as_ref()).any(|course| course[slot] > OFF)
        }
    }

    fn slots(&self, count: usize) -> Vec<Pumped> {
        let power = |task: Task, slot: usize| self.0[task as usize].as_ref().map(|course| course[slot]);
        let pumped = |slot| Pumped {
            hot_water: power(Task::Tank, slot),
            heating: power(Task::Room, slot),
            cooling: power(Task::Cooling, slot),
            computes: None,
        };
        (0..count).map(pumped).collect()
    }
}
