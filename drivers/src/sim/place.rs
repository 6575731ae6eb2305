//! Where the house stands, and what the hour means there.

use chrono::{Datelike, NaiveDate, TimeZone, Timelike};
use chrono_tz::Tz;
use plant::time::Timestamp;

/// The house's spot on the globe and its roof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// The zone of its clocks.
    pub timezone: Tz,
    /// Degrees of the roof from the horizontal; it faces south.
    pub tilt: f64,
}

impl Default for Place {
    fn default() -> Self {
        Self { latitude: 48.2, longitude: 16.4, timezone: chrono_tz::Europe::Vienna, tilt: 35.0 }
    }
}

impl Place {
    /// The local date at `at`.
    pub fn date(&self, at: Timestamp) -> NaiveDate {
        at.with_timezone(&self.timezone).date_naive()
    }

    /// Days since the common era of the local date, a number to seed a day with.
    pub fn day_number(&self, at: Timestamp) -> i64 {
        i64::from(self.date(at).num_days_from_ce())
    }

    /// The local hour of day with its fraction, 0 to 24.
    pub fn hour(&self, at: Timestamp) -> f64 {
        let local = at.with_timezone(&self.timezone);
        f64::from(local.num_seconds_from_midnight()) / 3600.0
    }

    /// Whether the local day is a Saturday or Sunday.
    pub fn is_weekend(&self, at: Timestamp) -> bool {
        self.date(at).weekday().number_from_monday() > 5
    }

    /// The first moment of a local day (01:00 where the zone skips midnight).
    pub fn midnight(&self, date: NaiveDate) -> Timestamp {
        let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
        self.timezone
            .from_local_datetime(&midnight)
            .earliest()
            .or_else(|| self.timezone.from_local_datetime(&(midnight + chrono::Duration::hours(1))).earliest())
            .map_or_else(|| midnight.and_utc(), |local| local.to_utc())
    }
}

/// Seconds since the Unix epoch with their fraction.
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.timestamp() as f64 + f64::from(at.timestamp_subsec_nanos()) * 1e-9
}

/// A day's progress through its year, 0 at the first of January and 1 at its end.
pub(super) fn season(at: Timestamp) -> f64 {
    (f64::from(at.ordinal0()) + f64::from(at.num_seconds_from_midnight()) / 86_400.0) / 365.25
}
