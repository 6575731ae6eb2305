//! The simulated house as the core meets it: what its points say, and what its controls do.

use drivers::sim::battery::StorageControls;
use drivers::sim::house::{Flows, House, Inputs, State};
use drivers::sim::latency::Latency;
use plant::decision::{BatteryMode, HeatPumpMode, Setting};
use plant::point::Point;
use plant::site::Site;
use plant::units::{Celsius, Watts};
use std::time::Duration;

/// What happens around the house in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Around {
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
}

/// A house and what it is doing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    house: House,
    state: State,
    flows: Flows,
    outdoor: Celsius,
    storage: StorageControls,
    offered: Watts,
    pv_limit: f64,
}

impl Model {
    /// The house of `site`, where the site says what it is; the usual one elsewhere.
    pub(crate) fn new(site: &Site) -> Self {
        let mut house = House {
            pv_peak: site.pv.map_or(Watts::ZERO, |pv| pv.peak),
            compute_into: site.compute.heat_into,
            compute_share: site.compute.heat_fraction,
            ..House::default()
        };
        house.battery.settles = Latency::default().battery;
        match site.battery {
            Some(battery) => {
                house.battery.capacity = battery.capacity;
                house.battery.power_max = battery.charge_max;
                house.battery.one_way = battery.round_trip.sqrt();
            }
            None => house.battery.power_max = Watts::ZERO,
        }
        Self {
            house,
            state: State::default(),
            flows: Flows::default(),
            outdoor: Celsius(0.0),
            storage: StorageControls::default(),
            offered: Watts::ZERO,
            pv_limit: 1.0,
        }
    }

    /// The house `dt` later, its compute box drawing `compute` meanwhile.
    pub(crate) fn step(&mut self, around: Around, compute: Watts, dt: Duration) {
        let Around { on_roof, on_ground, outdoor, household, hot_water } = around;
        let inputs = Inputs {
            on_roof,
            on_ground,
            outdoor,
            household,
            hot_water,
            compute,
            storage: self.storage,
            output_limit: self.pv_limit,
            offered: self.offered,
        };
        self.outdoor = outdoor;
        (self.state, self.flows) = self.house.step(&self.state, &inputs, dt);
    }

    /// Takes a setpoint; the engine's budget is not the house's.
    pub(crate) fn obey(&mut self, setting: Setting) {
        match setting {
            Setting::ComputeBudget(_) => {}
            Setting::BatteryMode(mode) => {
                self.storage = StorageControls {
                    limit_discharge: mode != BatteryMode::Normal,
                    discharge_pct: if mode == BatteryMode::Normal { 100.0 } else { 0.0 },
                    ..StorageControls::default()
                };
            }
            Setting::HeatPumpSurplus(watts) => self.offered = watts,
            Setting::HeatPumpMode(mode) => {
                self.offered = match mode {
                    HeatPumpMode::Block | HeatPumpMode::Normal => Watts::ZERO,
                    HeatPumpMode::Boost | HeatPumpMode::Force => self.house.heat_pump.range.1,
                };
            }
            Setting::PvLimit(percent) => self.pv_limit = percent.0 / 100.0,
        }
    }

    /// What `point` says, in the steps of usual sensors; `None` where nothing measures it.
    pub(crate) fn value(&self, point: Point) -> Option<f64> {
        let step = match point.unit() {
            "°C" => 0.1,
            "kWh" => 0.001,
            _ => 1.0,
        };
        Some((self.truth(point)? / step).round() * step)
    }

    fn truth(&self, point: Point) -> Option<f64> {
        let (flows, counters) = (&self.flows, &self.state.counters);
        let heat = flows.heat_pump.into_room + flows.heat_pump.into_tank;
        Some(match point {
            Point::GridPower => flows.grid.0,
            Point::GridImportEnergy => counters.import.0,
            Point::GridExportEnergy => counters.export.0,
            Point::PvPower => flows.pv.0,
            Point::PvEnergy => counters.strings[0].0 + counters.strings[1].0,
            Point::BatteryPower => flows.battery.0,
            Point::BatterySoc => 100.0 * (self.state.stored / self.house.battery.capacity),
            Point::BatteryChargeEnergy => counters.charged.0,
            Point::BatteryDischargeEnergy => counters.discharged.0,
            Point::HousePower => flows.household.0,
            Point::ComputePower => flows.compute.0,
            Point::ComputeEnergy => counters.compute.0,
            Point::HeatPumpPower => flows.heat_pump.electric.0,
            Point::HeatPumpHeat => heat.0,
            Point::HeatPumpEnergy => counters.heat_pump.0,
            Point::HeatPumpHeatEnergy => counters.heat.0,
            Point::TankTemperature => self.state.tank.0,
            Point::RoomTemperature => self.state.room.0,
            Point::OutdoorTemperature => self.outdoor.0,
            Point::GridPowerL1
            | Point::GridPowerL2
            | Point::GridPowerL3
            | Point::GridCurrentL1
            | Point::GridCurrentL2
            | Point::GridCurrentL3
            | Point::GridDimmed
            | Point::GridIsland
            | Point::WallboxPower
            | Point::WallboxEnergy
            | Point::HouseEnergy
            | Point::ComputeTemperature
            | Point::HeatPumpHotWaterPower
            | Point::OutdoorIrradiance
            | Point::HeatPumpFlowTemperature
            | Point::HeatPumpReturnTemperature => return None,
        })
    }
}
