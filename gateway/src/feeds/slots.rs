//! What feeds send: quarter hours with prices or forecasts.

use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, EurPerKwh, Watts};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Prices beyond this, in EUR/kWh, are no prices: the widest an exchange has allowed is 5.
const PRICE_MAX: f64 = 10.0;
/// More slots than a fortnight are no outlook.
const SLOTS_MAX: usize = 14 * 96;
/// The longest time that one price holds, for the last of a row.
const SPAN_MAX: i64 = 4;

#[derive(Deserialize)]
struct Message {
    slots: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    start: Timestamp,
    eur_per_kwh: Option<f64>,
    w: Option<f64>,
    load_w: Option<f64>,
    c: Option<f64>,
    g_per_kwh: Option<f64>,
}

/// aWATTar's market data.
#[derive(Deserialize)]
struct MarketData {
    data: Vec<MarketRow>,
}

#[derive(Deserialize)]
struct MarketRow {
    start_timestamp: i64,
    end_timestamp: i64,
    marketprice: f64,
}

/// energy-charts' prices.
#[derive(Deserialize)]
struct Charts {
    unix_seconds: Vec<i64>,
    price: Vec<Option<f64>>,
}

/// Spot prices as HeatMine's own topic carries them.
///
/// # Errors
/// What was wrong with the payload.
pub fn spot(payload: &[u8]) -> Result<Outlook, String> {
    let rows = rows(payload)?;
    let priced: Vec<(Timestamp, f64)> =
        rows.iter().filter_map(|row| row.eur_per_kwh.map(|price| (row.start, price))).collect();
    if priced.is_empty() {
        return Err("no slot has a price; expected eur_per_kwh in each".into());
    }
    Ok(Outlook { spot: prices(priced)?, ..Outlook::default() })
}

/// Forecasts of PV, load, temperature and carbon intensity.
///
/// # Errors
/// What was wrong with the payload.
pub fn forecast(payload: &[u8]) -> Result<Outlook, String> {
    let mut outlook = Outlook::default();
    for row in rows(payload)? {
        let slot = Slot::containing(row.start);
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        finite(row.w).map(|w| outlook.pv.insert(slot, Watts(w.max(0.0))));
        finite(row.load_w).map(|w| outlook.load.insert(slot, Watts(w.max(0.0))));
        finite(row.c).filter(|c| (-60.0..=60.0).contains(c)).map(|c| outlook.outdoor.insert(slot, Celsius(c)));
        finite(row.g_per_kwh).filter(|g| *g >= 0.0).map(|g| outlook.carbon.insert(slot, g));
    }
    Ok(outlook)
}

/// Prices in one of the two public forms, in EUR/MWh.
///
/// # Errors
/// What was wrong with the answer.
pub fn market(answer: &[u8]) -> Result<Outlook, String> {
    if let Ok(MarketData { data }) = serde_json::from_slice::<MarketData>(answer) {
        let mut spot = BTreeMap::new();
        for row in data.iter().take(SLOTS_MAX) {
            let price = checked(row.marketprice / 1000.0)?;
            let (first, end) = (row.start_timestamp.div_euclid(900_000), row.end_timestamp.div_euclid(900_000));
            for slot in first..end.min(first + SPAN_MAX) {
                spot.insert(Slot(slot), price);
            }
        }
        return Ok(Outlook { spot, ..Outlook::default() });
    }
    let charts: Charts = serde_json::from_slice(answer).map_err(|_| {
        "expected aWATTar's form ({\"data\":[{\"start_timestamp\",\"end_timestamp\",\"marketprice\"}]}) or energy-charts' \
         ({\"unix_seconds\":[],\"price\":[]})"
            .to_owned()
    })?;
    let pairs = charts.unix_seconds.into_iter().zip(charts.price).take(SLOTS_MAX);
    let priced = pairs.filter_map(|(seconds, price)| Some((Timestamp::from_timestamp(seconds, 0)?, price? / 1000.0)));
    Ok(Outlook { spot: prices(priced.collect())?, ..Outlook::default() })
}

/// Each price holds until the next one begins; an hour at most.
fn prices(mut priced: Vec<(Timestamp, f64)>) -> Result<BTreeMap<Slot, EurPerKwh>, String> {
    priced.sort_by_key(|(start, _)| *start);
    let mut spot = BTreeMap::new();
    for (index, (start, price)) in priced.iter().enumerate() {
        let price = checked(*price)?;
        let first = Slot::containing(*start);
        let next = priced.get(index + 1).map(|(next, _)| Slot::containing(*next));
        // The last price of a row holds as long as the one before it did.
        let before = index.checked_sub(1).and_then(|before| priced.get(before));
        let length = before.map_or(1, |(before, _)| first.0 - Slot::containing(*before).0);
        let end = next.map_or(first.0 + length.max(1), |next| next.0);
        for slot in first.0..end.min(first.0 + SPAN_MAX) {
            spot.insert(Slot(slot), price);
        }
    }
    Ok(spot)
}

fn checked(price: f64) -> Result<EurPerKwh, String> {
    if price.is_finite() && price.abs() <= PRICE_MAX {
        Ok(EurPerKwh(price))
    } else {
        Err(format!("{price} EUR/kWh; expected a price between -{PRICE_MAX} and {PRICE_MAX}"))
    }
}

fn rows(payload: &[u8]) -> Result<Vec<Row>, String> {
    let message: Message = serde_json::from_slice(payload).map_err(|error| {
        format!("{error}; expected {{\"slots\":[{{\"start\":\"2026-11-21T12:00:00Z\",\"eur_per_kwh\":0.09}}]}}")
    })?;
    if message.slots.len() > SLOTS_MAX {
        return Err(format!("{} slots; expected {SLOTS_MAX} at most", message.slots.len()));
    }
    Ok(message.slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(outlook: Result<Outlook, String>) -> Vec<(i64, f64)> {
        outlook.expect("readable").spot.into_iter().map(|(slot, price)| (slot.0, price.0)).collect()
    }

    #[test]
    fn hourly_prices_fill_four_slots() {
        let payload = br#"{"slots":[{"start":"1970-01-01T00:00:00Z","eur_per_kwh":0.1},
                                    {"start":"1970-01-01T01:00:00Z","eur_per_kwh":-0.2}]}"#;
        let expected = [(0, 0.1), (1, 0.1), (2, 0.1), (3, 0.1), (4, -0.2), (5, -0.2), (6, -0.2), (7, -0.2)];
        assert_eq!(filled(spot(payload)), expected);
    }

    #[test]
    fn quarter_hour_prices_stay_quarter_hours() {
        let payload = br#"{"unix_seconds":[0,900,1800],"price":[50.0,null,-10.0]}"#;
        assert_eq!(filled(market(payload)), [(0, 0.05), (1, 0.05), (2, -0.01), (3, -0.01)]);
    }

    #[test]
    fn market_data_names_its_own_ends() {
        let payload = br#"{"object":"list","data":[{"start_timestamp":0,"end_timestamp":3600000,"marketprice":80.0,"unit":"Eur/MWh"}]}"#;
        assert_eq!(filled(market(payload)), [(0, 0.08), (1, 0.08), (2, 0.08), (3, 0.08)]);
    }

    #[test]
    fn garbage_is_refused_in_words() {
        for payload in ["", "42", "null", "{\"slots\":7}", "{\"slots\":[{\"start\":\"noon\"}]}", "{\"slots\":[]}"] {
            assert!(spot(payload.as_bytes()).is_err(), "{payload}");
        }
        let dear = br#"{"slots":[{"start":"1970-01-01T00:00:00Z","eur_per_kwh":80}]}"#;
        assert_eq!(spot(dear).unwrap_err(), "80 EUR/kWh; expected a price between -10 and 10");
        assert!(market(b"<html>").unwrap_err().contains("aWATTar"));
    }
}
