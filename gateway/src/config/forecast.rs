//! `[[plane]]` and `[[forecast]]`: which way the roof looks, and who knows the weather.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A plane of PV modules. All planes together are the PV system of `[pv]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaneConfig {
    /// Its peak power.
    #[schemars(range(min = 50, max = 1000000))]
    pub peak_w: f64,
    /// Its tilt: 0 lies flat, 90 stands upright.
    #[schemars(range(min = 0, max = 90))]
    pub tilt_deg: f64,
    /// The point of the compass that it faces: 0 is north, 90 east, 180 south, 270 west.
    #[schemars(range(min = 0, max = 360))]
    pub azimuth_deg: f64,
}

/// A service of forecasts that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ForecastService {
    /// Open-Meteo: outdoor temperature, irradiance, and PV power where there is a `[[plane]]`. Needs `latitude` and `longitude`; a `key`
    /// only for use that is commercial.
    #[serde(rename = "open-meteo")]
    OpenMeteo,
    /// Forecast.Solar: PV power. Needs `latitude`, `longitude` and a `[[plane]]`; a `key` only where you have one.
    #[serde(rename = "forecast.solar")]
    ForecastSolar,
    /// Solcast: PV power. Needs `site`, several of them with commas between them, and a `key`.
    #[serde(rename = "solcast")]
    Solcast,
    /// Entities of Home Assistant: sensors that list a PV forecast in their attributes, which add up, and an entity `weather.`, whose hourly
    /// temperatures are asked for. Needs `entity`, several of them with commas between them.
    #[serde(rename = "home_assistant")]
    HomeAssistant,
}

impl ForecastService {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenMeteo => "open-meteo",
            Self::ForecastSolar => "forecast.solar",
            Self::Solcast => "solcast",
            Self::HomeAssistant => "home_assistant",
        }
    }
}

impl fmt::Display for ForecastService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where forecasts come from. Of several, the first that answers counts, for each quarter hour and each quantity; what the topic of
/// `[tariff.outlook]` says counts before all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastSource {
    /// The service.
    pub source: ForecastService,
    /// The house's latitude in degrees, north positive; two digits behind the point are enough.
    #[serde(default)]
    #[schemars(range(min = -90, max = 90))]
    pub latitude: Option<f64>,
    /// Its longitude in degrees, east positive.
    #[serde(default)]
    #[schemars(range(min = -180, max = 180))]
    pub longitude: Option<f64>,
    /// `solcast`: the id of the site; one for each plane where there are several, with commas between them.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub site: Option<String>,
    /// `home_assistant`: the entity, as `sensor.energy_production_today` or `weather.home`; several with commas between them.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub entity: Option<String>,
    /// The key (token) that the service gave you.
    #[serde(default)]
    pub key: Option<Secret>,
    /// File whose first line is the key.
    #[serde(default)]
    pub key_file: Option<String>,
    /// Where it is reached, if not at its usual address.
    #[serde(default)]
    #[schemars(regex(pattern = r"^https?://[^/]+"))]
    pub url: Option<String>,
    /// Seconds between two requests; left out, as its free plan allows.
    #[serde(default)]
    #[schemars(range(min = 300, max = 86400))]
    pub refresh_s: Option<u32>,
}

impl ForecastSource {
    /// The sites or entities that it names.
    pub fn parts(&self) -> Vec<String> {
        let named = self.site.as_deref().or(self.entity.as_deref()).unwrap_or_default();
        named.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}
