//! The wholesale prices of the place: peaks in the morning and evening, below zero around a sunny noon, tomorrow's
//! prices published at 13:00 local time.

use super::load::hump;
use super::noise::{Stream, uniform};
use super::place::Place;
use super::weather::Weather;
use chrono::{Days, NaiveDate};
use plant::time::{Slot, Timestamp};
use plant::units::EurPerKwh;
use std::collections::BTreeMap;

/// The local hour at which the next day's prices appear.
const PUBLISHED_AT_HOUR: f64 = 13.0;

/// A day-ahead market under a given weather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Market {
    /// The weather that makes power cheap.
    pub weather: Weather,
}

impl Market {
    /// The price of a slot, whether published or not.
    pub(super) fn price(&self, slot: Slot) -> EurPerKwh {
        let place = self.place();
        let (hour, day) = (place.hour(slot.start()), place.day_number(slot.start()));
        let level = 0.088 + 0.03 * (uniform(self.weather.seed, Stream::Price, day) - 0.5);
        let noon = 0.175 * (1.0 - self.weather.greyness(day)) * hump(hour, 12.9, 2.0);
        let noise = 0.006 * (uniform(self.weather.seed, Stream::Price, slot.0) - 0.5);
        let price =
            level + 0.075 * hump(hour, 7.6, 1.3) + 0.13 * hump(hour, 19.3, 1.7) - noon - 0.02 * hump(hour, 3.0, 2.0);
        EurPerKwh(((price + noise) * 1e5).round() / 1e5)
    }

    /// What is known at `now`: the local day, and the next one from 13:00 on.
    pub(super) fn published(&self, now: Timestamp) -> BTreeMap<Slot, EurPerKwh> {
        let (from, to) = self.known_days(now);
        let place = self.place();
        let first = Slot::containing(place.midnight(from));
        let end = Slot::containing(place.midnight(to));
        (first.0..end.0).map(|slot| (Slot(slot), self.price(Slot(slot)))).collect()
    }

    /// The first known local day and the first unknown one; prices are republished when they change.
    pub(super) fn known_days(&self, now: Timestamp) -> (NaiveDate, NaiveDate) {
        let today = self.place().date(now);
        let days = if self.place().hour(now) < PUBLISHED_AT_HOUR { 1 } else { 2 };
        (today, today.checked_add_days(Days::new(days)).unwrap_or(today))
    }

    fn place(&self) -> Place {
        self.weather.place
    }
}

#[cfg(test)]
mod tests {
    use super::super::weather::Sky;
    use super::*;
    use chrono::{TimeZone, Utc};

    fn market() -> Market {
        Market { weather: Weather { place: Place::default(), sky: Sky::Sunny, seed: 5 } }
    }

    #[test]
    fn noon_is_below_zero_and_the_evening_is_dearest() {
        for day in 1..28 {
            let now = Utc.with_ymd_and_hms(2026, 4, day, 6, 0, 0).unwrap();
            let prices = market().published(now);
            assert_eq!(prices.len(), 96);
            let negative = prices.values().filter(|price| price.0 < 0.0).count();
            assert!((4..=28).contains(&negative), "day {day}: {negative} negative slots");
            let (dearest, _) = prices.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0)).unwrap();
            let hour = Place::default().hour(dearest.start());
            assert!((18.0..21.0).contains(&hour), "day {day}: dearest at {hour}");
        }
    }

    #[test]
    fn tomorrow_appears_at_one_oclock_and_days_of_summer_time_have_their_length() {
        // (UTC moment, known slots): Vienna is UTC+1 in winter, +2 in summer; 25 October has 25 hours, 29 March 23.
        for (month, day, hour, minute, expected) in [
            (1, 10, 11, 59, 96),
            (1, 10, 12, 0, 192),
            (7, 10, 10, 59, 96),
            (7, 10, 11, 0, 192),
            (10, 25, 5, 0, 100),
            (3, 29, 5, 0, 92),
            (3, 28, 12, 30, 188),
        ] {
            let now = Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap();
            assert_eq!(market().published(now).len(), expected, "{now}");
        }
    }
}
