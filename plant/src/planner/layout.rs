//! The plan in slots: what is expected, intended and why.

use crate::plan::{BatteryIntent, ExpectedSlot, HouseIntent, MarginalValues, PlanRequest, PlannedSlot};
use crate::planner::commitment::Pumped;
use crate::planner::expected::Expected;
use crate::planner::found::{Flows, Found, Margins};
use crate::planner::home::Home;
use crate::planner::intent::{ComputeIntent, FLOW, Present, SATURATED, kilowatts};
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
    let mut planned = Vec::with_capacity(nodes.slots());
    let mut before = None;
    let mut waits = found.served();
    let offered = matches!(Capability::of(&request.site).heat_pump, HeatPumpCapability::Offer { .. });
    for (step, slots) in nodes.steps.iter().enumerate() {
        let node = nodes.node(step, 0);
        let (flows, margins) = (found.mean(step), found.mean_margins(step));
        let first = (step == 0).then_some((present, settled));
        for slot in slots.clone() {
            let pumped = settled.pumped.map(|pumped| pumped[slot]);
            let flows = match pumped {
                Some(pumped) if slots.len() > 1 => switched(flows, pumped, &margins, found.model.home),
                Some(_) | None => flows,
            };
            let pays = paid(found.model.home, flows.compute, &mut waits);
            let view = View { request, found, step, node, flows, pays, offered, before, margins, pumped, first };
            planned.push(view.slot(&request.slots[slot]));
        }
        before = Some(flows);
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

/// What flows in a slot in which a switched heat pump does this, where the step that it is in knows the mean alone. Compute gives way to it
/// and follows after it, unless it pays more than the grid's power costs.
fn switched(flows: Flows, pumped: Pumped, margins: &Margins, home: &Home) -> Flows {
    let parts = [
        pumped.hot_water.unwrap_or(flows.hot_water),
        pumped.heating.unwrap_or(flows.heating),
        pumped.cooling.unwrap_or(flows.cooling),
    ];
    // Together they have no more than the pump's power.
    let most = home.heater.map_or(0.0, |heater| heater.max);
    let fits = (most / parts.iter().sum::<f64>().max(1e-9)).min(1.0);
    let [hot_water, heating, cooling] = parts.map(|part| part * fits);
    let more = hot_water + heating + cooling - flows.heat_pump();
    let grid = |compute: f64| flows.import - flows.export + more + compute - flows.compute;
    let compute = if margins.compute > margins.power {
        flows.compute
    } else {
        let follows = (flows.compute - more).clamp(0.0, home.compute.max);
        follows - grid(follows).clamp(0.0, follows)
    };
    let compute = match pumped.computes {
        Some(true) => compute.max(home.compute.min),
        Some(false) => 0.0,
        None => compute,
    };
    // What the connection does not bear gives way.
    let compute = compute - (grid(compute) - home.import_max).clamp(0.0, compute);
    let grid = grid(compute).clamp(-home.export_max, home.import_max);
    // Its heat goes where it was to go, as far as there is any.
    let made = if flows.compute > 0.0 { (compute / flows.compute).min(1.0) } else { 0.0 };
    let [to_room, to_tank, to_source] = [flows.to_room, flows.to_tank, flows.to_source].map(|way| way * made);
    let (import, export) = (grid.max(0.0), (-grid).max(0.0));
    Flows { hot_water, heating, cooling, compute, to_room, to_tank, to_source, import, export, ..flows }
}

/// One slot of a step.
struct View<'a, 'b, 'c> {
    request: &'a PlanRequest,
    found: &'a Found<'b, 'c>,
    step: usize,
    node: usize,
    flows: Flows,
    /// What its work pays, EUR.
    pays: f64,
    /// Whether the heat pump's own thermostat decides what it takes of what it is offered.
    offered: bool,
    /// The flows of the step before.
    before: Option<Flows>,
    margins: Margins,
    /// What a switched heat pump does.
    pumped: Option<Pumped>,
    first: Option<(&'a Present<'b>, &'a Settled<'a>)>,
}

impl View<'_, '_, '_> {
    fn expected(&self) -> &Expected {
        &self.found.model.expected[self.node]
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
        let load = self.expected().load + self.heat_pump();
        let used = self.flows.to_room + self.flows.to_tank + self.flows.to_source;
        let stored = home.battery.map_or(self.margins.power, |battery| battery.taken_out(self.margins.stored));
        PlannedSlot {
            slot: slot.slot,
            start: slot.slot.start(),
            import_price: slot.import_price,
            export_price: slot.export_price.unwrap_or_default(),
            estimated_from: slot.estimated_from,
            pv: slot.pv,
            pv_spread: slot.pv_spread,
            load_spread: slot.load_spread,
            load: Some(kilowatts(load)),
            compute: kilowatts(self.flows.compute),
            floor: kilowatts(compute.floor),
            ceiling: kilowatts(compute.ceiling),
            battery_first: compute.battery_first,
            stored: EurPerKwh(stored),
            heat: kilowatts(used),
            battery_soc: self.soc(slot.slot),
            outdoor: slot.outdoor,
            reason,
            worth,
            house: Some(self.house(slot.slot)),
        }
    }

    /// How far a slot is in its step, 0 to 1 at the end.
    fn share(&self, slot: Slot) -> f64 {
        let slots = &self.found.model.nodes.steps[self.step];
        let first = self.request.slots[slots.start].slot.0;
        (slot.0 - first + 1) as f64 / slots.len() as f64
    }

    /// A level at the end of a slot, on its way from the one at the end of the step before.
    fn level(&self, slot: Slot, at_end: f64, now: f64, of: impl Fn(&Flows) -> f64) -> f64 {
        let before = self.before.as_ref().map_or(now, of);
        before + (at_end - before) * self.share(slot)
    }

    fn soc(&self, slot: Slot) -> Option<Percent> {
        let battery = self.found.model.home.battery?;
        let stored = self.level(slot, self.flows.stored, battery.stored, |flows| flows.stored);
        Some(Percent(stored / battery.cells.capacity * 100.0))
    }

    fn compute(&self) -> ComputeIntent {
        if let Some((_, settled)) = self.first {
            return settled.compute;
        }
        let home = self.found.model.home;
        let Flows { compute, import, charge, discharge, .. } = self.flows;
        let committed = self.pumped.and_then(|pumped| pumped.computes);
        if !committed.unwrap_or(self.found.runs(compute)) {
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

    /// The heat pump's electric power, kW; a boiler burns its fuel.
    fn heat_pump(&self) -> f64 {
        if self.fuel().is_some() { 0.0 } else { self.flows.heat_pump() }
    }

    /// What a kilowatt-hour of fuel costs, where the house is heated with one.
    fn fuel(&self) -> Option<f64> {
        self.found.model.home.heater.and_then(|heater| heater.fuel)
    }

    fn house(&self, slot: Slot) -> HouseIntent {
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
        let fuel = self.fuel().unwrap_or(0.0) * self.flows.heat_pump();
        let cost = (import * expected.buy + fuel - export * expected.sell) * HOURS - self.pays;
        let room = home.room.map(|room| self.level(slot, self.flows.air, room.air, |flows| flows.air));
        let tank = home.tank.map(|store| self.level(slot, self.flows.tank, store.now, |flows| flows.tank));
        let stored = home.battery.map_or(0.0, |_| self.margins.stored);
        HouseIntent {
            battery,
            battery_reason: self.battery_reason(battery.as_ref()),
            heat_pump,
            heat_pump_reason: self.heat_pump_reason(heat_pump.is_some()),
            route,
            battery_power: kilowatts(discharge - charge),
            grid: kilowatts(import - export),
            heat_pump_power: kilowatts(self.heat_pump()),
            curtailed: kilowatts(self.flows.curtailed),
            room: room.map(Celsius),
            tank: tank.map(Celsius),
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
