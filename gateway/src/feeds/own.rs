//! The shape of HeatMine's own topics: `{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":0.09}]}`. A value that is none, or not
//! plausible, is unknown; the others count.

use super::MESSAGE_MAX;
use super::answer::{Answer, Entry, Refused};
use super::lenient::{json, number};
use super::rows::{entry_of, sound};
use super::slots::{Needs, spread};
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Watts};
use serde_json::Value;
use std::collections::BTreeMap;

/// Entries that one message may have.
const SLOTS_MAX: usize = 4000;

/// Prices per kWh: `eur_per_kwh`, or `price_per_kwh` beside a `currency`.
pub(super) fn prices(payload: &[u8]) -> Result<Answer, Refused> {
    let message = read(payload)?;
    let currency = match message.get("currency") {
        Some(Value::String(code)) => Some(code.to_uppercase()),
        Some(_) | None => None,
    };
    let mut euros = false;
    let rows = rows(&message)?;
    let entry = |row: &Value| {
        let other = row.get("price_per_kwh");
        euros |= other.is_none();
        entry_of(row, other.or_else(|| row.get("eur_per_kwh")).and_then(number))
    };
    let entries = sound(rows.iter().map(entry).collect())?;
    Answer::of(entries, if euros { currency.as_deref().or(Some("EUR")) } else { currency.as_deref() })
}

/// PV power, the house's consumption, outdoor temperature and carbon intensity.
pub(super) fn forecast(payload: &[u8], now: Timestamp) -> Result<Outlook, Refused> {
    let message = read(payload)?;
    let rows = rows(&message)?;
    let column = |name: &str, least: f64, most: f64| -> Result<BTreeMap<Slot, f64>, Refused> {
        let present = rows.iter().filter(|row| row.get(name).is_some());
        let entries: Vec<Entry> = sound(present.map(|row| entry_of(row, row.get(name).and_then(number))).collect())?;
        Ok(spread(entries, &(least..=most), Needs::Part, now).known)
    };
    let pv = column("w", 0.0, 1e6)?;
    let load = column("load_w", 0.0, 1e6)?;
    let outdoor = column("c", -60.0, 60.0)?;
    let carbon = column("g_per_kwh", 0.0, 2000.0)?;
    Ok(Outlook {
        pv: pv.into_iter().map(|(slot, value)| (slot, Watts(value))).collect(),
        load: load.into_iter().map(|(slot, value)| (slot, Watts(value))).collect(),
        outdoor: outdoor.into_iter().map(|(slot, value)| (slot, Celsius(value))).collect(),
        carbon,
        ..Outlook::default()
    })
}

fn read(payload: &[u8]) -> Result<Value, Refused> {
    if payload.len() > MESSAGE_MAX {
        return Err(Refused::Wrong(format!("has {} bytes; expected {MESSAGE_MAX} at most", payload.len())));
    }
    json(payload)
}

fn rows(message: &Value) -> Result<&Vec<Value>, Refused> {
    let slots = message.get("slots").and_then(Value::as_array);
    let slots = slots.ok_or_else(|| Refused::Wrong("cannot be read: expected {\"slots\":[..]}".into()))?;
    match slots.len() {
        0 => Err(Refused::Nothing("has no slots".into())),
        count if count > SLOTS_MAX => Err(Refused::Wrong(format!("has {count} slots; expected {SLOTS_MAX} at most"))),
        _ => Ok(slots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn prices_are_euros_unless_the_message_says_otherwise() {
        let body = br#"{"slots":[{"start":"2026-06-01T12:00:00Z","eur_per_kwh":-0.02},
                                 {"start":"2026-06-01T13:00:00Z","eur_per_kwh":null}]}"#;
        let answer = prices(body).unwrap();
        assert_eq!(answer.currency.as_deref(), Some("EUR"));
        assert_eq!(answer.entries.iter().map(|entry| entry.price).collect::<Vec<_>>(), [Some(-0.02), None]);
        let body = br#"{"currency":"SEK","slots":[{"start":"2026-06-01T12:00:00Z","price_per_kwh":1.2}]}"#;
        assert_eq!(prices(body).unwrap().currency.as_deref(), Some("SEK"));
    }

    #[test]
    fn a_forecast_may_lack_anything_but_its_time() {
        let message = br#"{"slots":[{"start":"2026-06-01T12:00:00Z","w":1200,"c":21.5,"load_w":400},
                                    {"start":"2026-06-01T12:15:00Z","g_per_kwh":310}]}"#;
        let outlook = forecast(message, noon()).unwrap();
        assert_eq!((outlook.pv.len(), outlook.load.len(), outlook.outdoor.len(), outlook.carbon.len()), (1, 1, 1, 1));
    }

    #[test]
    fn a_bad_value_of_a_forecast_is_unknown_and_the_rest_counts() {
        let message = br#"{"slots":[{"start":"2026-06-01T05:12:34Z","w":1234},{"start":"2026-06-01T12:00:00Z","w":null},
            {"start":"2026-06-01T12:15:00Z","w":NaN},{"start":"2026-06-01T12:30:00Z","w":-5},{"start":"2026-06-01T12:45:01Z","w":700},
            {"start":"2026-06-01T13:00:00Z","w":"much"},{"start":"2026-06-01T13:15:00Z","w":800,"c":99}]}"#;
        let outlook = forecast(message, noon()).unwrap();
        let at = |text: &str| outlook.pv.get(&Slot::containing(text.parse().unwrap())).map(|power| power.0);
        assert_eq!((at("2026-06-01T12:45:00Z"), at("2026-06-01T13:15:00Z")), (Some(700.0), Some(800.0)));
        for unknown in ["2026-06-01T12:00:00Z", "2026-06-01T12:15:00Z", "2026-06-01T12:30:00Z", "2026-06-01T13:00:00Z"]
        {
            assert_eq!(at(unknown), None, "{unknown}");
        }
        assert_eq!(at("2026-06-01T05:00:00Z"), Some(1234.0));
        assert!(outlook.outdoor.is_empty());
    }

    #[test]
    fn garbage_is_refused_with_its_reason() {
        let rows: &[(&[u8], &str)] = &[
            (b"", "is empty"),
            (b"\xff\x00", "cannot be read: it is no UTF-8"),
            (b"{}", "expected {\"slots\":[..]}"),
            (b"{\"slots\":[]}", "has no slots"),
            (b"{\"slots\":[{\"start\":\"today\",\"eur_per_kwh\":1}]}", "today is no time"),
            (b"{\"slots\":[{\"start\":\"2026-06-01T12:00:00\",\"eur_per_kwh\":1}]}", "has no offset"),
        ];
        for (payload, part) in rows {
            let refused = prices(payload).unwrap_err();
            assert!(refused.words().contains(part), "{}: {refused:?}", String::from_utf8_lossy(payload));
        }
    }
}
