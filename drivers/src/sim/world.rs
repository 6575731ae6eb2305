//! The house in its surroundings: it follows house time in small steps and keeps what the controls of its devices are set
//! to, with the watchdogs (dead-man switches) of those devices.

use super::battery::StorageControls;
use super::faults::Device;
use super::house::{Flows, House, Inputs, State};
use super::latency::Latency;
use super::load::Household;
use super::weather::{Conditions, Weather};
use chrono::TimeDelta;
use plant::time::{Timestamp, elapsed};
use plant::units::Watts;
use std::time::Duration;

/// The longest step of the integration.
const STEP: Duration = Duration::from_secs(10);
/// The longest step where devices show and obey late.
const FINE_STEP: Duration = Duration::from_secs(1);
/// A clock that jumps further ahead than this is followed without living through the time between.
const LONGEST_GAP: Duration = Duration::from_secs(12 * 3600);
/// The heat pump gives up an offered surplus that has not been repeated for this long.
const SURPLUS_LAPSES: Duration = Duration::from_secs(300);

/// What the controls of the house's devices are set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controls {
    /// Those of the battery.
    pub storage: StorageControls,
    /// When they were last written.
    pub storage_at: Timestamp,
    /// `WMaxLimPct`: cap on the inverter's output.
    pub limit_pct: f64,
    /// `WMaxLim_Ena`: whether the cap counts.
    pub limit_on: bool,
    /// `WMaxLimPct_RvrtTms`: the cap lapses after this; zero for never.
    pub limit_revert: Duration,
    /// When the cap was last written.
    pub limit_at: Timestamp,
    /// The surplus offered to the heat pump, and when; `None` before the first offer.
    pub surplus: Option<(i16, Timestamp)>,
    /// Set points of the room and of the tank that were written, in °C; `None` for those of the heat pump's menu.
    pub room_set: Option<f64>,
    pub tank_set: Option<f64>,
    /// Whether the plug's relay is closed.
    pub plug_on: bool,
}

/// The house and everything around it at one moment of house time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct World {
    pub house: House,
    pub weather: Weather,
    pub household: Household,
    pub at: Timestamp,
    pub state: State,
    /// The powers of the last step.
    pub flows: Flows,
    /// The weather of the last step.
    pub conditions: Conditions,
    /// What the controls of its devices are set to.
    pub controls: Controls,
    /// House seconds in a second of the machine.
    speed: f64,
    latency: Latency,
    /// What each device read last, and what it shows.
    read: [Reading; 4],
    shown: [Reading; 4],
    /// What the heat pump has seen of what it is offered, and when it looked.
    heeded: (Watts, Timestamp),
}

/// What the meters of a device found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    at: Timestamp,
    state: State,
    flows: Flows,
    conditions: Conditions,
}

impl World {
    /// A house at `at` in `state`, whose time runs `speed` times as fast as the wall's.
    pub fn new(house: House, state: State, weather: Weather, at: Timestamp, speed: f64) -> World {
        let controls = Controls {
            storage: StorageControls::default(),
            storage_at: at,
            limit_pct: 100.0,
            limit_on: false,
            limit_revert: Duration::ZERO,
            limit_at: at,
            surplus: None,
            room_set: None,
            tank_set: None,
            plug_on: true,
        };
        let (flows, conditions) = (Flows::default(), weather.at(at));
        let reading = Reading { at, state, flows, conditions };
        let mut world = World {
            house,
            weather,
            household: Household { place: weather.place, seed: weather.seed },
            at,
            state,
            flows,
            conditions,
            controls,
            speed: speed.max(f64::MIN_POSITIVE),
            latency: Latency::NONE,
            read: [reading; 4],
            shown: [reading; 4],
            heeded: (Watts::ZERO, at),
        };
        // The devices have something to show before time has moved.
        let inputs = world.inputs(at, Watts::ZERO);
        world.flows = house.step(&world.state, &inputs, Duration::from_secs(1)).1;
        world.read_all();
        world
    }

    /// The same house with devices that show and obey late.
    pub fn late(mut self, latency: Latency) -> World {
        self.latency = latency;
        self.house.battery.settles = latency.battery;
        self
    }

    /// The world as `device` shows it: what it measures may be old, what it is set to is not.
    pub fn shown_by(&self, device: Device) -> World {
        if self.latency.of(device).is_zero() {
            return *self;
        }
        let Reading { at, state, flows, conditions } = self.shown[device as usize];
        World { at, state, flows, conditions, ..*self }
    }

    /// Lives up to `now` with the compute box drawing `compute`. A clock that stands or has jumped back moves nothing.
    pub fn advance(&mut self, now: Timestamp, compute: Watts) {
        let mut left = elapsed(self.at, now);
        if left > LONGEST_GAP || now < self.at {
            tracing::info!(from = %self.at, to = %now, "house time has jumped");
            self.at = now;
            self.heeded.1 = now;
            self.read_all();
            left = Duration::ZERO;
        }
        let step = if self.latency == Latency::NONE { STEP } else { FINE_STEP };
        while left > Duration::ZERO {
            let dt = left.min(step);
            self.at += TimeDelta::from_std(dt).unwrap_or_default();
            self.lapse();
            if elapsed(self.heeded.1, self.at) >= self.latency.offer {
                self.heeded = (self.offered(), self.at);
            }
            let inputs = self.inputs(self.at, compute);
            (self.state, self.flows) = self.house.step(&self.state, &inputs, dt);
            self.read();
            left -= dt;
        }
    }

    fn reading(&self) -> Reading {
        Reading { at: self.at, state: self.state, flows: self.flows, conditions: self.conditions }
    }

    fn read_all(&mut self) {
        (self.read, self.shown) = ([self.reading(); 4], [self.reading(); 4]);
    }

    /// The devices whose time has come read; the meter shows what it read the time before.
    fn read(&mut self) {
        let reading = self.reading();
        for device in Device::ALL {
            let number = device as usize;
            if elapsed(self.read[number].at, self.at) >= self.latency.of(device) {
                self.shown[number] = if device == Device::Meter { self.read[number] } else { reading };
                self.read[number] = reading;
            }
        }
    }

    /// The surplus that counts: zero once the offer has lapsed.
    pub fn offered(&self) -> Watts {
        match self.controls.surplus {
            Some((watts, _)) if !self.surplus_lapsed() => Watts(f64::from(watts)).positive(),
            Some(_) | None => Watts::ZERO,
        }
    }

    /// Whether an offer was made and not repeated in time, which the heat pump shows as an error.
    pub fn surplus_lapsed(&self) -> bool {
        self.controls.surplus.is_some_and(|(_, written)| self.since(written) > SURPLUS_LAPSES)
    }

    /// The time since a write, of the machine's clock: watchdogs watch wires, and those are no faster in a fast house.
    fn since(&self, written: Timestamp) -> Duration {
        elapsed(written, self.at).div_f64(self.speed)
    }

    fn lapse(&mut self) {
        let late = |written: Timestamp, revert: Duration| revert > Duration::ZERO && self.since(written) > revert;
        let storage_late = late(self.controls.storage_at, self.controls.storage.revert);
        let limit_late = late(self.controls.limit_at, self.controls.limit_revert);
        if storage_late {
            self.controls.storage.limit_charge = false;
            self.controls.storage.limit_discharge = false;
        }
        if limit_late {
            self.controls.limit_on = false;
        }
    }

    fn inputs(&mut self, at: Timestamp, compute: Watts) -> Inputs {
        self.conditions = self.weather.at(at);
        Inputs {
            on_roof: self.conditions.on_roof,
            on_ground: self.conditions.on_ground,
            outdoor: self.conditions.outdoor,
            household: self.household.power(at),
            hot_water: self.household.hot_water(at),
            compute: if self.controls.plug_on { compute.positive() } else { Watts::ZERO },
            storage: self.controls.storage,
            output_limit: if self.controls.limit_on { self.controls.limit_pct / 100.0 } else { 1.0 },
            offered: self.heeded.0,
            room_shift: self.controls.room_set.map_or(0.0, |set| set - self.house.heat_pump.room.1.0),
            tank_shift: self.controls.tank_set.map_or(0.0, |set| set - self.house.heat_pump.tank.1.0),
        }
    }
}

#[cfg(test)]
mod tests;
