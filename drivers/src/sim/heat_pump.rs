//! An air-to-water heat pump with its own thermostats (each a hysteresis: on below one temperature, off above another), and
//! what it takes from an offered PV surplus.
//!
//! ```text
//!            tank cold (first)                 room cold
//!   Idle ------------------------> HotWater   Idle -----------> Heating
//!    ^  \_______________________________________________________/  |
//!    +---------- target reached and on for its least time ---------+
//! ```

use plant::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kelvin between the scales.
const KELVIN: f64 = 273.15;

/// What the heat pump can do and what it aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatPump {
    /// Electric power at which it runs by itself.
    pub nominal: Watts,
    /// Least and greatest electric power when it follows an offered surplus.
    pub range: (Watts, Watts),
    /// Electric power while the compressor rests.
    pub standby: Watts,
    /// Share of the ideal COP it reaches.
    pub carnot: f64,
    /// Room: starts below the first, stops at the second.
    pub room: (Celsius, Celsius),
    /// Tank: starts below the first, stops at the second.
    pub tank: (Celsius, Celsius),
    /// Kelvin by which an offered surplus raises the room's and the tank's bounds.
    pub raise: (f64, f64),
    /// Least running time and least rest of the compressor.
    pub least: Duration,
}

impl Default for HeatPump {
    fn default() -> Self {
        Self {
            nominal: Watts(1_900.0),
            range: (Watts(1_000.0), Watts(3_500.0)),
            standby: Watts(14.0),
            carnot: 0.42,
            room: (Celsius(20.6), Celsius(21.4)),
            tank: (Celsius(44.0), Celsius(50.0)),
            raise: (1.2, 7.0),
            least: Duration::from_secs(600),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Running {
    #[default]
    Idle,
    Heating,
    HotWater,
}

/// What it is doing, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatPumpState {
    pub running: Running,
    pub since: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatPumpFlow {
    pub electric: Watts,
    pub into_room: Watts,
    pub into_tank: Watts,
    pub flow: Celsius,
    /// Temperature of the water that comes back.
    pub back: Celsius,
    /// Heat per electric power; zero at rest.
    pub cop: f64,
}

/// What it feels around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surroundings {
    pub room: Celsius,
    pub tank: Celsius,
    pub outdoor: Celsius,
    /// Kelvin by which waste heat warms its source air.
    pub source_gain: f64,
    /// PV surplus it has been offered.
    pub offered: Watts,
}

impl HeatPump {
    /// The same with the bounds of its thermostats shifted by so many kelvin.
    pub fn shifted(&self, room: f64, tank: f64) -> Self {
        let shift = |(start, stop): (Celsius, Celsius), by| (start + Celsius(by), stop + Celsius(by));
        Self { room: shift(self.room, room), tank: shift(self.tank, tank), ..*self }
    }

    /// The state after `dt` more, and what flows in it.
    pub fn step(&self, state: HeatPumpState, around: &Surroundings, dt: Duration) -> (HeatPumpState, HeatPumpFlow) {
        let wanted = self.wanted(state.running, around);
        let state = if wanted == state.running || state.since < self.least {
            HeatPumpState { since: state.since + dt, ..state }
        } else {
            HeatPumpState { running: wanted, since: dt }
        };
        (state, self.flow(state.running, around))
    }

    fn wanted(&self, running: Running, around: &Surroundings) -> Running {
        let boosted = around.offered >= self.range.0;
        let (raise_room, raise_tank) = if boosted { self.raise } else { (0.0, 0.0) };
        let wants = |now: Celsius, bounds: (Celsius, Celsius), raise: f64, on: bool| {
            // On a surplus it starts as soon as there is room for an hour's worth of heat.
            let start = if raise > 0.0 { bounds.1.0 + raise * 0.6 } else { bounds.0.0 };
            now.0 < if on { bounds.1.0 + raise } else { start }
        };
        if wants(around.tank, self.tank, raise_tank, running == Running::HotWater) {
            Running::HotWater
        } else if around.outdoor.0 < 17.0 && wants(around.room, self.room, raise_room, running == Running::Heating) {
            Running::Heating
        } else {
            Running::Idle
        }
    }

    fn flow(&self, running: Running, around: &Surroundings) -> HeatPumpFlow {
        let flow = match running {
            Running::Idle => {
                let rest = Celsius((around.room.0 + around.tank.0) / 2.0);
                return HeatPumpFlow { electric: self.standby, flow: rest, back: rest, ..HeatPumpFlow::default() };
            }
            Running::Heating => Celsius((34.0 - 0.55 * around.outdoor.0).clamp(26.0, 48.0)),
            Running::HotWater => Celsius(around.tank.0 + 7.0),
        };
        let boosted = around.offered >= self.range.0;
        let electric = if boosted { around.offered.between(self.range.0, self.range.1) } else { self.nominal };
        let cop = self.cop(flow, Celsius(around.outdoor.0 + around.source_gain));
        let heat = electric * cop;
        let (into_room, into_tank) = match running {
            Running::Heating => (heat, Watts::ZERO),
            Running::HotWater => (Watts::ZERO, heat),
            Running::Idle => (Watts::ZERO, Watts::ZERO),
        };
        // 1400 l/h of water carry 1.63 kW per kelvin.
        HeatPumpFlow { electric, into_room, into_tank, flow, back: Celsius(flow.0 - heat.0 / 1_630.0), cop }
    }

    /// `carnot * T_flow / (T_flow - T_source)` in kelvin, within what such machines reach.
    pub fn cop(&self, flow: Celsius, source: Celsius) -> f64 {
        (self.carnot * (flow.0 + KELVIN) / (flow.0 - source.0).max(14.0)).clamp(1.5, 6.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(room: f64, tank: f64, offered: f64) -> Surroundings {
        Surroundings {
            room: Celsius(room),
            tank: Celsius(tank),
            outdoor: Celsius(2.0),
            source_gain: 0.0,
            offered: Watts(offered),
        }
    }

    #[test]
    fn thermostats_have_hysteresis_and_the_tank_goes_first() {
        // (running, room, tank, offered W, expected)
        let rows = [
            (Running::Idle, 21.0, 47.0, 0.0, Running::Idle),
            (Running::Idle, 20.5, 47.0, 0.0, Running::Heating),
            (Running::Heating, 21.3, 47.0, 0.0, Running::Heating),
            (Running::Heating, 21.4, 47.0, 0.0, Running::Idle),
            (Running::Idle, 20.5, 43.0, 0.0, Running::HotWater),
            (Running::HotWater, 20.5, 49.0, 0.0, Running::HotWater),
            (Running::HotWater, 20.5, 50.0, 0.0, Running::Heating),
            (Running::Idle, 21.5, 51.0, 2_500.0, Running::HotWater),
            (Running::Idle, 21.5, 58.0, 2_500.0, Running::Heating),
            (Running::Idle, 22.7, 58.0, 2_500.0, Running::Idle),
            (Running::Idle, 21.5, 51.0, 400.0, Running::Idle),
        ];
        for (running, room, tank, offered, expected) in rows {
            let state = HeatPumpState { running, since: Duration::from_secs(3600) };
            let (state, _) = HeatPump::default().step(state, &around(room, tank, offered), Duration::from_secs(10));
            assert_eq!(state.running, expected, "{running:?} {room} {tank} {offered}");
        }
    }

    #[test]
    fn a_surplus_sets_its_power_and_the_compressor_is_spared() {
        let pump = HeatPump::default();
        let young = HeatPumpState { running: Running::HotWater, since: Duration::from_secs(30) };
        let (state, flow) = pump.step(young, &around(21.0, 70.0, 2_500.0), Duration::from_secs(10));
        assert_eq!((state.running, flow.electric), (Running::HotWater, Watts(2_500.0)));
        assert!((flow.into_tank.0 - 2_500.0 * flow.cop).abs() < 1e-9);
        assert!(flow.back < flow.flow);
    }

    #[test]
    fn the_cop_falls_with_the_lift() {
        let pump = HeatPump::default();
        let mild = pump.cop(Celsius(30.0), Celsius(7.0));
        let frosty = pump.cop(Celsius(55.0), Celsius(-10.0));
        assert!((4.5..6.0).contains(&mild) && (1.9..2.5).contains(&frosty), "{mild} {frosty}");
    }
}
