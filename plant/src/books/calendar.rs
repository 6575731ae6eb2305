//! The books' local day and month: they turn at the local midnight, whatever the clocks do that night.

use crate::time::Timestamp;
use chrono::{Datelike, NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// The local day the books are in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    timezone: Tz,
    day: NaiveDate,
}

/// What began anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turned {
    /// The day.
    pub day: bool,
    /// The month.
    pub month: bool,
}

impl Calendar {
    /// The calendar of `timezone` at `at`.
    pub(super) fn new(timezone: Tz, at: Timestamp) -> Self {
        Self { timezone, day: at.with_timezone(&timezone).date_naive() }
    }

    /// Moves to `at`. A clock that goes back over midnight by less than a day stays in the day it had reached, so that
    /// a correction of seconds does not empty the day.
    pub(super) fn turn_to(&mut self, at: Timestamp) -> Turned {
        let day = at.with_timezone(&self.timezone).date_naive();
        let back = self.day - day;
        if day == self.day || (back > TimeDelta::zero() && back <= TimeDelta::days(1)) {
            return Turned::default();
        }
        let month = (day.year(), day.month()) != (self.day.year(), self.day.month());
        self.day = day;
        Turned { day: true, month }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_turn_at_local_midnight() {
        let mut calendar = Calendar::new(chrono_tz::Europe::Berlin, "2026-03-28T12:00:00Z".parse().unwrap());
        let rows = [
            ("2026-03-28T22:59:59Z", false, false),
            ("2026-03-28T23:00:00Z", true, false),  // 00:00 CET, the short day
            ("2026-03-28T22:59:00Z", false, false), // the clock is set back a minute
            ("2026-03-29T21:59:59Z", false, false),
            ("2026-03-29T22:00:00Z", true, false), // 00:00 CEST
            ("2026-03-31T22:00:00Z", true, true),
            ("2026-10-24T22:00:00Z", true, true),
            ("2026-10-25T22:59:59Z", false, false), // the long day
            ("2026-10-25T23:00:00Z", true, false),
            ("2026-01-01T00:00:00Z", true, true), // far back: the clock was wrong before
        ];
        for (at, day, month) in rows {
            assert_eq!(calendar.turn_to(at.parse().unwrap()), Turned { day, month }, "{at}");
        }
    }
}
