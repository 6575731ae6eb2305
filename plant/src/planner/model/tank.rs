//! The tank: what it holds, how warm it has to be, and how hot against legionella.

use super::{Model, TERMINAL_COP_TANK};
use crate::house::tank::AROUND;
use crate::planner::home::Store;

/// A tank that gives more than it has would be colder than this, °C.
const COLDEST: f64 = 5.0;
/// Nothing bounds it in the program, so that there is a plan for whatever is drawn.
const LEAST: f64 = f64::NEG_INFINITY;
/// What a kelvin hour below the margin of each tier costs, as a share of one below the least temperature: draws that need it come on
/// one day in five, in twelve and in fifty, and last for some hours.
const TIERS: [f64; 3] = [0.3, 0.3, 0.3];
/// What a kelvin hour costs that the tank is not as hot as it has to be against legionella, EUR.
const NOT_HOT: f64 = 2.0;
/// What a kelvin hour costs by which the tank is warmer than the loop that heats it: so much that no heat is led against it.
const BEYOND: f64 = 0.2;

impl Model<'_> {
    /// The tank, and the kelvins that it lacks.
    pub(super) fn tank(&mut self, worth: f64) {
        let Some(store) = self.home.tank else { return };
        let heat = self.home.heater.and_then(|heater| heater.fuel).unwrap_or(worth / TERMINAL_COP_TANK);
        let nodes = self.nodes;
        let left = store.tank.capacity * heat;
        // Against legionella it gets hotter than it is used for.
        let most = store.tank.max.max(store.now).max(self.hot.as_ref().map_or(f64::NEG_INFINITY, |_| store.hot));
        let tank = self.quantity(|node| (nodes.terminal(node, left), [LEAST, most]));
        let free = [0.0, f64::INFINITY];
        let tepid = self.quantity(|node| (nodes.hourly(node, store.cold), free));
        let tiers = TIERS.map(|share| self.quantity(|node| (nodes.hourly(node, share * store.cold), free)));
        let not_hot = self.quantity(|node| (nodes.hourly(node, NOT_HOT), free));
        self.columns.tank = tank;
        for node in 0..self.nodes.all.len() {
            self.warm_tank(node, &store);
            let (step, tank) = (self.nodes.all[node].step, self.columns.tank[node]);
            let at_least = |model: &mut Self, least: f64, lacking: usize| {
                model.program.row([(tank, 1.0), (lacking, 1.0)], [least, f64::INFINITY]);
            };
            at_least(self, store.low, tepid[node]);
            for (tier, lacking) in tiers.iter().enumerate() {
                at_least(self, store.low + self.expected[node].margins[tier], lacking[node]);
            }
            let hot = self.hot.as_ref().is_some_and(|hot| hot.contains(&step));
            let least = if hot { store.hot } else { COLDEST };
            at_least(self, least, not_hot[node]);
        }
        self.columns.tepid = tepid;
    }

    /// Its temperature at the end of a node.
    fn warm_tank(&mut self, node: usize, store: &Store) {
        let (at, expected) = (self.nodes.all[node], self.expected[node]);
        let per_kw = at.hours / store.tank.capacity;
        // An implicit step, stable for hours however small the tank.
        let keeps = 1.0 + per_kw * store.tank.loss;
        let mut terms = vec![
            (self.columns.tank[node], keeps),
            (self.columns.hot_water[node], -per_kw * expected.cop_tank),
            (self.columns.to_tank[node], -per_kw),
        ];
        let mut right = per_kw * (AROUND * store.tank.loss - expected.drawn);
        match at.before {
            Some(before) => terms.push((self.columns.tank[before], -1.0)),
            None => right += store.now,
        }
        let row = self.program.row(terms, [right, right]);
        self.rows.tank.push(row);
        // What the coil takes.
        let pumped = &mut self.program.columns[self.columns.hot_water[node]];
        pumped.upper = pumped.upper.min(store.tank.coil_max / expected.cop_tank);
        if let Some(exchanger) = self.home.compute.ways.tank {
            self.exchanger(node, store, exchanger);
        }
    }

    /// The exchanger gives as much as the loop is warmer than the tank, and nothing to a tank that is warmer.
    fn exchanger(&mut self, node: usize, store: &Store, exchanger: f64) {
        let loop_max = self.home.compute.ways.loop_max;
        let to_tank = self.columns.to_tank[node];
        let Some(before) = self.nodes.all[node].before else {
            self.program.columns[to_tank].upper = exchanger * (loop_max - store.now).max(0.0);
            return;
        };
        let beyond = self.program.column(self.nodes.hourly(node, BEYOND), [0.0, f64::INFINITY]);
        let terms = [(to_tank, 1.0), (self.columns.tank[before], exchanger), (beyond, -exchanger)];
        self.program.row(terms, [f64::NEG_INFINITY, exchanger * loop_max]);
    }
}
