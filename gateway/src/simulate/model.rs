//! The simulated house as the core meets it: what its points say, and what its controls do. It is the site's own house: the model of
//! the baseline, with compute in it.

use crate::simulate::diary::Look;
use crate::simulate::energy::Energy;
use plant::decision::Setting;
use plant::house::{Around, Flows, House};
use plant::point::Point;
use plant::site::Site;
use plant::time::Timestamp;
use plant::units::Watts;
use std::time::Duration;

/// A house and what it is doing.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    house: House,
    flows: Flows,
    around: Option<Around>,
    capacity_kwh: Option<f64>,
    /// What its meters have counted.
    pub energy: Energy,
}

impl Model {
    /// The house of `site`.
    pub(crate) fn new(site: &Site) -> Self {
        Self {
            house: House::new(site),
            flows: Flows::default(),
            around: None,
            capacity_kwh: site.battery.map(|battery| battery.capacity.0),
            energy: Energy::default(),
        }
    }

    /// The house `span` after `at`.
    pub(crate) fn step(&mut self, at: Timestamp, around: Around, span: Duration) {
        self.flows = self.house.step(at, &around, span);
        self.energy.count(&self.flows, span);
        self.around = Some(around);
    }

    /// Takes a setpoint; the engine's budget is not the house's.
    pub(crate) fn obey(&mut self, setting: Setting) {
        self.house.controls.obey(setting);
    }

    /// The house itself.
    pub(crate) fn house(&self) -> &House {
        &self.house
    }

    /// What it is doing, without the price.
    pub(crate) fn look(&self) -> Look {
        let kilowatts = |watts: Watts| watts.0 / 1000.0;
        Look {
            price: None,
            pv: kilowatts(self.flows.pv),
            household: kilowatts(self.household()),
            heat_pump: kilowatts(self.flows.heat_pump),
            compute: kilowatts(self.flows.compute),
            battery: kilowatts(self.flows.battery),
            soc: self.truth(Point::BatterySoc),
            room: self.house.room().0,
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
        let (flows, energy) = (&self.flows, &self.energy);
        Some(match point {
            Point::GridPower => flows.grid.0,
            Point::GridImportEnergy => energy.import.0,
            Point::GridExportEnergy => energy.export.0,
            Point::PvPower => flows.pv.0,
            Point::PvEnergy => energy.pv.0,
            Point::BatteryPower => flows.battery.0,
            Point::BatterySoc => 100.0 * self.house.stored().0 / self.capacity_kwh?,
            Point::BatteryChargeEnergy => energy.charged.0,
            Point::BatteryDischargeEnergy => energy.discharged.0,
            Point::HousePower => self.household().0,
            Point::ComputePower => flows.compute.0,
            Point::ComputeEnergy => energy.compute.0,
            Point::HeatPumpPower => flows.heat_pump.0,
            Point::HeatPumpHotWaterPower => flows.hot_water.0,
            Point::HeatPumpHeat => flows.heat.0,
            Point::HeatPumpEnergy => energy.heat_pump.0,
            Point::HeatPumpHeatEnergy => energy.heat.0,
            Point::TankTemperature => self.house.tank()?.0,
            Point::RoomTemperature => self.house.room().0,
            Point::OutdoorTemperature => self.around?.outdoor.0,
            Point::OutdoorIrradiance => self.around?.sun,
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
            | Point::HeatPumpFlowTemperature
            | Point::HeatPumpReturnTemperature => return None,
        })
    }

    /// What a meter of the household shows: the fan that blows compute's heat out is on it.
    fn household(&self) -> Watts {
        self.flows.household + self.flows.fan
    }
}
