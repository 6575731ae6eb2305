//! `[tariff]`: what power costs and earns, and where spot prices and forecasts come from.

use super::spot::{OutlookSource, SpotSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What power costs and earns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TariffConfig {
    /// What imported power costs.
    pub import: ImportPrice,
    /// What exported power earns.
    pub export: ExportPrice,
    /// Where spot prices come from; needed where `import` or `export` is of kind `spot`.
    pub spot: Option<SpotSource>,
    /// Where the forecast of PV, temperature and carbon intensity comes from.
    pub outlook: Option<OutlookSource>,
}

/// How a price comes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceKind {
    /// Always the same.
    #[default]
    Fixed,
    /// By local time of day.
    TimeOfUse,
    /// From the spot price: `(spot + fee) * (1 + tax)`.
    Spot,
}

/// What imported power costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ImportPrice {
    /// How the price comes about.
    pub kind: PriceKind,
    /// The price of `fixed`; of `time_of_use` outside all windows.
    #[schemars(range(min = -1, max = 5))]
    pub price_eur_per_kwh: f64,
    /// The windows of `time_of_use`; the first that matches counts.
    pub windows: Vec<Window>,
    /// `spot`: added to the spot price.
    #[schemars(range(min = -1, max = 5))]
    pub fee_eur_per_kwh: f64,
    /// `spot`: tax on top of price and fee.
    #[schemars(range(min = 0, max = 100))]
    pub tax_percent: f64,
}

impl Default for ImportPrice {
    fn default() -> Self {
        Self {
            kind: PriceKind::Fixed,
            price_eur_per_kwh: 0.32,
            windows: Vec::new(),
            fee_eur_per_kwh: 0.15,
            tax_percent: 19.0,
        }
    }
}

/// What exported power earns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ExportPrice {
    /// How the price comes about.
    pub kind: PriceKind,
    /// The price of `fixed`; of `time_of_use` outside all windows.
    #[schemars(range(min = -1, max = 5))]
    pub price_eur_per_kwh: f64,
    /// The windows of `time_of_use`; the first that matches counts.
    pub windows: Vec<Window>,
    /// `spot`: added to the spot price; negative for a marketing fee.
    #[schemars(range(min = -1, max = 5))]
    pub fee_eur_per_kwh: f64,
    /// `spot`: tax on top of price and fee.
    #[schemars(range(min = 0, max = 100))]
    pub tax_percent: f64,
}

impl Default for ExportPrice {
    fn default() -> Self {
        Self {
            kind: PriceKind::Fixed,
            price_eur_per_kwh: 0.08,
            windows: Vec::new(),
            fee_eur_per_kwh: 0.0,
            tax_percent: 0.0,
        }
    }
}

/// A daily window of local time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// Its beginning, `HH:MM`.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// Its end, `HH:MM`; earlier than `from` where it spans midnight.
    #[schemars(regex(pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
    pub to: String,
    /// The price in it.
    #[schemars(range(min = -1, max = 5))]
    pub price_eur_per_kwh: f64,
}
