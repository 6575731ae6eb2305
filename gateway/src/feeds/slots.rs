//! The shape of HeatMine's own topics: `{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":0.09}]}`.

use super::MESSAGE_MAX;
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, EurPerKwh, Watts};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Wholesale prices beyond this, either way, are a unit gone wrong: the exchanges' own limit is 5 EUR/kWh.
const PRICE_MAX: f64 = 5.0;
/// Entries that one message may have.
const SLOTS_MAX: usize = 4000;
/// Quarter hours that one entry stands for at most.
const SPAN_MAX: i64 = 4;

#[derive(Deserialize)]
struct Message<T> {
    slots: Vec<T>,
}

#[derive(Deserialize)]
struct Price {
    start: Timestamp,
    eur_per_kwh: f64,
}

#[derive(Deserialize)]
struct Forecast {
    start: Timestamp,
    w: Option<f64>,
    load_w: Option<f64>,
    c: Option<f64>,
    g_per_kwh: Option<f64>,
}

/// Spot prices; entries an hour apart stand for an hour.
pub(super) fn prices(payload: &[u8]) -> Result<Outlook, String> {
    let slots: Vec<Price> = read(payload)?;
    let prices = slots.into_iter().map(|price| (price.start, price.eur_per_kwh)).collect();
    Ok(Outlook { spot: spread(prices)?, ..Outlook::default() })
}

/// PV power, the house's consumption, outdoor temperature and carbon intensity.
pub(super) fn forecast(payload: &[u8]) -> Result<Outlook, String> {
    let slots: Vec<Forecast> = read(payload)?;
    let column = |name: &str, least: f64, most: f64, value: fn(&Forecast) -> Option<f64>| {
        let present = slots.iter().filter_map(|row| Some((row.start, value(row)?)));
        let wrong = present.clone().find(|(_, value)| !(least..=most).contains(value));
        match wrong {
            Some((start, value)) => Err(format!("{name} of {start} is {value}; expected {least} to {most}")),
            None => in_slots(present.collect()),
        }
    };
    let pv = column("w", 0.0, 1e6, |row| row.w)?;
    let load = column("load_w", 0.0, 1e6, |row| row.load_w)?;
    let outdoor = column("c", -60.0, 60.0, |row| row.c)?;
    let carbon = column("g_per_kwh", 0.0, 2000.0, |row| row.g_per_kwh)?;
    Ok(Outlook {
        pv: pv.into_iter().map(|(slot, value)| (slot, Watts(value))).collect(),
        load: load.into_iter().map(|(slot, value)| (slot, Watts(value))).collect(),
        outdoor: outdoor.into_iter().map(|(slot, value)| (slot, Celsius(value))).collect(),
        carbon,
        ..Outlook::default()
    })
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<Vec<T>, String> {
    if payload.len() > MESSAGE_MAX {
        return Err(format!("has {} bytes; expected {MESSAGE_MAX} at most", payload.len()));
    }
    let message: Message<T> = serde_json::from_slice(payload).map_err(|error| format!("cannot be read: {error}"))?;
    match message.slots.len() {
        0 => Err("has no slots".into()),
        count if count > SLOTS_MAX => Err(format!("has {count} slots; expected {SLOTS_MAX} at most")),
        _ => Ok(message.slots),
    }
}

/// Prices in EUR/kWh by slot, each standing until the next one starts, an hour at most.
pub(super) fn spread(prices: Vec<(Timestamp, f64)>) -> Result<BTreeMap<Slot, EurPerKwh>, String> {
    if let Some((start, price)) = prices.iter().find(|(_, price)| price.is_nan() || price.abs() > PRICE_MAX) {
        return Err(format!("the price of {start} is {price} EUR/kWh; expected -{PRICE_MAX} to {PRICE_MAX}"));
    }
    Ok(in_slots(prices)?.into_iter().map(|(slot, price)| (slot, EurPerKwh(price))).collect())
}

/// Values by slot. The entries' distance is their length: where it is not uniform, or unknown, the shortest one counts.
fn in_slots(mut entries: Vec<(Timestamp, f64)>) -> Result<BTreeMap<Slot, f64>, String> {
    entries.sort_by_key(|(start, _)| *start);
    if let Some((start, _)) = entries.iter().find(|(start, _)| start.timestamp().rem_euclid(Slot::SECONDS) != 0) {
        return Err(format!("{start} is not the beginning of a quarter hour"));
    }
    let distances = entries.windows(2).filter_map(|pair| match pair {
        [(first, _), (second, _)] => Some((*second - *first).num_seconds() / Slot::SECONDS),
        _ => None,
    });
    let span = distances.filter(|distance| *distance > 0).min().unwrap_or(1).min(SPAN_MAX);
    let mut slots = BTreeMap::new();
    for (start, value) in entries {
        for offset in 0..span {
            slots.insert(Slot::containing(start).plus(offset), value);
        }
    }
    Ok(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hourly_prices_fill_four_slots_and_quarter_hours_one() {
        let hourly = br#"{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":-0.02},
                                   {"start":"2026-06-01T13:00:00Z","eur_per_kwh":0.08}]}"#;
        let outlook = prices(hourly).unwrap();
        let values: Vec<f64> = outlook.spot.values().map(|price| price.0).collect();
        assert_eq!(values, [-0.02, -0.02, -0.02, -0.02, 0.08, 0.08, 0.08, 0.08]);

        let quarters = br#"{"slots":[{"start":"2026-06-01T14:15:00+02:00","eur_per_kwh":0.2},
                                     {"start":"2026-06-01T12:00:00Z","eur_per_kwh":0.1}]}"#;
        let outlook = prices(quarters).unwrap();
        assert_eq!(outlook.spot.values().map(|price| price.0).collect::<Vec<_>>(), [0.1, 0.2]);
    }

    #[test]
    fn a_forecast_may_lack_anything_but_its_time() {
        let message = br#"{"slots":[{"start":"2026-06-01T12:00:00Z","w":1200,"c":21.5,"load_w":400},
                                    {"start":"2026-06-01T12:15:00Z","g_per_kwh":310}]}"#;
        let outlook = forecast(message).unwrap();
        assert_eq!((outlook.pv.len(), outlook.load.len(), outlook.outdoor.len(), outlook.carbon.len()), (1, 1, 1, 1));
    }

    #[test]
    fn garbage_is_refused_with_its_reason() {
        let rows: &[(&[u8], &str)] = &[
            (b"", "cannot be read: EOF"),
            (b"\xff\x00", "cannot be read: expected value"),
            (b"{}", "missing field `slots`"),
            (b"{\"slots\":[]}", "has no slots"),
            (b"{\"slots\":[{\"start\":\"today\",\"eur_per_kwh\":1}]}", "cannot be read: "),
            (
                b"{\"slots\":[{\"start\":\"2026-06-01T12:00:00Z\",\"eur_per_kwh\":93.1}]}",
                "is 93.1 EUR/kWh; expected -5 to 5",
            ),
            (
                b"{\"slots\":[{\"start\":\"2026-06-01T12:07:00Z\",\"eur_per_kwh\":0.1}]}",
                "not the beginning of a quarter",
            ),
            (b"{\"slots\":[{\"start\":\"2026-06-01T12:00:00Z\",\"eur_per_kwh\":null}]}", "invalid type: null"),
        ];
        for (payload, part) in rows {
            let error = prices(payload).unwrap_err();
            assert!(error.contains(part), "{}: {error}", String::from_utf8_lossy(payload));
        }
        let error = forecast(br#"{"slots":[{"start":"2026-06-01T12:00:00Z","w":-5}]}"#).unwrap_err();
        assert_eq!(error, "w of 2026-06-01 12:00:00 UTC is -5; expected 0 to 1000000");
    }
}
