//! Sums over accounts: energy since the books began, earnings of a day, a month and all time.
//!
//! Accounts add up as wholes: the fields of each kind of account are listed once, in its `adds_up!`, and one that is left out does
//! not compile. A total is what the closed slots add up to, plus the open one. Nothing is subtracted, with one exception: the
//! totals that version 0.1.0 wrote contain the open slot, and are read without it.

pub use crate::earnings::Earnings;
use crate::entry::{Baseline, Bill, BySource, SlotAccount, SlotReadings, Valuation};
use crate::reason::Reason;
use crate::units::{Celsius, Eur, EurPerKwh, KilowattHours};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

/// What adds up to a sum of its own kind.
trait Sum {
    fn add(&mut self, part: Self);
}

/// What a part can be taken out of again.
trait Part: Sum {
    fn take(&mut self, part: Self);
}

macro_rules! plain {
    ($($kind:ty),*) => {$(
        impl Sum for $kind {
            fn add(&mut self, part: Self) {
                *self += part;
            }
        }
    )*};
}

plain!(f64, Eur, KilowattHours, BySource, Bill, Valuation);

impl Sum for Option<Baseline> {
    fn add(&mut self, part: Self) {
        if let Some(part) = part {
            *self.get_or_insert_default() += part;
        }
    }
}

impl Part for f64 {
    fn take(&mut self, part: Self) {
        *self = (*self - part).max(0.0);
    }
}

impl Sum for u64 {
    fn add(&mut self, part: Self) {
        *self = self.saturating_add(part);
    }
}

impl Part for Eur {
    fn take(&mut self, part: Self) {
        *self -= part;
    }
}

impl Part for KilowattHours {
    fn take(&mut self, part: Self) {
        *self = (*self - part).positive();
    }
}

impl Part for u64 {
    fn take(&mut self, part: Self) {
        *self = self.saturating_sub(part);
    }
}

impl Sum for BTreeMap<Reason, f64> {
    fn add(&mut self, part: Self) {
        for (reason, seconds) in part {
            *self.entry(reason).or_default() += seconds;
        }
    }
}

/// Adds accounts of one kind field by field. Of an account with `means`, those are weighted by the seconds in which a price was
/// known, and its `keys` stay.
macro_rules! adds_up {
    (both ways $name:ident { $($field:ident),* }) => {
        adds_up!($name { $($field),* });

        impl SubAssign for $name {
            fn sub_assign(&mut self, part: Self) {
                let Self { $($field),* } = part;
                $(Part::take(&mut self.$field, $field);)*
            }
        }
    };
    ($name:ident { $($field:ident),* }) => {
        adds_up!($name { $($field),* } means {} keys {});
    };
    ($name:ident { $($field:ident),* } means { $($mean:ident),* } keys { $($key:ident),* }) => {
        impl AddAssign for $name {
            fn add_assign(&mut self, part: Self) {
                $(self.$mean = Mean::with(self.$mean, part.$mean, self, &part);)*
                let Self { $($field,)* $($mean: _,)* $($key: _,)* } = part;
                $(Sum::add(&mut self.$field, $field);)*
            }
        }
    };
}

adds_up!(BySource { pv, battery, grid });
adds_up!(Bill { import, export, capacity, fuel, wear, starts });
adds_up!(Valuation { electricity_cost, heat_value });
adds_up!(Baseline {
    compared_s,
    import,
    export,
    charged,
    discharged,
    heat_pump,
    bill,
    house,
    inventory,
    colder_room,
    spread
});
adds_up!(SlotAccount {
    observed_s, unmetered_s, pv_unmetered_s, house_unmetered_s, steered_s, uncounted_s, unpriced_s,
    compute, import, export, pv, charged, discharged, heat_pump, hot_water, heat_pump_heat, house, heat, heat_used, starts,
    revenue, household, valuation, bill, baseline, gain,
    tokens_in, tokens_out, reasons
} means { import_price, export_price, readings } keys { slot, start, currency, planned });

/// What has a mean over two accounts.
trait Mean: Copy {
    /// The mean of `self` in `sum` and of `added` in `part`.
    fn with(self, added: Self, sum: &SlotAccount, part: &SlotAccount) -> Self;
}

impl Mean for EurPerKwh {
    fn with(self, added: Self, sum: &SlotAccount, part: &SlotAccount) -> Self {
        let priced_s = |account: &SlotAccount| account.observed_s - account.unpriced_s;
        weighted((self.0, priced_s(sum)), (added.0, priced_s(part))).map_or(self, EurPerKwh)
    }
}

impl Mean for SlotReadings {
    fn with(self, added: Self, sum: &SlotAccount, part: &SlotAccount) -> Self {
        let mean = |before: Option<f64>, after: Option<f64>| match (before, after) {
            (Some(before), Some(after)) => weighted((before, sum.observed_s), (after, part.observed_s)).or(Some(after)),
            (before, after) => before.or(after),
        };
        Self {
            room: added.room.or(self.room),
            tank: added.tank.or(self.tank),
            soc: added.soc.or(self.soc),
            outdoor: mean(self.outdoor.map(|at| at.0), added.outdoor.map(|at| at.0)).map(Celsius),
            irradiance: mean(self.irradiance, added.irradiance),
            expected_pv: self.expected_pv.or(added.expected_pv),
            expected_outdoor: self.expected_outdoor.or(added.expected_outdoor),
            route: added.route.or(self.route),
            cools: added.cools || self.cools,
            arrived: match (self.arrived, added.arrived) {
                (Some(before), Some(after)) => Some(before + after),
                (before, after) => before.or(after),
            },
        }
    }
}

/// The mean of two values by their weights; `None` where the second weighs nothing.
fn weighted((before, first): (f64, f64), (after, second): (f64, f64)) -> Option<f64> {
    (second > 0.0).then(|| (before * first + after * second) / (first + second))
}

/// Energy since the books began, in kWh. Each only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyTotals {
    /// Taken from the grid.
    pub import: KilowattHours,
    /// Given to the grid.
    pub export: KilowattHours,
    /// Made by PV.
    pub pv: KilowattHours,
    /// Put into the battery.
    pub battery_charge: KilowattHours,
    /// Taken from the battery.
    pub battery_discharge: KilowattHours,
    /// Used by compute.
    pub compute: KilowattHours,
    /// Used by the heat pump.
    pub heat_pump: KilowattHours,
    /// Heat of compute that the house used.
    pub heat_used: KilowattHours,
}

adds_up!(both ways EnergyTotals { import, export, pv, battery_charge, battery_discharge, compute, heat_pump, heat_used });

impl From<&SlotAccount> for EnergyTotals {
    fn from(account: &SlotAccount) -> Self {
        Self {
            import: account.import,
            export: account.export,
            pv: account.pv,
            battery_charge: account.charged,
            battery_discharge: account.discharged,
            compute: account.compute.total(),
            heat_pump: account.heat_pump,
            heat_used: account.heat_used,
        }
    }
}

adds_up!(both ways Earnings {
    revenue, household, heat_value, electricity_cost, net, cost, cost_without, import_cost, import_cost_without,
    export_revenue, export_revenue_without, wear, start_cost, wear_without, heat_saved, inventory, colder_room, gain,
    promised, spread, observed_s, compared_s, starts, energy, heat, tokens_in, tokens_out
});

impl From<&SlotAccount> for Earnings {
    fn from(account: &SlotAccount) -> Self {
        let house = &account.bill;
        let baseline = account.baseline.unwrap_or_default();
        // Where nothing is compared, the house stands for its own baseline.
        let without = |of: fn(&Bill) -> Eur| of(house) - of(&baseline.house) + of(&baseline.bill);
        let heat_price = account.import_price;
        let pump_saved =
            if baseline.compared_s > 0.0 { (baseline.heat_pump - account.heat_pump) * heat_price } else { Eur::ZERO };
        Self {
            revenue: account.revenue,
            household: account.household,
            heat_value: account.valuation.heat_value,
            electricity_cost: account.valuation.electricity_cost,
            net: account.net(),
            cost: house.paid(),
            cost_without: without(Bill::paid),
            import_cost: house.import,
            import_cost_without: without(|bill| bill.import),
            export_revenue: house.export,
            export_revenue_without: without(|bill| bill.export),
            wear: house.wear + house.starts,
            start_cost: house.starts,
            wear_without: without(|bill| bill.wear + bill.starts),
            heat_saved: pump_saved + without(|bill| bill.fuel) - house.fuel,
            inventory: baseline.inventory,
            colder_room: baseline.colder_room,
            gain: account.gain,
            promised: if baseline.compared_s > 0.0 { account.net() } else { account.gain },
            spread: baseline.spread,
            observed_s: account.observed_s,
            compared_s: baseline.compared_s,
            starts: account.starts,
            energy: account.compute.total(),
            heat: account.heat_used,
            tokens_in: account.tokens_in,
            tokens_out: account.tokens_out,
        }
    }
}

/// What the house has made and used, and what that earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Energy since the books began.
    pub energy: EnergyTotals,
    /// Earnings of the local day.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub today: Earnings,
    /// Earnings of the local month.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub month: Earnings,
    /// Earnings since the books began.
    #[serde(deserialize_with = "Earnings::of_any_version")]
    pub total: Earnings,
}

impl Totals {
    /// These without the open slot, where a checkpoint of version 0.1.0 counts it in.
    pub fn without_open(mut self, open: &SlotAccount) -> Self {
        self.energy -= EnergyTotals::from(open);
        for earnings in [&mut self.today, &mut self.month, &mut self.total] {
            *earnings -= Earnings::from(open);
        }
        self
    }

    /// These and an account of today.
    pub fn with(mut self, account: &SlotAccount) -> Self {
        self += account;
        self
    }
}

impl AddAssign<&SlotAccount> for Totals {
    fn add_assign(&mut self, account: &SlotAccount) {
        let Self { energy, today, month, total } = self;
        *energy += EnergyTotals::from(account);
        for earnings in [today, month, total] {
            *earnings += Earnings::from(account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Slot;

    /// An account whose every number is `value`, as JSON has them.
    fn account(value: f64) -> SlotAccount {
        fn fill(json: &mut serde_json::Value, value: f64) {
            match json {
                serde_json::Value::Number(number) if number.is_f64() => *json = value.into(),
                serde_json::Value::Number(_) => *json = (value as u64).into(),
                serde_json::Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, value)),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::String(_)
                | serde_json::Value::Array(_) => {}
            }
        }
        let mut json = serde_json::to_value(SlotAccount::new(Slot(0))).unwrap();
        json["reasons"] = serde_json::json!({ "off": 0.0 });
        fill(&mut json, value);
        json["slot"] = 0.into();
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_field_of_an_account_adds_up() {
        let mut sum = account(1.0);
        sum += account(2.0);
        // Prices are means; without a known second they stay as they are.
        let prices = (sum.import_price, sum.export_price);
        assert_eq!(prices, (EurPerKwh(1.0), EurPerKwh(1.0)));
        (sum.import_price, sum.export_price) = (EurPerKwh(3.0), EurPerKwh(3.0));
        assert_eq!(sum, account(3.0));
    }

    #[test]
    fn prices_are_means_over_the_time_they_were_known() {
        let priced = |seconds: f64, price: f64| SlotAccount {
            observed_s: seconds,
            import_price: EurPerKwh(price),
            ..SlotAccount::new(Slot(0))
        };
        let mut sum = priced(300.0, 0.10);
        sum += priced(100.0, 0.30);
        sum += SlotAccount { unpriced_s: 500.0, ..priced(500.0, 9.0) };
        assert!((sum.import_price.0 - 0.15).abs() < 1e-12, "{}", sum.import_price);
    }

    #[test]
    fn a_total_grows_by_every_account() {
        let mut totals = Totals::default();
        totals += &account(1.0);
        let with_open = totals.with(&account(2.0));
        totals += &account(2.0);
        assert_eq!(with_open, totals);
        assert_eq!(
            (totals.energy.compute, totals.total.net, totals.today.tokens_in),
            (KilowattHours(9.0), Eur(3.0), 3)
        );
    }
}
