//! The forms in which slots were written: the second has the accounts apart; the first, of version 0.1.0, had one sum of them.

use super::{Baseline, Bill, BySource, Planned, SlotAccount, SlotReadings, Valuation};
use crate::reason::Reason;
use crate::time::{Slot as Quarter, Timestamp};
use crate::units::{Currency, Eur, EurPerKwh, KilowattHours};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A slot of either form: what only one of them has is optional.
#[derive(Deserialize)]
pub(super) struct Slot {
    slot: Quarter,
    start: Timestamp,
    #[serde(default)]
    currency: Currency,
    observed_s: f64,
    #[serde(default)]
    unmetered_s: f64,
    #[serde(default)]
    pv_unmetered_s: f64,
    #[serde(default)]
    house_unmetered_s: f64,
    #[serde(default)]
    steered_s: f64,
    #[serde(default)]
    uncounted_s: f64,
    #[serde(default)]
    unpriced_s: f64,
    compute: BySource,
    import: KilowattHours,
    export: KilowattHours,
    pv: KilowattHours,
    charged: KilowattHours,
    discharged: KilowattHours,
    heat_pump: KilowattHours,
    #[serde(default)]
    hot_water: KilowattHours,
    #[serde(default)]
    heat_pump_heat: KilowattHours,
    #[serde(default)]
    house: KilowattHours,
    heat: KilowattHours,
    heat_used: KilowattHours,
    #[serde(default)]
    starts: u64,
    import_price: EurPerKwh,
    export_price: EurPerKwh,
    #[serde(default)]
    readings: SlotReadings,
    #[serde(default)]
    planned: Option<Planned>,
    revenue: Eur,
    #[serde(default)]
    household: Eur,
    tokens_in: u64,
    tokens_out: u64,
    reasons: BTreeMap<Reason, f64>,
    // The second form.
    valuation: Option<Valuation>,
    bill: Option<Bill>,
    baseline: Option<Baseline>,
    gain: Option<Eur>,
    // The first form.
    #[serde(default)]
    electricity_cost: Eur,
    #[serde(default)]
    heat_value: Eur,
    #[serde(default)]
    net: Eur,
    #[serde(default)]
    cost: Eur,
}

impl Slot {
    /// The bill that the first form implies: its cost had revenue and heat deducted. The split by the mean price of export.
    fn implied_bill(&self) -> Bill {
        let export = self.export * self.export_price;
        Bill { import: self.cost + self.heat_value + self.revenue + export, export, ..Bill::default() }
    }
}

impl From<Slot> for SlotAccount {
    fn from(form: Slot) -> Self {
        let first = Valuation { electricity_cost: form.electricity_cost, heat_value: form.heat_value };
        Self {
            slot: form.slot,
            start: form.start,
            currency: form.currency,
            observed_s: form.observed_s,
            unmetered_s: form.unmetered_s,
            pv_unmetered_s: form.pv_unmetered_s,
            house_unmetered_s: form.house_unmetered_s,
            steered_s: form.steered_s,
            uncounted_s: form.uncounted_s,
            unpriced_s: form.unpriced_s,
            compute: form.compute,
            import: form.import,
            export: form.export,
            pv: form.pv,
            charged: form.charged,
            discharged: form.discharged,
            heat_pump: form.heat_pump,
            hot_water: form.hot_water,
            heat_pump_heat: form.heat_pump_heat,
            house: form.house,
            heat: form.heat,
            heat_used: form.heat_used,
            starts: form.starts,
            import_price: form.import_price,
            export_price: form.export_price,
            readings: form.readings,
            planned: form.planned,
            revenue: form.revenue,
            household: form.household,
            valuation: form.valuation.unwrap_or(first),
            bill: form.bill.unwrap_or_else(|| form.implied_bill()),
            baseline: form.baseline,
            // The first form knew no baseline: what it gained is what it promised.
            gain: form.gain.unwrap_or(form.net),
            tokens_in: form.tokens_in,
            tokens_out: form.tokens_out,
            reasons: form.reasons,
        }
    }
}
