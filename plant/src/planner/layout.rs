//! The plan in slots: what is expected, intended and why.

use crate::plan::{BatteryIntent, ExpectedSlot, HouseIntent, MarginalValues, PlanRequest, PlannedSlot};
use crate::planner::commitment::Pumped;
use crate::planner::expected::Expected;
use crate::planner::found::{Flows, Found, Margins};
use crate::planner::home::Home;
use crate::planner::intent::{ComputeIntent, FLOW, Present, SATURATED, kilowatts};
use crate::planner::schedule::{Schedule, Scheduled};
use crate::reason::{Reason, Worth};
use crate::site::capability::{Capability, HeatPumpCapability};
use crate::time::Slot;
use crate::units::{Celsius, Eur, EurPerKwh, Percent, Watts};

/// A heat pump under its own thermostat heats ahead where it gives so much more than the building loses, kW.
const AHEAD: f64 = 0.3;
/// Rooms and a tank that are no warmer than so many K above what they have to be need the heat that they get: less than thermostats
/// switch at.
const NEEDED_K: f64 = 0.3;
const NEEDED_TANK_K: f64 = 1.0;

/// Hours of a slot.
const HOURS: f64 = Slot::SECONDS as f64 / 3600.0;

/// What the first slot intends for compute, settled with what its starts cost, and what is needed for what is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled<'a> {
    /// Compute.
    pub compute: ComputeIntent,
    /// Power that is needed for what is due, kW.
    pub needed: f64,
    /// What the plan in force has the battery do, where that stands.
    pub battery: Option<BatteryIntent>,
    /// What a switched heat pump does in each slot.
    pub pumped: Option<&'a [Pumped]>,
}

/// The slots of a plan: the first as `present` has it, all others as they are expected.
pub(super) fn slots(
    request: &PlanRequest,
    found: &Found<'_, '_>,
    present: &Present<'_>,
    settled: &Settled<'_>,
) -> Vec<PlannedSlot> {
    let nodes = found.model.nodes;
    let mut schedule = Schedule::new(found, settled.compute, settled.pumped);
    let mut planned = Vec::with_capacity(nodes.slots());
    let mut waits = found.served();
    let offered = matches!(Capability::of(&request.site).heat_pump, HeatPumpCapability::Offer { .. });
    for (step, slots) in nodes.steps.iter().enumerate() {
        let margins = found.mean_margins(step);
        let first = (step == 0).then_some((present, settled));
        for (slot, Scheduled { flows, held }) in slots.clone().zip(schedule.step(step)) {
            let pumped = settled.pumped.map(|pumped| pumped[slot]);
            let (node, pays) = (nodes.node(step, 0), paid(found.model.home, flows.compute, &mut waits));
            let view = View { found, step, node, flows, held, pays, offered, margins, pumped, first };
            planned.push(view.slot(&request.slots[slot]));
        }
    }
    planned
}

/// What a slot's work at `compute` kW pays, EUR, of which `waits` kWh wait: those come first.
fn paid(home: &Home, compute: f64, waits: &mut f64) -> f64 {
    let energy = compute * HOURS;
    let waited = energy.min(*waits);
    *waits -= waited;
    waited * home.rate + (energy - waited) * home.standing
}

/// One slot of a step.
struct View<'a, 'b, 'c> {
    found: &'a Found<'b, 'c>,
    step: usize,
    node: usize,
    flows: Flows,
    /// Why compute runs or rests against the solution.
    held: Option<Reason>,
    /// What its work pays, EUR.
    pays: f64,
    /// Whether the heat pump's own thermostat decides what it takes of what it is offered.
    offered: bool,
    margins: Margins,
    /// What a switched heat pump does.
    pumped: Option<Pumped>,
    first: Option<(&'a Present<'b>, &'a Settled<'a>)>,
}

impl View<'_, '_, '_> {
    fn expected(&self) -> &Expected {
        &self.found.model.expected[self.node]
    }

    /// PV as the step has it, over all scenarios, kW.
    fn pv(&self) -> f64 {
        let model = self.found.model;
        let nodes: Vec<usize> = model.nodes.of_step(self.step).collect();
        nodes.iter().map(|node| model.expected[*node].pv).sum::<f64>() / nodes.len() as f64
    }

    fn slot(&self, slot: &ExpectedSlot) -> PlannedSlot {
        let home = self.found.model.home;
        let compute = self.compute();
        let reason = self.compute_reason(&compute);
        let worth = Worth {
            revenue: EurPerKwh(self.margins.compute - self.margins.heat),
            heat: EurPerKwh(self.margins.heat),
            electricity: EurPerKwh(self.margins.power),
        };
        let load = self.expected().load + self.flows.pump_draws(home);
        let used = self.flows.to_room + self.flows.to_tank + self.flows.to_source;
        let stored = home.battery.map_or(self.margins.power, |battery| battery.taken_out(self.margins.stored));
        PlannedSlot {
            slot: slot.slot,
            start: slot.slot.start(),
            import_price: slot.import_price,
            export_price: slot.export_price.unwrap_or_default(),
            estimated_from: slot.estimated_from,
            pv: Some(kilowatts(self.pv())),
            pv_spread: slot.pv_spread,
            load_spread: slot.load_spread,
            load: Some(kilowatts(load)),
            compute: kilowatts(self.flows.compute),
            floor: kilowatts(compute.floor),
            ceiling: kilowatts(compute.ceiling),
            battery_first: compute.battery_first,
            stored: EurPerKwh(stored),
            heat: kilowatts(used),
            battery_soc: home.battery.map(|battery| Percent(self.flows.stored / battery.cells.capacity * 100.0)),
            outdoor: slot.outdoor,
            reason,
            worth,
            house: Some(self.house()),
        }
    }

    fn compute(&self) -> ComputeIntent {
        if let Some((_, settled)) = self.first {
            return settled.compute;
        }
        let home = self.found.model.home;
        let Flows { compute, import, charge, discharge, .. } = self.flows;
        let committed = self.pumped.and_then(|pumped| pumped.computes);
        if compute <= 0.0 {
            // It follows the surplus even where none is expected in the mean of a step.
            let free = self.pumped.is_some() && committed.is_none() && home.standing > 0.0;
            let follows = free && self.expected().sell < self.margins.compute;
            return ComputeIntent { ceiling: if follows { home.compute.max } else { 0.0 }, ..ComputeIntent::default() };
        }
        let buys = import > FLOW || discharge > FLOW;
        let least = if committed.is_some() { home.compute.min } else { 0.0 };
        let floor = if buys { compute.max(home.compute.min) } else { least };
        let battery_first = charge > FLOW && import <= FLOW && compute <= SATURATED * home.compute.max;
        ComputeIntent { floor, ceiling: home.compute.max.max(floor), battery_first }
    }

    fn compute_reason(&self, intent: &ComputeIntent) -> Reason {
        let Flows { compute, import, discharge, curtailed, .. } = self.flows;
        let (expected, margins) = (self.expected(), &self.margins);
        let needed = self.first.is_some_and(|(_, settled)| settled.needed > 0.0);
        let runs = self.found.runs(compute) || intent.floor > 0.0;
        let work = margins.compute - margins.heat;
        match () {
            () if needed => Reason::Deadline,
            () if self.held.is_some() => self.held.unwrap_or(Reason::Idle),
            () if !runs => Reason::Idle,
            () if expected.buy < 0.0 && import > FLOW => Reason::NegativePrice,
            () if import <= FLOW && discharge <= FLOW && (curtailed > FLOW || expected.sell <= 0.0) => {
                Reason::Curtailment
            }
            () if import <= FLOW && discharge <= FLOW => Reason::Surplus,
            () if work < margins.power && margins.heat > 0.0 => Reason::HeatDemand,
            () if self.found.model.home.rate > self.found.model.home.standing => Reason::PaidWork,
            () => Reason::CheapPower,
        }
    }

    fn house(&self) -> HouseIntent {
        let home = self.found.model.home;
        let Flows { import, export, charge, discharge, .. } = self.flows;
        let (battery, heat_pump, route) = match self.first {
            Some((present, settled)) => {
                (settled.battery.or_else(|| present.battery()), present.heat_pump(), present.route())
            }
            None => {
                let expected = Present::later(self.found, self.node, self.flows, self.margins);
                (expected.battery(), expected.heat_pump(), expected.route())
            }
        };
        let expected = self.expected();
        let cost = (import * expected.buy + self.flows.fuel(home) - export * expected.sell) * HOURS - self.pays;
        let stored = home.battery.map_or(0.0, |_| self.margins.stored);
        HouseIntent {
            battery,
            battery_reason: self.battery_reason(battery.as_ref()),
            heat_pump,
            heat_pump_reason: self.heat_pump_reason(heat_pump.is_some()),
            route,
            battery_power: kilowatts(discharge - charge),
            grid: kilowatts(import - export),
            heat_pump_power: kilowatts(self.flows.pump_draws(home)),
            curtailed: kilowatts(self.flows.curtailed),
            room: home.room.map(|_| Celsius(self.flows.air)),
            tank: home.tank.map(|_| Celsius(self.flows.tank)),
            values: MarginalValues {
                power: EurPerKwh(self.margins.power),
                stored: EurPerKwh(stored),
                room: EurPerKwh(self.margins.room),
                tank: EurPerKwh(self.margins.tank),
            },
            cost: Eur(cost),
            cost_without: None,
            stores_without: None,
        }
    }

    fn battery_reason(&self, intent: Option<&BatteryIntent>) -> Reason {
        let Some(intent) = intent else { return Reason::OwnRule };
        match () {
            () if intent.charge_min > Watts::ZERO => Reason::GridCharge,
            () if intent.discharge_max.is_some() => Reason::HoldForLater,
            () if intent.charge_max.is_some_and(|most| most <= Watts::ZERO) => Reason::KeepRoom,
            () => Reason::OwnRule,
        }
    }

    fn heat_pump_reason(&self, steered: bool) -> Reason {
        let Flows { hot_water, import, discharge, curtailed, .. } = self.flows;
        let expected = self.expected();
        let legionella = self.found.model.hot.as_ref().is_some_and(|hot| hot.contains(&self.step));
        let sun = import <= FLOW && discharge <= FLOW;
        match () {
            () if !steered => Reason::OwnRule,
            () if legionella && hot_water > FLOW => Reason::Legionella,
            () if self.flows.heat_pump() <= FLOW => Reason::Idle,
            () if self.is_needed() => Reason::Comfort,
            () if expected.buy < 0.0 && import > FLOW => Reason::NegativePrice,
            () if sun && (curtailed > FLOW || expected.sell <= 0.0) => Reason::Curtailment,
            () if sun => Reason::Surplus,
            () => Reason::Preheat,
        }
    }

    /// Whether room or tank need what the heat pump gives now: what it does beyond that is done ahead.
    fn is_needed(&self) -> bool {
        let home = self.found.model.home;
        let (Flows { heating, hot_water, cooling, air, tank, .. }, expected) = (self.flows, self.expected());
        let room = home.room.is_some_and(|room| {
            let cold = if self.offered {
                (heating - room.own_power(expected)) * expected.cop_room <= AHEAD
            } else {
                air <= room.band.low + NEEDED_K
            };
            let high = if expected.summer { room.band.high_summer } else { room.band.high };
            heating > FLOW && cold || cooling > FLOW && air >= high - NEEDED_K
        });
        let [.., margin] = expected.margins;
        room || hot_water > FLOW && home.tank.is_some_and(|store| tank <= store.low + margin + NEEDED_TANK_K)
    }
}
