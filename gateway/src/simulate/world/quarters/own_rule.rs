//! What such a house does by itself, as it says.

use serde::Deserialize;

/// What the house does where nobody says anything.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnRule {
    /// Its thermostat.
    pub room: Thermostat,
    /// Its hot water.
    pub hot_water: HotWater,
    /// Cooling, where there is any.
    pub cooling: Option<Cooling>,
    /// Where compute's heat goes.
    pub compute_heat: ComputeHeat,
}

/// The thermostat.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Thermostat {
    /// What it keeps.
    pub setpoint_c: Option<f64>,
    /// Heat for each kelvin below it, in kW.
    pub gain_kw_per_k: Option<f64>,
}

/// Hot water.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HotWater {
    /// Heated below this.
    pub on_below_c: Option<f64>,
    /// Until this.
    pub off_above_c: Option<f64>,
    /// With this electric power, in W.
    pub w: Option<f64>,
    /// The programme against legionella.
    pub legionella: Option<Legionella>,
}

/// A programme against legionella.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Legionella {
    /// It runs so many days after the last time.
    pub after_days: f64,
    /// At this hour.
    pub at_hour_local: u32,
}

/// Cooling.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Cooling {
    /// On above this.
    pub on_above_c: f64,
    /// Off below this.
    pub off_below_c: f64,
    /// Heat taken for each kelvin, in kW.
    pub gain_kw_per_k: f64,
}

/// Where compute's heat goes.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ComputeHeat {
    /// Into the room below this, in winter.
    pub to_room_below_c_winter: Option<f64>,
    /// The same in summer.
    pub to_room_below_c_summer: Option<f64>,
    /// Into the tank first, below this.
    pub tank_first_below_c: Option<f64>,
}
