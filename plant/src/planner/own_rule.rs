//! A battery that cannot be set follows its own rule: it gives what the house lacks and takes what is too much, whatever comes later.
//!
//! A program would keep its energy for dearer hours. So the rule is played along the first solution, once with compute as planned and
//! once without, and the program is solved again within what the rule leaves: no import before the battery is empty, no export before
//! it is full. Of the two the one counts that costs less once the rule is played along it, too.
//!
//! Example: 3 kWh at midnight, 1 kW of house and heat pump, 0.60 EUR/kWh at six. It is empty at three, however dear the morning is. Work at
//! one that pays 0.15 takes out what saves 0.30 at three: it waits.

use crate::house::battery::Bounds;
use crate::planner::found::{Flows, Found};
use crate::planner::home::Battery;
use crate::program::{Program, Solution, Solve};

/// Less than this is nothing, kW.
const TINY: f64 = 1e-6;

/// A node in which the rule is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Played {
    /// What the house lacks without the battery, kW; negative: what is too much.
    lacking: f64,
    /// The battery's power, discharge positive.
    power: f64,
    /// What it holds at the end, kWh.
    stored: f64,
    /// Whether it has been empty by then, or full.
    was_empty: bool,
    was_full: bool,
}

/// The program and the solution of a house whose battery follows its own rule, where `found` takes it for one that can be set; `None` where
/// there is none, or it can.
pub(super) fn followed(found: &Found<'_, '_>, solve: &mut Solve<'_>) -> Option<(Program, Solution)> {
    let battery = found.model.home.battery.filter(|battery| !battery.steered)?;
    let mut ways = Vec::new();
    for with_compute in [true, false] {
        let program = within(found, &played(found, &battery, with_compute));
        let Some(solution) = solve(&program) else { continue };
        let cost = cost(&Found { model: found.model, solution: &solution }, &battery);
        ways.push((cost, program, solution));
    }
    let best = ways.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, program, solution)| (program, solution))
}

/// The rule along `found`, in each node.
fn played(found: &Found<'_, '_>, battery: &Battery, with_compute: bool) -> Vec<Played> {
    let fan = found.model.home.compute.fan;
    let mut played: Vec<Played> = Vec::with_capacity(found.model.nodes.all.len());
    for (node, at) in found.model.nodes.all.iter().enumerate() {
        let flows = found.flows(node);
        let compute = if with_compute { 0.0 } else { flows.compute + fan * flows.rejected(found.model.home) };
        let lacking = lacking(&flows) - compute;
        let before = at.before.map(|before| played[before]);
        let stored = before.map_or(battery.stored, |before| before.stored);
        let (power, stored) = battery.cells.step(stored, lacking, Bounds::OWN, at.hours);
        let empty = lacking > power + TINY && power < battery.cells.discharge - TINY;
        let full = lacking < power - TINY && -power < battery.cells.charge - TINY;
        played.push(Played {
            lacking,
            power,
            stored,
            was_empty: empty || before.is_some_and(|before| before.was_empty),
            was_full: full || before.is_some_and(|before| before.was_full),
        });
    }
    played
}

/// The program of `found`, within what the rule leaves.
fn within(found: &Found<'_, '_>, played: &[Played]) -> Program {
    let (mut program, columns) = (found.model.program.clone(), &found.model.columns);
    let mut most = |column: usize, most: f64| {
        let column = &mut program.columns[column];
        column.upper = column.upper.min(most.max(0.0)).max(column.lower);
    };
    for (node, Played { lacking, power, was_empty, was_full, .. }) in played.iter().enumerate() {
        if !was_empty {
            most(columns.import[node], lacking - power);
        }
        if !was_full {
            most(columns.export[node], power - lacking);
        }
        if *lacking <= 0.0 {
            most(columns.discharge[node], 0.0);
        }
    }
    program
}

/// What `found` costs with the rule's battery in the place of its own.
fn cost(found: &Found<'_, '_>, battery: &Battery) -> f64 {
    let (model, mut cost) = (found.model, found.solution.cost);
    for (node, Played { lacking, power, stored, .. }) in played(found, battery, true).into_iter().enumerate() {
        let (flows, at) = (found.flows(node), model.nodes.all[node]);
        let expected = &model.expected[node];
        let import = (lacking - power).max(0.0) - flows.import;
        let export = (power - lacking).max(0.0) - flows.export;
        cost += (import * expected.buy - export * expected.sell.max(0.0)) * at.hours * at.share;
        cost += (power.max(0.0) - flows.discharge) * battery.wear * at.hours * at.share;
        cost += (stored - flows.stored) * model.program.columns[model.columns.stored[node]].cost;
    }
    cost
}

fn lacking(flows: &Flows) -> f64 {
    flows.import - flows.export - flows.curtailed + flows.discharge - flows.charge
}
