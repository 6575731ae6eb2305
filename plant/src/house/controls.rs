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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::{Around, House};
    use crate::site::Store;
    use crate::test_site::{at, site};
    use crate::units::Percent;
    use std::time::Duration;

    const COLD: Around = Around {
        pv: Watts(0.0),
        sun: 0.0,
        outdoor: Celsius(0.0),
        household: Watts(500.0),
        hot_water: Watts(0.0),
        compute: Watts(1000.0),
        export_pays: true,
    };
    const SLOT: Duration = Duration::from_secs(900);

    fn house(settings: &[Setting]) -> House {
        let mut site = site();
        site.tank =
            Some(Store { capacity_kwh_per_k: 0.35, loss_kw_per_k: 0.002, low: Celsius(45.0), high: Celsius(60.0) });
        let mut house = House::new(&site);
        settings.iter().for_each(|setting| house.controls.obey(*setting));
        house
    }

    #[test]
    fn the_battery_charges_with_the_power_that_is_set_and_keeps_within_its_limits() {
        let sunny = Around { pv: Watts(6000.0), ..COLD };
        let charge = Setting::BatteryMode(BatteryMode::Charge);
        let rows: [(&[Setting], Around, f64); 5] = [
            (&[charge], COLD, -5000.0),
            (&[charge, Setting::BatteryChargePower(Watts(1200.0))], COLD, -1200.0),
            (&[Setting::BatteryChargeLimit(Percent(0.0))], sunny, 0.0),
            (&[Setting::BatteryChargeLimit(Percent(20.0))], sunny, -1000.0),
            (&[Setting::BatteryDischargeLimit(Percent(10.0))], COLD, 500.0),
        ];
        for (settings, around, power) in rows {
            let flows = house(settings).step(at("2026-01-10T12:00:00Z"), &around, SLOT);
            assert!((flows.battery.0 - power).abs() < 1e-6, "{settings:?}: {}", flows.battery);
            assert!(flows.imbalance().abs() < Watts(1e-6));
        }
    }

    #[test]
    fn set_powers_and_shifted_set_points_steer_the_heat_pump() {
        let step = |settings: &[Setting]| house(settings).step(at("2026-01-10T12:00:00Z"), &COLD, SLOT);
        let own = step(&[]);
        assert!(own.heat_pump > own.hot_water);
        let set =
            step(&[Setting::HeatPumpRoomPower(Some(Watts(700.0))), Setting::HeatPumpHotWaterPower(Some(Watts(900.0)))]);
        assert!((set.heat_pump.0 - 1600.0).abs() < 1e-6 && (set.hot_water.0 - 900.0).abs() < 1e-6, "{set:?}");
        let off =
            step(&[Setting::HeatPumpRoomPower(Some(Watts(0.0))), Setting::HeatPumpHotWaterPower(Some(Watts(0.0)))]);
        assert_eq!(off.heat_pump, Watts::ZERO);
        let warmer = step(&[Setting::HeatPumpRoomShift(Kelvins(0.5))]);
        let cooler = step(&[Setting::HeatPumpRoomShift(Kelvins(-3.0))]);
        assert!(warmer.heat_pump > own.heat_pump && cooler.heat_pump == Watts::ZERO, "{warmer:?} {cooler:?}");
        // The tank is at 50 °C, and is heated below 47 by itself.
        assert_eq!(own.hot_water, Watts::ZERO);
        assert!(step(&[Setting::HeatPumpHotWaterShift(Kelvins(4.0))]).hot_water > Watts::ZERO);
    }

    #[test]
    fn computes_heat_goes_where_it_is_sent() {
        let heat = |sink| house(&[Setting::ComputeHeatRoute(sink)]).step(at("2026-01-10T12:00:00Z"), &COLD, SLOT);
        let (own, out) = (heat(None), heat(Some(HeatSink::Outside)));
        assert!(own.compute_heat > Watts(900.0) && own.fan == Watts::ZERO, "{own:?}");
        assert!(out.compute_heat == Watts::ZERO && out.fan > Watts(20.0), "{out:?}");
        let sent = house(&[Setting::ComputeHeatRoute(Some(HeatSink::Tank))]);
        let warmed = |mut house: House| {
            house.step(at("2026-01-10T12:00:00Z"), &COLD, SLOT);
            house.tank().unwrap()
        };
        assert!(warmed(sent) > warmed(house(&[])) + Celsius(0.5));
    }
}
