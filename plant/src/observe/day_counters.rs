//! A day of the devices' own energy counters, held against the power that the same devices showed, summed up.
//!
//! Books are integrals of power. A counter that says something else tells of readings that are missing, of a wrong scale or of a
//! clamp on the wrong wire. Once a local day, each counter is compared with the power of its own device; where they differ by more
//! than [`DIFFERENCE`], it is said, with the device's name, until the next comparison.
//!
//! A counter that falls is a reset, not energy: it goes on from there. One that leaps by more than can flow is a slip. A day in which
//! the power was silent while the counter went on compares nothing; an inverter that sleeps at night goes on with nothing.
//!
//! Example: a meter's import counter goes from 812.40 to 822.40 kWh from midnight to midnight, its power adds up to 9.10 kWh: the
//! counter has 9.9 % more.

use crate::point::{DeviceId, Point, Sample};
use crate::site::Site;
use crate::time::{Moment, Timestamp};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::time::Duration;

/// Share by which a counter and the power may differ: two classes of accuracy of household meters (EN 50470, class A: 2 %), and
/// what lies between two readings.
const DIFFERENCE: f64 = 0.03;
/// Less than this in a day proves nothing, in kWh.
const LEAST: f64 = 1.0;
/// Steps of a counter by which both may differ.
const STEPS: f64 = 3.0;
/// Power must have been silent for less than this share of the time.
const SILENT_MAX: f64 = 0.005;
/// A counter that has moved by less over a silence stood still, in kWh.
const STILL: f64 = 0.05;
/// No more than this flows in a house, in kW.
const POWER_MAX: f64 = 1000.0;

/// Counters, the power that each counts, and whether what flows onto the bus (+) or off it (-) is counted.
const COUNTED: [(Point, Point, f64); 10] = [
    (Point::GridImportEnergy, Point::GridPower, 1.0),
    (Point::GridExportEnergy, Point::GridPower, -1.0),
    (Point::PvEnergy, Point::PvPower, 1.0),
    (Point::BatteryChargeEnergy, Point::BatteryPower, -1.0),
    (Point::BatteryDischargeEnergy, Point::BatteryPower, 1.0),
    (Point::HouseEnergy, Point::HousePower, 1.0),
    (Point::ComputeEnergy, Point::ComputePower, 1.0),
    (Point::HeatPumpEnergy, Point::HeatPumpPower, 1.0),
    (Point::HeatPumpHeatEnergy, Point::HeatPumpHeat, 1.0),
    (Point::WallboxEnergy, Point::WallboxPower, 1.0),
];

/// The counters of the day, and what the last day showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct DayCounters {
    pairs: BTreeMap<(DeviceId, Point), Pair>,
    powers: BTreeMap<(DeviceId, Point), Vec<Point>>,
    day: Option<NaiveDate>,
    found: Vec<String>,
}

/// A counter beside the power that it counts.
#[derive(Clone, Copy, Debug)]
struct Pair {
    sign: f64,
    max_age: Duration,
    /// When the power was read last, and what it was in W.
    power: Option<(Moment, f64)>,
    /// When the counter was read last, and what it was in kWh.
    counter: Option<(Moment, f64)>,
    day: Sums,
}

/// What a day has brought.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// By the power, in kWh.
    flowed: f64,
    /// The same until the counter was read last.
    flowed_counted: f64,
    /// By the counter, in kWh.
    counted: f64,
    /// The greatest step of the counter.
    step: f64,
    silent: Duration,
    /// The silence that lasts, or was over when the power was read last.
    pending: Duration,
    /// What the counter has moved in it: silence of a counter that stands still is none.
    moved: f64,
    lasted: Duration,
}

impl DayCounters {
    /// Nothing counted yet of the devices of `site`.
    pub(crate) fn new(site: &Site) -> Self {
        let mut counters = Self::default();
        for device in &site.devices {
            for (counter, power, sign) in COUNTED {
                if device.points.contains(&counter) && device.points.contains(&power) {
                    let max_age = device.slow.get(&power).map_or(device.max_age, |slow| device.max_age.max(*slow));
                    let pair = Pair { sign, max_age, power: None, counter: None, day: Sums::default() };
                    counters.pairs.insert((device.id.clone(), counter), pair);
                    counters.powers.entry((device.id.clone(), power)).or_default().push(counter);
                }
            }
        }
        counters
    }

    /// Takes in a reading that was taken at `at`.
    pub(crate) fn record(&mut self, sample: &Sample, at: Moment) {
        let key = (sample.device.clone(), sample.point);
        if let Some(pair) = self.pairs.get_mut(&key) {
            pair.count(at, sample.value);
        }
        for counter in self.powers.get(&key).into_iter().flatten() {
            if let Some(pair) = self.pairs.get_mut(&(sample.device.clone(), *counter)) {
                pair.flow(at, sample.value);
            }
        }
    }

    /// Compares where the local day has turned.
    pub(crate) fn pass(&mut self, site: &Site, now: Timestamp) {
        let day = now.with_timezone(&site.timezone).date_naive();
        if self.day == Some(day) {
            return;
        }
        if self.day.replace(day).is_some() {
            let pairs = self.pairs.iter_mut();
            self.found = pairs.filter_map(|((device, counter), pair)| pair.close(device, *counter)).collect();
        }
    }

    /// What the last day's comparison found, in words for a person.
    pub(crate) fn problems(&self) -> &[String] {
        &self.found
    }
}

impl Pair {
    /// The power was `value` at `at`; until then it was what it had been.
    fn flow(&mut self, at: Moment, value: Option<f64>) {
        if let Some((since, power)) = self.power {
            // The counter was read in between.
            self.speak();
            let span = at.since(since);
            let stood = span.min(self.max_age);
            self.day.flowed += (power * self.sign).max(0.0) * stood.as_secs_f64() / 3.6e6;
            self.day.pending += span - stood;
            self.day.lasted += span;
        }
        // What a device does not know is silence: it is not found again before the day is over.
        let known = value.filter(|value| value.is_finite());
        if known.is_none() {
            self.day.pending += self.max_age;
        }
        self.power = known.map(|value| (at, value));
    }

    /// Ends a silence.
    fn speak(&mut self) {
        let Sums { pending, moved, .. } = self.day;
        if moved > STILL {
            self.day.silent += pending;
        }
        (self.day.pending, self.day.moved) = (Duration::ZERO, 0.0);
    }

    /// The counter showed `value` at `at`.
    fn count(&mut self, at: Moment, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        let Some((since, last)) = self.counter.replace((at, value)) else {
            self.day = Sums::default();
            return;
        };
        let step = value - last;
        let most = POWER_MAX * at.since(since).as_secs_f64() / 3600.0 + LEAST;
        if (0.0..=most).contains(&step) {
            self.day.counted += step;
            self.day.step = self.day.step.max(step);
            if step > 0.0 {
                self.day.flowed_counted = self.day.flowed;
            }
            if !self.day.pending.is_zero() {
                self.day.moved += step;
            }
        } else {
            // Reset or slip: what flowed since the last reading is in no count.
            self.day.flowed = self.day.flowed_counted;
        }
    }

    /// Ends the day; a sentence where counter and power differ.
    fn close(&mut self, device: &DeviceId, counter: Point) -> Option<String> {
        self.speak();
        let Sums { flowed_counted, flowed, counted, step, silent, lasted, .. } = std::mem::take(&mut self.day);
        let silent = silent.as_secs_f64() > SILENT_MAX * lasted.as_secs_f64();
        // A counter that stands still is compared with all that flowed.
        let flowed = if counted > 0.0 { flowed_counted } else { flowed };
        let (most, difference) = (flowed.max(counted), counted - flowed);
        if silent || self.counter.is_none() || most < LEAST {
            return None;
        }
        let wrong = difference.abs() > DIFFERENCE * most && difference.abs() > STEPS * step.min(LEAST);
        let percent = difference.abs() / flowed.max(1e-3) * 100.0;
        let than = if difference > 0.0 { "more" } else { "less" };
        wrong.then(|| {
            format!(
                "{device}: its counter {counter} went on by {counted:.2} kWh in the last day, its power adds up to {flowed:.2} kWh: the counter has {percent:.0} % {than}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::{at, site};

    /// A day of a meter that shows `power` W every ten seconds and counts `share` of it; `disturb` changes what it shows.
    fn day(share: f64, disturb: impl Fn(i64, &mut Option<f64>, &mut Option<f64>)) -> Vec<String> {
        let mut site = site();
        let meter = site.devices.iter_mut().find(|device| device.points.contains(&Point::GridPower)).unwrap();
        meter.points.extend([Point::GridImportEnergy, Point::GridExportEnergy]);
        let device = meter.id.clone();
        let mut counters = DayCounters::new(&site);
        let start = at("2026-05-01T22:00:00Z");
        let mut energy = 812.4;
        for step in 0..=8640_i64 {
            let now = start + chrono::TimeDelta::seconds(step * 10);
            let moment = Moment::default().after(Duration::from_secs(step as u64 * 10));
            counters.pass(&site, now);
            let power = 400.0 + 300.0 * (step as f64 / 500.0).sin();
            let (mut shown, mut counted) = (Some(power), Some((energy * 100.0_f64).floor() / 100.0));
            disturb(step, &mut shown, &mut counted);
            for (point, value) in [(Point::GridPower, shown), (Point::GridImportEnergy, counted)] {
                counters.record(&Sample { device: device.clone(), point, value, at: now }, moment);
            }
            energy += share * power * 10.0 / 3.6e6;
        }
        counters.problems().to_vec()
    }

    #[test]
    fn a_counter_that_says_something_else_is_named_once_a_day() {
        assert_eq!(day(1.0, |_, _, _| ()), Vec::<String>::new());
        assert_eq!(day(1.025, |_, _, _| ()), Vec::<String>::new());
        let found = day(1.10, |_, _, _| ());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("meter: its counter grid.import_energy went on by")
                && found[0].ends_with("has 10 % more"),
            "{found:?}"
        );
        assert!(day(0.9, |_, _, _| ())[0].ends_with("has 10 % less"));
        // One that stands still.
        assert!(day(0.0, |_, _, _| ())[0].ends_with("has 100 % less"));
    }

    #[test]
    fn a_reset_is_no_energy_a_slip_neither_and_silence_proves_nothing() {
        let reset = |step: i64, _: &mut Option<f64>, counted: &mut Option<f64>| {
            *counted = counted.map(|counted| if step > 4000 { counted - 816.0 } else { counted });
        };
        assert_eq!(day(1.0, reset), Vec::<String>::new());
        let slip = |step: i64, _: &mut Option<f64>, counted: &mut Option<f64>| {
            if step == 4000 {
                *counted = Some(0.0);
            }
        };
        assert_eq!(day(1.0, slip), Vec::<String>::new());
        let silent = |step: i64, shown: &mut Option<f64>, _: &mut Option<f64>| {
            if (3000..3360).contains(&step) {
                *shown = None;
            }
        };
        assert_eq!(day(1.0, silent), Vec::<String>::new());
        // An inverter that sleeps for ten hours, and whose counter has a tenth more by day.
        let night: f64 = (0..3600).map(|step| (400.0 + 300.0 * (f64::from(step) / 500.0).sin()) * 10.0 / 3.6e6).sum();
        let asleep = |step: i64, shown: &mut Option<f64>, counted: &mut Option<f64>| {
            if step < 3600 {
                (*shown, *counted) = (None, Some(812.4));
            } else {
                *counted = counted.map(|counted| counted - 1.1 * night);
            }
        };
        let found = day(1.1, asleep);
        assert!(found.len() == 1 && found[0].ends_with("has 10 % more"), "{found:?}");
    }
}
