//! PV of the slots ahead: the weather service's forecast, or else what the roof yields on a bright day, times a share that the ratios of
//! the last hours and days foretell.

use super::days::{Column, Days, LocalTime, PER_DAY, QUARTERS, day_of, quantile, quarter_of};
use super::ratios::{Keep, Ratios};
use super::ridge::{self, BRIGHTEST, CLASSES, Issue, Seen, Weights};
use crate::knowledge::PvBase;
use crate::time::Slot;
use std::sync::Arc;

/// Days of which the bright ones show what the roof yields.
const ENVELOPE_DAYS: i64 = 21;
/// Share of their values that lie below it.
const ENVELOPE_SHARE: f64 = 0.9;
/// Days of which the mean is taken, and what weighs a day less than the one after it.
const MEAN_DAYS: i64 = 10;
const MEAN_FADE: f64 = 5.0;
/// Days from which the weights are learnt, and those before them that bring the ratios to their values.
const FIT_DAYS: i64 = 75;
const LEAD_IN: i64 = 40;
/// Every hour of them is taken as a moment from which 36 hours were to be foretold.
const FIT_STEP: usize = 4;
const FIT_AHEAD: usize = 144;
/// More than this share of the roof's peak is daylight.
const DAYLIGHT: f64 = 0.03;
/// Slots of daylight, about three days, after which what was seen of a base counts.
const SEEN_MIN: u32 = 100;
/// Slots ahead of which the spread is shown to people.
const SOME_HOURS: i64 = 20;
/// The least share of its base that is expected.
const DARKEST: f64 = 0.02;
/// Spread of a weather service's forecast, and of the mean of the days before, about which nothing is learnt yet.
const SERVICE_SPREAD: f64 = 0.3;
const MEAN_SPREAD: f64 = 0.55;
/// Slots in which the difference from the mean of the days before fades, and the one from a service about which nothing is learnt.
const MEAN_FADES: f64 = 10.0;
const SERVICE_FADES: f64 = 8.0;
/// Without a day to compare with, power stays as it is for an hour; beyond that no sun is invented.
const STAYS: i64 = 4;

/// What is known of the sun on the roof.
#[derive(Clone, Debug, Default)]
pub(super) struct Sun {
    /// The roof's peak power, kW.
    pub peak: f64,
    keep: Keep,
    own: Base,
    service: Base,
    day: Arc<Today>,
}

/// A base of forecasts, and how PV compares with it.
#[derive(Clone, Debug, Default)]
struct Base {
    ratios: Ratios,
    weights: Arc<Weights>,
    /// Slots of daylight that were compared with it.
    seen: u32,
}

/// What is worked out once a UTC day.
#[derive(Clone, Debug)]
struct Today {
    day: i64,
    /// The day before which the weights were learnt.
    fitted: Option<i64>,
    /// What the roof yields on a bright day, kW.
    envelope: [f64; PER_DAY],
    /// Means of the last days; NaN where unknown.
    pv: [f64; PER_DAY],
    sun: [f64; PER_DAY],
}

impl Default for Today {
    fn default() -> Self {
        let unknown = [f64::NAN; PER_DAY];
        Self { day: i64::MIN, fitted: None, envelope: [0.0; PER_DAY], pv: unknown, sun: unknown }
    }
}

/// PV of a slot in kW, with one standard deviation; `None` where nobody knows.
pub(super) type Expected = Option<(f64, f64)>;

/// Where a slot lies as seen from now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The slot.
    pub slot: Slot,
    /// Slots from now.
    pub ahead: i64,
    /// Whether it belongs to the same local day.
    pub same_day: bool,
}

impl Sun {
    /// Nothing known of a roof of `peak` kW.
    pub(super) fn new(peak: f64) -> Self {
        Self { peak, ..Self::default() }
    }

    /// Turns to the UTC day of `slot`: its envelope and means are worked out, and where they are due and wanted the weights.
    pub(super) fn turn_to(&mut self, slot: Slot, days: &Days, zone: LocalTime, weights: bool) {
        let day = day_of(slot);
        if self.day.day != day {
            let today = Today {
                day,
                fitted: self.day.fitted,
                envelope: envelope(days, day),
                pv: mean(days, Column::Pv, day),
                sun: mean(days, Column::Sun, day),
            };
            self.day = Arc::new(today);
        }
        if weights
            && self.peak > 0.0
            && let Some(due) = days.due(day)
            && self.day.fitted != Some(due)
        {
            Arc::make_mut(&mut self.day).fitted = Some(due);
            self.own.weights = Arc::new(self.fit(Column::Envelope, days, due, zone));
            self.service.weights = Arc::new(self.fit(Column::ExpectedPv, days, due, zone));
        }
    }

    /// Takes in a slot of the day that was turned to, in kW; returns its envelope.
    pub(super) fn pass(&mut self, slot: Slot, pv: Option<f64>, expected: Option<f64>) -> Option<f64> {
        if self.peak <= 0.0 {
            return None;
        }
        let envelope = self.day.envelope[quarter_of(slot)];
        if let Some(pv) = pv {
            self.own.pass((pv, envelope), self.peak, &self.keep);
            if let Some(expected) = expected {
                self.service.pass((pv, expected), self.peak, &self.keep);
            }
        }
        Some(envelope)
    }

    /// PV at `place` where the weather service expects `service` kW.
    pub(super) fn expect(&self, place: Place, service: Option<f64>, last: &Last) -> Expected {
        let learnt = |base: &Base, kilowatts: f64| {
            let class = ridge::class(place.ahead, place.same_day);
            let (share, spread) = base.weights.expect(class, &base.ratios.features());
            let pv = (kilowatts * share.clamp(DARKEST, BRIGHTEST)).min(self.peak);
            (pv, spread * pv)
        };
        let fades = |slots: f64| (-(place.ahead as f64) / slots).exp();
        if let Some(kilowatts) = service {
            if self.service.seen >= SEEN_MIN {
                return Some(learnt(&self.service, kilowatts));
            }
            let pv = (kilowatts * (1.0 + (last.of_service - 1.0) * fades(SERVICE_FADES))).min(self.peak);
            return Some((pv, SERVICE_SPREAD * pv));
        }
        let quarter = quarter_of(place.slot);
        if self.own.seen >= SEEN_MIN {
            return Some(learnt(&self.own, self.day.envelope[quarter]));
        }
        let usual = self.day.pv[quarter];
        if usual.is_nan() {
            return last.pv.map(|pv| if place.ahead < STAYS { pv } else { 0.0 }).map(|pv| (pv, MEAN_SPREAD * pv));
        }
        let pv = (usual * (1.0 + (last.of_mean - 1.0) * fades(MEAN_FADES))).min(self.peak);
        Some((pv, MEAN_SPREAD * pv))
    }

    /// What PV is expected from at `slot`, and its relative spread some hours later.
    pub(super) fn base(&self, service: bool, slot: Slot) -> (PvBase, f64) {
        let spread = |base: &Base| {
            let (_, spread) = base.weights.expect(ridge::class(SOME_HOURS, true), &base.ratios.features());
            spread
        };
        let usual = self.day.pv[quarter_of(slot)];
        match () {
            () if service && self.service.seen >= SEEN_MIN => (PvBase::ServiceCorrected, spread(&self.service)),
            () if service => (PvBase::Service, SERVICE_SPREAD),
            () if self.own.seen >= SEEN_MIN => (PvBase::BrightDays, spread(&self.own)),
            () if !usual.is_nan() => (PvBase::DaysBefore, MEAN_SPREAD),
            () => (PvBase::Present, MEAN_SPREAD),
        }
    }

    /// Sun on the ground at `place` in W/m2, where `pv` kW are expected: as bright as PV is beside its mean.
    pub(super) fn irradiance(&self, place: Place, pv: f64) -> Option<f64> {
        let quarter = quarter_of(place.slot);
        let (usual, sun) = (self.day.pv[quarter], self.day.sun[quarter]);
        (!sun.is_nan()).then(|| sun * self.brighter(pv, usual))
    }

    /// How much brighter `pv` is than `usual`; 1 at night and where it is not known.
    pub(super) fn brighter(&self, pv: f64, usual: f64) -> f64 {
        if usual > 0.002 * self.peak { (pv / usual).clamp(0.0, 3.0) } else { 1.0 }
    }

    /// What the last slots before `from` say of the next.
    pub(super) fn last(&self, days: &Days, from: Slot, present: Option<f64>) -> Last {
        let hour = || (1..=4).map(|back| from.plus(-back));
        let known = |slot: Slot| Some((days.get(Column::Pv, slot)?, self.day.pv[quarter_of(slot)]));
        let (seen, usual) = hour()
            .filter_map(known)
            .filter(|(_, usual)| !usual.is_nan())
            .fold((0.0, 0.0), |(seen, usual), (pv, mean)| (seen + pv, usual + mean));
        let before = from.plus(-1);
        let last = days.get(Column::Pv, before);
        let expected = days.get(Column::ExpectedPv, before).filter(|expected| *expected > DAYLIGHT * self.peak);
        Last {
            pv: present.or(last),
            of_mean: if usual > 0.07 * self.peak { (seen / usual).clamp(0.1, 3.0) } else { 1.0 },
            of_service: last.zip(expected).map_or(1.0, |(pv, expected)| (pv / expected).clamp(0.2, 3.0)),
        }
    }

    /// The weights that would have foretold the days before `day` best, over the base in `column`.
    fn fit(&self, column: Column, days: &Days, day: i64, zone: LocalTime) -> Weights {
        let Some((first, _)) = days.span() else { return Weights::default() };
        let from = first.max(day - FIT_DAYS - LEAD_IN);
        let begin = ((first + 2).max(day - FIT_DAYS) - from) * QUARTERS;
        let slots = Past::of(days, column, (from, day), self.peak, zone);
        let (mut ratios, mut issues) = (Ratios::default(), Vec::new());
        for (place, (pv, base)) in slots.values.iter().enumerate() {
            if place as i64 >= begin && place % FIT_STEP == 0 && place + FIT_AHEAD <= slots.values.len() {
                issues.push(slots.issue(place, &ratios));
            }
            if !pv.is_nan() && !base.is_nan() {
                ratios.pass(*pv, *base, &self.keep);
            }
        }
        if issues.len() < 24 { Weights::default() } else { ridge::fit(&issues) }
    }
}

impl Base {
    fn pass(&mut self, (pv, base): (f64, f64), peak: f64, keep: &Keep) {
        self.ratios.pass(pv / peak, base / peak, keep);
        self.seen = self.seen.saturating_add(u32::from(base > DAYLIGHT * peak));
    }
}

/// What the last slots say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Last {
    /// PV now, kW.
    pv: Option<f64>,
    /// The last hour beside the same hour of the days before.
    of_mean: f64,
    /// The last slot beside what the weather service had expected of it.
    of_service: f64,
}

/// The slots that are learnt from, in order and without gaps.
struct Past {
    /// PV and base as shares of the peak; NaN where unknown.
    values: Vec<(f64, f64)>,
    /// The local day of each.
    local: Vec<i64>,
}

impl Past {
    fn of(days: &Days, column: Column, (from, to): (i64, i64), peak: f64, zone: LocalTime) -> Self {
        let unknown = [f32::NAN; PER_DAY];
        let (mut values, mut local) = (Vec::new(), Vec::new());
        for day in from..to {
            let pv = days.day(Column::Pv, day).unwrap_or(&unknown);
            let base = days.day(column, day).unwrap_or(&unknown);
            let share = |value: f32| f64::from(value) / peak;
            values.extend(pv.iter().zip(base).map(|(pv, base)| (share(*pv), share(*base))));
            local.extend(zone.of_day(day).map(|(_, day, _)| day));
        }
        Self { values, local }
    }

    /// What was known before the slot at `place`, and what came from there on.
    fn issue(&self, place: usize, ratios: &Ratios) -> Issue {
        let mut seen = [Seen::default(); CLASSES];
        let to_come = self.values[place..].iter().zip(&self.local[place..]).take(FIT_AHEAD);
        for (ahead, ((pv, base), day)) in to_come.enumerate() {
            if *base > 0.0 && !pv.is_nan() {
                let seen = &mut seen[ridge::class(ahead as i64, *day == self.local[place])];
                seen.base += base * base;
                seen.both += base * pv;
                seen.pv += pv * pv;
            }
        }
        (ratios.features(), seen)
    }
}

/// What the roof yields on a bright day: what nine tenths of the values of the last three weeks lie below, neighbours pooled and smoothed.
fn envelope(days: &Days, day: i64) -> [f64; PER_DAY] {
    let past: Vec<&[f32; PER_DAY]> = (day - ENVELOPE_DAYS..day).filter_map(|past| days.day(Column::Pv, past)).collect();
    let around = |quarter: usize| [(quarter + PER_DAY - 1) % PER_DAY, quarter, (quarter + 1) % PER_DAY];
    let mut values = Vec::with_capacity(3 * past.len());
    let bright: [f64; PER_DAY] = std::array::from_fn(|quarter| {
        values.clear();
        let known = past.iter().flat_map(|pv| around(quarter).map(|at| f64::from(pv[at])));
        values.extend(known.filter(|pv| !pv.is_nan()));
        quantile(&mut values, ENVELOPE_SHARE)
    });
    std::array::from_fn(|quarter| {
        let [before, at, after] = around(quarter);
        0.25 * bright[before] + 0.5 * bright[at] + 0.25 * bright[after]
    })
}

/// The mean of the last days, the newest counting most; NaN where nothing is known.
fn mean(days: &Days, column: Column, day: i64) -> [f64; PER_DAY] {
    let (mut sums, mut weights) = ([0.0; PER_DAY], [0.0; PER_DAY]);
    for past in day - MEAN_DAYS..day {
        let Some(values) = days.day(column, past) else { continue };
        let weight = (-((day - past) as f64) / MEAN_FADE).exp();
        for (quarter, value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            sums[quarter] += weight * f64::from(*value);
            weights[quarter] += weight;
        }
    }
    std::array::from_fn(|quarter| sums[quarter] / weights[quarter])
}
