//! Houses from seeds: what is installed, how late it reads and obeys, and what happens in two hours.
//!
//! Example: seed 3 may be a 1.8 kW box beside a 9 kW connection, its plug read every 43 s, a meter every second and two seconds late.

use super::accelerator::Accelerator;
use super::account::{Account, Bounds};
use super::chance::Chance;
use super::heating::Heating;
use super::household::{Load, Sky};
use super::meter::{Meter, Trouble};
use super::storage::Storage;
use super::{Happening, LateHouse};
use crate::command::{Command, Mode};
use crate::point::{DeviceId, Point};
use crate::site::{Phase, Phases, Price, Site};
use crate::test_site;
use crate::units::{Celsius, EurPerKwh, KilowattHours, Watts};
use std::collections::BTreeSet;
use std::time::Duration;

/// Seconds that a random house lives.
pub(crate) const LIFE: f64 = 7_200.0;
/// Seconds that a battery which regulates itself takes to find its way, at a gain of a third every three seconds.
const SETTLING: f64 = 20.0;
/// The volts of a phase.
const VOLTS: f64 = 230.0;
/// What the site knows of the heat pump, in W.
const HEAT_PUMP_MAX: f64 = 3_000.0;
/// The most that an inverter may give on one phase alone, in W (German VDE-AR-N 4105).
const ONE_PHASE_INVERTER: f64 = 4_600.0;
const PHASES: [Phase; 3] = [Phase::L1, Phase::L2, Phase::L3];
/// Connections in W: 20 A and 40 A on one phase, 16, 25 and 35 A on three.
const CONNECTIONS: [f64; 5] = [4_600.0, 9_200.0, 11_040.0, 17_250.0, 24_150.0];

/// What a meter of the house measures, and how it stands in the site.
struct Plan {
    site: Site,
    meters: Vec<Meter>,
    accelerator: Accelerator,
    wiring: [Option<usize>; 3],
}

/// The house of `seed`, with all that happens in it.
pub(crate) fn random(seed: u64) -> LateHouse {
    let mut chance = Chance::new(seed);
    let plan = plan(&mut chance);
    let bounds = bounds(&plan);
    let mut house = LateHouse::new(plan.site.clone(), Account::new(bounds), plan.accelerator, chance.clone());
    house.meters = plan.meters;
    house.wiring = plan.wiring;
    if let Some(battery) = plan.site.battery {
        let soc = chance.one_of(&[8.0, 12.0, 30.0, 50.0, 80.0, 99.0]);
        let mut storage = Storage::new(battery.capacity.0 * 1000.0, battery.charge_max.0, soc);
        storage.every = chance.between(1.0, 3.0);
        storage.late = chance.between(0.2, storage.every);
        storage.gain = chance.between(0.3, 0.6);
        storage.dead_band = chance.between(10.0, 60.0);
        storage.obeys_after = chance.between(2.0, 30.0);
        house.storage = Some(storage);
    }
    // A heat pump that nobody meters is one too.
    if house.meters.iter().any(|meter| meter.device == "heat pump") || chance.happens(0.4) {
        let least = chance.between(400.0, 1_200.0);
        let most = (least * chance.between(1.5, 3.0)).min(HEAT_PUMP_MAX);
        let mut heating = Heating::new(least, most, chance.between(10.0, 60.0));
        heating.rest(chance.between(0.0, 1_200.0));
        house.heating = Some(heating);
    }
    let limit = plan.site.grid.import_limit.0;
    house.loads = loads(&mut chance, limit, plan.site.grid.phases.as_ref());
    let clear = plan.site.pv.map_or(0.0, |pv| pv.peak.0 * chance.one_of(&[0.0, 0.3, 0.6, 0.9]));
    let cap = plan.site.grid.export_limit.map_or(f64::MAX, |cap| cap.0);
    let lasts = chance.one_of(&[(20.0, 90.0), (120.0, 600.0), (1_000.0, 4_000.0)]);
    house.sky = Sky::new(clear, cap).cloudy(lasts);
    house.happenings = happenings(&mut chance);
    house
}

fn plan(chance: &mut Chance) -> Plan {
    let mut site = test_site::site();
    site.grid.import_limit = Watts(chance.one_of(&CONNECTIONS));
    site.grid.export_limit = chance.happens(0.5).then_some(Watts(chance.one_of(&[800.0, 3_000.0, 7_000.0])));
    site.pv = chance.happens(0.85).then_some(crate::site::Pv { peak: Watts(chance.between(3_000.0, 12_000.0)) });
    if chance.happens(0.3) {
        site.battery = None;
    } else if let Some(battery) = &mut site.battery {
        battery.capacity = KilowattHours(chance.between(3.0, 15.0));
        battery.charge_max = Watts(chance.between(1_500.0, 5_000.0));
        battery.discharge_max = battery.charge_max;
    }
    // Cheap power makes compute draw from the grid, up to the fuse.
    let import = chance.one_of(&[0.05, 0.30, 0.30]);
    site.tariff.import = Price::fixed(EurPerKwh(import));
    let accelerator = compute(&mut site, chance);
    let wiring = wiring(&mut site, chance);
    let meters = meters(&site, chance);
    site.devices.retain_mut(|device| {
        let Some(meter) = meters.iter().find(|meter| DeviceId(meter.device.into()) == device.id) else { return false };
        device.points = meter.points.iter().copied().collect();
        device.max_age = Duration::from_secs_f64(meter.max_age);
        true
    });
    Plan { site, meters, accelerator, wiring }
}

fn compute(site: &mut Site, chance: &mut Chance) -> Accelerator {
    let max = site.grid.import_limit.0.min(5_000.0) * chance.between(0.2, 1.0);
    let compute = &mut site.compute;
    compute.max = Watts(max.round());
    compute.idle = Watts((0.06 * max).round());
    compute.min = Watts((max * chance.between(0.15, 0.4)).round());
    compute.min_on = Duration::from_secs(chance.one_of(&[0, 60, 300]));
    compute.min_off = Duration::from_secs(chance.one_of(&[60, 120, 180]));
    compute.temperature_max = chance.happens(0.3).then_some(Celsius(75.0));
    let delay = chance.between(0.2, 2.0);
    let ramp_s = chance.between(0.4, 4.0);
    let starts_in = chance.between(0.5, 8.0);
    compute.obeys_within = Duration::from_secs_f64((delay + ramp_s + 0.4).ceil());
    compute.starts_within = Duration::from_secs_f64(starts_in.ceil());
    Accelerator::new(compute.idle.0, delay, starts_in, max / ramp_s)
}

/// The phases of inverter, heat pump and compute.
fn wiring(site: &mut Site, chance: &mut Chance) -> [Option<usize>; 3] {
    let mut single = |share| chance.happens(share).then(|| chance.one_of(&[0, 1, 2]));
    let limit = site.grid.import_limit.0;
    let one_phase = limit < 10_000.0;
    let wiring = if one_phase { [Some(0); 3] } else { [single(0.3), single(0.5), single(0.7)] };
    if wiring[0].is_some() {
        let share = if site.battery.is_some() { 0.5 } else { 1.0 };
        site.pv.iter_mut().for_each(|pv| pv.peak = pv.peak.min(Watts(share * ONE_PHASE_INVERTER)));
        if let Some(battery) = &mut site.battery {
            battery.charge_max = battery.charge_max.min(Watts(share * ONE_PHASE_INVERTER));
            battery.discharge_max = battery.charge_max;
        }
    }
    let named = chance.happens(0.6);
    if named {
        let computing: BTreeSet<Phase> = match wiring[2] {
            Some(phase) => BTreeSet::from([PHASES[phase]]),
            None => PHASES.into(),
        };
        let limit_a = if one_phase { limit / VOLTS } else { limit / VOLTS / 3.0 };
        site.grid.phases = Some(Phases { limit_a, voltage: VOLTS, compute: computing });
        // A box that takes all of its phase leaves nothing to the rest.
        let most = limit_a * VOLTS * if wiring[2].is_some() { 0.8 } else { 2.4 };
        site.compute.max = Watts(site.compute.max.0.min(most).round());
        site.compute.min = Watts(site.compute.min.0.min(0.5 * most).round());
    }
    wiring
}

fn meters(site: &Site, chance: &mut Chance) -> Vec<Meter> {
    let mut meters = Vec::new();
    let phases = [Point::GridPower, Point::GridPowerL1, Point::GridPowerL2, Point::GridPowerL3];
    let phased = site.grid.phases.is_some() && chance.happens(0.7);
    let pace = (chance.one_of(&[0.2, 0.5, 1.0, 2.0, 5.0, 10.0]), chance.between(0.0, 3.0));
    meters.push(Meter::new("meter", if phased { &phases } else { &phases[..1] }, pace));
    let mut inverter = Vec::new();
    inverter.extend(site.pv.map(|_| Point::PvPower));
    inverter.extend(site.battery.iter().flat_map(|_| [Point::BatteryPower, Point::BatterySoc]));
    if !inverter.is_empty() {
        let pace = (chance.one_of(&[1.0, 2.0, 5.0, 10.0]), chance.between(0.0, 3.0));
        meters.push(Meter::new("inverter", &inverter, pace));
    }
    let mut plug = vec![Point::ComputePower];
    plug.extend(site.compute.temperature_max.map(|_| Point::ComputeTemperature));
    if chance.happens(0.85) || plug.len() > 1 {
        let pace = (chance.one_of(&[1.0, 2.0, 5.0, 10.0, 30.0, 60.0]), chance.between(0.0, 2.0));
        meters.push(Meter::new("plug", &plug, pace));
    }
    if chance.happens(0.6) {
        let points = [Point::HeatPumpPower, Point::OutdoorTemperature, Point::RoomTemperature];
        let pace = (chance.one_of(&[5.0, 10.0, 30.0]), chance.between(0.0, 3.0));
        meters.push(Meter::new("heat pump", &points, pace));
    }
    for meter in &mut meters {
        meter.step = chance.one_of(&[1.0, 10.0]);
        meter.error = chance.one_of(&[0.0, 0.002, 0.01]);
        troubles(meter, chance);
    }
    meters
}

fn troubles(meter: &mut Meter, chance: &mut Chance) {
    let mut from = chance.between(300.0, LIFE);
    while from < LIFE && chance.happens(0.6) {
        let trouble = if chance.happens(0.75) { Trouble::Silent } else { Trouble::Stuck };
        let to = from + chance.one_of(&[5.0, 40.0, 90.0, 600.0]);
        meter.troubles.push((from, to, trouble));
        from = to + chance.between(300.0, 3_000.0);
    }
}

fn loads(chance: &mut Chance, limit: f64, phases: Option<&Phases>) -> Vec<Load> {
    let single = limit < 10_000.0;
    let mut phase = |three: f64| match () {
        () if single => Some(0),
        () if chance.happens(three) => None,
        () => Some(chance.one_of(&[0, 1, 2])),
    };
    let places = [phase(0.0), phase(0.0), phase(0.0), phase(0.0), phase(0.6)];
    let sized = |watts, phase, on_for, off_for| Load { watts, phase, on_for, off_for, on: false, until: 60.0 };
    // The car takes most of what there is on its phases.
    let room = match (places[4], phases) {
        (Some(_), Some(phases)) => phases.limit_a * phases.voltage,
        (Some(_), None) => limit.min(4_600.0),
        (None, _) => limit,
    };
    vec![
        Load::always(chance.between(100.0, 500.0), places[0]),
        sized(2_000.0, places[1], (60.0, 240.0), (300.0, 1_500.0)),
        sized(2_400.0, places[2], (30.0, 90.0), (40.0, 200.0)),
        sized(130.0, places[3], (300.0, 900.0), (600.0, 1_800.0)),
        sized(room * chance.between(0.4, 0.85), places[4], (300.0, 1_800.0), (300.0, 1_200.0)),
    ]
}

fn happenings(chance: &mut Chance) -> Vec<(f64, Happening)> {
    let mut happenings = Vec::new();
    let mut at = 30.0;
    while at < LIFE {
        let modes =
            [Mode::Boost, Mode::Boost, Mode::Boost, Mode::Auto, Mode::Auto, Mode::Surplus, Mode::Heat, Mode::Off];
        let happening = match chance.between(0.0, 10.0) as u32 {
            0..=3 => Happening::Command(Command::SetMode(chance.one_of(&modes))),
            4 => Happening::Command(Command::GridDimming(Some(Watts(chance.one_of(&[0.0, 1_500.0, 4_200.0]))))),
            5 => Happening::Command(Command::GridDimming(None)),
            6 | 7 => Happening::Work(chance.one_of(&[0.0, 0.3, 0.8, 1.0, 1.0, 1.0])),
            8 => Happening::Deaf(chance.happens(0.4)),
            _ if chance.happens(0.5) => Happening::ClockSet(chance.between(-400_000.0, 400_000.0) as i64),
            _ => Happening::Command(Command::SetPowerLimit(Watts(chance.between(500.0, 6_000.0)))),
        };
        happenings.push((at, happening));
        at += chance.between(30.0, 600.0);
    }
    happenings
}

fn bounds(plan: &Plan) -> Bounds {
    let site = &plan.site;
    let grid = &site.grid;
    let compute = &site.compute;
    let computing = |phases: &Phases| (0..3).filter(|number| phases.compute.contains(&PHASES[*number])).collect();
    let phased = plan.meters.iter().any(|meter| meter.points.contains(&Point::GridPowerL1));
    let behind = plan.meters.iter().map(|meter| meter.max_age + meter.late).fold(0.0, f64::max);
    // The cloud that takes the surplus is read by two meters, then the box obeys, and the battery finds its way.
    let read = plan.meters.iter().filter(|meter| ["meter", "inverter"].contains(&meter.device));
    let noticed = read.map(|meter| meter.every + meter.late).fold(0.0, f64::max)
        + 1.0
        + SETTLING
        + compute.obeys_within.as_secs_f64();
    Bounds {
        connection: grid.import_limit.0,
        phase: grid.phases.as_ref().map(|phases| (phases.limit_a * phases.voltage, computing(phases))),
        dims: (grid.dimming.compute, grid.dimming.heat_pump, grid.dimming.battery),
        reserve: site.battery.map(|battery| (battery.reserve.0, noticed)),
        obeys: compute.obeys_within.as_secs_f64(),
        max_age: plan.meters.first().map_or(60.0, |meter| meter.max_age),
        behind,
        phased,
    }
}
