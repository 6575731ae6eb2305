//! What a simulated house is told of sun and weather ahead: as much as a public weather service knows, and no more.
//!
//! ```text
//! expected = mean of the true hour * (1 + g * (d + h))         PV and irradiance, never below zero
//! expected = mean of the true hour + g * 1.5 K * k             air outside
//!
//! d   one number a day, most of which later forecasts of that day share: the front comes earlier or later than thought
//! h   by the hour, each like the one before (AR(1), 0.7): showers and fog
//! k   the same for the air, slower (0.9)
//! g   grows with the root of the lead, 1 a day ahead
//! ```
//!
//! Sizes: a day ahead PV of a single roof is off by 15 to 20 % of a day's yield and 25 % of an hour's, the air by 1.5 K, all rms, as
//! is found for public services. Forecasts come every three hours, and when they come they are two hours old. Of the load nobody says
//! anything: the house expects it from its own days.

use super::chance::normal;
use super::trace::Row;
use plant::outlook::Outlook;
use plant::time::Slot;
use plant::units::{Celsius, Watts};
use std::collections::BTreeMap;

/// Slots between two forecasts.
const EVERY: i64 = 12;
/// Hours by which a forecast is old when it comes.
const OLD_H: f64 = 2.0;
/// Slots that a forecast reaches ahead.
const REACH: i64 = 48 * 4;
/// Error of a day's PV, as a share, a day ahead; half of its variance is new with each forecast.
const DAY: f64 = 0.13;
/// The same by the hour.
const HOUR: f64 = 0.21;
/// How much an hour's error is like that of the hour before.
const HOUR_STAYS: f64 = 0.7;
/// Error of the air outside a day ahead, K.
const OUTDOOR_K: f64 = 1.5;
const OUTDOOR_STAYS: f64 = 0.9;
/// Errors grow no more beyond so many times those of a day ahead.
const GROWN_MAX: f64 = 1.3;
/// No forecast is beyond so many times the truth, nor beyond what a kWp can give in W.
const FACTOR_MAX: f64 = 3.0;
const PV_MAX: f64 = 1100.0;

/// Who tells the house of sun and weather ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// The trace itself: no service knows that much. Load and hot water, too.
    Perfect,
    /// A weather service with the errors of public ones, or the trace's own columns of forecasts.
    #[default]
    Service,
    /// Nobody: the house expects everything from its own days.
    None,
}

/// The service and the chance that makes its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Who it is.
    pub source: Source,
    /// Of its errors.
    pub seed: u64,
}

/// The streams of chance.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Day,
    DayAnew,
    Hour,
    Outdoor,
}

impl Service {
    /// Whether there is a new forecast in `slot`.
    pub(super) fn has_news(self, slot: Slot) -> bool {
        self.source != Source::None && slot.0.rem_euclid(EVERY) == 0
    }

    /// The newest forecast in `slot` for a PV of `peak_kw`; nothing beyond the trace.
    pub(super) fn forecast(self, rows: &BTreeMap<Slot, Row>, slot: Slot, peak_kw: f64) -> Outlook {
        match self.source {
            Source::None => Outlook::default(),
            Source::Perfect => truth(rows, slot, peak_kw),
            Source::Service => self.expected(rows, slot, peak_kw),
        }
    }

    fn expected(self, rows: &BTreeMap<Slot, Row>, slot: Slot, peak_kw: f64) -> Outlook {
        let issue = slot.0.div_euclid(EVERY);
        let first = Slot(issue * EVERY);
        let mut outlook = Outlook::default();
        let (mut sun, mut air) = (0.0, 0.0);
        for hour in 0..REACH / 4 {
            let start = first.plus(hour * 4);
            let chance = |stream: Stream| normal(self.seed, stream as u64, issue * 1000 + hour);
            sun = follows(sun, chance(Stream::Hour), HOUR_STAYS, hour);
            air = follows(air, chance(Stream::Outdoor), OUTDOOR_STAYS, hour);
            let grown = ((hour as f64 + OLD_H) / 24.0).sqrt().min(GROWN_MAX);
            let factor = (1.0 + grown * (self.of_day(start, issue) + HOUR * sun)).clamp(0.0, FACTOR_MAX);
            let Some(mean) = Mean::of(rows, start) else { continue };
            for quarter in (0..4).map(|number| start.plus(number)) {
                let Some(row) = rows.get(&quarter) else { continue };
                let own = row.forecast;
                let pv = own.pv_per_kwp.unwrap_or_else(|| Some((mean.pv * factor).min(PV_MAX)));
                let ghi = own.ghi.unwrap_or(Some(mean.ghi * factor));
                let outdoor = own.outdoor.unwrap_or(Some(mean.outdoor + grown * OUTDOOR_K * air));
                outlook.pv.extend(pv.map(|pv| (quarter, Watts(pv * peak_kw))));
                outlook.irradiance.extend(ghi.map(|ghi| (quarter, ghi)));
                outlook.outdoor.extend(outdoor.map(|outdoor| (quarter, Celsius(outdoor))));
            }
        }
        outlook
    }

    /// What the day of `slot` is expected to be more than it will be, as a share a day ahead. Days are those of UTC: it is night then
    /// in most of Europe.
    fn of_day(self, slot: Slot, issue: i64) -> f64 {
        let day = slot.0.div_euclid(96);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let shared = normal(self.seed, Stream::Day as u64, day);
        let anew = normal(self.seed, Stream::DayAnew as u64, issue * 8 + day - issue.div_euclid(8));
        DAY * half * (shared + anew)
    }
}

/// The next number of a row in which each is like the one before, with deviation 1.
fn follows(before: f64, chance: f64, stays: f64, number: i64) -> f64 {
    if number == 0 { chance } else { stays * before + (1.0 - stays * stays).sqrt() * chance }
}

/// What will be.
fn truth(rows: &BTreeMap<Slot, Row>, slot: Slot, peak_kw: f64) -> Outlook {
    let mut outlook = Outlook::default();
    for (slot, row) in rows.range(slot..slot.plus(REACH)) {
        outlook.pv.insert(*slot, Watts(row.pv_per_kwp * peak_kw));
        outlook.load.insert(*slot, row.load);
        outlook.outdoor.insert(*slot, row.outdoor);
        outlook.irradiance.insert(*slot, row.ghi);
        outlook.hot_water.insert(*slot, row.hot_water);
    }
    outlook
}

/// Means of an hour of the trace: no service knows the cloud of the next quarter.
struct Mean {
    pv: f64,
    ghi: f64,
    outdoor: f64,
}

impl Mean {
    fn of(rows: &BTreeMap<Slot, Row>, start: Slot) -> Option<Self> {
        let hour: Vec<&Row> = rows.range(start..start.plus(4)).map(|(_, row)| row).collect();
        let mean = |value: fn(&Row) -> f64| hour.iter().map(|row| value(row)).sum::<f64>() / hour.len() as f64;
        (!hour.is_empty()).then(|| Self {
            pv: mean(|row| row.pv_per_kwp).max(0.0),
            ghi: mean(|row| row.ghi).max(0.0),
            outdoor: mean(|row| row.outdoor.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::trace::Forecasted;
    use plant::units::EurPerKwh;

    /// Midnight of 10 June 2024, UTC.
    const START: Slot = Slot(1_908_864);
    const DAYS: i64 = 400;

    fn rows() -> BTreeMap<Slot, Row> {
        let row = |number: i64| {
            let noon = (-((number % 96 - 48) as f64 / 16.0).powi(2)).exp();
            Row {
                price: EurPerKwh(0.1),
                pv_per_kwp: if noon > 0.02 { 800.0 * noon } else { 0.0 },
                load: Watts(400.0),
                outdoor: Celsius(15.0 + 5.0 * noon),
                ghi: 800.0 * noon,
                hot_water: Watts::ZERO,
                forecast: Forecasted::default(),
            }
        };
        (0..DAYS * 96).map(|number| (START.plus(number), row(number))).collect()
    }

    const SERVICE: Service = Service { source: Source::Service, seed: 5 };

    fn rms(errors: &[f64]) -> f64 {
        (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
    }

    /// Errors of PV by the day and by the hour, and of the air, of forecasts that come at noon: of the day `ahead` days later.
    fn errors(ahead: i64) -> (f64, f64, f64) {
        let rows = rows();
        let (mut days, mut hours, mut air) = (Vec::new(), Vec::new(), Vec::new());
        for day in 0..DAYS - 3 {
            let expected = SERVICE.forecast(&rows, START.plus(day * 96 + if ahead == 0 { 24 } else { 48 }), 1.0);
            let (mut sum, mut of_truth) = (0.0, 0.0);
            for quarter in (0..96).step_by(4).map(|number| START.plus((day + ahead) * 96 + number)) {
                let Some(pv) = expected.pv.get(&quarter) else { continue };
                let mean = Mean::of(&rows, quarter).unwrap();
                sum += pv.0;
                of_truth += mean.pv;
                if mean.pv > 200.0 {
                    hours.push(pv.0 / mean.pv - 1.0);
                }
                air.push(expected.outdoor[&quarter].0 - mean.outdoor);
            }
            days.push(sum / of_truth - 1.0);
        }
        (rms(&days), rms(&hours), rms(&air))
    }

    #[test]
    fn a_service_is_off_as_public_ones_are_and_less_so_for_the_hours_ahead() {
        let (day, hour, air) = errors(1);
        assert!((0.14..0.21).contains(&day), "a day: {day}");
        assert!((0.21..0.29).contains(&hour), "an hour: {hour}");
        assert!((1.2..1.8).contains(&air), "the air: {air}");
        let (today, this_hour, now) = errors(0);
        assert!(today < 0.75 * day && this_hour < 0.75 * hour && now < 0.75 * air, "{today} {this_hour} {now}");
    }

    #[test]
    fn forecasts_come_every_three_hours_and_repeat_by_their_seed() {
        let rows = rows();
        let noon = START.plus(48);
        assert!(SERVICE.has_news(noon) && SERVICE.has_news(noon.plus(12)));
        assert!((1..12).all(|number| !SERVICE.has_news(noon.plus(number))));
        let first = SERVICE.forecast(&rows, noon, 1.0);
        assert_eq!(first, SERVICE.forecast(&rows, noon, 1.0));
        assert_ne!(first, SERVICE.forecast(&rows, noon.plus(12), 1.0));
        assert_ne!(first, Service { seed: 6, ..SERVICE }.forecast(&rows, noon, 1.0));
        assert_eq!((first.pv.len(), first.outdoor.len(), first.irradiance.len()), (192, 192, 192));
        assert!(first.load.is_empty() && first.hot_water.is_empty(), "nobody says what the house will draw");
        assert!(first.spot.is_empty(), "prices come from the exchange");
    }

    #[test]
    fn nobody_says_nothing_and_perfect_is_the_trace() {
        let rows = rows();
        let nobody = Service { source: Source::None, seed: 1 };
        assert!(!nobody.has_news(START) && nobody.forecast(&rows, START, 1.0) == Outlook::default());
        let perfect = Service { source: Source::Perfect, seed: 1 }.forecast(&rows, START, 10.0);
        assert_eq!((perfect.pv.len(), perfect.load.len()), (192, 192));
        assert!(perfect.pv.iter().all(|(slot, pv)| pv.0 == rows[slot].pv_per_kwp * 10.0));
    }

    #[test]
    fn the_traces_own_forecasts_count_where_it_has_some() {
        let mut rows = rows();
        for (slot, row) in &mut rows {
            let pv_per_kwp = Some((slot.0 % 2 == 0).then_some(77.0));
            row.forecast = Forecasted { pv_per_kwp, ..Forecasted::default() };
        }
        let expected = SERVICE.forecast(&rows, START, 10.0);
        assert!(
            expected.pv.len() == 96 && expected.pv.values().all(|pv| *pv == Watts(770.0)),
            "none where it is left out"
        );
        assert_eq!(expected.outdoor.len(), 192);
    }
}
