//! The true powers of the house at a moment. Meters show them late, seldom and rounded; the account judges by them.
//!
//! The balance closes in every step: grid = household + heat pump + compute - PV - battery, on the sum and on every phase.

use crate::point::Point;

/// Powers in W with the signs of the house bus, the state of charge in %, temperatures in °C.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Truth {
    pub grid: f64,
    /// The grid's power on each phase.
    pub phases: [f64; 3],
    pub pv: f64,
    pub battery: f64,
    pub soc: f64,
    pub household: f64,
    pub heat_pump: f64,
    pub compute: f64,
    pub box_temperature: f64,
    pub room: f64,
    pub outdoor: f64,
    /// What went through the connection in and out, and out of the battery and into it, in kWh.
    pub counted: [f64; 4],
}

impl Truth {
    /// What a perfect meter would show; `None` for what no meter of this house measures.
    pub(crate) fn shown(&self, point: Point) -> Option<f64> {
        let shown = [
            (Point::GridPower, self.grid),
            (Point::GridPowerL1, self.phases[0]),
            (Point::GridPowerL2, self.phases[1]),
            (Point::GridPowerL3, self.phases[2]),
            (Point::PvPower, self.pv),
            (Point::BatteryPower, self.battery),
            (Point::BatterySoc, self.soc),
            (Point::ComputePower, self.compute),
            (Point::ComputeTemperature, self.box_temperature),
            (Point::HeatPumpPower, self.heat_pump),
            (Point::RoomTemperature, self.room),
            (Point::OutdoorTemperature, self.outdoor),
            (Point::GridImportEnergy, self.counted[0]),
            (Point::GridExportEnergy, self.counted[1]),
            (Point::BatteryDischargeEnergy, self.counted[2]),
            (Point::BatteryChargeEnergy, self.counted[3]),
        ];
        shown.into_iter().find(|(measured, _)| *measured == point).map(|(_, value)| value)
    }

    /// Counts what flowed for `seconds`.
    pub(crate) fn count(&mut self, seconds: f64) {
        for (way, power) in [self.grid, -self.grid, self.battery, -self.battery].into_iter().enumerate() {
            self.counted[way] += power.max(0.0) * seconds / 3.6e6;
        }
    }

    /// What all but compute take from the grid.
    pub(crate) fn others(&self) -> f64 {
        self.grid - self.compute
    }

    /// What compute takes out of the battery: the household and the heat pump have it first, and what is exported went elsewhere.
    pub(crate) fn battery_through_compute(&self) -> f64 {
        let own = (self.household + self.heat_pump - self.pv).max(0.0);
        let exported = (-self.grid).max(0.0);
        (self.battery - own - exported).clamp(0.0, self.compute)
    }
}
