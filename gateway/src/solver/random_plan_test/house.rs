//! Random houses, and what is expected of the time ahead: every part may be missing, tiny or large, every number unknown.

use super::super::plan_test::{FABRIC, Hour, request};
use plant::command::Mode;
use plant::decision::{Control, HeatSink};
use plant::plan::{ExpectedSlot, PlanRequest, Warmth};
use plant::site::building::{ComputeHeat, Cooling, HeatPumpMap, Legionella};
use plant::site::{ControlRange, HeatSource, Pv, Site, Words};
use plant::units::{Celsius, Eur, EurPerKwh, KilowattHours, Percent, Watts};
use plant::work::{Backlog, Due};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// What heats the house, and how it can be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heat {
    Nothing,
    /// A heat pump whose powers are set: rooms, tank, cooling.
    Power(bool, bool, bool),
    Shift(bool, bool),
    Offer,
    Own,
    Gas,
    Electric,
}

fn heat() -> impl Strategy<Value = Heat> {
    prop_oneof![
        1 => Just(Heat::Nothing),
        6 => any::<(bool, bool, bool)>().prop_map(|(room, tank, cooling)| Heat::Power(room, tank, cooling)),
        3 => any::<(bool, bool)>().prop_map(|(room, tank)| Heat::Shift(room, tank)),
        2 => Just(Heat::Offer),
        1 => Just(Heat::Own),
        1 => Just(Heat::Gas),
        1 => Just(Heat::Electric),
    ]
}

/// A number that is often at one of its ends.
fn between(least: f64, most: f64) -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(least), 1 => Just(most), 6 => least..most]
}

prop_compose! {
    pub(super) fn hours()(hours in prop::collection::vec(
        (between(-0.5, 1.0), between(-0.3, 0.4), between(0.0, 9000.0), between(0.0, 6000.0), between(-35.0, 45.0)), 48,
    )) -> Vec<Hour> {
        hours.into_iter().map(|(import, export, pv, load, outdoor)| Hour { import, export, pv, load, outdoor }).collect()
    }
}

/// Battery, roof and connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Power {
    /// Capacity, power, reserve, wear and efficiency.
    battery: Option<(f64, f64, f64, f64, f64)>,
    /// Whether it can be held, charged from the grid, and limited.
    steered: (bool, bool, bool),
    peak: Option<f64>,
    import: f64,
    export: Option<f64>,
}

prop_compose! {
    pub(super) fn power()(
        battery in prop::option::weighted(0.8, (between(0.1, 40.0), between(50.0, 20_000.0), between(0.0, 100.0), between(0.0, 0.2), between(0.3, 1.0))),
        steered in any::<(bool, bool, bool)>(),
        peak in prop::option::weighted(0.8, between(50.0, 12_000.0)),
        import in between(3000.0, 30_000.0),
        export in prop::option::of(between(0.0, 12_000.0)),
    ) -> Power {
        Power { battery, steered, peak, import, export }
    }
}

/// Compute, its heat and its work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// Least power as a share of the greatest, which is the other.
    power: (f64, f64),
    /// The owner's cap on it.
    cap: f64,
    sink: HeatSink,
    /// Whether its way can be chosen; the loop at its warmest, and what leaks.
    ways: (bool, f64, f64),
    start: f64,
    /// Minutes that it stays on once it is, and off.
    stays: (u64, u64),
    standing: f64,
    /// Work that waits, in kWh, hours until it is due, and what a kWh arrives with every quarter hour.
    waits: (f64, i64, f64),
    running: Option<i64>,
}

prop_compose! {
    pub(super) fn work()(
        power in (between(0.0, 1.0), between(200.0, 6000.0)),
        cap in between(0.0, 6000.0),
        sink in prop::sample::select(vec![HeatSink::Room, HeatSink::Tank, HeatSink::HeatPumpSource, HeatSink::Outside]),
        ways in (any::<bool>(), 35.0..70.0, between(0.0, 0.3)),
        (start, standing) in (between(0.0, 0.3), between(0.0, 0.4)),
        stays in (0..120_u64, 0..120_u64),
        waits in (between(0.0, 40.0), -1..60_i64, between(0.0, 1.0)),
        running in prop::option::of(0..120_i64),
    ) -> Work {
        Work { power, cap, sink, ways, start, stays, standing, waits, running }
    }
}

/// Rooms, tank, and what they hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warm {
    heat: Heat,
    pump: (f64, f64),
    /// The tank's capacity beside the usual one; what its coil takes.
    tank: Option<(f64, Option<f64>)>,
    /// Days since it was last hot; `None` where there is no programme.
    legionella: Option<f64>,
    cools: bool,
    fabric: f64,
    now: (f64, f64, f64),
    drawn: f64,
}

prop_compose! {
    pub(super) fn warm()(
        heat in heat(),
        pump in (between(200.0, 8000.0), between(0.0, 1.0)),
        tank in prop::option::weighted(0.8, (between(0.02, 4.0), prop::option::of(between(300.0, 9000.0)))),
        legionella in prop::option::of(between(0.0, 9.0)),
        cools in any::<bool>(),
        fabric in between(0.1, 5.0),
        now in (between(0.0, 100.0), between(5.0, 35.0), between(10.0, 75.0)),
        drawn in between(0.0, 2000.0),
    ) -> Warm {
        Warm { heat, pump, tank, legionella, cools, fabric, now, drawn }
    }
}

/// When it is, and what is not known.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Slots ahead, seconds into the first.
    slots: usize,
    seconds: i64,
    mode: Mode,
    /// What is unknown from which slot on, and for how many.
    unknown: Vec<(u8, usize, usize)>,
    spread: f64,
    dimmed: Option<f64>,
}

prop_compose! {
    pub(super) fn time()(
        slots in prop_oneof![2 => 1..20_usize, 5 => 20..193_usize, 3 => Just(192_usize)],
        seconds in 0..900_i64,
        mode in prop_oneof![6 => Just(Mode::Auto), 1 => prop::sample::select(Mode::ALL.to_vec())],
        unknown in prop::collection::vec((0..10_u8, 0..192_usize, 1..192_usize), 0..3),
        spread in between(0.0, 1.0),
        dimmed in prop::option::weighted(0.1, between(0.0, 4200.0)),
    ) -> Time {
        Time { slots, seconds, mode, unknown, spread, dimmed }
    }
}

fn range(max: f64) -> ControlRange {
    ControlRange { min: 0.0, max, ..ControlRange::default() }
}

fn powered(site: &mut Site, power: &Power) {
    site.grid.import_limit = Watts(power.import);
    site.grid.export_limit = power.export.map(Watts);
    site.pv = power.peak.map(|peak| Pv { peak: Watts(peak) });
    let (holds, charges, limits) = power.steered;
    let controls = &mut site.devices[0].controls;
    controls.retain(|control, _| !control.name().starts_with("battery"));
    if holds {
        let words: Words =
            if charges { ["hold", "charge"].into_iter().collect() } else { ["hold"].into_iter().collect() };
        controls.insert(Control::BatteryMode, ControlRange { words, ..range(0.0) });
    }
    if limits {
        controls
            .extend([Control::BatteryChargeLimit, Control::BatteryDischargeLimit].map(|limit| (limit, range(100.0))));
    }
    let Some((capacity, most, reserve, wear, round_trip)) = power.battery else {
        site.battery = None;
        return;
    };
    let battery = site.battery.as_mut().unwrap();
    (battery.capacity, battery.reserve, battery.wear) = (KilowattHours(capacity), Percent(reserve), EurPerKwh(wear));
    (battery.charge_max, battery.discharge_max, battery.round_trip) = (Watts(most), Watts(most * 0.8), round_trip);
}

fn worked(site: &mut Site, work: &Work) {
    let (least, most) = work.power;
    (site.compute.max, site.compute.min) = (Watts(most), Watts(most * least));
    (site.compute.heat_into, site.compute.start_cost_eur) = (work.sink, work.start);
    [site.compute.min_on, site.compute.min_off] =
        [work.stays.0, work.stays.1].map(|minutes| Duration::from_secs(minutes * 60));
    site.work.standing = EurPerKwh(work.standing);
    let (chosen, loop_max, leak) = work.ways;
    site.building.compute_heat = ComputeHeat { loop_max: Celsius(loop_max), leak, ..ComputeHeat::default() };
    if chosen {
        let words = ["normal", "room", "tank", "heat_pump_source", "outside"].into_iter().collect();
        site.devices[0].controls.insert(Control::ComputeHeatRoute, ControlRange { words, ..range(0.0) });
    }
}

fn warmed(site: &mut Site, warm: &Warm) {
    let (most, least) = warm.pump;
    let pump = HeatSource::HeatPump { carnot: 0.4, flow: Celsius(40.0), power_max: Watts(most) };
    let controls = &mut site.devices[0].controls;
    controls.retain(|control, _| !control.name().starts_with("heat_pump"));
    let mut list = |listed: bool, control, range| listed.then(|| controls.insert(control, range));
    site.displaced = Some(pump);
    match warm.heat {
        Heat::Nothing => site.displaced = None,
        Heat::Gas => site.displaced = Some(HeatSource::Gas { price: EurPerKwh(0.12), efficiency: 0.9 }),
        Heat::Electric => site.displaced = Some(HeatSource::Electric),
        Heat::Own => {}
        Heat::Offer => drop(list(true, Control::HeatPumpSurplus, range(most))),
        Heat::Power(room, tank, cooling) => {
            list(room, Control::HeatPumpRoomPower, range(most));
            list(tank, Control::HeatPumpHotWaterPower, range(most));
            list(cooling, Control::HeatPumpCoolingPower, range(most));
        }
        Heat::Shift(room, tank) => {
            let shift = ControlRange { min: -3.0, ..range(5.0) };
            list(room, Control::HeatPumpRoomShift, shift);
            list(tank, Control::HeatPumpHotWaterShift, shift);
        }
    }
    let building = &mut site.building;
    building.heat_pump = HeatPumpMap { power_min: Watts(most * least), ..HeatPumpMap::default() };
    building.cooling = warm.cools.then(Cooling::default);
    building.legionella = warm.legionella.map(|_| Legionella::default());
    match (warm.tank, &mut site.tank) {
        (Some((capacity, coil)), Some(store)) => {
            store.capacity_kwh_per_k *= capacity;
            building.hot_water.coil_max = coil.map(Watts);
        }
        (_, tank) => *tank = None,
    }
}

/// The request of a house that is made of all of it.
pub(super) fn made(hours: &[Hour], power: &Power, work: &Work, warm: &Warm, time: &Time) -> PlanRequest {
    let mut request = request(|hour| hours[hour % hours.len()]);
    request.at += chrono::TimeDelta::seconds(time.seconds);
    let site = Arc::make_mut(&mut request.site);
    powered(site, power);
    worked(site, work);
    warmed(site, warm);
    let (soc, room, tank) = warm.now;
    request.soc = site.battery.map(|_| Percent(soc));
    request.tank = site.tank.map(|_| Celsius(tank));
    request.room = Some(Celsius(room));
    let mut fabric = FABRIC;
    (fabric.air_kwh_per_k, fabric.mass_kwh_per_k) = (fabric.air_kwh_per_k * warm.fabric, 10.0 * warm.fabric);
    request.warmth = Some(Warmth { fabric, mass: Celsius(room), cop_scale: 1.0 });
    request.running_since = work.running.map(|minutes| request.at - chrono::TimeDelta::minutes(minutes));
    request.disinfected = warm.legionella.map(|days| request.at - chrono::TimeDelta::minutes((days * 1440.0) as i64));
    (request.mode, request.power_limit) = (time.mode, Watts(work.cap));
    request.grid_dimming = time.dimmed.map(Watts);
    let (waits, due, arrives) = work.waits;
    let tokens = (waits * request.tokens_per_kwh) as u64;
    let due = Due { at: request.at + chrono::TimeDelta::hours(due), tokens: tokens / 2 };
    request.backlog = Backlog { jobs: 1, tokens, value: Eur(waits * 0.2), due: vec![due], interactive: 0 };
    request.arrivals = vec![KilowattHours(arrives); 96];
    request.slots.truncate(time.slots);
    for slot in &mut request.slots {
        let peak = power.peak.unwrap_or_default();
        (slot.pv, slot.pv_spread) = (slot.pv.map(|pv| pv.min(Watts(peak))), slot.pv_spread * time.spread);
        (slot.hot_water, slot.hot_water_margin) = (Some(Watts(warm.drawn)), [warm.drawn / 200.0; 3]);
    }
    for (what, from, count) in &time.unknown {
        let slots = request.slots.iter_mut().skip(*from).take(*count);
        slots.for_each(|slot| forget(*what, slot));
    }
    for (what, ..) in &time.unknown {
        match what {
            7 => request.soc = None,
            8 => (request.room, request.warmth) = (None, None),
            9 => request.tank = None,
            _ => {}
        }
    }
    request
}

fn forget(what: u8, slot: &mut ExpectedSlot) {
    match what {
        0 => slot.import_price = None,
        1 => slot.export_price = None,
        2 => slot.pv = None,
        3 => slot.load = None,
        4 => slot.heat_pump = None,
        5 => slot.outdoor = None,
        6 => (slot.irradiance, slot.hot_water) = (None, None),
        _ => {}
    }
}
