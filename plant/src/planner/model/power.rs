//! Grid and battery.

use super::{Model, TIE};
use crate::planner::expected::Expected;

/// Of what power is worth at the end of the plan, so much counts for energy that is still in the battery.
const TERMINAL_STORED: f64 = 0.9;
/// What a kilowatt-hour costs beyond what the connection bears, EUR.
pub(in crate::planner) const BEYOND: f64 = 10.0;

impl Model<'_> {
    /// What is taken from the grid and given to it, and what stays on the roof.
    pub(super) fn connection(&mut self) {
        let (expected, home, nodes) = (self.expected, self.home, self.nodes);
        let import = self.quantity(|node| (nodes.hourly(node, expected[node].buy), [0.0, home.import_max]));
        let export = self.quantity(|node| {
            let Expected { buy, sell, pv, load, .. } = expected[node];
            // Nobody buys to sell at once.
            let most = if buy <= sell { (pv - load).max(0.0).min(home.export_max) } else { home.export_max };
            let most = if sell <= 0.0 { 0.0 } else { most };
            (nodes.hourly(node, TIE - sell), [0.0, most])
        });
        let curtailed = self.quantity(|node| {
            let Expected { sell, pv, .. } = expected[node];
            let held_back = sell <= 0.0 || pv > home.export_max;
            (nodes.hourly(node, TIE), [0.0, if held_back { pv.max(0.0) } else { 0.0 }])
        });
        self.balance(&import, 1.0);
        self.balance(&export, -1.0);
        self.balance(&curtailed, -1.0);
        (self.columns.import, self.columns.export, self.columns.curtailed) = (import, export, curtailed);
    }

    /// What is taken beyond what the connection bears.
    pub(super) fn beyond(&mut self) {
        let (expected, home, nodes) = (self.expected, self.home, self.nodes);
        let beyond = self.quantity(|node| {
            let Expected { buy, pv, load, .. } = expected[node];
            // What the house takes by itself nobody refuses, but it is worth a lot to have it from elsewhere.
            (nodes.hourly(node, buy + BEYOND), [0.0, (load - pv - home.import_max).max(0.0)])
        });
        self.balance(&beyond, 1.0);
        self.columns.beyond = beyond;
    }

    /// The battery; energy in it at the end is worth what it saves then.
    pub(super) fn battery(&mut self, worth: f64) {
        let Some(battery) = self.home.battery else { return };
        let (expected, nodes) = (self.expected, self.nodes);
        let charge = self.quantity(|node| {
            let Expected { pv, load, .. } = expected[node];
            // One that is left to itself never takes from the grid.
            let most = (pv - load).max(0.0) + battery.from_grid;
            (nodes.hourly(node, TIE), [0.0, most.min(battery.cells.charge)])
        });
        let kept = battery.cells.one_way * battery.cells.one_way;
        let discharge = self.quantity(|node| {
            // Where the grid pays more for what is lost on the way than the way wears off, charging and giving at once would burn it.
            let burns = -expected[node].buy * (1.0 - kept) > battery.wear * kept;
            (nodes.hourly(node, battery.wear), [0.0, if burns { 0.0 } else { battery.cells.discharge }])
        });
        // What is taken out then wears the battery off, too, and a later use is less certain than the one at hand.
        let left = battery.cells.one_way * (worth * TERMINAL_STORED - battery.wear).max(0.0);
        let stored = self.quantity(|node| {
            (nodes.terminal(node, left), [battery.cells.reserve.min(battery.stored), battery.cells.capacity])
        });
        self.balance(&charge, -1.0);
        self.balance(&discharge, 1.0);
        for (node, at) in self.nodes.all.iter().enumerate() {
            let flows = [
                (stored[node], 1.0),
                (charge[node], -battery.cells.one_way * at.hours),
                (discharge[node], at.hours / battery.cells.one_way),
            ];
            let before = at.before.map(|before| (stored[before], -1.0));
            let held = if before.is_some() { 0.0 } else { battery.stored };
            let row = self.program.row(flows.into_iter().chain(before), [held, held]);
            self.rows.stored.push(row);
        }
        (self.columns.charge, self.columns.discharge, self.columns.stored) = (charge, discharge, stored);
    }
}
