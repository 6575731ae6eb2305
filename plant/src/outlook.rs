//! Prices and forecasts for the slots ahead, as the feeds deliver them.

use crate::time::Slot;
use crate::units::{Celsius, EurPerKwh, Watts};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a feed knows of the time ahead. Each map holds only what is known; the plant merges what arrives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outlook {
    /// Wholesale (spot) price, before the tariff's fees and taxes.
    pub spot: BTreeMap<Slot, EurPerKwh>,
    /// Slots whose wholesale price the feed says is not known: what was said of them before no longer counts. A price beyond any
    /// plausible one is such, and an entry without a number.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unpriced: BTreeSet<Slot>,
    /// Expected mean PV power of the house.
    pub pv: BTreeMap<Slot, Watts>,
    /// Expected mean consumption of the house without compute and heat pump.
    pub load: BTreeMap<Slot, Watts>,
    /// Expected outdoor temperature.
    pub outdoor: BTreeMap<Slot, Celsius>,
    /// Expected global irradiance in W/m2.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub irradiance: BTreeMap<Slot, f64>,
    /// Expected heat drawn as hot water.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hot_water: BTreeMap<Slot, Watts>,
    /// Carbon intensity of grid power in g/kWh.
    pub carbon: BTreeMap<Slot, f64>,
}
