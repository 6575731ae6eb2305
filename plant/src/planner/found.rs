//! What a solution says: what flows, what the stores come to, and what more of each would be worth.

use crate::planner::home::Home;
use crate::planner::model::{Model, dual, value};
use crate::program::Solution;

/// Of its greatest power, and of its least, so much is running: a program knows no least power, and what is nearer to it than to zero is
/// meant to run.
const RUNNING: f64 = 0.03;
const RUNNING_OF_LEAST: f64 = 0.5;

/// A program and its solution.
#[derive(Debug)]
pub(super) struct Found<'a, 'b> {
    /// The program.
    pub model: &'a Model<'b>,
    /// Its solution.
    pub solution: &'a Solution,
}

/// What flows in a node and what the stores hold at its end: kW, kWh, °C.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Flows {
    pub import: f64,
    pub export: f64,
    pub curtailed: f64,
    pub charge: f64,
    pub discharge: f64,
    pub stored: f64,
    pub compute: f64,
    pub to_room: f64,
    pub to_tank: f64,
    pub to_source: f64,
    pub heating: f64,
    pub hot_water: f64,
    pub cooling: f64,
    pub air: f64,
    pub tank: f64,
}

impl Flows {
    /// The heat pump's power.
    pub(super) fn heat_pump(&self) -> f64 {
        self.heating + self.hot_water + self.cooling
    }

    /// Power that the heat pump takes from the house; a furnace takes none.
    pub(super) fn pump_draws(&self, home: &Home) -> f64 {
        if home.heater.is_some_and(|heater| heater.fuel.is_some()) { 0.0 } else { self.heat_pump() }
    }

    /// What the fuel costs that is burnt, EUR/h.
    pub(super) fn fuel(&self, home: &Home) -> f64 {
        home.heater.and_then(|heater| heater.fuel).map_or(0.0, |price| price * self.heat_pump())
    }

    /// Heat of compute that goes outside.
    pub(super) fn rejected(&self, home: &Home) -> f64 {
        (self.compute * home.compute.heat - self.to_room - self.to_tank - self.to_source).max(0.0)
    }

    /// Each of the two by its share.
    fn add(&mut self, other: &Self, share: f64) {
        let rows = [
            (&mut self.import, other.import),
            (&mut self.export, other.export),
            (&mut self.curtailed, other.curtailed),
            (&mut self.charge, other.charge),
            (&mut self.discharge, other.discharge),
            (&mut self.stored, other.stored),
            (&mut self.compute, other.compute),
            (&mut self.to_room, other.to_room),
            (&mut self.to_tank, other.to_tank),
            (&mut self.to_source, other.to_source),
            (&mut self.heating, other.heating),
            (&mut self.hot_water, other.hot_water),
            (&mut self.cooling, other.cooling),
            (&mut self.air, other.air),
            (&mut self.tank, other.tank),
        ];
        rows.into_iter().for_each(|(sum, part)| *sum += part * share);
    }
}

/// What a kilowatt-hour more would be worth in a node, EUR/kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Margins {
    /// Of power in the house.
    pub power: f64,
    /// Of energy in the battery.
    pub stored: f64,
    /// Of compute's heat in the rooms.
    pub room: f64,
    /// Of heat in the tank.
    pub tank: f64,
    /// Of a kilowatt-hour of compute: its work, and its heat on the best way that is open.
    pub compute: f64,
    /// The part of that which is heat.
    pub heat: f64,
}

impl Found<'_, '_> {
    /// What flows in a node.
    pub(super) fn flows(&self, node: usize) -> Flows {
        let columns = &self.model.columns;
        let of = |columns: &[usize]| value(self.solution, columns, node);
        Flows {
            import: of(&columns.import) + of(&columns.beyond),
            export: of(&columns.export),
            curtailed: of(&columns.curtailed),
            charge: of(&columns.charge),
            discharge: of(&columns.discharge),
            stored: of(&columns.stored),
            compute: of(&columns.compute),
            to_room: of(&columns.to_room),
            to_tank: of(&columns.to_tank),
            to_source: of(&columns.to_source),
            heating: of(&columns.heating),
            hot_water: of(&columns.hot_water),
            cooling: of(&columns.cooling),
            air: of(&columns.air),
            tank: of(&columns.tank),
        }
    }

    /// What is expected to flow in a step, over all scenarios.
    pub(super) fn mean(&self, step: usize) -> Flows {
        let nodes = self.model.nodes;
        let mut mean = Flows::default();
        for branch in 0..nodes.branches {
            mean.add(&self.flows(nodes.node(step, branch)), 1.0 / nodes.branches as f64);
        }
        mean
    }

    /// What more would be worth in a step, over all scenarios.
    pub(super) fn mean_margins(&self, step: usize) -> Margins {
        let nodes = self.model.nodes;
        let share = 1.0 / nodes.branches as f64;
        let mut mean = Margins::default();
        for branch in 0..nodes.branches {
            let of = self.margins(nodes.node(step, branch));
            mean.power += of.power * share;
            mean.stored += of.stored * share;
            mean.room += of.room * share;
            mean.tank += of.tank * share;
            mean.compute += of.compute * share;
            mean.heat += of.heat * share;
        }
        mean
    }

    /// Work that waits and is done by the end, over all scenarios, kWh.
    pub(super) fn served(&self) -> f64 {
        let nodes = self.model.nodes;
        let last = |branch| nodes.path(branch).last();
        let served = |node| value(self.solution, &self.model.columns.served, node);
        (0..nodes.branches).filter_map(last).map(served).sum::<f64>() / nodes.branches as f64
    }

    /// What more would be worth in a node.
    pub(super) fn margins(&self, node: usize) -> Margins {
        let (model, home) = (self.model, self.model.home);
        let (rows, at) = (&model.rows, model.nodes.all[node]);
        let of = |rows: &[usize]| dual(self.solution, rows, node) / at.share;
        let power = of(&rows.balance) / at.hours;
        let warming = model.warming.compute;
        // The first node's answer to heat stands for all: per kWh it hardly depends on the length.
        let first = model.nodes.all[0].hours;
        let room = -(warming.air * of(&rows.air) + warming.mass * of(&rows.mass)) / first;
        let tank = home.tank.map_or(0.0, |store| -of(&rows.tank) / store.tank.capacity);
        let work = home.standing - of(&rows.served);
        let heat = self.heat_worth(node, power, (room, tank));
        Margins { power, stored: -of(&rows.stored), room, tank, compute: work + heat, heat }
    }

    /// What the heat of a kilowatt-hour of compute is worth on the best way that takes more.
    fn heat_worth(&self, node: usize, power: f64, (room, tank): (f64, f64)) -> f64 {
        let (home, columns) = (self.model.home, &self.model.columns);
        let ways = home.compute.ways;
        let takes = |columns: &[usize]| {
            let most = columns.get(node).map_or(0.0, |column| self.model.program.columns[*column].upper);
            value(self.solution, columns, node) < most - 1e-6
        };
        let outside = -home.compute.fan * power;
        let mut best = outside;
        if ways.room && home.room.is_some() {
            best = best.max(room);
        }
        if takes(&columns.to_tank) {
            best = best.max(tank);
        }
        let leak = home.room.map_or(0.0, |_| home.compute.leak * room);
        home.compute.heat * best + leak
    }

    /// Compute's power in each step of the scenario with the most sun.
    pub(super) fn compute(&self) -> Vec<f64> {
        let nodes = self.model.nodes;
        let compute = &self.model.columns.compute;
        nodes.path(nodes.branches - 1).map(|node| value(self.solution, compute, node)).collect()
    }

    /// Whether so much power is running.
    pub(super) fn runs(&self, power: f64) -> bool {
        power > self.running()
    }

    /// More power than this is running.
    pub(super) fn running(&self) -> f64 {
        let compute = &self.model.home.compute;
        (RUNNING * compute.max).max(RUNNING_OF_LEAST * compute.min)
    }
}
