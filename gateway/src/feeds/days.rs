//! Days as a market counts them.

use chrono::{Days as Count, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use plant::time::{Slot, Timestamp};

/// Days in a row of a price area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    /// The first of them.
    pub first: NaiveDate,
    /// The last of them.
    pub last: NaiveDate,
    /// The area's zone.
    pub zone: Tz,
    /// How much earlier than at midnight a day begins.
    pub earlier: TimeDelta,
}

impl Days {
    /// The first moment.
    pub(super) fn start(&self) -> Timestamp {
        midnight(self.zone, self.first) - self.earlier
    }

    /// The moment after the last.
    pub(super) fn end(&self) -> Timestamp {
        midnight(self.zone, after(self.last)) - self.earlier
    }

    /// Each of them.
    pub(super) fn each(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last;
        self.first.iter_days().take_while(move |day| *day <= last).take(8)
    }

    /// The slots of all of them.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        let (from, to) = (Slot::containing(self.start()), Slot::containing(self.end()));
        (from.0..to.0).map(Slot)
    }
}

/// The first moment of a local day.
pub(super) fn midnight(zone: Tz, day: NaiveDate) -> Timestamp {
    at(zone, day, NaiveTime::MIN)
}

/// The moment when the clock of a zone shows `time`; where it skips it, an hour later.
pub(super) fn at(zone: Tz, day: NaiveDate, time: NaiveTime) -> Timestamp {
    let local = day.and_time(time);
    let moment = zone.from_local_datetime(&local).earliest();
    let moment = moment.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
    moment.map_or_else(|| local.and_utc(), |moment| moment.to_utc())
}

/// The day after.
pub(super) fn after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Count::new(1)).unwrap_or(day)
}

/// The day before.
pub(super) fn before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Count::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_as_many_quarters_as_the_clock_gives_it() {
        let rows = [("2026-10-25", 100), ("2027-03-28", 92), ("2026-06-01", 96)];
        for (day, quarters) in rows {
            let day = day.parse().unwrap();
            let days = Days { first: day, last: day, zone: Tz::Europe__Berlin, earlier: TimeDelta::zero() };
            assert_eq!((days.slots().count(), days.each().count()), (quarters, 1), "{day}");
        }
    }
}
