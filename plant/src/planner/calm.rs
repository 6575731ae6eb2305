//! The plan in force stands unless another gains more: plans that are nearly as good do not turn devices to and fro.
//!
//! What stands are modes, not powers. Where battery and heat pump go on as they were by the plan in force, and a new one turns them, the
//! program is solved once more without that turn, under the same forecast. Only where that costs more than [`GAIN`] are they turned. A
//! start of compute is held against its cost ([`super::starts`]), which is more.
//!
//! Example: the battery is to hold until six. With the forecast of five it had better give now, and save 0.004 EUR: it holds.

use crate::decision::BatteryMode;
use crate::plan::{BatteryIntent, HeatPumpIntent, PlanRequest};
use crate::planner::found::{Flows, Found};
use crate::planner::intent::{FLOW, Present};
use crate::program::{Program, Solution, Solve};
use crate::time::Slot;
use crate::units::{Eur, Watts};

/// A plan in force yields to one that gains more than this.
const GAIN: Eur = Eur(0.02);

/// The solution that keeps to the modes of the plan in force.
#[derive(Debug)]
pub(super) struct Kept {
    /// The program, within those modes.
    pub program: Program,
    /// Its solution.
    pub solution: Solution,
    /// What the battery is to do, where the plan in force says it.
    pub battery: Option<BatteryIntent>,
}

/// The plan in force, where it goes on as it was while `found` turns battery or heat pump, and costs hardly more.
pub(super) fn kept(request: &PlanRequest, found: &Found<'_, '_>, solve: &mut Solve<'_>) -> Option<Kept> {
    let before = request.before.as_ref().filter(|plan| plan.mode == request.mode)?;
    let planned = before.at(request.at)?;
    let house = planned.house.as_ref()?;
    // What stood in the slot before; a plan made anew within its first slot stands itself.
    let stood = before.at(request.at - Slot::LENGTH).unwrap_or(planned).house.as_ref()?;
    let now = Now { found, flows: found.flows(0), present: Present::of(found, 0.0) };
    let mut program = found.model.program.clone();
    let battery = now.keep_battery(&mut program, [stood.battery, house.battery]);
    now.keep_heat_pump(&mut program, [stood.heat_pump, house.heat_pump]);
    if battery.is_none() && program == found.model.program {
        return None;
    }
    let solution = solve(&program)?;
    (solution.cost - found.solution.cost <= GAIN.0).then_some(Kept { program, solution, battery })
}

/// The current slot of a new plan.
struct Now<'a, 'b, 'c> {
    found: &'a Found<'b, 'c>,
    flows: Flows,
    present: Present<'b>,
}

impl Now<'_, '_, '_> {
    /// What the mode that stands makes of the battery while the rest of the house is as the new plan has it; returns it where the new plan
    /// has another.
    fn keep_battery(&self, program: &mut Program, [stood, old]: [Option<BatteryIntent>; 2]) -> Option<BatteryIntent> {
        let (stood, old, new) = (stood?, old?, self.present.battery()?);
        let turns = modes(&stood) == modes(&old) && modes(&old) != modes(&new);
        let battery = self.found.model.home.battery.filter(|_| turns)?;
        let (flows, columns) = (&self.flows, &self.found.model.columns);
        let hours = self.found.model.nodes.all[0].hours;
        let expected = &self.found.model.expected[0];
        let free = (battery.cells.capacity - battery.stored).max(0.0) / battery.cells.one_way / hours;
        let held = (battery.stored - battery.cells.reserve).max(0.0) * battery.cells.one_way / hours;
        let surplus = (expected.pv - expected.load).max(0.0);
        match old.mode() {
            BatteryMode::Charge => {
                narrow(program, &columns.charge, [(old.charge_min.0 / 1000.0).min(free), f64::INFINITY]);
            }
            BatteryMode::Hold => {
                narrow(program, &columns.charge, [0.0, surplus]);
                narrow(program, &columns.discharge, [0.0, 0.0]);
            }
            BatteryMode::Normal => {
                let lacking = flows.import + flows.discharge - flows.charge;
                narrow(program, &columns.charge, [0.0, surplus]);
                narrow(program, &columns.discharge, [lacking.min(held).max(0.0), f64::INFINITY]);
            }
        }
        if keeps_room(&old) {
            narrow(program, &columns.charge, [0.0, 0.0]);
        }
        Some(old)
    }

    fn keep_heat_pump(&self, program: &mut Program, [stood, old]: [Option<HeatPumpIntent>; 2]) {
        let (Some(stood), Some(old), Some(new)) = (stood, old, self.present.heat_pump()) else { return };
        let columns = &self.found.model.columns;
        let parts = [
            (&columns.heating, [stood.room, old.room, new.room]),
            (&columns.hot_water, [stood.tank, old.tank, new.tank]),
            (&columns.cooling, [stood.cooling, old.cooling, new.cooling]),
        ];
        for (columns, part) in parts {
            match part.map(runs) {
                [true, true, false] => narrow(program, columns, [FLOW, f64::INFINITY]),
                [false, false, true] => narrow(program, columns, [0.0, 0.0]),
                _ => {}
            }
        }
    }
}

/// What a battery's register holds: two intents with the same are one to it.
fn modes(intent: &BatteryIntent) -> (BatteryMode, bool) {
    (intent.mode(), keeps_room(intent))
}

fn keeps_room(intent: &BatteryIntent) -> bool {
    intent.charge_max.is_some_and(|most| most <= Watts::ZERO)
}

fn runs(part: Option<Watts>) -> bool {
    part.is_some_and(|power| power.0 > FLOW * 1000.0)
}

/// Narrows the bounds of the first node's column, as far as they were.
fn narrow(program: &mut Program, columns: &[usize], [lower, upper]: [f64; 2]) {
    let Some(column) = columns.first().and_then(|column| program.columns.get_mut(*column)) else { return };
    column.upper = upper.clamp(column.lower, column.upper);
    column.lower = lower.clamp(column.lower, column.upper);
}
