//! The books' local day and month: they turn at the local midnight, whatever the clocks do that night. A day or month that the
//! calendar leaves keeps its sums, and has them where it comes back, as after a clock that was wrong.
//!
//! Example: 1.20 EUR today, 1 May. The clock is set to 10 June: today is 0.00 EUR. It is set right: today is 1.20 EUR again.

use crate::books::totals::Earnings;
use crate::time::Timestamp;
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Days and months whose sums are remembered. Chosen: the month and the one before it, from whose days its sum is made.
const REMEMBERED: usize = 62;

/// The local day the books are in, and the sums of others.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    timezone: Tz,
    day: NaiveDate,
    days: BTreeMap<NaiveDate, Earnings>,
    /// By their first days.
    months: BTreeMap<NaiveDate, Earnings>,
}

impl Calendar {
    /// The calendar of `timezone` at `at`, with the sums of the `days` that are known.
    pub(super) fn new(timezone: Tz, at: Timestamp, days: BTreeMap<NaiveDate, Earnings>) -> Self {
        Self { timezone, day: at.with_timezone(&timezone).date_naive(), days, months: BTreeMap::new() }
    }

    /// The local day.
    pub(super) fn day(&self) -> NaiveDate {
        self.day
    }

    /// The day before it and its sums, where anything is counted in it.
    pub(super) fn before(&self) -> Option<(NaiveDate, Earnings)> {
        let day = self.day.pred_opt()?;
        let earnings = *self.days.get(&day)?;
        (earnings != Earnings::default()).then_some((day, earnings))
    }

    /// Moves to `at`, and `today` and `month` with it.
    pub(super) fn turn_to(&mut self, at: Timestamp, today: &mut Earnings, month: &mut Earnings) {
        let day = at.with_timezone(&self.timezone).date_naive();
        if day == self.day {
            return;
        }
        let (from, to) = (first_of_month(self.day), first_of_month(day));
        self.days.insert(self.day, *today);
        *today = self.days.get(&day).copied().unwrap_or_default();
        if from != to {
            self.months.insert(from, *month);
            *month = self.months.get(&to).copied().unwrap_or_else(|| self.of_days(to));
        }
        self.day = day;
        for sums in [&mut self.days, &mut self.months] {
            while sums.len() > REMEMBERED {
                sums.pop_first();
            }
        }
    }

    /// The sum of the days of a month.
    fn of_days(&self, month: NaiveDate) -> Earnings {
        let mut sum = Earnings::default();
        self.days.range(month..).take_while(|(day, _)| first_of_month(**day) == month).for_each(|(_, day)| sum += *day);
        sum
    }
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Eur;

    fn net(net: f64) -> Earnings {
        Earnings { net: Eur(net), ..Earnings::default() }
    }

    #[test]
    fn days_turn_at_local_midnight() {
        let start = "2026-03-28T12:00:00Z".parse().unwrap();
        let mut calendar = Calendar::new(chrono_tz::Europe::Berlin, start, BTreeMap::new());
        let rows = [
            ("2026-03-28T22:59:59Z", false, false),
            ("2026-03-28T23:00:00Z", true, false), // 00:00 CET, the short day
            ("2026-03-29T21:59:59Z", false, false),
            ("2026-03-29T22:00:00Z", true, false), // 00:00 CEST
            ("2026-03-31T22:00:00Z", true, true),
            ("2026-10-24T22:00:00Z", true, true),
            ("2026-10-25T22:59:59Z", false, false), // the long day
            ("2026-10-25T23:00:00Z", true, false),
        ];
        for (at, day, month) in rows {
            let (mut today, mut this_month) = (net(1.0), net(1.0));
            calendar.turn_to(at.parse().unwrap(), &mut today, &mut this_month);
            assert_eq!((today == net(0.0), this_month == net(0.0)), (day, month), "{at}");
        }
    }

    #[test]
    fn a_day_that_comes_again_has_its_sums() {
        let known = [("2026-04-30", 0.5), ("2026-04-29", 0.25), ("2026-05-01", 7.0)];
        let days = known.map(|(day, sum)| (day.parse().unwrap(), net(sum))).into();
        let mut calendar = Calendar::new(chrono_tz::UTC, "2026-05-02T12:00:00Z".parse().unwrap(), days);
        let (mut today, mut month) = (net(2.0), net(9.0));
        let rows = [
            ("2026-06-11T12:00:00Z", 0.0, 0.0), // 40 days ahead
            ("2026-05-02T12:00:00Z", 2.0, 9.0),
            ("2036-05-02T12:00:00Z", 0.0, 0.0),
            ("2026-05-02T12:00:00Z", 2.0, 9.0),
            ("2026-05-01T23:59:00Z", 7.0, 9.0), // a minute back over midnight
            ("2026-05-02T00:00:00Z", 2.0, 9.0),
            ("2026-04-30T12:00:00Z", 0.5, 0.75),
            ("2016-01-01T00:00:00Z", 0.0, 0.0),
            ("2026-05-02T12:00:00Z", 2.0, 9.0),
        ];
        for (at, expected, expected_month) in rows {
            calendar.turn_to(at.parse().unwrap(), &mut today, &mut month);
            assert_eq!((today, month), (net(expected), net(expected_month)), "{at}");
        }
    }

    #[test]
    fn yesterday_is_the_day_before_and_no_other() {
        let start = "2026-03-28T12:00:00Z".parse().unwrap();
        let mut calendar = Calendar::new(chrono_tz::Europe::Berlin, start, BTreeMap::new());
        assert_eq!(calendar.before(), None, "nothing is known of it");
        let (mut today, mut month) = (net(-0.24), net(1.0));
        calendar.turn_to("2026-03-28T23:00:00Z".parse().unwrap(), &mut today, &mut month);
        assert_eq!(calendar.before(), Some(("2026-03-28".parse().unwrap(), net(-0.24))));
        calendar.turn_to("2026-03-30T12:00:00Z".parse().unwrap(), &mut today, &mut month);
        assert_eq!(calendar.before(), None, "the house slept through it");
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let start: Timestamp = "2026-05-02T12:00:00Z".parse().unwrap();
        let mut calendar = Calendar::new(chrono_tz::UTC, start, BTreeMap::new());
        let (mut today, mut month) = (net(2.0), net(9.0));
        for day in 0..5000 {
            calendar.turn_to(start + chrono::TimeDelta::days(day), &mut today, &mut month);
        }
        assert_eq!((calendar.days.len(), calendar.months.len()), (REMEMBERED, REMEMBERED));
    }
}
