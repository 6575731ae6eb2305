//! Money over a span of time, account by account.

use crate::units::{Eur, KilowattHours};
use serde::{Deserialize, Serialize};

/// Money over a span of time, account by account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Earnings {
    /// What others paid for the work.
    pub revenue: Eur,
    /// What the household's own questions were worth to it, by the owner's value. No money, and in no sum.
    #[serde(default)]
    pub household: Eur,
    /// Valuation: what compute's heat displaced.
    pub heat_value: Eur,
    /// Valuation: opportunity cost of its electricity.
    pub electricity_cost: Eur,
    /// Valuation: revenue plus heat less electricity, what was promised when it was decided to run.
    pub net: Eur,
    /// What the house pays by meter and contract, export deducted.
    pub cost: Eur,
    /// The same of the baseline; of the house itself where no baseline is known.
    pub cost_without: Eur,
    /// The part of `cost` that import has.
    #[serde(default)]
    pub import_cost: Eur,
    /// The same of the baseline.
    #[serde(default)]
    pub import_cost_without: Eur,
    /// What export earned.
    #[serde(default)]
    pub export_revenue: Eur,
    /// The same of the baseline.
    #[serde(default)]
    pub export_revenue_without: Eur,
    /// What battery and starts wore off.
    #[serde(default)]
    pub wear: Eur,
    /// The part of it that starts have.
    #[serde(default)]
    pub start_cost: Eur,
    /// The same of the baseline, which has no starts.
    #[serde(default)]
    pub wear_without: Eur,
    /// What the heat pump, or the boiler, took less than in the baseline.
    #[serde(default)]
    pub heat_saved: Eur,
    /// What the stores of the house gained on those of the baseline.
    #[serde(default)]
    pub inventory: Eur,
    /// What a room colder than its own rule would have kept it saved. No earnings.
    #[serde(default)]
    pub colder_room: Eur,
    /// What the house is better off by compute.
    #[serde(default)]
    pub gain: Eur,
    /// What the valuation promised of the time that is compared: the gain is held against it. Of other time what was gained.
    #[serde(default)]
    pub promised: Eur,
    /// One standard deviation of the baseline's bill.
    #[serde(default)]
    pub spread: Eur,
    /// Seconds in which the house was observed.
    #[serde(default)]
    pub observed_s: f64,
    /// Seconds of those in which its baseline is known.
    #[serde(default)]
    pub compared_s: f64,
    /// Times that compute started.
    #[serde(default)]
    pub starts: u64,
    /// Compute energy.
    pub energy: KilowattHours,
    /// Useful heat.
    pub heat: KilowattHours,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
}

impl Earnings {
    /// What compute changed in the cost of imported power and of its peak, the heat it saved aside; below zero, what it cost.
    pub fn power(&self) -> Eur {
        self.cost_without - self.cost - self.feed_in() - self.heat_saved
    }

    /// What compute changed in the pay for export; below zero, what was lost.
    pub fn feed_in(&self) -> Eur {
        self.export_revenue - self.export_revenue_without
    }

    /// What the gain is more than the valuation promised.
    pub fn forecast_error(&self) -> Eur {
        self.gain - self.promised
    }

    /// Takes in those of version 0.1.0, which knew no gain: it is what the valuation promised.
    pub(crate) fn of_any_version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = serde_json::Map::deserialize(deserializer)?;
        if !fields.contains_key("gain")
            && let Some(net) = fields.get("net").cloned()
        {
            fields.insert("gain".into(), net.clone());
            fields.insert("promised".into(), net);
        }
        serde_json::from_value(fields.into()).map_err(serde::de::Error::custom)
    }
}
