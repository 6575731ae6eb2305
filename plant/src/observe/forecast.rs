//! Persistence: a quarter hour is expected to be like the same quarter hour of the days before, drawn towards the level
//! just seen. What a feed says of a slot counts more, and this fills in where it is silent.
//!
//! Terms: *profile*, the exponentially weighted mean of past days for each quarter hour of the UTC day. Where there is no
//! past day yet, consumption is expected to stay as it is, and no PV is counted on beyond the next hour.

use crate::entry::SlotAccount;
use crate::time::Slot;
use crate::units::{Celsius, Watts};
use std::time::Duration;

const QUARTERS: usize = 96;
/// Weight of the newest day: chosen, so that a week is remembered and a change of season is followed within days.
const NEWEST: f64 = 0.35;
/// What is left after a slot of the difference between now and the profile. Chosen: a load that is switched on lasts about an hour,
/// a cloudy sky about three.
const CONSUMPTION_DECAY: f64 = 0.80;
const SKY_DECAY: f64 = 0.93;
/// Seconds of a slot that must have been observed for it to teach anything: a third.
const OBSERVED_MIN: f64 = 300.0;
/// Share of them in which everything must have been known.
const METERED_MIN: f64 = 0.9;

/// The days before, by quarter hour.
#[derive(Clone, Debug)]
pub(crate) struct Forecast {
    pv: Profile,
    load: Profile,
    heat_pump: Profile,
    outdoor: Profile,
    outdoor_mean: Option<f64>,
}

/// Power levels of the present moment, where known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Present {
    /// PV power.
    pub pv: Option<Watts>,
    /// Consumption without compute and heat pump.
    pub load: Option<Watts>,
    /// The heat pump's power.
    pub heat_pump: Option<Watts>,
    /// Outdoor temperature.
    pub outdoor: Option<Celsius>,
}

impl Default for Forecast {
    fn default() -> Self {
        let empty = || Profile(vec![None; QUARTERS]);
        Self { pv: empty(), load: empty(), heat_pump: empty(), outdoor: empty(), outdoor_mean: None }
    }
}

impl Forecast {
    /// Learns from a closed slot.
    pub(crate) fn learn(&mut self, account: &SlotAccount) {
        let metered = account.observed_s - account.unmetered_s;
        if account.observed_s < OBSERVED_MIN || metered < METERED_MIN * account.observed_s {
            return;
        }
        let observed = Duration::from_secs_f64(account.observed_s);
        let used = account.import + account.pv + account.discharged
            - account.export
            - account.charged
            - account.heat_pump
            - account.compute.total();
        self.pv.learn(account.slot, account.pv.mean_over(observed).0);
        self.load.learn(account.slot, used.mean_over(observed).positive().0);
        self.heat_pump.learn(account.slot, account.heat_pump.mean_over(observed).0);
    }

    /// Follows the outdoor temperature over `span`.
    pub(crate) fn learn_outdoor(&mut self, slot: Slot, outdoor: Celsius, span: Duration) {
        let weight = (span.as_secs_f64() / 86_400.0).min(1.0);
        let mean = self.outdoor_mean.unwrap_or(outdoor.0);
        self.outdoor_mean = Some(mean + weight * (outdoor.0 - mean));
        self.outdoor.set(slot, outdoor.0);
    }

    /// Mean outdoor temperature of the last day, where known.
    pub(crate) fn outdoor_mean(&self) -> Option<Celsius> {
        self.outdoor_mean.map(Celsius)
    }

    /// What is expected of `slot`, seen from `from`.
    pub(crate) fn expected(&self, from: Slot, slot: Slot, present: &Present) -> Present {
        let ahead = (slot.0 - from.0).clamp(0, 10_000) as i32;
        let level = |profile: &Profile, now: Option<Watts>| match (profile.at(slot), now) {
            (Some(usual), Some(now)) => {
                let difference = now.0 - profile.at(from).unwrap_or(now.0);
                Some(Watts((usual + difference * CONSUMPTION_DECAY.powi(ahead)).max(0.0)))
            }
            (Some(usual), None) => Some(Watts(usual)),
            (None, now) => now,
        };
        Present {
            pv: self.sky(from, slot, ahead, present.pv),
            load: level(&self.load, present.load),
            heat_pump: level(&self.heat_pump, present.heat_pump),
            outdoor: self.outdoor.at(slot).map(Celsius).or(present.outdoor),
        }
    }

    /// PV scales with how bright today is against the days before.
    fn sky(&self, from: Slot, slot: Slot, ahead: i32, now: Option<Watts>) -> Option<Watts> {
        let Some(usual) = self.pv.at(slot) else {
            return now.map(|now| if ahead < 4 { now } else { Watts::ZERO });
        };
        let brightness = match (now, self.pv.at(from)) {
            (Some(now), Some(before)) if before > 100.0 => (now.0 / before).clamp(0.1, 2.0),
            _ => 1.0,
        };
        let scale = 1.0 + (brightness - 1.0) * SKY_DECAY.powi(ahead);
        Some(Watts(usual * scale))
    }
}

#[derive(Clone, Debug)]
struct Profile(Vec<Option<f64>>);

impl Profile {
    fn at(&self, slot: Slot) -> Option<f64> {
        self.0.get(quarter(slot)).copied().flatten()
    }

    fn learn(&mut self, slot: Slot, value: f64) {
        let before = self.at(slot).unwrap_or(value);
        self.set(slot, before + NEWEST * (value - before));
    }

    fn set(&mut self, slot: Slot, value: f64) {
        if let Some(quarter) = self.0.get_mut(quarter(slot)) {
            *quarter = Some(value);
        }
    }
}

fn quarter(slot: Slot) -> usize {
    slot.0.rem_euclid(QUARTERS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(forecast: &mut Forecast, first: i64, pv: f64, load: f64) {
        for number in 0..QUARTERS as i64 {
            let mut account = SlotAccount::new(Slot(first + number));
            account.observed_s = 900.0;
            let light = if (24..72).contains(&number) { pv } else { 0.0 };
            account.pv = Watts(light).over(Slot::LENGTH);
            account.import = Watts(load).over(Slot::LENGTH);
            account.export = account.pv;
            forecast.learn(&account);
        }
    }

    #[test]
    fn tomorrow_is_like_the_days_before() {
        let mut forecast = Forecast::default();
        let first = 96 * 20_000;
        day(&mut forecast, first, 4000.0, 500.0);
        let from = Slot(first + 96 + 20);
        let expect = |slot: i64| forecast.expected(from, Slot(first + 96 + slot), &Present::default());
        assert_eq!(expect(22).pv, Some(Watts::ZERO));
        assert!((expect(40).pv.unwrap().0 - 4000.0).abs() < 1e-6);
        assert!((expect(40).load.unwrap().0 - 500.0).abs() < 1e-6);
    }

    #[test]
    fn a_dull_morning_dims_the_afternoon_less_and_less() {
        let mut forecast = Forecast::default();
        let first = 96 * 20_000;
        day(&mut forecast, first, 4000.0, 500.0);
        let from = Slot(first + 96 + 30);
        let present = Present { pv: Some(Watts(1000.0)), load: Some(Watts(1500.0)), ..Present::default() };
        let at = |ahead| forecast.expected(from, from.plus(ahead), &present);
        assert!((at(0).pv.unwrap().0 - 1000.0).abs() < 1e-6);
        assert!(at(4).pv < at(20).pv && at(20).pv < Some(Watts(4000.0)));
        assert!((at(0).load.unwrap().0 - 1500.0).abs() < 1e-6 && at(8).load < Some(Watts(700.0)));
    }

    #[test]
    fn without_a_past_no_sun_is_invented() {
        let present = Present { pv: Some(Watts(3000.0)), load: Some(Watts(400.0)), ..Present::default() };
        let at = |ahead| Forecast::default().expected(Slot(0), Slot(ahead), &present);
        assert_eq!((at(3).pv, at(4).pv), (Some(Watts(3000.0)), Some(Watts::ZERO)));
        assert_eq!(at(50).load, Some(Watts(400.0)));
        assert_eq!(Forecast::default().expected(Slot(0), Slot(1), &Present::default()), Present::default());
    }
}
