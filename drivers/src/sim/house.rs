//! The house as one pure step: `(state, inputs, dt) -> (state, flows)`.
//!
//! ```text
//!   sun -> PV --+                           +--> household --> room (gains)
//!   grid <----->+--- house bus, always ---- +--> heat pump --> room or tank
//!   battery <-->+    grid + pv + battery    +--> compute ----> tank, room, source air or outdoors
//!                    = house + hp + compute
//!   tank --> hot water;  tank --> room (mixing valve, when hotter than the pump would make it);  room --> outdoors
//! ```
//!
//! Invariant: the balance of the bus holds in every step, because grid power is what is left over.

use super::battery::{Battery, Bus, StorageControls};
use super::heat_pump::{HeatPump, HeatPumpFlow, HeatPumpState, Surroundings};
use plant::site::HeatSink;
use plant::units::{Celsius, KilowattHours, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the house is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct House {
    /// Peak power of the PV.
    pub pv_peak: Watts,
    /// Greatest power of the inverter, the battery's share included.
    pub inverter_max: Watts,
    /// The battery.
    pub battery: Battery,
    /// The heat pump.
    pub heat_pump: HeatPump,
    /// Energy that warms the room by one kelvin.
    pub room_kwh_per_k: f64,
    /// Loss of the room to outdoors, kW per kelvin.
    pub room_kw_per_k: f64,
    /// Window area times its transmission, m2.
    pub windows_m2: f64,
    /// Energy that warms the tank by one kelvin.
    pub tank_kwh_per_k: f64,
    /// Loss of the tank to the room, kW per kelvin.
    pub tank_kw_per_k: f64,
    /// Above this the tank gives to the room when that wants heat.
    pub tank_gives_above: Celsius,
    /// Above this the tank takes no compute heat: it is blown outdoors.
    pub tank_max: Celsius,
    /// Where the compute box's heat goes.
    pub compute_into: HeatSink,
    /// Share of its power that gets there.
    pub compute_share: f64,
}

impl Default for House {
    fn default() -> Self {
        Self {
            pv_peak: Watts(10_000.0),
            inverter_max: Watts(10_000.0),
            battery: Battery::default(),
            heat_pump: HeatPump::default(),
            room_kwh_per_k: 9.0,
            room_kw_per_k: 0.17,
            windows_m2: 3.0,
            tank_kwh_per_k: 0.58,
            tank_kw_per_k: 0.003,
            tank_gives_above: Celsius(51.0),
            tank_max: Celsius(80.0),
            compute_into: HeatSink::Tank,
            compute_share: 0.97,
        }
    }
}

/// What happens to the house in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Sun on the roof, W/m2.
    pub on_roof: f64,
    /// Sun on the ground, W/m2.
    pub on_ground: f64,
    /// Air temperature.
    pub outdoor: Celsius,
    /// The household's own consumption.
    pub household: Watts,
    /// Heat drawn as hot water.
    pub hot_water: Watts,
    /// The compute box.
    pub compute: Watts,
    /// What the battery is set to.
    pub storage: StorageControls,
    /// Cap on the inverter's output, share of its rating.
    pub output_limit: f64,
    /// PV surplus offered to the heat pump.
    pub offered: Watts,
    /// Kelvin by which the set points of the room are shifted.
    pub room_shift: f64,
    /// The same for the tank.
    pub tank_shift: f64,
}

/// Energies since the meters were installed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Taken from the grid.
    pub import: KilowattHours,
    /// Given to the grid.
    pub export: KilowattHours,
    /// Made by each of the two strings.
    pub strings: [KilowattHours; 2],
    /// Put into the battery.
    pub charged: KilowattHours,
    /// Taken out of the battery.
    pub discharged: KilowattHours,
    /// Given by the inverter.
    pub inverter: KilowattHours,
    /// The heat pump's electricity.
    pub heat_pump: KilowattHours,
    /// The heat pump's heat.
    pub heat: KilowattHours,
    /// The compute box's electricity.
    pub compute: KilowattHours,
}

/// The house at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Energy in the battery.
    pub stored: KilowattHours,
    /// What the battery gives +, takes -.
    #[serde(default)]
    pub battery: Watts,
    /// Room temperature.
    pub room: Celsius,
    /// Tank temperature.
    pub tank: Celsius,
    /// The heat pump.
    pub heat_pump: HeatPumpState,
    /// The meters.
    pub counters: Counters,
}

impl Default for State {
    /// A house that has been lived in for two years, on an early morning.
    fn default() -> Self {
        let kwh = KilowattHours;
        Self {
            stored: kwh(3.0),
            battery: Watts::ZERO,
            room: Celsius(20.9),
            tank: Celsius(47.0),
            heat_pump: HeatPumpState::default(),
            counters: Counters {
                import: kwh(5_431.2),
                export: kwh(12_877.9),
                strings: [kwh(10_312.4), kwh(10_205.7)],
                charged: kwh(4_120.3),
                discharged: kwh(3_704.8),
                inverter: kwh(19_980.6),
                heat_pump: kwh(6_240.1),
                heat: kwh(22_015.5),
                compute: kwh(311.7),
            },
        }
    }
}

/// The powers of a step, in the house's signs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flows {
    /// Import +, export -.
    pub grid: Watts,
    /// PV after curtailment.
    pub pv: Watts,
    /// PV that the cap on the inverter's output cost.
    pub curtailed: Watts,
    /// Discharge +, charge -.
    pub battery: Watts,
    /// The household.
    pub household: Watts,
    /// The heat pump.
    pub heat_pump: HeatPumpFlow,
    /// The compute box.
    pub compute: Watts,
    /// Heat of the compute box that the house or tank took.
    pub compute_heat: Watts,
    /// Heat from the tank into the room.
    pub tank_to_room: Watts,
    /// Hot water drawn.
    pub hot_water: Watts,
}

impl Flows {
    /// What the bus lacks; zero up to rounding.
    pub fn imbalance(&self) -> Watts {
        self.grid + self.pv + self.battery - self.household - self.heat_pump.electric - self.compute
    }
}

impl House {
    /// The house `dt` later, and what flowed meanwhile.
    pub fn step(&self, state: &State, inputs: &Inputs, dt: Duration) -> (State, Flows) {
        let around = Surroundings {
            room: state.room,
            tank: state.tank,
            outdoor: inputs.outdoor,
            source_gain: if self.compute_into == HeatSink::HeatPumpSource { inputs.compute.0 / 800.0 } else { 0.0 },
            offered: inputs.offered,
        };
        let pump = self.heat_pump.shifted(inputs.room_shift, inputs.tank_shift);
        let (heat_pump, pump) = pump.step(state.heat_pump, &around, dt);
        let flows = self.electric(state, inputs, pump, dt);
        let (room, tank, flows) = self.thermal(state, inputs, flows, dt);
        let stored = self.battery.after(state.stored, flows.battery, dt);
        let counters = self.count(&state.counters, &flows, dt);
        (State { stored, battery: flows.battery, room, tank, heat_pump, counters }, flows)
    }

    fn electric(&self, state: &State, inputs: &Inputs, pump: HeatPumpFlow, dt: Duration) -> Flows {
        let consumed = inputs.household + pump.electric + inputs.compute;
        let available = self.pv(inputs.on_roof, inputs.outdoor);
        let most = self.inverter_max * inputs.output_limit.clamp(0.0, 1.0);
        let battery =
            |pv: Watts| self.battery.power(state.stored, Bus { lacking: consumed - pv, pv }, &inputs.storage, dt);
        // The inverter cuts its strings, not its battery, where the cap bites; what charges the battery never leaves it.
        let charging = -battery(available).min(Watts::ZERO);
        let pv = available.min(most + charging);
        let within = (most - pv).max(-self.battery.power_max);
        let battery = self.battery.settled(state.battery, battery(pv).min(within), dt).min(within);
        Flows {
            grid: consumed - pv - battery,
            pv,
            curtailed: available - pv,
            battery,
            household: inputs.household,
            heat_pump: pump,
            compute: inputs.compute,
            hot_water: if state.tank.0 > 32.0 { inputs.hot_water } else { Watts::ZERO },
            ..Flows::default()
        }
    }

    /// What the PV gives under `on_roof` W/m2 of sun: less where its cells are warm. Losses of panels and inverter are all
    /// counted here, so that what the strings report is what the bus gets.
    pub fn pv(&self, on_roof: f64, outdoor: Celsius) -> Watts {
        let cell = outdoor.0 + 0.03 * on_roof;
        let warm = 1.0 - 0.004 * (cell - 25.0);
        self.pv_peak * (on_roof / 1000.0 * warm * 0.93).max(0.0)
    }

    fn thermal(&self, state: &State, inputs: &Inputs, mut flows: Flows, dt: Duration) -> (Celsius, Celsius, Flows) {
        let heat = inputs.compute * self.compute_share;
        let (mut into_room, mut into_tank) = (flows.heat_pump.into_room, flows.heat_pump.into_tank);
        flows.compute_heat = match self.compute_into {
            HeatSink::Tank if state.tank < self.tank_max => heat,
            HeatSink::Room if state.room.0 < 24.0 => heat,
            HeatSink::HeatPumpSource if flows.heat_pump.cop > 0.0 => heat,
            HeatSink::Tank | HeatSink::Room | HeatSink::HeatPumpSource | HeatSink::Outside => Watts::ZERO,
        };
        match self.compute_into {
            HeatSink::Tank => into_tank += flows.compute_heat,
            HeatSink::Room => into_room += flows.compute_heat,
            HeatSink::HeatPumpSource | HeatSink::Outside => {}
        }
        let spare = (state.tank.0 - self.tank_gives_above.0).clamp(0.0, 4.0);
        // The valve opens as the room falls below what the pump would heat it to.
        let valve = ((self.heat_pump.room.1.0 - state.room.0) / 0.4).clamp(0.0, 1.0);
        flows.tank_to_room = Watts(1_000.0 * spare * valve);
        let standing = Watts(1e3 * self.tank_kw_per_k * (state.tank - state.room).0);
        let tank_kwh = (into_tank - flows.hot_water - flows.tank_to_room - standing).over(dt);
        into_room += flows.tank_to_room + standing + flows.household * 0.6 + Watts(180.0) + self.sun_in(state, inputs);
        let aired = if state.room.0 > 23.5 && inputs.outdoor < state.room { 0.45 } else { 0.0 };
        let loss = Watts(1e3 * (self.room_kw_per_k + aired) * (state.room - inputs.outdoor).0);
        let room_kwh = (into_room - loss).over(dt);
        let room = Celsius(state.room.0 + room_kwh.0 / self.room_kwh_per_k);
        (room, Celsius(state.tank.0 + tank_kwh.0 / self.tank_kwh_per_k), flows)
    }

    /// Sun through the windows; the blinds come down in a warm room.
    fn sun_in(&self, state: &State, inputs: &Inputs) -> Watts {
        let blinds = if state.room.0 > 22.5 { 0.25 } else { 1.0 };
        Watts(inputs.on_ground * self.windows_m2 * blinds)
    }

    fn count(&self, counters: &Counters, flows: &Flows, dt: Duration) -> Counters {
        let mut c = *counters;
        c.import += flows.grid.positive().over(dt);
        c.export += (-flows.grid).positive().over(dt);
        let [first, second] = strings(flows.pv);
        c.strings[0] += first.over(dt);
        c.strings[1] += second.over(dt);
        c.charged += (-flows.battery).positive().over(dt);
        c.discharged += flows.battery.positive().over(dt);
        c.inverter += (flows.pv + flows.battery).positive().over(dt);
        c.heat_pump += flows.heat_pump.electric.over(dt);
        c.heat += (flows.heat_pump.into_room + flows.heat_pump.into_tank).over(dt);
        c.compute += flows.compute.over(dt);
        c
    }
}

/// The two strings' shares of PV power.
pub fn strings(pv: Watts) -> [Watts; 2] {
    let first = pv * 0.503;
    [first, pv - first]
}
