//! `[building]`: what the house does by itself. The baseline, the house without compute, and `heatmine simulate` live by it. Everything
//! may be left out: what nobody states is estimated by the living area, and learnt from what the heat pump needs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The building and the own rules of what heats it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BuildingConfig {
    /// Heated living area.
    #[schemars(range(min = 10, max = 10000))]
    pub area_m2: Option<f64>,
    /// What the thermostat holds.
    #[schemars(range(min = 5, max = 35))]
    pub setpoint_c: Option<f64>,
    /// A day is a summer day where the mean outside of the 24 hours before is above this.
    #[schemars(range(min = 0, max = 30))]
    pub summer_above_c: Option<f64>,
    /// Below this the tank is heated.
    #[schemars(range(min = 20, max = 80))]
    pub hot_water_on_c: Option<f64>,
    /// Above this it is not.
    #[schemars(range(min = 20, max = 80))]
    pub hot_water_off_c: Option<f64>,
    /// Electric power meanwhile.
    #[schemars(range(min = 100, max = 100000))]
    pub hot_water_power_w: Option<f64>,
    /// The programme against legionella runs after so many days; weekly where it is not given and the hot water can be set.
    #[schemars(range(min = 1, max = 60))]
    pub legionella_days: Option<f64>,
    /// At this local hour.
    #[schemars(range(min = 0, max = 23))]
    pub legionella_hour: Option<u32>,
    /// The heat pump cools the room above this, on summer days.
    #[schemars(range(min = 18, max = 35))]
    pub cooling_above_c: Option<f64>,
    /// The rooms are too cold below this.
    #[schemars(range(min = 5, max = 30))]
    pub comfort_low_c: Option<f64>,
    /// They are too warm above this in the heating season.
    #[schemars(range(min = 10, max = 40))]
    pub comfort_high_c: Option<f64>,
    /// They are too warm above this in summer.
    #[schemars(range(min = 10, max = 40))]
    pub comfort_high_summer_c: Option<f64>,
    /// Hot water is too cold below this.
    #[schemars(range(min = 20, max = 80))]
    pub comfort_hot_water_c: Option<f64>,
    /// What an hour at one kelvin too cold is worth.
    #[schemars(range(min = 0, max = 100))]
    pub cold_eur_per_kh: Option<f64>,
    /// What an hour at one kelvin too warm is worth.
    #[schemars(range(min = 0, max = 100))]
    pub warm_eur_per_kh: Option<f64>,
    /// What an hour of hot water at one kelvin too cold is worth.
    #[schemars(range(min = 0, max = 100))]
    pub hot_water_eur_per_kh: Option<f64>,
}
