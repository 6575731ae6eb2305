//! What a kilowatt-hour costs and earns at a moment: the sum of the contract's parts. An unknown spot price stays unknown.
//!
//! Example: a contract that bills hourly means, and quarters of 0, 0, 0 and 0.80 from 12:00: each of the four costs 0.20. While the
//! price of 12:45 is not published, the whole hour's price is unknown.

use crate::site::{Billed, Negative, Part, Price, PriceWindow, Rate, Tariff};
use crate::time::{Slot, Timestamp};
use crate::units::EurPerKwh;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Timelike};
use chrono_tz::Tz;

/// Quarters of an hour.
const QUARTERS: i64 = 4;
/// Minutes of a slot.
const SLOT_MINUTES: i64 = Slot::SECONDS / 60;

/// Both sides of the tariff at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prices {
    /// What imported power costs.
    pub import: Option<EurPerKwh>,
    /// What exported power earns.
    pub export: Option<EurPerKwh>,
}

impl Prices {
    /// Whether both are known.
    pub(crate) fn known(self) -> bool {
        self.import.is_some() && self.export.is_some()
    }
}

/// The prices at `at`, where `spot` says the spot price of each slot that is known.
pub fn prices(tariff: &Tariff, timezone: Tz, at: Timestamp, spot: impl Fn(Slot) -> Option<EurPerKwh>) -> Prices {
    let local = at.with_timezone(&timezone);
    Prices { import: price(&tariff.import, &local, &spot), export: price(&tariff.export, &local, &spot) }
}

/// The mean prices of a slot: of its minutes where a window begins or ends inside it, as one from 22:38 does.
pub fn slot_prices(tariff: &Tariff, timezone: Tz, slot: Slot, spot: impl Fn(Slot) -> Option<EurPerKwh>) -> Prices {
    let inside = [&tariff.import, &tariff.export].into_iter().any(changes_inside_slots);
    let count = if inside { SLOT_MINUTES } else { 1 };
    let moments = (0..count).map(|minute| slot.start() + TimeDelta::minutes(minute));
    let each: Vec<Prices> = moments.map(|at| prices(tariff, timezone, at, &spot)).collect();
    let mean = |side: fn(&Prices) -> Option<EurPerKwh>| {
        let sum: Option<EurPerKwh> = each.iter().map(side).sum();
        sum.map(|sum| sum / count as f64)
    };
    Prices { import: mean(|prices| prices.import), export: mean(|prices| prices.export) }
}

/// The parts of a price at `at`, each as the contract states it, with or without its taxes.
pub fn parts(
    price: &Price,
    timezone: Tz,
    at: Timestamp,
    spot: impl Fn(Slot) -> Option<EurPerKwh>,
) -> Vec<(&Part, Option<EurPerKwh>)> {
    let local = at.with_timezone(&timezone);
    price.parts.iter().map(|part| (part, rate(&part.rate, &local, &spot))).collect()
}

/// One side of the tariff.
fn price(price: &Price, local: &DateTime<Tz>, spot: &impl Fn(Slot) -> Option<EurPerKwh>) -> Option<EurPerKwh> {
    if is_unpaid(price.negative, local.date_naive()) && spot(slot_of(local))? < EurPerKwh::ZERO {
        return Some(EurPerKwh::ZERO);
    }
    let (mut net, mut gross) = (EurPerKwh::ZERO, EurPerKwh::ZERO);
    for part in &price.parts {
        let value = rate(&part.rate, local, spot)?;
        if part.taxes_included { gross += value } else { net += value }
    }
    let sum = net * (1.0 + price.tax) + gross;
    Some(if price.negative == Negative::Floor { sum.positive() } else { sum })
}

fn is_unpaid(negative: Negative, day: NaiveDate) -> bool {
    match negative {
        Negative::Unpaid { since } => since.is_none_or(|since| day >= since),
        Negative::Paid | Negative::Floor => false,
    }
}

fn rate(rate: &Rate, local: &DateTime<Tz>, spot: &impl Fn(Slot) -> Option<EurPerKwh>) -> Option<EurPerKwh> {
    match rate {
        Rate::Clock { price, windows } => {
            let window = windows.iter().find(|window| contains(window, local));
            Some(window.map_or(*price, |window| window.price))
        }
        Rate::Spot { share, billed: Billed::Quarter } => spot(slot_of(local)).map(|spot| spot * *share),
        Rate::Spot { share, billed: Billed::Hour } => {
            let first = hour_of(local);
            let sum: Option<EurPerKwh> = (0..QUARTERS).map(|quarter| spot(first.plus(quarter))).sum();
            sum.map(|sum| sum / QUARTERS as f64 * *share)
        }
    }
}

fn slot_of(local: &DateTime<Tz>) -> Slot {
    Slot::containing(local.to_utc())
}

/// The first slot of the local clock hour. The hour that autumn repeats is two hours, each with its own mean.
fn hour_of(local: &DateTime<Tz>) -> Slot {
    Slot::containing(local.to_utc() - TimeDelta::minutes(local.minute().into()))
}

/// A window whose ends are equal is the whole day.
fn contains(window: &PriceWindow, local: &DateTime<Tz>) -> bool {
    let minute = (local.hour() * 60 + local.minute()) as u16;
    let (from, to) = (window.from_minute, window.to_minute);
    let (evening, morning) = (minute >= from, minute < to);
    let day = local.date_naive();
    let begun = match (from < to, evening, morning) {
        (true, true, true) | (false, true, _) => Some(day),
        (false, false, true) => day.checked_sub_days(Days::new(1)),
        (true, _, _) | (false, false, false) => None,
    };
    let holds = |days: &std::collections::BTreeSet<u8>, number: u32| {
        days.is_empty() || days.iter().any(|day| u32::from(*day) == number)
    };
    let on_weekday = begun.is_some_and(|day| holds(&window.weekdays, day.weekday().number_from_monday()));
    on_weekday && holds(&window.months, local.month())
}

/// Whether a window begins or ends inside a quarter hour.
fn changes_inside_slots(price: &Price) -> bool {
    let odd = |minute: u16| i64::from(minute) % SLOT_MINUTES != 0;
    price.parts.iter().any(|part| match &part.rate {
        Rate::Clock { windows, .. } => windows.iter().any(|window| odd(window.from_minute) || odd(window.to_minute)),
        Rate::Spot { .. } => false,
    })
}

#[cfg(test)]
#[path = "tariff_test.rs"]
mod tests;
