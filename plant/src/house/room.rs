//! The room as two stores of heat, the air and the mass of the building ("2R2C", as in ISO 13790 and its successors), stepped
//! exactly: `x' = A x + b` with constant `b` has the solution `x(t) = s + e^(At) (x(0) - s)`, `s = -A^-1 b`.
//!
//! The model is linear: the difference of two houses under the same weather follows the same equations without weather and gains.

use crate::site::Site;
use crate::site::building::Fabric;
use serde::{Deserialize, Serialize};

/// What the estimate takes for each m2 of living area: light to heavy European buildings lie within a third of it (ISO 52016-1,
/// table B.14, for the mass; TABULA for the losses after 1995).
const PER_M2: Fabric = Fabric {
    air_kwh_per_k: 0.0125,
    mass_kwh_per_k: 0.09,
    coupling_kw_per_k: 0.0125,
    envelope_kw_per_k: 0.0009,
    ventilation_winter_kw_per_k: 0.0004,
    ventilation_summer_kw_per_k: 0.001,
    gain_kw: 0.0012,
    gain_of_household: 0.55,
    gain_of_sun_m2: 0.03,
    summer_shade: 0.5,
    heat_pump_to_air: 0.5,
    compute_to_air: 0.5,
};

/// The two temperatures, or two differences of temperature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Warmth {
    /// Of the air.
    pub air: f64,
    /// Of the mass.
    pub mass: f64,
}

/// What acts on the room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Influence {
    /// Temperature outside.
    pub outdoor: f64,
    /// Heat into the air, kW.
    pub to_air: f64,
    /// Heat into the mass, kW.
    pub to_mass: f64,
    /// Whether the windows are open.
    pub summer: bool,
}

impl Influence {
    /// What acts on the room of `fabric` at `outdoor` °C, on a summer day or not, with `pumped` kW of the heat pump's heat, `compute`
    /// kW of compute's, and gains, half of which warm the air.
    pub(crate) fn of(
        fabric: &Fabric,
        (outdoor, summer): (f64, bool),
        (pumped, compute): (f64, f64),
        gains: f64,
    ) -> Self {
        let to_air = fabric.heat_pump_to_air * pumped + fabric.compute_to_air * compute + gains / 2.0;
        Self { outdoor, to_air, to_mass: pumped + compute + gains - to_air, summer }
    }
}

/// What the building is made of, as stated or as estimated.
pub(crate) fn fabric(site: &Site) -> Fabric {
    site.building.fabric.unwrap_or_else(|| estimated(site))
}

/// The building that nobody has measured: by its living area, and by `[room]` where that says more.
pub(crate) fn estimated(site: &Site) -> Fabric {
    let area = site.building.area_m2.max(1.0);
    let mut fabric = Fabric {
        air_kwh_per_k: PER_M2.air_kwh_per_k * area,
        mass_kwh_per_k: PER_M2.mass_kwh_per_k * area,
        coupling_kw_per_k: PER_M2.coupling_kw_per_k * area,
        envelope_kw_per_k: PER_M2.envelope_kw_per_k * area,
        ventilation_winter_kw_per_k: PER_M2.ventilation_winter_kw_per_k * area,
        ventilation_summer_kw_per_k: PER_M2.ventilation_summer_kw_per_k * area,
        gain_kw: PER_M2.gain_kw * area,
        gain_of_sun_m2: PER_M2.gain_of_sun_m2 * area,
        ..PER_M2
    };
    if let Some(room) = site.room {
        let stores = room.capacity_kwh_per_k / (fabric.air_kwh_per_k + fabric.mass_kwh_per_k);
        fabric.air_kwh_per_k *= stores;
        fabric.mass_kwh_per_k *= stores;
        let losses = room.loss_kw_per_k / loss(&fabric);
        fabric.envelope_kw_per_k *= losses;
        fabric.ventilation_winter_kw_per_k *= losses;
        fabric.ventilation_summer_kw_per_k *= losses;
    }
    fabric
}

/// Loss to outside in the heating season, kW/K.
pub(crate) fn loss(fabric: &Fabric) -> f64 {
    fabric.envelope_kw_per_k + fabric.ventilation_winter_kw_per_k
}

/// Heat of people, household and sun (W/m2), in kW.
pub(crate) fn gains(fabric: &Fabric, household: f64, sun: f64, summer: bool) -> f64 {
    let shade = if summer { fabric.summer_shade } else { 1.0 };
    fabric.gain_kw + fabric.gain_of_household * household + fabric.gain_of_sun_m2 * sun / 1000.0 * shade
}

impl Warmth {
    /// The same `hours` later.
    pub(crate) fn after(self, fabric: &Fabric, on: Influence, hours: f64) -> Self {
        let (air, mass) = (fabric.air_kwh_per_k.max(1e-3), fabric.mass_kwh_per_k.max(1e-3));
        let airing =
            if on.summer { fabric.ventilation_summer_kw_per_k } else { fabric.ventilation_winter_kw_per_k }.max(1e-6);
        let (coupling, envelope) = (fabric.coupling_kw_per_k.max(1e-6), fabric.envelope_kw_per_k);
        let (a, b) = (-(coupling + airing) / air, coupling / air);
        let (c, d) = (coupling / mass, -(coupling + envelope) / mass);
        let (u, v) = ((airing * on.outdoor + on.to_air) / air, (envelope * on.outdoor + on.to_mass) / mass);
        let determinant = a * d - b * c;
        let settled = Warmth { air: (b * v - d * u) / determinant, mass: (c * u - a * v) / determinant };
        // e^(At) = e^(mt) (cosh(rt) I + sinh(rt)/r (A - m I)), m the mean of the eigenvalues, r half their distance.
        let middle = (a + d) / 2.0;
        let half = (((a - d) / 2.0).powi(2) + b * c).sqrt();
        // Both eigenvalues are below zero: their powers only fall, however long the time and small the store.
        let (slow, fast) = (((middle + half) * hours).exp(), ((middle - half) * hours).exp());
        let (even, odd) = ((slow + fast) / 2.0, (slow - fast) / (2.0 * half));
        let (x, y) = (self.air - settled.air, self.mass - settled.mass);
        Warmth {
            air: settled.air + (even * x + odd * ((a - middle) * x + b * y)),
            mass: settled.mass + (even * y + odd * (c * x + (d - middle) * y)),
        }
    }
}
