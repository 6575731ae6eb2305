//! A gain by its parts: what the bill shows, what others paid, what the stores hold, and what was promised beside it.
//!
//! ```text
//! gain = power + feed-in + heat saved + wear   the bill shows it
//!      + revenue                               others paid it
//!      + inventory                             the stores still hold it
//!      - colder room                           it was saved at the cost of comfort
//! ```
//!
//! What the household's own questions were worth to it is in none of them: nobody pays it. Where nothing could be compared with the
//! house without compute, all but the revenue is unknown, and never zero.
//!
//! Example: the house pays 1.20 EUR, without compute it would have paid 0.95 EUR; 0.11 EUR of that difference is feed-in. Others
//! paid 0.40 EUR. Power is -0.14 EUR, feed-in -0.11 EUR, revenue 0.40 EUR: the gain is 0.15 EUR.

use crate::books::totals::Earnings;
use crate::units::Eur;
use serde::{Deserialize, Serialize};

/// What the house is better off by compute, and why: above zero it gained, below zero it lost. All but `forecast_error` and what
/// follows it add up to `gain`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// All of it.
    pub gain: Eur,
    /// Imported power and its peak, the heat pump's saving aside.
    pub power: Eur,
    /// Pay for export.
    pub feed_in: Eur,
    /// What heat pump or boiler took less.
    pub heat_saved: Eur,
    /// The battery's wear, and the starts of compute.
    pub wear: Eur,
    /// What others paid.
    pub revenue: Eur,
    /// What battery, room and tank hold more.
    pub inventory: Eur,
    /// What a room colder than its own rule would have kept it saved: below zero, since it is no earnings.
    pub colder_room: Eur,
    /// What the gain is more than the valuation promised.
    pub forecast_error: Eur,
    /// What the house pays less by meter and contract: power, feed-in and heat.
    pub bill: Eur,
}

impl Earnings {
    /// Whether the gain is known: where the house was observed, some of it was compared with the house without compute.
    pub fn is_known(&self) -> bool {
        self.compared_s > 0.0 || self.observed_s <= 0.0
    }

    /// The gain, where it is known.
    pub fn known_gain(&self) -> Option<Eur> {
        self.is_known().then_some(self.gain)
    }

    /// What the house would have paid without compute, where that is known.
    pub fn known_cost_without(&self) -> Option<Eur> {
        self.is_known().then_some(self.cost_without)
    }

    /// The share of the observed time that was compared, 0 to 1; `None` where nothing was observed.
    pub fn compared(&self) -> Option<f64> {
        (self.observed_s > 0.0).then(|| (self.compared_s / self.observed_s).clamp(0.0, 1.0))
    }

    /// The gain by its parts, where it is known.
    pub fn parts(&self) -> Option<Parts> {
        self.is_known().then(|| Parts {
            gain: self.gain,
            power: self.power(),
            feed_in: self.feed_in(),
            heat_saved: self.heat_saved,
            wear: self.wear_without - self.wear,
            revenue: self.revenue,
            inventory: self.inventory,
            colder_room: -self.colder_room,
            forecast_error: self.forecast_error(),
            bill: self.cost_without - self.cost,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Baseline, Bill, SlotAccount};
    use crate::time::Slot;
    use crate::units::{EurPerKwh, KilowattHours};

    fn bill(import: f64, export: f64, fuel: f64, wear: f64, starts: f64) -> Bill {
        let [import, export, fuel, wear, starts] = [import, export, fuel, wear, starts].map(Eur);
        Bill { import, export, capacity: Eur(0.03), fuel, wear, starts }
    }

    /// A slot in which compute took `house`, and `baseline` of the time is compared; closed as the books close it.
    fn closed(house: Bill, without: Option<(Bill, f64)>) -> SlotAccount {
        let mut account = SlotAccount {
            observed_s: 900.0,
            heat_pump: KilowattHours(0.20),
            import_price: EurPerKwh(0.30),
            revenue: Eur(0.10),
            household: Eur(0.50),
            bill: house,
            ..SlotAccount::new(Slot(0))
        };
        account.gain = account.revenue;
        account.baseline = without.map(|(bill, compared_s)| Baseline {
            compared_s,
            heat_pump: KilowattHours(0.30),
            bill: if compared_s > 0.0 { bill } else { Bill::default() },
            house: if compared_s > 0.0 { house } else { Bill::default() },
            inventory: Eur(0.04),
            colder_room: Eur(0.01),
            ..Baseline::default()
        });
        if let Some(baseline) = &account.baseline {
            account.gain += baseline.bill.total() - baseline.house.total() + baseline.inventory - baseline.colder_room;
        }
        account
    }

    #[test]
    fn the_parts_of_a_gain_add_up_to_it() {
        let with = bill(0.60, 0.10, 0.0, 0.02, 0.05);
        let gas = bill(0.60, 0.10, -0.08, 0.02, 0.0);
        let without = bill(0.40, 0.25, 0.0, 0.03, 0.0);
        let rows = [
            closed(with, Some((without, 900.0))),
            closed(gas, Some((without, 900.0))),
            closed(with, Some((without, 0.0))), // a price was not published
            closed(with, None),
        ];
        let mut day = Earnings::default();
        for account in &rows {
            day += Earnings::from(account);
            let parts = day.parts().unwrap();
            let Parts { power, feed_in, heat_saved, wear, revenue, inventory, colder_room, .. } = parts;
            let sum = power + feed_in + heat_saved + wear + revenue + inventory + colder_room;
            assert!((sum - parts.gain).0.abs() < 1e-12, "{parts:?}");
            assert!((parts.bill - power - feed_in - heat_saved).0.abs() < 1e-12, "{parts:?}");
            assert!((parts.forecast_error - (parts.gain - day.net)).0.abs() < 1e-12);
        }
        assert_eq!(day.compared(), Some(0.5));
    }

    #[test]
    fn what_the_boiler_did_not_burn_is_heat_and_no_cheaper_power() {
        let house = bill(0.60, 0.0, -0.08, 0.0, 0.0);
        let account = SlotAccount {
            heat_pump: KilowattHours(0.30),
            ..closed(house, Some((bill(0.40, 0.0, 0.0, 0.0, 0.0), 900.0)))
        };
        let parts = Earnings::from(&account).parts().unwrap();
        assert!((parts.power.0 + 0.20).abs() < 1e-12, "{parts:?}");
        assert!((parts.heat_saved.0 - 0.08).abs() < 1e-12, "{parts:?}");
    }

    #[test]
    fn a_gain_that_nobody_could_compare_is_unknown() {
        let day = Earnings::from(&closed(bill(0.6, 0.1, 0.0, 0.0, 0.05), None));
        assert_eq!((day.known_gain(), day.known_cost_without(), day.parts()), (None, None, None));
        assert_eq!(day.compared(), Some(0.0));
        assert_eq!(Earnings::default().known_gain(), Some(Eur::ZERO), "nothing happened, and that is known");
    }
}
