//! The program in quarter hours: it is read, never solved. What flows in it and what is worth what in it is what the solution of the
//! coarser one says of the time that each slot is in.

use crate::plan::PlanRequest;
use crate::planner::expected::{self, Expected};
use crate::planner::found::Found;
use crate::planner::model::queue::Waiting;
use crate::planner::model::{Model, Task};
use crate::planner::nodes::Nodes;
use crate::planner::waiting;
use crate::program::Solution;

/// What a program in quarter hours is made of.
#[derive(Debug)]
pub(super) struct Fine {
    nodes: Nodes,
    expected: Vec<Expected>,
    waiting: Waiting,
}

impl Fine {
    /// That of the house and the time that `coarse` is about.
    pub(super) fn of(request: &PlanRequest, coarse: &Model<'_>) -> Self {
        let nodes = coarse.nodes.in_quarters();
        let around = coarse.home.tank.map_or(0.0, |store| store.around);
        let expected = expected::expected(request, coarse.home, &nodes, around);
        let waiting = waiting::waiting(request, &nodes);
        Self { nodes, expected, waiting }
    }

    /// The program.
    pub(super) fn model<'a>(&'a self, coarse: &Model<'a>) -> Model<'a> {
        let steps = &coarse.nodes.steps;
        let hot = coarse.hot.as_ref().map(|hot| steps[hot.start].start..steps[hot.end - 1].end);
        let Self { nodes, expected, waiting } = self;
        Model::new(&Task { home: coarse.home, nodes, expected, prices: coarse.prices, hot, waiting })
    }
}

/// What `found` says, in the columns and rows of `fine`.
pub(super) fn expanded(found: &Found<'_, '_>, fine: &Model<'_>) -> Solution {
    let (coarse, solution) = (found.model, found.solution);
    let (mut values, mut duals) = (vec![0.0; fine.program.columns.len()], vec![0.0; fine.program.rows.len()]);
    for (node, at) in fine.nodes.all.iter().enumerate() {
        let source = coarse.nodes.node(coarse.nodes.step(at.step), at.branch);
        let shorter = at.hours / coarse.nodes.all[source].hours;
        for (fine, coarse) in fine.columns.all().into_iter().zip(coarse.columns.all()) {
            if let (Some(column), Some(source)) = (fine.get(node), coarse.get(source)) {
                values[*column] = solution.values[*source];
            }
        }
        // A kW over a quarter hour is a quarter of one over an hour.
        let scales = [(&fine.rows.balance, &coarse.rows.balance, shorter)];
        let same = fine.rows.stores().into_iter().zip(coarse.rows.stores()).map(|(fine, coarse)| (fine, coarse, 1.0));
        for (fine, coarse, scale) in scales.into_iter().chain(same) {
            if let (Some(row), Some(source)) = (fine.get(node), coarse.get(source)) {
                duals[*row] = solution.duals[*source] * scale;
            }
        }
    }
    Solution { cost: solution.cost, values, duals }
}
