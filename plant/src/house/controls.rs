//! What the controls of the simulated house are set to.

use crate::decision::{BatteryMode, HeatPumpMode, HeatSink, Setting};
use crate::site::building::Building;
use crate::units::{Celsius, Kelvins, Watts};

/// What the controls of the house are set to. `Default` leaves everything under its own control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controls {
    /// The battery.
    pub battery: BatteryMode,
    /// Power with which it charges from the grid in mode `charge`; zero for all that it can.
    pub charge_power: Watts,
    /// Cap on its charging, as a share of its greatest charging power.
    pub charge_limit: f64,
    /// Cap on what it gives, as a share of its greatest discharging power.
    pub discharge_limit: f64,
    /// The heat pump.
    pub heat_pump: HeatPumpMode,
    /// Surplus that is offered to the heat pump.
    pub offered: Watts,
    /// Electric power for the rooms; `None`: its own rule.
    pub room_power: Option<Watts>,
    /// Electric power for the tank; `None`: its own rule.
    pub hot_water_power: Option<Watts>,
    /// Electric power for cooling; `None`: its own rule.
    pub cooling_power: Option<Watts>,
    /// Added to the set point of the rooms.
    pub room_shift: Kelvins,
    /// Added to the set points of the tank.
    pub hot_water_shift: Kelvins,
    /// Where compute's heat goes; `None`: its own way.
    pub heat_route: Option<HeatSink>,
    /// Cap on the PV, as a share of its peak power.
    pub pv_limit: f64,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            battery: BatteryMode::Normal,
            charge_power: Watts::ZERO,
            charge_limit: 1.0,
            discharge_limit: 1.0,
            heat_pump: HeatPumpMode::Normal,
            offered: Watts::ZERO,
            room_power: None,
            hot_water_power: None,
            cooling_power: None,
            room_shift: Kelvins::ZERO,
            hot_water_shift: Kelvins::ZERO,
            heat_route: None,
            pv_limit: 1.0,
        }
    }
}

impl Controls {
    /// The own rules at the shifted set points.
    pub(super) fn shifted(&self, own: Building) -> Building {
        let mut building = own;
        building.thermostat.setpoint += Celsius(self.room_shift.0);
        building.hot_water.on_below += Celsius(self.hot_water_shift.0);
        building.hot_water.off_above += Celsius(self.hot_water_shift.0);
        building
    }

    /// Takes a setting; the engine's budget is not the house's.
    pub fn obey(&mut self, setting: Setting) {
        match setting {
            Setting::ComputeBudget(_) => {}
            Setting::ComputeHeatRoute(sink) => self.heat_route = sink,
            Setting::BatteryMode(mode) => self.battery = mode,
            Setting::BatteryChargePower(watts) => self.charge_power = watts,
            Setting::BatteryChargeLimit(percent) => self.charge_limit = percent.0 / 100.0,
            Setting::BatteryDischargeLimit(percent) => self.discharge_limit = percent.0 / 100.0,
            Setting::HeatPumpMode(mode) => self.heat_pump = mode,
            Setting::HeatPumpSurplus(watts) => self.offered = watts,
            Setting::HeatPumpRoomPower(watts) => self.room_power = watts,
            Setting::HeatPumpHotWaterPower(watts) => self.hot_water_power = watts,
            Setting::HeatPumpCoolingPower(watts) => self.cooling_power = watts,
            Setting::HeatPumpRoomShift(kelvins) => self.room_shift = kelvins,
            Setting::HeatPumpHotWaterShift(kelvins) => self.hot_water_shift = kelvins,
            Setting::PvLimit(percent) => self.pv_limit = percent.0 / 100.0,
        }
    }
}
