//! The heat pump's efficiency by its temperatures.
//!
//! COP = `carnot * T_sink / max(T_sink - T_source, lift)` in kelvin, held between the least and the greatest. Compute's heat on the
//! source side: the source temperature is the mean of the air's and the loop's by the heat that each gives, with
//! `Q_source = (COP - 1) P`. That is a quadratic equation in the COP.

use crate::site::building::{Cooling, HeatPumpMap, TankSink};
use crate::site::{HeatSource, Site};
use crate::units::Watts;

const KELVIN: f64 = 273.15;
/// Cooling machines: the least lift in K, and the least efficiency.
const COOLING_LIFT_MIN: f64 = 8.0;
const EER_MIN: f64 = 1.5;
/// A boiler or heater meets every demand of a dwelling, kW.
const HEATER_MAX: f64 = 30.0;

/// A heat pump by its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HeatPump {
    /// Share of the ideal COP.
    pub carnot: f64,
    /// Flow temperature where there is no heating curve.
    pub flow: f64,
    /// Greatest electric power, kW.
    pub power_max: f64,
    /// Its temperatures and limits.
    pub map: HeatPumpMap,
}

impl HeatPump {
    /// The site's source of heat; a boiler and a heater are one whose COP is 1, and `None` is displaced by nothing.
    pub(crate) fn of(site: &Site) -> Option<Self> {
        let map = site.building.heat_pump;
        match site.displaced? {
            HeatSource::HeatPump { carnot, flow, power_max } => {
                Some(Self { carnot, flow: flow.0, power_max: power_max.0 / 1000.0, map })
            }
            HeatSource::Gas { .. } | HeatSource::Electric => {
                let map = HeatPumpMap { cop_min: 1.0, cop_max: 1.0, power_min: Watts::ZERO, curve: None, ..map };
                Some(Self { carnot: 1.0, flow: 60.0, power_max: HEATER_MAX, map })
            }
        }
    }

    /// The flow into the rooms.
    pub(crate) fn flow(&self, outdoor: f64) -> f64 {
        self.map.curve.map_or(self.flow, |curve| {
            let below = (curve.limit.0 - outdoor).max(0.0);
            (curve.at_limit.0 + curve.slope * below).max(curve.min.0).min(curve.max.0)
        })
    }

    /// COP between `source` and `sink`.
    pub(crate) fn cop(&self, sink: f64, source: f64) -> f64 {
        let lift = (sink - source).max(self.map.lift_min_k);
        (self.carnot * (sink + KELVIN) / lift).max(self.map.cop_min).min(self.map.cop_max)
    }

    /// COP into the rooms.
    pub(crate) fn cop_room(&self, outdoor: f64) -> f64 {
        self.cop(self.flow(outdoor), outdoor)
    }

    /// COP into a tank of `tank` °C.
    pub(crate) fn cop_tank(&self, sink: TankSink, tank: f64, outdoor: f64) -> f64 {
        let sink = match sink {
            TankSink::Fixed { flow } => flow.0,
            TankSink::Above { kelvin } => tank.max(30.0) + kelvin,
        };
        self.cop(sink, outdoor)
    }

    /// COP at `power` kW while the loop gives `heat` kW to the source side.
    pub(crate) fn cop_with_source(&self, sink: f64, outdoor: f64, power: f64, heat: f64) -> f64 {
        let alone = self.cop(sink, outdoor);
        let warmer = self.map.source_loop.0 - outdoor;
        if power <= 1e-6 || heat <= 1e-6 || warmer <= 0.0 || alone >= self.map.cop_max || alone <= self.map.cop_min {
            return alone;
        }
        let ideal = self.carnot * (sink + KELVIN);
        let lift = (sink - outdoor).max(1e-3);
        let linear = lift + heat * warmer / power + ideal;
        let root = (linear * linear - 4.0 * lift * ideal).max(0.0).sqrt();
        let most = self.cop(sink, self.map.source_loop.0).min(self.map.cop_max);
        ((linear + root) / (2.0 * lift)).min(most).max(alone)
    }
}

/// Efficiency of cooling.
pub(crate) fn eer(cooling: &Cooling, outdoor: f64) -> f64 {
    let lift = (outdoor + cooling.condenser_k - cooling.flow.0).max(COOLING_LIFT_MIN);
    (cooling.carnot * (cooling.flow.0 + KELVIN) / lift).max(EER_MIN).min(cooling.eer_max)
}
