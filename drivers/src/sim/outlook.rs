//! The weather service of the place: what sun and air will be like, every three hours anew, and a little off.

use super::house::House;
use super::noise::{Stream, smooth};
use super::place::seconds;
use super::weather::Weather;
use chrono::TimeDelta;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Watts};

/// House time between two forecasts.
const EVERY_S: i64 = 3 * 3600;
/// How far a forecast reaches.
const SLOTS: i64 = 48 * 4;
/// The error of PV power a day ahead, as a share, and of the temperature, in kelvin.
const PV_ERROR: f64 = 0.25;
const OUTDOOR_ERROR: f64 = 1.5;

/// Forecasts for a house under a weather.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outlook {
    /// What will really be.
    pub weather: Weather,
    /// Whose PV it is.
    pub house: House,
}

/// What is expected of a quarter hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expected {
    pub slot: Slot,
    pub pv: Watts,
    /// Mean outdoor temperature.
    pub outdoor: Celsius,
}

impl Outlook {
    /// The number of the forecast that is the newest one at `now`.
    pub(super) fn issue(now: Timestamp) -> i64 {
        now.timestamp().div_euclid(EVERY_S)
    }

    /// The newest forecast at `now`: from the slot in which it was issued, two days ahead.
    pub(super) fn published(&self, now: Timestamp) -> Vec<Expected> {
        let issue = Self::issue(now);
        let first = issue * EVERY_S / Slot::SECONDS;
        (0..SLOTS).map(|ahead| self.expected(issue, Slot(first + ahead), ahead)).collect()
    }

    fn expected(&self, issue: i64, slot: Slot, ahead: i64) -> Expected {
        let middle = slot.start() + TimeDelta::seconds(Slot::SECONDS / 2);
        let truth = self.weather.at(middle);
        // Errors grow over the first day, and each forecast has its own.
        let grown = (ahead as f64 / 96.0).min(1.0).sqrt();
        let error = |shift: f64| {
            let position = seconds(middle) + issue as f64 * 1e7 + shift;
            (smooth(self.weather.seed, Stream::Error, position, 3.0 * 3600.0) - 0.5) * 2.0 * grown
        };
        Expected {
            slot,
            pv: self.house.pv(truth.on_roof, truth.outdoor) * (1.0 + PV_ERROR * error(0.0)),
            outdoor: Celsius(truth.outdoor.0 + OUTDOOR_ERROR * error(5e6)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::super::weather::Sky;
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn a_forecast_is_near_the_truth_but_is_not_it() {
        let weather = Weather { place: Place::default(), sky: Sky::Sunny, seed: 5 };
        let outlook = Outlook { weather, house: House::default() };
        let now = Utc.with_ymd_and_hms(2026, 4, 14, 5, 10, 0).unwrap();
        let expected = outlook.published(now);
        assert_eq!(expected.len(), 192);
        assert!(expected[0].slot.start() <= now && expected[12].slot.start() > now);
        let (mut off, mut sum) = (0.0, 0.0);
        for row in &expected {
            let truth = weather.at(row.slot.start() + TimeDelta::seconds(450));
            let pv = outlook.house.pv(truth.on_roof, truth.outdoor).0;
            assert!(row.pv.0 >= 0.0 && (row.outdoor.0 - truth.outdoor.0).abs() <= OUTDOOR_ERROR);
            off += (row.pv.0 - pv).abs();
            sum += pv;
        }
        let share = off / sum;
        assert!((0.01..0.2).contains(&share), "off by {share} of {sum} W");
        assert_eq!(outlook.published(now + TimeDelta::minutes(40)), expected, "one forecast for three hours");
        assert_ne!(outlook.published(now + TimeDelta::hours(3))[0], expected[12], "then another one");
    }
}
