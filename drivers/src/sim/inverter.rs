//! The hybrid inverter with its battery (unit 1) and the grid meter behind it (unit 200), as a Fronius GEN24 shows them:
//! SunSpec from register 40000 on, integers with scale factors.
//!
//! Model 160 has four modules: two strings, then the battery charging, then the battery discharging. Model 124 is
//! the battery's controls, model 123 the cap on the output. The meter counts import as positive power.

use super::faults::{Device, Fault, Faults};
use super::house::strings;
use super::modbus::Registers;
use super::sunspec::{Chain, Model, common};
use super::world::World;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_modbus::prelude::ExceptionCode;

/// Where the chain of models begins.
const BASE: u16 = 40_000;
const INVERTER: u8 = 1;
const METER: u8 = 200;

/// Where the writable models stand in the chain.
#[derive(Clone, Copy, Debug, Default)]
struct Offsets {
    controls: u16,
    storage: u16,
}

pub(super) struct Inverter {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) faults: Faults,
    /// What each unit showed when it froze.
    pub(super) frozen: Mutex<[Option<Vec<u16>>; 2]>,
}

impl Inverter {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn image(&self, unit: u8) -> Vec<u16> {
        let device = if unit == METER { Device::Meter } else { Device::Inverter };
        let fault = self.faults.of(device);
        let mut frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut frozen[usize::from(unit == METER)];
        if fault != Fault::Frozen {
            *kept = None;
        }
        if let Some(image) = kept {
            return image.clone();
        }
        let world = self.world().shown_by(device);
        let blind = fault == Fault::Nan;
        let image = if unit == METER { meter(&world, blind) } else { inverter(&world, blind).0 };
        if fault == Fault::Frozen {
            *kept = Some(image.clone());
        }
        image
    }
}

impl Registers for Inverter {
    const PORT: Device = Device::Inverter;

    fn device(&self, unit: u8) -> Option<Device> {
        match unit {
            INVERTER => Some(Device::Inverter),
            METER => Some(Device::Meter),
            _ => None,
        }
    }

    fn read(&self, unit: u8, address: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        let image = self.image(unit);
        let from = usize::from(address.checked_sub(BASE).ok_or(ExceptionCode::IllegalDataAddress)?);
        image.get(from..from + usize::from(count)).map(<[u16]>::to_vec).ok_or(ExceptionCode::IllegalDataAddress)
    }

    fn write(&self, unit: u8, address: u16, values: &[u16], _single: bool) -> Result<(), ExceptionCode> {
        if unit != INVERTER {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        let mut world = self.world();
        let at = inverter(&world, false).1;
        // Checked as a whole first: a refused write changes nothing.
        let mut changed = *world;
        for (index, value) in (0u16..).zip(values) {
            let offset = address.wrapping_sub(BASE).wrapping_add(index);
            match (offset.checked_sub(at.storage), offset.checked_sub(at.controls)) {
                (Some(point @ 0..24), _) => store(&mut changed, point, *value)?,
                (_, Some(point @ 0..24)) => limit(&mut changed, point, *value)?,
                _ => return Err(ExceptionCode::IllegalDataAddress),
            }
        }
        *world = changed;
        Ok(())
    }
}

/// Takes a point of model 124.
fn store(world: &mut World, point: u16, value: u16) -> Result<(), ExceptionCode> {
    let signed = f64::from(value as i16) / 100.0;
    let storage = &mut world.controls.storage;
    match point {
        3 if value <= 3 => (storage.limit_charge, storage.limit_discharge) = (value & 1 != 0, value & 2 != 0),
        5 if value <= 10_000 => storage.reserve_pct = f64::from(value) / 100.0,
        10 if signed.abs() <= 100.0 => storage.discharge_pct = signed,
        11 if signed.abs() <= 100.0 => storage.charge_pct = signed,
        13 if value != 0xFFFF => storage.revert = Duration::from_secs(u64::from(value)),
        15 if value <= 1 => storage.from_grid = value == 1,
        3 | 5 | 10 | 11 | 13 | 15 => return Err(ExceptionCode::IllegalDataValue),
        _ => return Err(ExceptionCode::IllegalDataAddress),
    }
    world.controls.storage_at = world.at;
    Ok(())
}

/// Takes a point of model 123.
fn limit(world: &mut World, point: u16, value: u16) -> Result<(), ExceptionCode> {
    match point {
        3 if value <= 10_000 => world.controls.limit_pct = f64::from(value) / 100.0,
        // Window and ramp times are taken and mean nothing here.
        4 | 6 => {}
        5 if value != 0xFFFF => world.controls.limit_revert = Duration::from_secs(u64::from(value)),
        7 if value <= 1 => world.controls.limit_on = value == 1,
        3 | 5 | 7 => return Err(ExceptionCode::IllegalDataValue),
        _ => return Err(ExceptionCode::IllegalDataAddress),
    }
    world.controls.limit_at = world.at;
    Ok(())
}

/// The inverter's registers from [`BASE`] on.
fn inverter(world: &World, blind: bool) -> (Vec<u16>, Offsets) {
    let mut chain = Chain::new();
    chain.push(1, common("Symo GEN24 10.0 Plus", "SIM-33445566", u16::from(INVERTER)));
    chain.push(103, output(world, blind));
    chain.push(120, nameplate(world));
    let controls = chain.push(123, controls(world));
    chain.push(160, strings_and_battery(world, blind));
    let storage = chain.push(124, storage(world, blind));
    (chain.finish(), Offsets { controls, storage })
}

fn output(world: &World, blind: bool) -> Model {
    let watts = (world.flows.pv + world.flows.battery).0;
    let amps = watts.abs() / 3.0 / 231.0;
    let mut m = Model::new(blind);
    m.u16(amps * 3.0, -2).u16(amps, -2).u16(amps, -2).u16(amps, -2).sf(-2);
    m.u16(400.4, -1).u16(400.1, -1).u16(399.8, -1).u16(231.2, -1).u16(231.0, -1).u16(230.7, -1).sf(-1);
    m.i16(watts, 0).sf(0).u16(50.01, -2).sf(-2).i16(watts.abs(), 0).sf(0).i16(0.0, 0).sf(0);
    m.i16(100.0, -1).sf(-1).acc32(world.state.counters.inverter.0 * 1e3).sf(0);
    m.none_u16(1).sf(-2).none_u16(1).sf(-1).i16(world.flows.pv.0, 0).sf(0);
    m.i16(world.conditions.outdoor.0 + 18.0 + watts.abs() / 600.0, -1).none_i16(3).sf(-1);
    // 4 MPPT, 5 throttled, 8 standby.
    let state = match (world.flows.curtailed.0 > 1.0, watts.abs() > 1.0) {
        (true, _) => 5,
        (false, true) => 4,
        (false, false) => 8,
    };
    m.raw(state).raw(state).zeros(12);
    m
}

fn nameplate(world: &World) -> Model {
    let house = &world.house;
    let mut m = Model::new(false);
    // 82: photovoltaics with storage.
    m.raw(82).u16(house.inverter_max.0, 1).sf(1).u16(house.inverter_max.0, 1).sf(1);
    m.i16(7_000.0, 1).none_i16(2).i16(-7_000.0, 1).sf(1).u16(15.2, -1).sf(-1);
    m.i16(-0.8, -2).none_i16(2).i16(0.8, -2).sf(-2);
    m.u16(house.battery.capacity.0 * 1e3, 0).sf(0).none_u16(1).none_i16(1);
    m.u16(house.battery.power_max.0, 0).sf(0).u16(house.battery.power_max.0, 0).sf(0).none_i16(1);
    m
}

fn controls(world: &World) -> Model {
    let controls = &world.controls;
    let mut m = Model::new(false);
    m.raw(0).raw(0).raw(1);
    m.u16(controls.limit_pct, -2)
        .raw(0)
        .u16(controls.limit_revert.as_secs_f64(), 0)
        .raw(0)
        .raw(u16::from(controls.limit_on));
    m.i16(1.0, -2).raw(0).raw(0).raw(0).raw(0);
    m.none_i16(3).none_u16(3).raw(0).raw(0).sf(-2).sf(-2).sf(-2);
    m
}

fn strings_and_battery(world: &World, blind: bool) -> Model {
    let (flows, counters) = (&world.flows, &world.state.counters);
    let [first, second] = strings(flows.pv);
    let mut m = Model::new(blind);
    m.sf(-2).sf(-1).sf(-1).sf(0).zeros(2).raw(4).none_u16(1);
    let modules = [
        ("MPPT 1", first.0, counters.strings[0].0, 620.0),
        ("MPPT 2", second.0, counters.strings[1].0, 615.0),
        ("StCha 3", (-flows.battery).positive().0, counters.charged.0, 410.0),
        ("StDisCha 4", flows.battery.positive().0, counters.discharged.0, 410.0),
    ];
    for (number, (name, watts, kwh, volts)) in (1u16..).zip(modules) {
        m.raw(number).text(name, 8).u16(watts / volts, -2).u16(volts, -1).u16(watts, -1).acc32(kwh * 1e3);
        m.u32(world.at.timestamp().wrapping_sub(946_684_800) as u32).none_i16(1).raw(4).zeros(2);
    }
    m
}

fn storage(world: &World, blind: bool) -> Model {
    let (controls, battery) = (&world.controls.storage, &world.house.battery);
    let soc = world.state.stored.0 / battery.capacity.0 * 100.0;
    let mut m = Model::new(blind);
    m.raw(battery.power_max.0 as u16).raw(100).raw(100);
    m.raw(u16::from(controls.limit_charge) | u16::from(controls.limit_discharge) << 1).none_u16(1);
    m.raw((controls.reserve_pct * 100.0) as u16).u16(soc, -2).none_u16(1).u16(410.0, -1);
    // 2 empty, 3 discharging, 4 charging, 5 full, 6 holding.
    m.raw(match world.flows.battery.0 {
        watts if watts > 1.0 => 3,
        watts if watts < -1.0 => 4,
        _ if soc > 99.0 => 5,
        _ if soc <= controls.reserve_pct + 0.5 => 2,
        _ => 6,
    });
    let rate = |pct: f64| (pct * 100.0).round() as i16 as u16;
    m.raw(rate(controls.discharge_pct)).raw(rate(controls.charge_pct));
    m.raw(0).raw(controls.revert.as_secs() as u16).raw(0).raw(u16::from(controls.from_grid));
    m.sf(0).sf(0).none_i16(1).sf(-2).sf(-2).none_i16(1).sf(-1).sf(-2);
    m
}

/// The meter's registers from [`BASE`] on.
fn meter(world: &World, blind: bool) -> Vec<u16> {
    let grid = world.flows.grid.0;
    let phases = [grid * 0.36, grid * 0.33, grid - grid * 0.69];
    let volts = [231.2, 231.0, 230.7];
    let mut m = Model::new(blind);
    m.i16(phases.iter().zip(volts).map(|(w, v)| w / v).sum(), -2);
    phases.iter().zip(volts).for_each(|(w, v)| _ = m.i16(w / v, -2));
    m.sf(-2);
    m.i16(231.0, -1).i16(volts[0], -1).i16(volts[1], -1).i16(volts[2], -1);
    m.i16(400.1, -1).i16(400.4, -1).i16(400.1, -1).i16(399.8, -1).sf(-1).i16(50.01, -2).sf(-2);
    m.i16(grid, 0).i16(phases[0], 0).i16(phases[1], 0).i16(phases[2], 0).sf(0);
    m.i16(grid.abs(), 0).none_i16(3).sf(0).i16(0.0, 0).none_i16(3).sf(0).i16(1.0, -2).none_i16(3).sf(-2);
    let counters = &world.state.counters;
    m.acc32(counters.export.0 * 1e3).zeros(6).acc32(counters.import.0 * 1e3).zeros(6).sf(0);
    m.zeros(16).none_i16(1).zeros(32).none_i16(1).zeros(2);
    let mut chain = Chain::new();
    chain.push(1, common("Smart Meter TS 65A-3", "SIM-77889900", u16::from(METER)));
    chain.push(203, m);
    chain.finish()
}

#[cfg(test)]
mod tests {
    use super::super::house::{House, State};
    use super::super::place::Place;
    use super::super::weather::{Sky, Weather};
    use super::*;
    use chrono::{TimeZone, Utc};

    fn world() -> World {
        let weather = Weather { place: Place::default(), sky: Sky::Sunny, seed: 1 };
        World::new(
            House::default(),
            State::default(),
            weather,
            Utc.with_ymd_and_hms(2026, 4, 10, 11, 0, 0).unwrap(),
            1.0,
        )
    }

    #[test]
    fn every_model_has_the_length_that_the_standard_gives_it() {
        let (image, _) = inverter(&world(), false);
        let mut models = Vec::new();
        for image in [image, meter(&world(), false)] {
            let mut at = 2;
            while image[at] != 0xFFFF {
                models.push((image[at], image[at + 1]));
                at += usize::from(image[at + 1]) + 2;
            }
            assert_eq!(at + 2, image.len());
        }
        assert_eq!(models, [(1, 65), (103, 50), (120, 26), (123, 24), (160, 88), (124, 24), (1, 65), (203, 105)]);
    }

    #[test]
    fn a_refused_write_changes_nothing() {
        let inverter =
            Inverter { world: Arc::new(Mutex::new(world())), faults: Faults::default(), frozen: Mutex::default() };
        let before = *inverter.world();
        let at = BASE + super::inverter(&before, false).1.storage;
        assert!(inverter.write(1, at + 10, &[0, 20_000], false).is_err());
        assert!(inverter.write(1, at, &[1], true).is_err());
        assert!(inverter.write(200, at + 3, &[2], true).is_err());
        assert_eq!(*inverter.world(), before);
        inverter.write(1, at + 10, &[(-5_000i16) as u16, 10_000], false).unwrap();
        inverter.write(1, at + 3, &[2], true).unwrap();
        assert_eq!(inverter.world().controls.storage.discharge_pct, -50.0);
        assert!(inverter.world().controls.storage.limit_discharge);
    }
}
