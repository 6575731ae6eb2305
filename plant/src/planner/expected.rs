//! What is expected in each node, in the numbers of a program.

use crate::house::heat_pump::eer;
use crate::house::room;
use crate::plan::{ExpectedSlot, PlanRequest};
use crate::planner::home::{Home, Room};
use crate::planner::nodes::{Node, Nodes};
use crate::time::{Slot, elapsed};
use crate::units::Watts;

/// Sun on the ground for each kW of a kWp that a roof makes, kW/m2: PV of a usual roof and its losses.
const SUN_OF_PV: f64 = 1.15;
/// The sun is at most so much brighter than expected.
const BRIGHTER_MAX: f64 = 2.2;

/// One node ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Expected {
    /// What imported power costs, EUR/kWh.
    pub buy: f64,
    /// What exported power earns.
    pub sell: f64,
    /// PV, kW.
    pub pv: f64,
    /// The household, and the heat pump where it is not planned, kW.
    pub load: f64,
    /// Outside, °C.
    pub outdoor: f64,
    /// Heat of people, household and sun, kW.
    pub gains: f64,
    /// COP into the rooms.
    pub cop_room: f64,
    /// COP into the tank.
    pub cop_tank: f64,
    /// Efficiency of cooling.
    pub eer: f64,
    /// Heat drawn from the tank, kW.
    pub drawn: f64,
    /// The tank is to be so much warmer than its least, for draws on one day in five, in twelve, in fifty, K.
    pub margins: [f64; 3],
    /// Whether it is a summer day.
    pub summer: bool,
    /// Whether it is one to its end.
    pub summer_through: bool,
}

/// What is expected of the nodes; `tank` is about the temperature of the tank. The scenarios differ in the sun alone.
pub(super) fn expected(request: &PlanRequest, home: &Home, nodes: &Nodes, tank: f64) -> Vec<Expected> {
    let steps: Vec<Expected> = (0..nodes.steps.len()).map(|step| in_step(request, home, (nodes, step), tank)).collect();
    let of = |node: &Node| Expected { pv: pv(request, nodes, node), ..steps[node.step] };
    nodes.all.iter().map(of).collect()
}

/// Slots ahead of which prices, PV and load are known or expected.
pub(super) fn known(request: &PlanRequest, home: &Home) -> usize {
    let planned = home.heater.is_some();
    let known = |slot: &&ExpectedSlot| {
        let prices = slot.import_price.is_some() && slot.export_price.is_some();
        let powers = slot.pv.is_some() && slot.load.is_some() && (planned || slot.heat_pump.is_some());
        let warmth = slot.outdoor.is_some() || !planned && home.room.is_none();
        prices && powers && warmth
    };
    request.slots.iter().take_while(known).count()
}

/// Hours that are left of the first slot.
pub(super) fn left(request: &PlanRequest) -> f64 {
    let passed = request.slots.first().map_or(0.0, |slot| elapsed(slot.slot.start(), request.at).as_secs_f64());
    (Slot::SECONDS as f64 - passed).max(60.0) / 3600.0
}

/// PV in a node, as its scenario has it.
fn pv(request: &PlanRequest, nodes: &Nodes, node: &Node) -> f64 {
    let peak = peak(request);
    let side = if node.step == 0 { 0.0 } else { scenario(node.branch, nodes.branches) };
    nodes.mean(node.step, |slot| {
        let slot = &request.slots[slot];
        let expected = kilowatts(slot.pv);
        let spread = side * slot.pv_spread.0 / 1000.0;
        (expected + spread).clamp(0.0, peak.max(expected)).min(expected * BRIGHTER_MAX)
    })
}

/// Peak power of PV, kW; infinite where there is none to be known.
fn peak(request: &PlanRequest) -> f64 {
    request.site.pv.map_or(f64::INFINITY, |pv| pv.peak.0 / 1000.0)
}

fn kilowatts(power: Option<Watts>) -> f64 {
    power.map_or(0.0, |power| power.0 / 1000.0)
}

/// What is expected of a step, but for PV.
fn in_step(request: &PlanRequest, home: &Home, (nodes, step): (&Nodes, usize), tank: f64) -> Expected {
    let slots = &request.slots;
    let mean = |value: &dyn Fn(&ExpectedSlot) -> f64| nodes.mean(step, |slot| value(&slots[slot]));
    let peak = peak(request);
    let first = &slots[nodes.steps[step].start];
    let household = mean(&|slot| kilowatts(slot.load));
    let outdoor = mean(&|slot| slot.outdoor.map_or(0.0, |outdoor| outdoor.0));
    let sun = mean(&|slot| slot.irradiance.unwrap_or(kilowatts(slot.pv) / peak.max(0.1) * SUN_OF_PV * 1000.0));
    let (sink, cooling) = (request.site.building.hot_water.sink, request.site.building.cooling);
    let pump = home.heater.map(|heater| heater.pump);
    let scale = home.room.map_or(1.0, |room| room.warmth.cop_scale);
    let gains = |room: Room| room::gains(&room.warmth.fabric, household, sun, first.summer);
    let cop_tank = pump.map_or(1.0, |pump| mean(&|slot| pump.cop_tank(sink, tank, slot.outdoor.map_or(0.0, |o| o.0))));
    let unplanned = mean(&|slot| unplanned(home, kilowatts(slot.heat_pump), kilowatts(slot.hot_water) / cop_tank));
    Expected {
        buy: mean(&|slot| slot.import_price.map_or(0.0, |price| price.0)),
        sell: mean(&|slot| slot.export_price.map_or(0.0, |price| price.0)),
        pv: 0.0,
        load: household + unplanned,
        outdoor,
        gains: home.room.map_or(0.0, gains),
        cop_room: pump.map_or(1.0, |pump| mean(&|slot| pump.cop_room(slot.outdoor.map_or(0.0, |o| o.0)) * scale)),
        cop_tank,
        eer: cooling.map_or(1.0, |cooling| eer(&cooling, outdoor)),
        drawn: mean(&|slot| kilowatts(slot.hot_water)),
        margins: std::array::from_fn(|tier| mean(&|slot| slot.hot_water_margin[tier])),
        summer: first.summer,
        summer_through: slots[nodes.steps[step].clone()].iter().all(|slot| slot.summer),
    }
}

/// What the heat pump takes beside what is planned of it: all that is expected of it, or its part for rooms or tank.
fn unplanned(home: &Home, heat_pump: f64, hot_water: f64) -> f64 {
    let electric = home.heater.is_none_or(|heater| heater.fuel.is_none());
    match (&home.room, &home.tank) {
        (Some(_), Some(_)) => 0.0,
        (Some(_), None) if electric => hot_water,
        (Some(_), None) => 0.0,
        (None, Some(_)) => (heat_pump - hot_water).max(0.0),
        (None, None) => heat_pump,
    }
}

/// How many standard deviations the sun of a scenario is off: one less and one more where there are two.
fn scenario(branch: usize, branches: usize) -> f64 {
    if branches < 2 { 0.0 } else { 2.0 * branch as f64 - 1.0 }
}
