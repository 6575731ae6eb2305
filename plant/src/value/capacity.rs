//! The capacity charge: what the month's highest quarter-hour mean of import costs (as in Flanders, and in contracts with a
//! measured peak elsewhere).
//!
//! Example at 4.25 a kilowatt and month: the first quarter of the month takes 0.5 kWh, a mean of 2 kW: 8.50. One of 0.4 kWh costs
//! nothing more. One of 1.25 kWh makes the peak 5 kW, 21.25 in all: it costs 12.75. What the slots of a month cost adds up to
//! the month's charge.

use crate::site::Capacity;
use crate::time::Slot;
use crate::units::{Eur, KilowattHours, Watts};
use chrono::Datelike;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Watts of a kilowatt.
const KILOWATT: f64 = 1000.0;

/// The peak of a local month so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonthPeak {
    /// The month, counted from the year 0 of the calendar; `None` before the first slot.
    month: Option<i64>,
    /// Its highest quarter-hour mean of import.
    pub peak: Watts,
    /// The slot that had it.
    pub slot: Slot,
}

impl MonthPeak {
    /// Takes the import of a slot and returns by how much the month's charge grows with it. The first slot of a month begins a
    /// new account, with the least charge of the contract; a slot of the month before changes nothing. An unknown import is not
    /// passed: the peak stays what it is known to be.
    pub fn take(&mut self, capacity: &Capacity, timezone: Tz, slot: Slot, import: KilowattHours) -> Eur {
        let local = slot.start().with_timezone(&timezone);
        let month = i64::from(local.year()) * 12 + i64::from(local.month0());
        // A slot of the month before is late. One of an earlier month means that the known one was of a clock that was wrong.
        if self.month.is_some_and(|known| month == known - 1) {
            return Eur::ZERO;
        }
        let before = if self.month == Some(month) { self.charge(capacity) } else { Eur::ZERO };
        if self.month != Some(month) {
            *self = Self { month: Some(month), ..Self::default() };
        }
        let mean = import.mean_over(Slot::LENGTH);
        if mean > self.peak {
            (self.peak, self.slot) = (mean, slot);
        }
        self.charge(capacity) - before
    }

    /// What the month costs so far; nothing before its first slot.
    pub fn charge(&self, capacity: &Capacity) -> Eur {
        let charged = self.month.map_or(Watts::ZERO, |_| self.peak.max(capacity.at_least));
        Eur(charged.0 / KILOWATT * capacity.per_kw_month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::at;
    use chrono_tz::Europe::Brussels;

    fn slot(text: &str) -> Slot {
        Slot::containing(at(text))
    }

    #[test]
    fn the_slots_of_a_month_cost_what_its_peak_does() {
        let capacity = Capacity { per_kw_month: 4.25, at_least: Watts::ZERO };
        let mut peak = MonthPeak::default();
        assert_eq!(peak.charge(&capacity), Eur::ZERO);
        let rows = [
            ("2026-05-31T21:45:00Z", 0.5, 8.5, 2000.0),
            ("2026-05-31T22:00:00Z", 0.25, 4.25, 1000.0), // 1 June in Brussels: another month
            ("2026-06-10T10:00:00Z", 0.2, 0.0, 1000.0),
            ("2026-06-10T10:15:00Z", 1.25, 17.0, 5000.0),
            ("2026-06-10T10:30:00Z", 1.25, 0.0, 5000.0),
            ("2026-05-31T21:30:00Z", 9.0, 0.0, 5000.0), // late: its month is closed
            ("2026-06-30T21:45:00Z", 0.0, 0.0, 5000.0),
        ];
        let mut june = 0.0;
        for (text, import, grows, highest) in rows {
            let grown = peak.take(&capacity, Brussels, slot(text), KilowattHours(import));
            assert!(
                (grown.0 - grows).abs() < 1e-9 && (peak.peak.0 - highest).abs() < 1e-9,
                "{text}: {grown}, {peak:?}"
            );
            if text > "2026-05-31T21:45:00Z" {
                june += grown.0;
            }
        }
        assert!((june - peak.charge(&capacity).0).abs() < 1e-9);
        assert_eq!(peak.slot, slot("2026-06-10T10:15:00Z"));
        let kept: MonthPeak = serde_json::from_str(&serde_json::to_string(&peak).unwrap()).unwrap();
        assert_eq!(kept, peak);
    }

    #[test]
    fn the_contracts_least_charge_is_due_from_the_first_slot_on() {
        let capacity = Capacity { per_kw_month: 4.0, at_least: Watts(2500.0) };
        let mut peak = MonthPeak::default();
        let rows = [
            ("2026-06-10T10:00:00Z", 0.1, 10.0),
            ("2026-06-10T10:15:00Z", 0.6, 0.0),
            ("2026-06-10T10:30:00Z", 0.75, 2.0),
        ];
        for (text, import, grows) in rows {
            let grown = peak.take(&capacity, Brussels, slot(text), KilowattHours(import));
            assert!((grown.0 - grows).abs() < 1e-9, "{text}: {grown}");
        }
    }
}
