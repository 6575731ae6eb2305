//! What the household draws, and the hot water it uses: pure functions of seed and time.

use super::noise::{Stream, smooth, uniform};
use super::place::{Place, seconds};
use plant::time::Timestamp;
use plant::units::Watts;

/// A household of four.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Household {
    /// Where it lives: its people follow the local clock.
    pub place: Place,
    /// Of its habits; the same seed gives the same day.
    pub seed: u64,
}

impl Household {
    /// Electric power without heat pump and compute.
    pub fn power(&self, at: Timestamp) -> Watts {
        let t = seconds(at);
        let hour = self.place.hour(at);
        let morning = if self.place.is_weekend(at) { 9.0 } else { 7.0 };
        let habit = 0.6 + 0.8 * smooth(self.seed, Stream::Habit, t, 5_400.0);
        let people = 330.0 * hump(hour, morning, 1.0) + 380.0 * hump(hour, 12.6, 1.1) + 620.0 * hump(hour, 19.4, 1.9);
        let fridge = if (t + 600.0).rem_euclid(3_000.0) < 1_200.0 { 85.0 } else { 0.0 };
        let flicker = 0.96 + 0.08 * uniform(self.seed, Stream::Flicker, (t / 5.0).floor() as i64);
        Watts((170.0 + fridge + people * habit) * flicker + self.appliances(t, hour))
    }

    /// Heat drawn as hot water.
    pub fn hot_water(&self, at: Timestamp) -> Watts {
        let t = seconds(at);
        let hour = self.place.hour(at);
        let chance = 0.02 + 0.30 * hump(hour, 7.0, 0.9) + 0.22 * hump(hour, 20.0, 1.5) + 0.07 * hump(hour, 12.8, 1.0);
        // A draw falls into a window of ten minutes and lasts up to six of them.
        let window = (t / 600.0).floor();
        let draw = uniform(self.seed, Stream::Draw, window as i64);
        let size = uniform(self.seed, Stream::Draw, window as i64 + (1 << 40));
        let running = t - window * 600.0 < 90.0 + 270.0 * size;
        if draw < chance && running { Watts(6_000.0 + 8_000.0 * size) } else { Watts::ZERO }
    }

    /// Kettle, hob, dishwasher, washing machine: each runs from the start of one of its windows.
    fn appliances(&self, t: f64, hour: f64) -> f64 {
        let cooking = 0.05 * hump(hour, 7.2, 1.0) + 0.16 * hump(hour, 12.2, 0.8) + 0.2 * hump(hour, 18.6, 1.0);
        let waking = if (6.5..22.5).contains(&hour) { 1.0 } else { 0.0 };
        // (salt, window s, watts, runs s, chance per window)
        let appliances = [
            (1, 600.0, 1_950.0, 170.0, waking * 0.03 + cooking * 0.6),
            (2, 1_800.0, 1_500.0, 1_500.0, cooking * 1.5),
            (3, 7_200.0, 1_800.0, 1_300.0, waking * 0.12),
            (4, 10_800.0, 2_000.0, 1_600.0, waking * 0.10),
        ];
        appliances
            .into_iter()
            .map(|(salt, window, watts, runs, chance): (i64, f64, f64, f64, f64)| {
                let number = (t / window).floor();
                let on = uniform(self.seed, Stream::Appliance, (salt << 40) + number as i64) < chance;
                if on && t - number * window < runs { watts } else { 0.0 }
            })
            .sum()
    }
}

/// A bell around an hour of the day, 1 at its middle, around midnight too.
pub(super) fn hump(hour: f64, middle: f64, width: f64) -> f64 {
    let distance = (hour - middle + 12.0).rem_euclid(24.0) - 12.0;
    (-0.5 * (distance / width).powi(2)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};

    #[test]
    fn a_year_of_a_household_is_a_years_worth() {
        let household = Household { place: Place::default(), seed: 3 };
        let start = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let (mut electric, mut water, mut peak) = (0.0, 0.0, 0.0f64);
        for minute in 0..365 * 1440 {
            let at = start + Duration::minutes(minute);
            let power = household.power(at).0;
            assert!(power > 100.0);
            electric += power / 60e3;
            peak = peak.max(power);
            water += household.hot_water(at).0 / 60e3;
        }
        assert!((3_000.0..5_500.0).contains(&electric), "{electric} kWh electric");
        assert!((1_800.0..4_500.0).contains(&water), "{water} kWh of hot water");
        assert!((3_000.0..11_000.0).contains(&peak), "peak {peak} W");
    }
}
