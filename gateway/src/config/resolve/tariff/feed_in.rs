//! What feed-in earns while the spot price is negative.
//!
//! The rule of the German EEG 2023, section 51, as amended by the law of 21 February 2025: plants commissioned from 25 February
//! 2025 on earn nothing in every quarter hour with a negative day-ahead price. Plants below 2 kW are exempt, and those below
//! 100 kW until the end of the calendar year in which they get an intelligent metering system. Older plants are paid as before;
//! the rules of older versions for plants above 100 kW are not known here.

use crate::config::Config;
use crate::config::resolve::{Faults, quoted};
use crate::config::tariff::NegativePrices;
use chrono::{Datelike, NaiveDate};
use plant::site::Negative;

/// Plants from this day on.
const FROM: Option<NaiveDate> = NaiveDate::from_ymd_opt(2025, 2, 25);
/// Smaller ones are exempt.
const EXEMPT_BELOW_W: f64 = 2_000.0;
/// Smaller ones wait for their metering system.
const METERED_BELOW_W: f64 = 100_000.0;

/// The rule for this house.
pub(super) fn negative(config: &Config, faults: &mut Faults) -> Negative {
    let export = &config.tariff.export;
    let commissioned = date("tariff.export.commissioned", export.commissioned.as_deref(), faults);
    let smart_meter = date("tariff.export.smart_meter", export.smart_meter.as_deref(), faults);
    let implied = if export.commissioned.is_some() { NegativePrices::Eeg } else { NegativePrices::Paid };
    let rule = export.negative_prices.unwrap_or(implied);
    if rule != NegativePrices::Eeg {
        let dates = [("commissioned", &export.commissioned), ("smart_meter", &export.smart_meter)];
        for (key, value) in dates.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            let expected = "is for tariff.export.negative_prices = \"eeg\"; expected that rule, or no date";
            faults.wrong(format!("tariff.export.{key}"), quoted(value), expected);
        }
    } else if export.commissioned.is_none() {
        let expected = "needs tariff.export.commissioned, the day on which the plant was commissioned";
        faults.wrong("tariff.export.negative_prices", quoted(rule.name()), expected);
    }
    let negative = match rule {
        NegativePrices::Paid => Negative::Paid,
        NegativePrices::NotBelowZero => Negative::Floor,
        NegativePrices::Unpaid => Negative::Unpaid { since: None },
        NegativePrices::Eeg => commissioned.map_or(Negative::Paid, |day| eeg(config, day, smart_meter)),
    };
    if matches!(negative, Negative::Unpaid { .. }) && config.tariff.spot.is_none() {
        let (key, value) = match &export.commissioned {
            Some(day) => ("tariff.export.commissioned", day.as_str()),
            None => ("tariff.export.negative_prices", rule.name()),
        };
        let expected =
            "power earns nothing while the spot price is negative; needs a section [tariff.spot] that says it";
        faults.wrong(key, quoted(value), expected);
    }
    negative
}

fn eeg(config: &Config, commissioned: NaiveDate, smart_meter: Option<NaiveDate>) -> Negative {
    let peak = config.pv.as_ref().map(|pv| pv.peak_w);
    let exempt = peak.is_some_and(|peak| peak < EXEMPT_BELOW_W);
    if FROM.is_none_or(|from| commissioned < from) || exempt {
        return Negative::Paid;
    }
    let waits = peak.is_none_or(|peak| peak < METERED_BELOW_W);
    let since = smart_meter.filter(|_| waits).and_then(|day| NaiveDate::from_ymd_opt(day.year() + 1, 1, 1));
    Negative::Unpaid { since }
}

fn date(key: &str, text: Option<&str>, faults: &mut Faults) -> Option<NaiveDate> {
    let text = text?;
    faults.take(key, text, text.parse::<NaiveDate>().map_err(|_| "expected a day as 2025-06-30".into()))
}
