//! A made-up year for a house of which only the site is known: sun, air, household, hot water and prices of the exchange by quarter hour.
//!
//! ```text
//! PV          simulated sun on the roof * 0.85 (inverter, heat, dirt) * (0.80 - 0.28 cos(season)): winters are foggier than the simulated
//! air         a Central European year, 0.7 K cooler for each degree further from the equator than 48.2
//! household   a simulated family's, scaled to the owner's yearly figure
//! spot        the mean day of each season of the zone DE-LU, April 2024 to March 2025, times a level that each day has of its own
//! ```
//!
//! Example: 9.8 kWp at 48 degrees north make about 9,400 kWh, 700 of them in the three months of winter.

use crate::simulate::chance::normal;
use crate::simulate::diary::Season;
use crate::simulate::trace::{Forecasted, Row};
use chrono::{Datelike, NaiveDate, TimeDelta, Timelike};
use drivers::sim::load::Household;
use drivers::sim::place::Place;
use drivers::sim::weather::{Sky, Weather};
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Currency, EurPerKwh, Watts};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// What is left of the sun on the modules as alternating current.
const PERFORMANCE: f64 = 0.85;
/// Share of the simulated sun that gets through the haze, and its swing over the year.
const CLEAR: (f64, f64) = (0.80, 0.28);
/// Kelvin by which the air is cooler for each degree of latitude, and where it is as simulated.
const COOLER: (f64, f64) = (0.7, 48.2);
/// Spread of the level of a day's prices, as a share.
const DAY_LEVEL: f64 = 0.35;
/// The stream of chance of the days' prices.
const PRICES: u64 = 101;
/// Half a year.
const HALF: TimeDelta = TimeDelta::days(182);

/// Mean spot prices of the zone DE-LU by season and local hour, April 2024 to March 2025, EUR/MWh.
const SPOT: [[f64; 24]; 4] = [
    [
        90.0, 87.0, 84.0, 82.0, 84.0, 91.0, 106.0, 136.0, 147.0, 139.0, 125.0, 117.0, 112.0, 113.0, 119.0, 134.0,
        148.0, 164.0, 156.0, 142.0, 123.0, 111.0, 106.0, 94.0,
    ],
    [
        77.0, 73.0, 71.0, 70.0, 72.0, 78.0, 95.0, 102.0, 88.0, 67.0, 49.0, 38.0, 30.0, 24.0, 28.0, 43.0, 60.0, 87.0,
        110.0, 125.0, 123.0, 104.0, 92.0, 81.0,
    ],
    [
        89.0, 81.0, 77.0, 76.0, 76.0, 87.0, 118.0, 110.0, 90.0, 66.0, 47.0, 35.0, 26.0, 18.0, 16.0, 24.0, 40.0, 62.0,
        91.0, 132.0, 169.0, 137.0, 110.0, 94.0,
    ],
    [
        78.0, 74.0, 71.0, 70.0, 71.0, 77.0, 94.0, 117.0, 119.0, 100.0, 84.0, 72.0, 64.0, 62.0, 67.0, 80.0, 102.0,
        132.0, 150.0, 151.0, 119.0, 98.0, 91.0, 82.0,
    ],
];

/// What the made-up year is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maker {
    pub place: Place,
    pub currency: Currency,
    /// What the household draws in a year, kWh.
    pub household_kwh: f64,
    pub seed: u64,
}

impl Maker {
    /// The 365 days up to `end` of local days, with a margin of two days behind them.
    pub(super) fn year(&self, end: NaiveDate) -> BTreeMap<Slot, Row> {
        let first = Slot::containing(self.place.midnight(end - TimeDelta::days(365)));
        let last = Slot::containing(self.place.midnight(end + TimeDelta::days(2)));
        let mut rows: BTreeMap<Slot, Row> = (first.0..last.0).map(|slot| (Slot(slot), self.row(Slot(slot)))).collect();
        let made: f64 = rows.values().map(|row| row.load.0 * 0.25e-3).sum::<f64>() * 365.0 / 367.0;
        let scale = if made > 0.0 { self.household_kwh / made } else { 0.0 };
        rows.values_mut().for_each(|row| row.load = row.load * scale);
        rows
    }

    fn row(&self, slot: Slot) -> Row {
        let moments = [150, 450, 750].map(|seconds| slot.start() + TimeDelta::seconds(seconds));
        let mean = |value: &dyn Fn(Timestamp) -> f64| moments.map(value).iter().sum::<f64>() / moments.len() as f64;
        // The simulated roof faces south; south of the equator it faces north, and the seasons are the other way round.
        let south = self.place.latitude < 0.0;
        let place = Place { tilt: if south { -self.place.tilt } else { self.place.tilt }, ..self.place };
        let weather = Weather { place, sky: Sky::Changeable, seed: self.seed };
        let household = Household { place: self.place, seed: self.seed };
        let season = |at: Timestamp| if south { at + HALF } else { at };
        let angle = f64::from(season(slot.start()).ordinal0()) / 365.25 * TAU;
        let clear = CLEAR.0 - CLEAR.1 * angle.cos();
        let cooler = COOLER.0 * (self.place.latitude.abs() - COOLER.1);
        Row {
            price: self.spot(slot),
            pv_per_kwp: mean(&|at| weather.at(at).on_roof) * PERFORMANCE * clear,
            load: Watts(mean(&|at| household.power(at).0)),
            outdoor: Celsius(mean(&|at| weather.at(season(at)).outdoor.0) - cooler),
            ghi: mean(&|at| weather.at(at).on_ground) * clear,
            hot_water: Watts(mean(&|at| household.hot_water(at).0)),
            forecast: Forecasted::default(),
        }
    }

    fn spot(&self, slot: Slot) -> EurPerKwh {
        let local = slot.start().with_timezone(&self.place.timezone);
        let south = self.place.latitude < 0.0;
        let month = if south { (local.month() + 5) % 12 + 1 } else { local.month() };
        let usual = SPOT[Season::of_month(month) as usize][local.hour() as usize];
        let level = (1.0 + DAY_LEVEL * normal(self.seed, PRICES, i64::from(local.num_days_from_ce()))).max(0.2);
        // What makes the whole day dearer or cheaper is there at noon and at night.
        let mean = SPOT[Season::of_month(month) as usize].iter().sum::<f64>() / 24.0;
        EurPerKwh((usual + (level - 1.0) * mean) / 1000.0 * self.currency.per_euro().unwrap_or(1.0))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn maker() -> Maker {
        Maker { place: Place::default(), currency: Currency::EUR, household_kwh: 4000.0, seed: 1 }
    }

    fn seasons(rows: &BTreeMap<Slot, Row>, value: impl Fn(&Row) -> f64) -> [f64; 4] {
        let mut sums = [0.0; 4];
        for (slot, row) in rows {
            sums[Season::of_month(slot.start().month()) as usize] += value(row);
        }
        sums
    }

    #[test]
    fn a_made_up_year_is_like_one_of_central_europe() {
        let rows = maker().year(NaiveDate::from_ymd_opt(2026, 1, 1).unwrap());
        assert_eq!(rows.len(), 367 * 96);
        let pv = seasons(&rows, |row| row.pv_per_kwp * 0.25e-3);
        let ranges = [60.0..115.0, 260.0..370.0, 330.0..450.0, 140.0..240.0];
        assert!(pv.iter().zip(&ranges).all(|(pv, range)| range.contains(pv)), "kWh of a kWp: {pv:?}");
        let year: f64 = pv.iter().sum();
        assert!((850.0..1120.0).contains(&year), "{year} kWh of a kWp");
        let quarters = seasons(&rows, |_| 1.0);
        let outdoor = seasons(&rows, |row| row.outdoor.0);
        let mean = |index: usize| outdoor[index] / quarters[index];
        assert!((-2.0..5.0).contains(&mean(0)) && (16.0..22.0).contains(&mean(2)), "{outdoor:?}");
        let load: f64 = seasons(&rows, |row| row.load.0 * 0.25e-3).iter().sum();
        assert!((load - 4000.0 * 367.0 / 365.0).abs() < 1.0, "{load}");
        let price = seasons(&rows, |row| row.price.0);
        assert!((0.09..0.14).contains(&(price[0] / quarters[0])) && price[2] / quarters[2] < 0.1, "{price:?}");
        let noon = |month: u32| -> f64 {
            let of_month = |slot: &Slot| slot.start().month() == month && slot.start().hour() == 11;
            let prices: Vec<f64> = rows.iter().filter(|(slot, _)| of_month(slot)).map(|(_, row)| row.price.0).collect();
            prices.iter().sum::<f64>() / prices.len() as f64
        };
        assert!(noon(7) < 0.04 && noon(1) > 0.08, "{} {}", noon(7), noon(1));
    }

    #[test]
    fn further_north_it_is_colder_and_south_of_the_equator_july_is_winter() {
        let at = |latitude: f64| {
            let place = Place { latitude, ..Place::default() };
            let maker = Maker { place, ..maker() };
            let days = |month: u32, day: u32| -> (f64, f64) {
                let first = Slot::containing(place.midnight(NaiveDate::from_ymd_opt(2025, month, day).unwrap()));
                let rows: Vec<Row> = (0..10 * 96).map(|number| maker.row(first.plus(number))).collect();
                let sum = |value: fn(&Row) -> f64| rows.iter().map(value).sum::<f64>() / rows.len() as f64;
                (sum(|row| row.pv_per_kwp), sum(|row| row.outdoor.0))
            };
            (days(1, 10), days(7, 10))
        };
        let (munich, stockholm, sydney) = (at(48.2), at(59.3), at(-33.9));
        assert!(stockholm.0.1 < munich.0.1 - 5.0 && stockholm.0.0 < munich.0.0, "{stockholm:?} {munich:?}");
        assert!(sydney.0.1 > sydney.1.1 + 10.0 && sydney.0.0 > 1.3 * sydney.1.0, "{sydney:?}");
    }
}
