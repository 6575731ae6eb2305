//! What is usual at a quarter hour of the local day: household, heat pump, hot water, work.
//!
//! People live by the clock on the wall, so the days before are compared by local time. What is worked out here once a local day is
//! drawn towards the level just seen by whoever asks.

use super::days::{Column, Days, LocalTime, PER_DAY, quantile};
use crate::time::Slot;

/// Days ahead for which the household is told apart by weekday: what 48 hours reach into.
const TARGETS: usize = 3;
/// Days of the household that count, in which a day weighs e times less, and what the same weekday weighs more.
const LOAD_DAYS: i64 = 28;
const LOAD_FADE: f64 = 14.0;
const SAME_WEEKDAY: f64 = 2.0;
/// The same of the heat pump: it follows the season.
const HEAT_PUMP_DAYS: i64 = 14;
const HEAT_PUMP_FADE: f64 = 5.0;
/// Days of hot water that are averaged, and those of which the surprises are counted.
const DRAWN_DAYS: i64 = 14;
const SURPRISE_DAYS: i64 = 40;
/// An unexpected draw is one of so many slots.
const DRAW_SLOTS: usize = 3;
/// Quarter hours before and after that count as the same.
const NEIGHBOURS: usize = 2;
/// Shares of the surprises that each margin covers.
const COVERED: [f64; 3] = [0.8, 0.92, 0.98];
/// Surprises of a quarter hour and its neighbours before they count: those of four days.
const SURPRISES_MIN: usize = 12;
/// Days of work that are averaged.
const WORK_DAYS: i64 = 7;
/// What a typical dwelling draws before its own draws are known, kW: tapping profile M, 5.8 kWh a day (EU 812/2013).
pub(super) const DRAWN_TYPICAL: f64 = 0.24;

/// A weighted sum.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weighted {
    sum: f64,
    squares: f64,
    weight: f64,
}

impl Weighted {
    fn add(&mut self, value: f64, weight: f64) {
        self.sum += weight * value;
        self.squares += weight * value * value;
        self.weight += weight;
    }

    fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// One standard deviation; zero where nothing is known.
    fn spread(&self) -> f64 {
        let Some(mean) = self.mean() else { return 0.0 };
        (self.squares / self.weight - mean * mean).max(0.0).sqrt()
    }
}

/// What is usual as seen from one local day.
#[derive(Clone, Debug)]
pub(super) struct Usual {
    day: i64,
    load: [[Weighted; PER_DAY]; TARGETS],
    heat_pump: [Weighted; PER_DAY],
    drawn: [Weighted; PER_DAY],
    /// What a surprise of hot water comes to, kWh; `None` before enough is seen.
    surprises: Option<Box<[[f64; 3]; PER_DAY]>>,
    /// Work, kWh; `None` where none ever came.
    arrived: Option<[f64; PER_DAY]>,
}

impl Default for Usual {
    fn default() -> Self {
        let nothing = [Weighted::default(); PER_DAY];
        Self {
            day: i64::MIN,
            load: [nothing; TARGETS],
            heat_pump: nothing,
            drawn: nothing,
            surprises: None,
            arrived: None,
        }
    }
}

impl Usual {
    /// What is usual as seen from the local day of `slot`.
    pub(super) fn of(days: &Days, zone: LocalTime, slot: Slot) -> Self {
        let (today, _) = zone.at(slot);
        let mut usual = Self { day: today, ..Self::default() };
        let mut draws = vec![f64::NAN; SURPRISE_DAYS as usize * PER_DAY];
        let mut work = [0.0; PER_DAY];
        let mut first_work = None;
        for day in today - SURPRISE_DAYS - 1..=today + 1 {
            for (slot, local, quarter) in zone.of_day(day) {
                let age = today - local;
                if !(1..=SURPRISE_DAYS).contains(&age) {
                    continue;
                }
                let known = |column| days.get(column, slot);
                usual.take(age, quarter, known(Column::Load), known(Column::HeatPump));
                if let Some(drawn) = known(Column::Drawn) {
                    draws[(SURPRISE_DAYS - age) as usize * PER_DAY + quarter] = drawn;
                    if age <= DRAWN_DAYS {
                        usual.drawn[quarter].add(drawn, 1.0);
                    }
                }
                if let Some(arrived) = known(Column::Arrived).filter(|_| age <= WORK_DAYS) {
                    first_work = first_work.or(Some(age));
                    work[quarter] += arrived;
                }
            }
        }
        usual.surprises = surprises(&draws);
        usual.arrived = first_work.map(|age| work.map(|sum| sum / age as f64));
        usual
    }

    /// The local day from which this is seen.
    pub(super) fn day(&self) -> i64 {
        self.day
    }

    fn take(&mut self, age: i64, quarter: usize, load: Option<f64>, heat_pump: Option<f64>) {
        if let Some(load) = load.filter(|_| age <= LOAD_DAYS) {
            for (ahead, target) in (0..).zip(&mut self.load) {
                target[quarter].add(load, weight(age, ahead));
            }
        }
        if let Some(heat_pump) = heat_pump.filter(|_| age <= HEAT_PUMP_DAYS) {
            self.heat_pump[quarter].add(heat_pump, (-(age as f64) / HEAT_PUMP_FADE).exp());
        }
    }

    /// The household at `quarter` of the local day `ahead` days from today, kW; `today`: the same quarter hour of today, where it has
    /// passed.
    pub(super) fn load(&self, ahead: usize, quarter: usize, today: Option<f64>) -> Option<f64> {
        let mut usual = self.load[ahead.min(TARGETS - 1)][quarter];
        if let Some(today) = today.filter(|_| ahead > 0) {
            usual.add(today, weight(0, ahead as i64));
        }
        usual.mean()
    }

    /// One standard deviation of that, kW.
    pub(super) fn load_spread(&self, ahead: usize, quarter: usize) -> f64 {
        self.load[ahead.min(TARGETS - 1)][quarter].spread()
    }

    /// The heat pump, kW.
    pub(super) fn heat_pump(&self, quarter: usize) -> Option<f64> {
        self.heat_pump[quarter].mean()
    }

    /// Heat drawn from the tank, kW.
    pub(super) fn drawn(&self, quarter: usize) -> f64 {
        self.drawn[quarter].mean().map_or(DRAWN_TYPICAL, |drawn| drawn.max(0.0))
    }

    /// What an unexpected draw comes to, kWh: exceeded on one day in five, in twelve, in fifty.
    pub(super) fn surprise(&self, quarter: usize) -> Option<[f64; 3]> {
        Some(self.surprises.as_ref()?[quarter])
    }

    /// Work that arrives, kWh; `None` where none ever came.
    pub(super) fn arrived(&self, quarter: usize) -> Option<f64> {
        Some(self.arrived.as_ref()?[quarter])
    }
}

/// What a day `age` days before today weighs for one `ahead` days after it.
fn weight(age: i64, ahead: i64) -> f64 {
    let same = (age + ahead).rem_euclid(7) == 0;
    (-(age as f64) / LOAD_FADE).exp() * if same { SAME_WEEKDAY } else { 1.0 }
}

/// The quantiles of what is drawn in the next slots beyond its mean, kWh; `None` where too little is known.
fn surprises(draws: &[f64]) -> Option<Box<[[f64; 3]; PER_DAY]>> {
    let coming: Vec<f64> = (0..draws.len())
        .map(|at| draws.get(at..at + DRAW_SLOTS).map_or(f64::NAN, |next| next.iter().sum::<f64>() * 0.25))
        .collect();
    let mut all = Box::new([[0.0; 3]; PER_DAY]);
    for (quarter, margins) in all.iter_mut().enumerate() {
        let places = [quarter + PER_DAY - NEIGHBOURS, quarter, quarter + NEIGHBOURS].map(|place| place % PER_DAY);
        let mut pool: Vec<f64> = coming
            .chunks_exact(PER_DAY)
            .flat_map(|day| places.map(|place| day[place]))
            .filter(|energy| !energy.is_nan())
            .collect();
        if pool.len() < SURPRISES_MIN {
            return None;
        }
        let mean = pool.iter().sum::<f64>() / pool.len() as f64;
        *margins = COVERED.map(|share| (quantile(&mut pool, share) - mean).max(0.0));
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowing::days::QUARTERS;

    const BERLIN: LocalTime = LocalTime(chrono_tz::Europe::Berlin);

    #[test]
    fn a_habit_by_the_clock_survives_summer_time() {
        // Supper at 19:00 local, 2 kW, through the change on 30 March 2025.
        let mut days = Days::default();
        let to = Slot::containing("2025-04-01T10:00:00Z".parse().unwrap());
        for slot in (to.0 - 30 * QUARTERS..to.0).map(Slot) {
            let (_, quarter) = BERLIN.at(slot);
            days.remember(slot, &[(Column::Load, Some(if quarter == 76 { 2.0 } else { 0.3 }))]);
        }
        let usual = Usual::of(&days, BERLIN, to);
        assert!((usual.load(0, 76, None).unwrap() - 2.0).abs() < 1e-6);
        assert!((usual.load(1, 75, None).unwrap() - 0.3).abs() < 1e-6);
        assert_eq!(usual.heat_pump(3), None);
    }

    #[test]
    fn the_same_weekday_counts_twice_and_unknown_days_not_at_all() {
        let mut days = Days::default();
        // Only a week ago and yesterday are known.
        days.remember(Slot(93 * QUARTERS), &[(Column::Load, Some(3.0))]);
        days.remember(Slot(99 * QUARTERS), &[(Column::Load, Some(1.0))]);
        let usual = Usual::of(&days, LocalTime(chrono_tz::UTC), Slot(100 * QUARTERS + 50));
        let (week, day) = (2.0 * (-7.0f64 / 14.0).exp(), (-1.0f64 / 14.0).exp());
        assert!((usual.load(0, 0, None).unwrap() - (3.0 * week + day) / (week + day)).abs() < 1e-6);
        let (week, day) = (week / 2.0, day);
        let tomorrow = (3.0 * week + day + 5.0) / (week + day + 1.0);
        assert!((usual.load(1, 0, Some(5.0)).unwrap() - tomorrow).abs() < 1e-6);
        assert_eq!(usual.load(0, 1, None), None);
    }

    #[test]
    fn a_bath_on_every_tenth_evening_asks_for_a_margin() {
        let mut days = Days::default();
        for day in 0..40 {
            for quarter in 0..QUARTERS {
                let drawn = if quarter == 80 && day % 10 == 0 { 12.0 } else { 0.1 };
                days.remember(Slot(day * QUARTERS + quarter), &[(Column::Drawn, Some(drawn))]);
            }
        }
        let usual = Usual::of(&days, LocalTime(chrono_tz::UTC), Slot(40 * QUARTERS));
        let [fifth, twelfth, fiftieth] = usual.surprise(80).unwrap();
        assert!(fifth < 0.2 && twelfth < 1.0 && fiftieth > 2.0, "{fifth} {twelfth} {fiftieth}");
        assert!(usual.surprise(40).unwrap()[2] < 0.1);
        assert!((usual.drawn(10) - 0.1).abs() < 1e-6);
        // One day says nothing yet.
        assert_eq!(Usual::of(&days, LocalTime(chrono_tz::UTC), Slot(QUARTERS)).surprise(80), None);
    }

    #[test]
    fn work_is_expected_as_it_came() {
        let mut days = Days::default();
        days.remember(Slot(8 * QUARTERS + 36), &[(Column::Arrived, Some(1.5))]);
        days.remember(Slot(9 * QUARTERS + 36), &[(Column::Arrived, Some(0.5))]);
        let usual = Usual::of(&days, LocalTime(chrono_tz::UTC), Slot(10 * QUARTERS));
        assert_eq!((usual.arrived(36), usual.arrived(37)), (Some(1.0), Some(0.0)));
        assert_eq!(Usual::of(&days, LocalTime(chrono_tz::UTC), Slot(30 * QUARTERS)).arrived(36), None);
    }
}
