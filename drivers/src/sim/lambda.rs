//! The heat pump's registers, as a Lambda EU-L shows them (0-based addresses, function 3 to read, function 16 and nothing
//! else to write).
//!
//! Module 0 is the outdoor air, 100 the energy manager (102 takes the offered PV surplus), 1000 the machine, 2000 the
//! hot-water tank, 3000 the buffer (the same tank), 5000 the heating circuit with the room. Energies are two words, low
//! word first, as newer firmware has them.

use super::faults::{Device, Fault, Faults};
use super::heat_pump::Running;
use super::modbus::Registers;
use super::world::World;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_modbus::prelude::ExceptionCode;

const UNIT: u8 = 1;
/// The word for "not there".
const NONE: u16 = 0x8000;
/// Where the surplus is offered.
const SURPLUS: u16 = 102;
/// Where other systems tell it the room's temperature; it has a sensor of its own here.
const ROOM: u16 = 5004;
/// Set points of the tank and of the room.
const TANK_SET: u16 = 2050;
const ROOM_SET: u16 = 5051;

pub(super) struct Lambda {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) faults: Faults,
    /// What it showed when it froze.
    pub(super) frozen: Mutex<Option<BTreeMap<u16, u16>>>,
}

impl Lambda {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> World {
        self.world().shown_by(Device::HeatPump)
    }

    fn image(&self) -> BTreeMap<u16, u16> {
        let fault = self.faults.of(Device::HeatPump);
        let mut frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if fault != Fault::Frozen {
            *frozen = None;
            return image(&self.shown(), fault == Fault::Nan);
        }
        frozen.get_or_insert_with(|| image(&self.shown(), false)).clone()
    }
}

impl Registers for Lambda {
    const PORT: Device = Device::HeatPump;

    fn device(&self, unit: u8) -> Option<Device> {
        (unit == UNIT).then_some(Device::HeatPump)
    }

    fn read(&self, _unit: u8, address: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        let image = self.image();
        // One register that does not exist refuses the whole block.
        (0..count)
            .map(|index| address.checked_add(index).and_then(|at| image.get(&at)).copied())
            .collect::<Option<_>>()
            .ok_or(ExceptionCode::IllegalDataAddress)
    }

    fn write(&self, _unit: u8, address: u16, values: &[u16], single: bool) -> Result<(), ExceptionCode> {
        if single {
            return Err(ExceptionCode::IllegalFunction);
        }
        let mut world = self.world();
        match (address, values) {
            (SURPLUS, [watts]) => world.controls.surplus = Some((*watts as i16, world.at)),
            (ROOM, [_]) => {}
            (TANK_SET, [word]) if (250..=650).contains(word) => world.controls.tank_set = Some(f64::from(*word) / 10.0),
            (ROOM_SET, [word]) if (150..=400).contains(word) => world.controls.room_set = Some(f64::from(*word) / 10.0),
            (TANK_SET | ROOM_SET, [_]) => return Err(ExceptionCode::IllegalDataValue),
            _ => return Err(ExceptionCode::IllegalDataAddress),
        }
        Ok(())
    }
}

fn image(world: &World, blind: bool) -> BTreeMap<u16, u16> {
    let (flows, state, counters) = (&world.flows, &world.state, &world.state.counters);
    let pump = &flows.heat_pump;
    let running = state.heat_pump.running;
    let mut image = BTreeMap::new();
    let mut set = |address: u16, value: i16| _ = image.insert(address, value as u16);
    set(0, 0);
    set(1, 1);
    set(100, 0);
    // Energy manager: 1 automatic, 3 error.
    set(101, if world.surplus_lapsed() { 3 } else { 1 });
    set(SURPLUS, world.controls.surplus.map_or(0, |(watts, _)| watts));
    set(104, -300);
    set(1000, 0);
    set(1001, 0);
    // 2 compressor at rest, 5 running; 0 standby, 1 heating, 2 hot water.
    let (state_word, operating) = match running {
        Running::Idle => (2, 0),
        Running::Heating => (5, 1),
        Running::HotWater => (5, 2),
    };
    set(1002, state_word);
    set(1003, operating);
    set(1014, 0);
    for module in [2000, 3000, 5000] {
        set(module, 0);
        set(module + 1, i16::from(running != Running::Idle));
    }
    set(TANK_SET, tenths(world.controls.tank_set.unwrap_or(world.house.heat_pump.tank.1.0)));
    set(3050, tenths(world.house.heat_pump.tank.1.0));
    set(5006, 2);
    set(5050, 0);
    set(ROOM_SET, tenths(world.controls.room_set.unwrap_or(world.house.heat_pump.room.1.0)));

    let on = pump.cop > 0.0;
    let heat = (pump.into_room + pump.into_tank).0;
    let outdoor = world.conditions.outdoor.0;
    let measured = [
        (2, tenths(outdoor)),
        (3, tenths(outdoor)),
        (4, tenths(outdoor)),
        (103, whole(pump.electric.0)),
        (1004, whole(pump.flow.0 * 100.0)),
        (1005, whole(pump.back.0 * 100.0)),
        (1006, if on { 1_400 } else { 0 }),
        (1007, whole(outdoor * 100.0)),
        (1008, whole((outdoor - if on { 4.0 } else { 0.0 }) * 100.0)),
        (1009, if on { 2_500 } else { 0 }),
        (1010, whole(if on { pump.electric / world.house.heat_pump.range.1 * 10_000.0 } else { 0.0 })),
        (1011, whole(heat / 100.0)),
        (1012, whole(pump.electric.0)),
        (1013, whole(pump.cop * 100.0)),
        (2002, tenths(state.tank.0)),
        (2003, tenths(state.tank.0 - 4.0)),
        (3002, tenths(state.tank.0)),
        (3003, tenths(state.tank.0 - 4.0)),
        (5002, tenths(pump.flow.0)),
        (5003, tenths(pump.back.0)),
        (ROOM, tenths(state.room.0)),
        (5005, tenths(pump.flow.0)),
    ];
    image.extend(measured.map(|(address, value)| (address, if blind { NONE } else { value as u16 })));
    for (address, kwh) in [(1020, counters.heat_pump), (1022, counters.heat)] {
        let words = if blind { 0x8000_0000 } else { (kwh.0 * 1e3) as u32 };
        image.insert(address, words as u16);
        image.insert(address + 1, (words >> 16) as u16);
    }
    image
}

fn tenths(value: f64) -> i16 {
    whole(value * 10.0)
}

fn whole(value: f64) -> i16 {
    value.round() as i16
}

#[cfg(test)]
mod tests {
    use super::super::house::{House, State};
    use super::super::place::Place;
    use super::super::weather::{Sky, Weather};
    use super::*;
    use chrono::{TimeZone, Utc};

    fn lambda() -> Lambda {
        let weather = Weather { place: Place::default(), sky: Sky::Sunny, seed: 1 };
        let world = World::new(
            House::default(),
            State::default(),
            weather,
            Utc.with_ymd_and_hms(2026, 4, 10, 11, 0, 0).unwrap(),
            1.0,
        );
        Lambda { world: Arc::new(Mutex::new(world)), faults: Faults::default(), frozen: Mutex::default() }
    }

    #[test]
    fn the_surplus_is_taken_by_function_16_only() {
        let lambda = lambda();
        assert_eq!(lambda.write(1, 102, &[1500], true), Err(ExceptionCode::IllegalFunction));
        assert_eq!(lambda.write(1, 1012, &[1500], false), Err(ExceptionCode::IllegalDataAddress));
        lambda.write(1, 102, &[1500], false).unwrap();
        assert_eq!(lambda.read(1, 101, 2).unwrap(), [1, 1500]);
        assert_eq!(lambda.world().offered().0, 1500.0);
        assert_eq!(lambda.write(1, 2050, &[900], false), Err(ExceptionCode::IllegalDataValue));
        lambda.write(1, 2050, &[560], false).unwrap();
        lambda.write(1, 5051, &[225], false).unwrap();
        assert_eq!((lambda.read(1, 2050, 1).unwrap(), lambda.read(1, 5051, 1).unwrap()), (vec![560], vec![225]));
        assert!(lambda.read(1, 102, 20).is_err());
        assert!(lambda.read(1, 65_535, 2).is_err());
    }

    #[test]
    fn faults_show_on_the_wire() {
        let lambda = lambda();
        lambda.faults.set(Device::HeatPump, Fault::Frozen);
        let before = lambda.read(1, 2002, 1).unwrap();
        lambda.world().state.tank.0 += 5.0;
        assert_eq!(lambda.read(1, 2002, 1).unwrap(), before);
        lambda.faults.set(Device::HeatPump, Fault::Nan);
        assert_eq!(lambda.read(1, 2002, 1).unwrap(), [NONE]);
        lambda.faults.set(Device::HeatPump, Fault::None);
        assert_eq!(lambda.read(1, 2002, 1).unwrap(), [before[0] + 50]);
    }
}
