//! The request as it will stand when an answer of today takes effect. Where a house obeys only some slots later, what was sent to it and is
//! still on its way happens first, whatever is planned now.
//!
//! ```text
//! request at k, obeyed from k + 2 on:   k, k + 1: as sent before, played by the house's model   ->   request at k + 2
//! ```
//!
//! Example: 5 kWh stored, 3 kW of sun, 0.4 kW of household, and an answer under way by which the battery comes first: it takes 2.6 kW, and
//! in a quarter hour 5.6 kWh are stored.

use crate::house::battery::{Bounds, Cells};
use crate::house::compute_heat::{Warm, Ways};
use crate::house::heat_pump::HeatPump;
use crate::house::room::{self, Influence};
use crate::house::tank::Tank;
use crate::plan::{ExpectedSlot, HouseIntent, PlanRequest, PlannedSlot};
use crate::site::Site;
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
use crate::work::Backlog;

/// Hours of a slot.
const HOURS: f64 = 0.25;

/// `request` as it will stand after the slots that `pending` is sent for, the nearest first.
pub fn later(request: &PlanRequest, pending: &[PlannedSlot]) -> PlanRequest {
    let mut later = request.clone();
    for planned in pending {
        let [expected, next, ..] = later.slots.as_slice() else { break };
        let (expected, next) = (*expected, next.slot);
        pass(&mut later, &expected, planned);
        later.at = next.start();
        later.slots.remove(0);
    }
    later
}

/// Lets the first slot pass.
fn pass(request: &mut PlanRequest, expected: &ExpectedSlot, planned: &PlannedSlot) {
    let site = request.site.clone();
    let powers = Powers::of(request, expected, planned);
    request.running_since =
        if powers.compute > 0.0 { request.running_since.or(Some(expected.slot.start())) } else { None };
    serve(request, powers.compute);
    if let (Some(battery), Some(stored)) = (site.battery, powers.stored) {
        request.soc = Some(Percent(stored / battery.capacity.0 * 100.0));
    }
    let intended = planned.house.as_ref();
    let warm = warmed(request, expected, &powers, intended);
    request.room = warm.room.or(intended.and_then(|house| house.room)).or(request.room);
    if let (Some(warmth), Some(mass)) = (&mut request.warmth, warm.mass) {
        warmth.mass = mass;
    }
    request.tank = warm.tank.or(intended.and_then(|house| house.tank)).or(request.tank);
}

/// What flows in a slot, kW, and what is stored after it, kWh.
#[derive(Clone, Copy, Debug, Default)]
struct Powers {
    compute: f64,
    room: f64,
    tank: f64,
    cooling: f64,
    stored: Option<f64>,
}

impl Powers {
    /// What bounds and fast loop make of it under the expected sun and household; without them, what was planned.
    fn of(request: &PlanRequest, expected: &ExpectedSlot, planned: &PlannedSlot) -> Self {
        let site = &*request.site;
        let kw = |power: Watts| power.0 / 1000.0;
        let intended = planned.house.as_ref();
        let pump = intended.and_then(|house| house.heat_pump).unwrap_or_default();
        let ruled = intended.map(|house| house.heat_pump_power).or(expected.heat_pump).map_or(0.0, kw);
        let (tank, cooling) = (pump.tank.map_or(0.0, kw), pump.cooling.map_or(0.0, kw));
        let room = pump.room.map_or((ruled - tank - cooling).max(0.0), kw);
        let known = Self { room, tank, cooling, ..Self::default() };
        let bounds = intended.and_then(|house| house.battery).map_or(Bounds::OWN, |battery| Bounds {
            least: battery.charge_max.map_or(f64::NEG_INFINITY, |most| -kw(most)),
            most: match battery.charge_min {
                least if least > Watts::ZERO => -kw(least),
                _ => battery.discharge_max.map_or(f64::INFINITY, kw),
            },
        });
        let cells = site.battery.as_ref().map(Cells::of).zip(request.soc);
        let Some((pv, load)) = expected.pv.zip(expected.load) else {
            let compute = most(request, kw(planned.compute));
            return Self { compute, stored: cells.map(|(cells, soc)| cells.stored(soc)), ..known };
        };
        let spare = kw(pv - load) - room - tank - cooling;
        let (floor, ceiling) = (kw(planned.floor), kw(planned.ceiling.max(planned.floor)));
        let taken = match cells {
            Some((cells, soc)) if planned.battery_first => {
                let (power, _) = cells.step(cells.stored(soc), -(spare - floor).max(0.0), bounds, HOURS);
                (-power).max(0.0)
            }
            Some(_) | None => 0.0,
        };
        let compute = most(request, (spare - taken).clamp(floor, ceiling));
        let stored = cells.map(|(cells, soc)| cells.step(cells.stored(soc), compute - spare, bounds, HOURS).1);
        Self { compute, stored, ..known }
    }
}

/// Power of compute as far as there is work for it; less than the least is none.
fn most(request: &PlanRequest, power: f64) -> f64 {
    let site = &*request.site;
    let power = if site.work.standing > EurPerKwh::ZERO || request.tokens_per_kwh <= 0.0 {
        power
    } else {
        power.min(request.backlog.tokens as f64 / request.tokens_per_kwh / HOURS)
    };
    if power < site.compute.min.0 / 1000.0 - 1e-9 { 0.0 } else { power }
}

/// The work that `compute` kW did is done, the nearest deadline first.
fn serve(request: &mut PlanRequest, compute: f64) {
    let waiting = request.backlog.tokens;
    if request.site.work.standing > EurPerKwh::ZERO || waiting == 0 {
        return;
    }
    let done = ((compute * HOURS * request.tokens_per_kwh).round() as u64).min(waiting);
    let mut left = done;
    let mut due = std::mem::take(&mut request.backlog.due);
    due.retain_mut(|due| {
        let part = left.min(due.tokens);
        left -= part;
        due.tokens -= part;
        due.tokens > 0
    });
    let Backlog { interactive, jobs, value, .. } = request.backlog;
    let tokens = waiting - done;
    let jobs = if tokens == 0 { 0 } else { jobs };
    request.backlog = Backlog { interactive, jobs, tokens, value: value * (tokens as f64 / waiting as f64), due };
}

/// Temperatures after a slot; `None` where they cannot be computed.
#[derive(Clone, Copy, Debug, Default)]
struct Warmed {
    room: Option<Celsius>,
    mass: Option<Celsius>,
    tank: Option<Celsius>,
}

fn warmed(request: &PlanRequest, expected: &ExpectedSlot, powers: &Powers, intended: Option<&HouseIntent>) -> Warmed {
    let site = &*request.site;
    let Some(outdoor) = expected.outdoor.map(|outdoor| outdoor.0) else { return Warmed::default() };
    let scale = request.warmth.map_or(1.0, |warmth| warmth.cop_scale);
    let pump = HeatPump::of(site);
    let ways = ways(request, expected, powers.compute, intended);
    let cop = pump.map_or(1.0, |pump| pump.cop_with_source(pump.flow(outdoor), outdoor, powers.room, ways.source));
    let mut warmed = Warmed::default();
    if let Some(((room, warmth), (sun, load))) =
        request.room.zip(request.warmth).zip(expected.irradiance.zip(expected.load))
    {
        let fabric = warmth.fabric;
        let gains = room::gains(&fabric, load.0 / 1000.0, sun, expected.summer);
        let cooled = site.building.cooling.map_or(0.0, |c| powers.cooling * crate::house::heat_pump::eer(&c, outdoor));
        let pumped = powers.room * cop * scale - cooled;
        let on = Influence::of(&fabric, (outdoor, expected.summer), (pumped, ways.room), gains);
        let after = room::Warmth { air: room.0, mass: warmth.mass.0 }.after(&fabric, on, HOURS);
        (warmed.room, warmed.mass) = (Some(Celsius(after.air)), Some(Celsius(after.mass)));
    }
    if let (Some(tank), Some(now), Some(drawn)) = (Tank::of(site), request.tank, expected.hot_water) {
        let sink = site.building.hot_water.sink;
        let given = pump.map_or(0.0, |pump| powers.tank * pump.cop_tank(sink, now.0, outdoor) * scale);
        let drawn = drawn.0 / 1000.0;
        let heat = given.min(tank.coil_max) + ways.tank;
        warmed.tank = Some(Celsius(tank.after(now.0, heat.min(tank.takes(now.0, drawn, HOURS)), drawn, HOURS)));
    }
    warmed
}

/// Where compute's heat goes: as intended, else its own way.
fn ways(request: &PlanRequest, expected: &ExpectedSlot, compute: f64, intended: Option<&HouseIntent>) -> Ways {
    let site: &Site = &request.site;
    let leak = site.building.compute_heat.leak;
    let heat = (site.compute.heat_fraction - leak).max(0.0) * compute;
    match intended.and_then(|house| house.route) {
        Some(route) => {
            Ways { room: leak * compute + heat * route.room, tank: heat * route.tank, source: heat * route.source }
        }
        None => {
            let room = request.room.unwrap_or(site.building.thermostat.setpoint).0;
            let warm = Warm { room, tank: request.tank.map(|tank| tank.0), summer: expected.summer };
            Ways::own(site, &warm, compute)
        }
    }
}

#[cfg(test)]
#[path = "later_test.rs"]
mod tests;
