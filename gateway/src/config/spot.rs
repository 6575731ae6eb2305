//! `[tariff.spot]` and `[tariff.outlook]`: where prices and forecasts come from.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A service of prices that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpotService {
    /// Energy-Charts of Fraunhofer ISE: European bidding zones, wholesale. Needs `zone`, as `DE-LU`.
    #[serde(rename = "energy-charts")]
    EnergyCharts,
    /// aWATTar: wholesale prices of Austria and Germany, by the hour. Needs `zone`, `AT` or `DE`.
    Awattar,
    /// The transparency platform of ENTSO-E: wholesale. Needs `zone`, as `DE-LU` or an EIC code, and a `key`.
    Entsoe,
    /// The data portal of Nord Pool: wholesale. Needs `zone`, as `SE3`; its terms do not allow every use.
    Nordpool,
    /// Tibber: what its customers pay, taxes included. Needs a `key`; `home` where there are several.
    Tibber,
    /// Octopus Energy in Great Britain: what its customers pay, taxes included. Needs `product` and `zone`, the letter of the region.
    Octopus,
    /// Energi Data Service: wholesale prices of Denmark. Needs `zone`, `DK1` or `DK2`.
    Energidataservice,
    /// Amber Electric in Australia: what its customers pay, taxes included. Needs `site` and a `key`.
    Amber,
    /// `EnergyZero`: wholesale prices of the Netherlands.
    Energyzero,
    /// easyEnergy: wholesale prices of the Netherlands.
    Easyenergy,
    /// evcc: the price as it is set there, taxes included. Needs `url`.
    Evcc,
    /// A price sensor of Home Assistant that lists prices in its attributes. Needs `entity`; taxes as that is set.
    HomeAssistant,
}

impl SpotService {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnergyCharts => "energy-charts",
            Self::Awattar => "awattar",
            Self::Entsoe => "entsoe",
            Self::Nordpool => "nordpool",
            Self::Tibber => "tibber",
            Self::Octopus => "octopus",
            Self::Energidataservice => "energidataservice",
            Self::Amber => "amber",
            Self::Energyzero => "energyzero",
            Self::Easyenergy => "easyenergy",
            Self::Evcc => "evcc",
            Self::HomeAssistant => "home_assistant",
        }
    }

    /// Whether its prices hold fees and taxes, unless the owner says otherwise.
    pub const fn includes_taxes(self) -> bool {
        match self {
            Self::Tibber | Self::Octopus | Self::Amber | Self::Evcc => true,
            Self::EnergyCharts
            | Self::Awattar
            | Self::Entsoe
            | Self::Nordpool
            | Self::Energidataservice
            | Self::Energyzero
            | Self::Easyenergy
            | Self::HomeAssistant => false,
        }
    }
}

impl fmt::Display for SpotService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where spot prices come from: a `source` with its place, or else exactly one of `topic` and `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SpotSource {
    /// A service by name. It is asked for the days that are needed, when its prices are published.
    pub source: Option<SpotService>,
    /// Bidding zone, price area or region, as the service calls it: `DE-LU`, `AT`, `SE3`, `DK1`, `C`.
    #[schemars(length(min = 1, max = 64))]
    pub zone: Option<String>,
    /// `octopus`: the product's code, as `AGILE-24-10-01`.
    #[schemars(length(min = 1, max = 64))]
    pub product: Option<String>,
    /// `tibber`: the home's id; left out: the first with a contract.
    #[schemars(length(min = 1, max = 64))]
    pub home: Option<String>,
    /// `amber`: the site's id.
    #[schemars(length(min = 1, max = 64))]
    pub site: Option<String>,
    /// `home_assistant`: the sensor, as `sensor.nordpool_kwh_de`.
    #[schemars(length(min = 1, max = 128))]
    pub entity: Option<String>,
    /// The key (token) that the service gave you.
    pub key: Option<Secret>,
    /// File whose first line is the key.
    pub key_file: Option<String>,
    /// Whether the prices hold fees and taxes already, so that none are added; left out: as the service has them.
    pub includes_taxes: Option<bool>,
    /// A topic of the broker of `[mqtt]` that retains `{"slots":[{"start":"2026-11-21T12:00:00Z","eur_per_kwh":0.09}]}`.
    #[schemars(length(min = 1))]
    pub topic: Option<String>,
    /// With `source`: where that is reached, if not at its usual address. Without: an address that answers as aWATTar's market data,
    /// Energy-Charts' prices or a list of `start` and `value` do; `{today}` and `{tomorrow}` in it become dates.
    #[schemars(regex(pattern = r"^https?://[^/]+"))]
    pub url: Option<String>,
    /// Seconds between two requests; left out: as its prices are published, and 1800 where nobody knows when that is.
    #[schemars(range(min = 60, max = 86400))]
    pub refresh_s: Option<u32>,
}

impl SpotSource {
    /// Whether its prices hold fees and taxes.
    pub fn includes_taxes(&self) -> bool {
        self.includes_taxes.unwrap_or_else(|| self.source.is_some_and(SpotService::includes_taxes))
    }
}

/// Where forecasts come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookSource {
    /// A topic of the broker of `[mqtt]` that retains
    /// `{"slots":[{"start":"2026-11-21T12:00:00Z","w":1200,"c":4.5,"g_per_kwh":310}]}`: mean PV power, outdoor temperature
    /// and carbon intensity of the grid, each of them optional.
    #[schemars(length(min = 1))]
    pub topic: String,
}
