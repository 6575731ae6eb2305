//! The house ahead as a linear program: what flows in each node, what the stores hold at its end, and what it costs.
//!
//! ```text
//!   import + PV + discharge = export + curtailed + household + charge + compute + fan + heat pump      in each node
//!   store at the end = store before it, less its losses, plus what flows in, less what is drawn        battery, air, mass, tank
//!   cost = import - export - work + wear + rooms and tank outside their bands - what the stores hold at the end
//! ```
//!
//! Losses of the stores and the mixing of air and mass are exact for constant flows within a node ([`crate::house::room`]). The COP of
//! the tank is the one at `tank_around`. Everything a house may have has its columns in every program, bounded to zero where it is
//! not there: programs of one house have one shape, and the solver begins where it ended.

/// The box.
mod compute;
/// Its heat and the heat pump's.
mod heat;
/// Grid and battery.
pub(super) mod power;
/// Work that waits.
pub(super) mod queue;
/// Rooms.
mod room;
/// Tank.
mod tank;

use crate::planner::expected::Expected;
use crate::planner::home::Home;
use crate::planner::model::queue::Waiting;
use crate::planner::nodes::Nodes;
use crate::program::{Program, Solution};
use std::ops::Range;

/// Of the known prices of import, so many are below what stored energy is worth at the end of the plan.
const TERMINAL_SHARE: f64 = 0.35;
/// Slots whose prices count for that: the last day that is known.
const TERMINAL_SLOTS: usize = 96;
/// What heat in the stores is worth at the end: electricity at such a COP, as the mean of a heating season.
const TERMINAL_COP: f64 = 3.5;
/// The same for the hotter tank.
const TERMINAL_COP_TANK: f64 = 3.0;
/// Of the heat in the rooms, so much is still of use.
const TERMINAL_USE: f64 = 0.8;
/// Breaks ties: flows that change nothing cost a little.
const TIE: f64 = 1e-5;

/// The columns of each quantity, one for each node. Powers in kW, energies in kWh, temperatures in °C.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// What the connection bears, and what the household takes beyond that.
    pub import: Vec<usize>,
    pub beyond: Vec<usize>,
    pub export: Vec<usize>,
    pub curtailed: Vec<usize>,
    pub charge: Vec<usize>,
    pub discharge: Vec<usize>,
    pub stored: Vec<usize>,
    pub compute: Vec<usize>,
    /// Compute's heat by its way; what is in none goes outside.
    pub to_room: Vec<usize>,
    pub to_tank: Vec<usize>,
    pub to_source: Vec<usize>,
    /// The heat pump's power by what it does.
    pub heating: Vec<usize>,
    pub hot_water: Vec<usize>,
    pub cooling: Vec<usize>,
    pub air: Vec<usize>,
    pub mass: Vec<usize>,
    pub tank: Vec<usize>,
    /// Kelvins outside the bands.
    pub cold: Vec<usize>,
    pub warm: Vec<usize>,
    pub tepid: Vec<usize>,
    /// Work that is done, and that is late, since now.
    pub served: Vec<usize>,
    pub late: Vec<usize>,
}

impl Columns {
    /// Those of every quantity.
    pub(super) fn all(&self) -> [&Vec<usize>; 22] {
        let Self {
            import,
            beyond,
            export,
            curtailed,
            charge,
            discharge,
            stored,
            compute,
            to_room,
            to_tank,
            to_source,
            ..
        } = self;
        let Self { heating, hot_water, cooling, air, mass, tank, cold, warm, tepid, served, late, .. } = self;
        [
            import, beyond, export, curtailed, charge, discharge, stored, compute, to_room, to_tank, to_source,
            heating, hot_water, cooling, air, mass, tank, cold, warm, tepid, served, late,
        ]
    }
}

/// The rows whose duals are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub balance: Vec<usize>,
    pub stored: Vec<usize>,
    pub air: Vec<usize>,
    pub mass: Vec<usize>,
    pub tank: Vec<usize>,
    pub served: Vec<usize>,
}

impl Rows {
    /// Those of the stores, work that is done among them.
    pub(super) fn stores(&self) -> [&Vec<usize>; 5] {
        [&self.stored, &self.air, &self.mass, &self.tank, &self.served]
    }
}

/// A program of a house.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub home: &'a Home,
    pub nodes: &'a Nodes,
    pub expected: &'a [Expected],
    /// Prices of import in the slots ahead, EUR/kWh.
    pub prices: &'a [f64],
    pub program: Program,
    pub columns: Columns,
    pub rows: Rows,
    /// The steps in which the tank has to be hot against legionella.
    pub hot: Option<Range<usize>>,
    /// What a kW of heat does to air and mass in the first node, K.
    pub warming: room::Warming,
    /// The terms of the balance of each node, as the parts add them.
    balance: Vec<Vec<(usize, f64)>>,
}

/// What a program is about beyond what is expected.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub home: &'a Home,
    pub nodes: &'a Nodes,
    pub expected: &'a [Expected],
    /// Prices of import in the slots ahead, EUR/kWh.
    pub prices: &'a [f64],
    /// The steps in which the tank has to be hot against legionella.
    pub hot: Option<Range<usize>>,
    /// Work that waits and will come.
    pub waiting: &'a Waiting,
}

impl<'a> Model<'a> {
    /// The program of `task`.
    pub(super) fn new(task: &Task<'a>) -> Self {
        let count = task.nodes.all.len();
        let mut model = Self {
            home: task.home,
            nodes: task.nodes,
            expected: task.expected,
            prices: task.prices,
            program: Program::default(),
            columns: Columns::default(),
            rows: Rows::default(),
            hot: task.hot.clone(),
            warming: room::Warming::default(),
            balance: vec![Vec::new(); count],
        };
        let worth = worth_at_the_end(task.prices);
        model.connection();
        model.battery(worth);
        model.box_and_work(task.waiting);
        model.heat();
        model.rooms(worth);
        model.tank(worth);
        model.beyond();
        for (node, terms) in std::mem::take(&mut model.balance).into_iter().enumerate() {
            let lacking = task.expected[node].load - task.expected[node].pv;
            let row = model.program.row(terms, [lacking, lacking]);
            model.rows.balance.push(row);
        }
        model
    }

    /// Adds a quantity: `of` says what a unit costs in each node and within which bounds it is.
    fn quantity(&mut self, of: impl Fn(usize) -> (f64, [f64; 2])) -> Vec<usize> {
        (0..self.nodes.all.len())
            .map(|node| {
                let (cost, bounds) = of(node);
                self.program.column(cost, bounds)
            })
            .collect()
    }

    /// A quantity takes part in the balance of its node by `factor`.
    fn balance(&mut self, columns: &[usize], factor: f64) {
        for (node, column) in columns.iter().enumerate() {
            self.balance[node].push((*column, factor));
        }
    }

    /// The columns of a run of compute in steps `steps`, in all scenarios.
    pub(super) fn run(&self, steps: Range<usize>) -> Vec<usize> {
        steps.flat_map(|step| self.nodes.of_step(step)).map(|node| self.columns.compute[node]).collect()
    }
}

/// What a kilowatt-hour is worth at the end of the plan.
fn worth_at_the_end(prices: &[f64]) -> f64 {
    let mut prices = prices[prices.len().saturating_sub(TERMINAL_SLOTS)..].to_vec();
    prices.sort_by(f64::total_cmp);
    let place = TERMINAL_SHARE * prices.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let at = |index: usize| prices.get(index).copied().unwrap_or(0.0);
    at(below) + (at(above) - at(below)) * (place - place.floor())
}

/// The value of a quantity in a node.
pub(super) fn value(solution: &Solution, columns: &[usize], node: usize) -> f64 {
    columns.get(node).and_then(|column| solution.values.get(*column)).copied().unwrap_or(0.0)
}

/// By how much the cost would rise if the two bounds of a row were one higher.
pub(super) fn dual(solution: &Solution, rows: &[usize], node: usize) -> f64 {
    rows.get(node).and_then(|row| solution.duals.get(*row)).copied().unwrap_or(0.0)
}
