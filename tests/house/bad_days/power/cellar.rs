//! What stands in the cellar: a hybrid inverter with a battery and a meter, and a heat pump that takes offers. Their owner has set the
//! battery to charge at any power and to give 80 % of it, and offers the heat pump nothing.
//!
//! The house draws 800 W from the grid, the battery rests at 50 %, and it is cold. So in `auto`, while
//! power costs less than nothing, the engine runs at full power, the battery holds, and the heat pump is offered all that the fuse bears.

use super::device::{At, Bank, Device};
use anyhow::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const INVERTER: u8 = 1;
const METER: u8 = 200;
/// SunSpec's models begin here.
const BASE: u16 = 40_000;
/// Models and how many words they have: who it is, the strings, the storage; who it is and the meter.
const MODELS: [(u8, &[(u16, u16)]); 2] =
    [(INVERTER, &[(1, 65), (160, 88), (124, 24)]), (METER, &[(1, 65), (203, 105)])];
/// `StorCtl_Mod` and `OutWRte` of model 124: bit 0 limits charging, bit 1 discharging, to hundredths of a percent.
const STORAGE: [(u16, u16); 2] = [(3, 1), (10, 8000)];
/// What is measured: the grid's power in the meter, the charge of the battery.
const GRID_W: u16 = 16;
const CHARGE_STATE: u16 = 6;
/// Where the heat pump is offered surplus.
const SURPLUS: At = (1, 102);

/// The two devices.
pub(super) struct Cellar {
    /// The inverter with the battery.
    pub battery: Device,
    /// The heat pump.
    pub heat_pump: Device,
}

impl Cellar {
    /// Two devices that answer.
    pub(super) async fn start() -> Result<Self> {
        let heat_pump = Bank { owner: [(SURPLUS, 0)].into(), ..Bank::default() };
        let (battery, heat_pump) =
            (Device::start(inverter(), measure_inverter).await?, Device::start(heat_pump, measure_heat_pump).await?);
        Ok(Self { battery, heat_pump })
    }

    /// The devices with the names and the controls that the configuration gives them.
    pub(super) fn devices(&self) -> [(&'static str, &'static str, &Device); 2] {
        [("battery", "battery.mode", &self.battery), ("heat_pump", "heat_pump.surplus", &self.heat_pump)]
    }

    /// How often both were written to.
    pub(super) fn writes(&self) -> usize {
        self.devices().iter().map(|(_, _, device)| device.bank().history.len()).sum()
    }

    /// Takes their power away for a while. Where they `forget`, they come back as their owner has set them.
    pub(super) async fn outage(&self, time: Duration, forget: bool) {
        self.devices().iter().for_each(|(_, _, device)| device.power(false));
        sleep(time).await;
        for (_, _, device) in self.devices() {
            if forget {
                let mut bank = device.bank();
                bank.own();
                bank.history.push((Instant::now(), true));
            }
            device.power(true);
        }
    }
}

/// Where the words of a model begin.
fn place(unit: u8, model: u16) -> u16 {
    let models = MODELS.iter().find(|(known, _)| *known == unit).map_or(&[][..], |(_, models)| models);
    let before = models.iter().take_while(|(id, _)| *id != model).map(|(_, length)| length + 2).sum::<u16>();
    BASE + 2 + before + 2
}

fn inverter() -> Bank {
    let mut bank = Bank::default();
    for (unit, models) in MODELS {
        let mut set = |register: u16, value: u16| _ = bank.registers.insert((unit, register), value);
        // "SunS"
        set(BASE, 0x5375);
        set(BASE + 1, 0x6e53);
        for (model, length) in models {
            set(place(unit, *model) - 2, *model);
            set(place(unit, *model) - 1, *length);
        }
        let (last, length) = models[models.len() - 1];
        set(place(unit, last) + length, 0xFFFF);
    }
    let mut set = |model: u16, at: u16, value: i16| {
        bank.registers.insert((INVERTER, place(INVERTER, model) + at), value.cast_unsigned());
    };
    // Tenths of volts, of hundredths of amperes, of watts: four modules of 20 words behind a head of 8.
    set(160, 6, 4);
    (0..4).for_each(|module| set(160, 8 + 20 * module, module.cast_signed() + 1));
    // Greatest charging power, and a rate of a hundred percent of it.
    for (at, value) in [(0, 5000), (10, 8000), (11, 10_000), (CHARGE_STATE, 50), (23, -2)] {
        set(124, at, value);
    }
    bank.owner = STORAGE.map(|(at, value)| ((INVERTER, place(INVERTER, 124) + at), value)).into();
    bank
}

fn measure_inverter(bank: &mut Bank, ms: u64) {
    let watts = 800 + u16::try_from(ms / 100 % 97).unwrap_or(0);
    bank.registers.insert((METER, place(METER, 203) + GRID_W), watts);
    // The strings and the battery of an inverter at night are never quite at rest.
    let ripple = u16::try_from(ms / 100 % 7).unwrap_or(0);
    for (module, watts) in [(0, ripple), (1, ripple), (2, 0), (3, 20 + ripple)] {
        bank.registers.insert((INVERTER, place(INVERTER, 160) + 8 + 20 * module + 11), watts);
    }
}

fn measure_heat_pump(bank: &mut Bank, ms: u64) {
    let ripple = u16::try_from(ms / 1000 % 10).unwrap_or(0);
    // Tenths and hundredths of degrees, hundreds of watts, watts.
    let registers = [
        (2, 30),
        (1004, 3500 + ripple),
        (1005, 3000 + ripple),
        (1011, 40 + ripple),
        (1012, 1000 + ripple),
        (2002, 460 + ripple),
        (5004, 205 + ripple % 3),
    ];
    bank.registers.extend(registers.map(|(register, value)| ((1, register), value)));
}
