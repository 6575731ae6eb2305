//! `[tariff]`, `[network_fee]` and `[[levy]]`: what power costs and earns, and where spot prices and forecasts come from. `eur` in the name of a key means the
//! site's currency.

use super::spot::{OutlookSource, SpotSource};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What power costs and earns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TariffConfig {
    /// A contract as `heatmine tariff list` names it; its values fill in what is left out here.
    #[schemars(length(min = 1))]
    pub contract: Option<String>,
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
    /// From the spot price: `(share * spot + fee) * (1 + tax)`.
    Spot,
}

impl PriceKind {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::TimeOfUse => "time_of_use",
            Self::Spot => "spot",
        }
    }
}

/// Which spot price a contract bills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BilledPrice {
    /// That of the quarter hour.
    #[default]
    #[serde(alias = "quarterly", alias = "quarter_hourly")]
    Quarter,
    /// The mean of the local clock hour.
    #[serde(alias = "hourly")]
    Hour,
}

fn billed_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["quarter", "quarterly", "quarter_hourly", "hour", "hourly"] })
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
    /// `spot`: this share of the spot price.
    #[schemars(range(min = 0, max = 1000))]
    pub share_percent: f64,
    /// `spot`: the price of the `quarter` or the mean of the local clock `hour`, which is unknown while one of its quarters is.
    #[schemars(schema_with = "billed_names")]
    pub billed: BilledPrice,
    /// `spot`: added to the spot price.
    #[schemars(range(min = -1, max = 5))]
    pub fee_eur_per_kwh: f64,
    /// Tax on top of the spot price, the fee, the network fee and the levies.
    #[schemars(range(min = 0, max = 100))]
    pub tax_percent: f64,
    /// Whether the price, or the spot price, includes the tax; left out, the prices of `fixed` and `time_of_use` do, and a spot
    /// price does not.
    pub taxes_included: Option<bool>,
    /// What a kilowatt of the month's highest quarter-hour mean of import costs in the month, taxes included.
    #[schemars(range(min = 0, max = 1000))]
    pub peak_eur_per_kw_month: Option<f64>,
    /// The peak is charged for no less than this.
    #[schemars(range(min = 0, max = 1000000))]
    pub peak_at_least_w: Option<f64>,
}

impl Default for ImportPrice {
    fn default() -> Self {
        Self {
            kind: PriceKind::Fixed,
            price_eur_per_kwh: 0.32,
            windows: Vec::new(),
            share_percent: 100.0,
            billed: BilledPrice::Quarter,
            fee_eur_per_kwh: 0.15,
            tax_percent: 19.0,
            taxes_included: None,
            peak_eur_per_kw_month: None,
            peak_at_least_w: None,
        }
    }
}

/// The network fee, where it is no part of the price or the fee of `[tariff.import]`; by time where it has windows (German EnWG section 14a, module 3; Austrian and Danish tariffs).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NetworkFee {
    /// The fee outside all windows.
    #[schemars(range(min = -1, max = 5))]
    pub price_eur_per_kwh: f64,
    /// The windows; the first that matches counts.
    pub windows: Vec<Window>,
    /// Whether the fee includes the tax.
    pub taxes_included: bool,
}

/// A levy by the kilowatt-hour, before the tax, where it is no part of the price or the fee of `[tariff.import]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Levy {
    /// Its name, for people.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// How much it is.
    #[schemars(range(min = -1, max = 5))]
    pub price_eur_per_kwh: f64,
}

/// What holds while the spot price is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NegativePrices {
    /// The price stays what it is.
    Paid,
    /// Exported power earns nothing.
    Unpaid,
    /// The price does not fall below zero.
    NotBelowZero,
    /// As section 51 of the German EEG says, by the day on which the plant was commissioned.
    Eeg,
}

impl NegativePrices {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Unpaid => "unpaid",
            Self::NotBelowZero => "not_below_zero",
            Self::Eeg => "eeg",
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
    /// `spot`: this share of the spot price.
    #[schemars(range(min = 0, max = 1000))]
    pub share_percent: f64,
    /// `spot`: the price of the `quarter` or the mean of the local clock `hour`, which is unknown while one of its quarters is.
    #[schemars(schema_with = "billed_names")]
    pub billed: BilledPrice,
    /// `spot`: added to the spot price; negative for a marketing fee.
    #[schemars(range(min = -1, max = 5))]
    pub fee_eur_per_kwh: f64,
    /// Tax on top of the spot price and the fee.
    #[schemars(range(min = 0, max = 100))]
    pub tax_percent: f64,
    /// Whether the price, or the spot price, includes the tax; as in `[tariff.import]`.
    pub taxes_included: Option<bool>,
    /// What holds while the spot price is negative; left out, `eeg` where `commissioned` is given, else `paid`.
    pub negative_prices: Option<NegativePrices>,
    /// `eeg`: the day on which the plant was commissioned, as `2025-06-30`.
    #[schemars(length(min = 1))]
    pub commissioned: Option<String>,
    /// `eeg`: the day on which an intelligent metering system was installed. A plant below 100 kW is paid at negative prices
    /// until the end of that year; left out, it is not.
    #[schemars(length(min = 1))]
    pub smart_meter: Option<String>,
}

impl Default for ExportPrice {
    fn default() -> Self {
        Self {
            kind: PriceKind::Fixed,
            price_eur_per_kwh: 0.08,
            windows: Vec::new(),
            share_percent: 100.0,
            billed: BilledPrice::Quarter,
            fee_eur_per_kwh: 0.0,
            tax_percent: 0.0,
            taxes_included: None,
            negative_prices: None,
            commissioned: None,
            smart_meter: None,
        }
    }
}

/// A window of local time.
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
    /// The weekdays on which it begins, as `mon-fri` or `sat,sun`; left out, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub weekdays: Option<String>,
    /// The months in which it holds, as `10-3` or `1-3,10-12`; left out, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub months: Option<String>,
}
