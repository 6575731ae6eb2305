//! Typical days: the means of each quarter hour of the local day, season by season.

use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;

/// Quarter hours of a day.
pub(crate) const QUARTERS: usize = 96;

/// A season by its months: winter is December to February.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Season {
    Winter,
    Spring,
    Summer,
    Autumn,
}

impl Season {
    pub(crate) const ALL: [Self; 4] = [Self::Winter, Self::Spring, Self::Summer, Self::Autumn];

    /// The season of a month, 1 to 12.
    pub(crate) fn of_month(month: u32) -> Self {
        Self::ALL[month as usize % 12 / 3]
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Winter => "winter",
            Self::Spring => "spring",
            Self::Summer => "summer",
            Self::Autumn => "autumn",
        }
    }
}

/// What is seen at one moment; what is unknown is left out of the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// Of a kilowatt-hour imported.
    pub price: Option<f64>,
    /// Powers in kW.
    pub pv: f64,
    pub household: f64,
    pub heat_pump: f64,
    pub compute: f64,
    /// Above zero what the battery gives.
    pub battery: f64,
    /// What is stored, in percent.
    pub soc: Option<f64>,
    /// In °C.
    pub room: f64,
}

/// Means of a quarter hour.
#[derive(Clone, Copy, Debug, Default)]
struct Quarter {
    looks: f64,
    priced: f64,
    stored: f64,
    sum: Look,
}

impl Quarter {
    fn count(&mut self, look: &Look) {
        self.looks += 1.0;
        let sum = &mut self.sum;
        sum.pv += look.pv;
        sum.household += look.household;
        sum.heat_pump += look.heat_pump;
        sum.compute += look.compute;
        sum.battery += look.battery;
        sum.room += look.room;
        if let Some(price) = look.price {
            *sum.price.get_or_insert_default() += price;
            self.priced += 1.0;
        }
        if let Some(soc) = look.soc {
            *sum.soc.get_or_insert_default() += soc;
            self.stored += 1.0;
        }
    }

    fn mean(&self) -> Option<Look> {
        let (sum, n) = (&self.sum, self.looks);
        (n > 0.0).then(|| Look {
            price: sum.price.map(|price| price / self.priced),
            pv: sum.pv / n,
            household: sum.household / n,
            heat_pump: sum.heat_pump / n,
            compute: sum.compute / n,
            battery: sum.battery / n,
            soc: sum.soc.map(|soc| soc / self.stored),
            room: sum.room / n,
        })
    }
}

/// The typical days of a simulation.
#[derive(Clone, Debug)]
pub(crate) struct Diary {
    seasons: Vec<[Quarter; QUARTERS]>,
    /// Cycles of a day, to count days by.
    cycles_a_day: f64,
}

impl Diary {
    /// An empty one, of which each day brings so many looks.
    pub(crate) fn new(cycles_a_day: f64) -> Self {
        Self { seasons: vec![[Quarter::default(); QUARTERS]; Season::ALL.len()], cycles_a_day }
    }

    /// Counts what is seen at `local`.
    pub(crate) fn count(&mut self, local: DateTime<Tz>, look: &Look) {
        let season = Season::of_month(local.month());
        self.seasons[season as usize][(local.hour() * 4 + local.minute() / 15) as usize].count(look);
    }

    /// Days that `season` has seen.
    pub(crate) fn days(&self, season: Season) -> f64 {
        self.seasons[season as usize].iter().map(|quarter| quarter.looks).sum::<f64>() / self.cycles_a_day
    }

    /// The typical day of `season`; `None` where no whole day was seen.
    pub(crate) fn day(&self, season: Season) -> Option<Vec<Look>> {
        self.seasons[season as usize].iter().map(Quarter::mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone};

    #[test]
    fn a_typical_day_is_the_mean_of_its_seasons_days_by_local_time() {
        let zone = chrono_tz::Europe::Berlin;
        let mut diary = Diary::new(96.0);
        for (day, power) in [(10, 1.0), (11, 3.0)] {
            let midnight = zone.with_ymd_and_hms(2024, 7, day, 0, 0, 0).unwrap();
            for quarter in 0..96 {
                let look = Look {
                    pv: if quarter == 48 { power } else { 0.0 },
                    price: (day == 10).then_some(0.3),
                    ..Look::default()
                };
                diary.count(midnight + TimeDelta::minutes(15 * quarter), &look);
            }
        }
        let day = diary.day(Season::Summer).unwrap();
        assert_eq!((day[48].pv, day[47].pv, day[48].price, day[48].soc), (2.0, 0.0, Some(0.3), None));
        assert_eq!(diary.days(Season::Summer), 2.0);
        assert!(diary.day(Season::Winter).is_none());
        assert_eq!(
            [12, 2, 3, 8, 11].map(|month| Season::of_month(month).name()),
            ["winter", "winter", "spring", "summer", "autumn"]
        );
    }
}
