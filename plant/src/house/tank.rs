//! The tank: one temperature, warmed by the heat pump and by compute, cooled by what is drawn and by what it loses.

use crate::site::building::HotWater;
use crate::site::{Site, Store};

/// Temperature around the tank.
pub(crate) const AROUND: f64 = 20.0;

/// A tank by its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tank {
    /// Energy that warms it by one kelvin, kWh/K.
    pub capacity: f64,
    /// Loss, kW/K.
    pub loss: f64,
    /// The warmest it gets.
    pub max: f64,
    /// The most heat its coil takes, kW.
    pub coil_max: f64,
}

impl Tank {
    /// The site's, where it has one.
    pub(crate) fn of(site: &Site) -> Option<Self> {
        let Store { capacity_kwh_per_k, loss_kw_per_k, high, .. } = site.tank?;
        let HotWater { max, coil_max, .. } = site.building.hot_water;
        Some(Self {
            capacity: capacity_kwh_per_k.max(1e-3),
            loss: loss_kw_per_k,
            max: high.0.max(max.0),
            coil_max: coil_max.map_or(f64::INFINITY, |most| most.0 / 1000.0),
        })
    }

    /// Heat that it still takes for `hours` at `now` °C while `drawn` kW are drawn.
    pub(crate) fn takes(&self, now: f64, drawn: f64, hours: f64) -> f64 {
        ((self.max - now) * self.capacity / hours + drawn).max(0.0)
    }

    /// Its temperature after `hours` with `heat` kW in and `drawn` kW out.
    pub(crate) fn after(&self, now: f64, heat: f64, drawn: f64, hours: f64) -> f64 {
        now + (heat - drawn - self.loss * (now - AROUND)) * hours / self.capacity
    }

    /// What `difference` K of two tanks come to after `hours`, where one gets `heat` kW more and both give the same.
    pub(crate) fn difference_after(&self, difference: f64, heat: f64, hours: f64) -> f64 {
        difference + (heat - self.loss * difference) * hours / self.capacity
    }
}
