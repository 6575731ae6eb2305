//! The data portal of Nord Pool: one date a question, quarter hours, the house's currency per MWh. What is preliminary is none yet. Its
//! terms forbid automatic use for other than private purposes: it is offered and nobody's default.

use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::{json, number};
use crate::feeds::rows::{entry_of, sound};
use crate::feeds::service::{Ask, Pace, Place, Service, escaped, european, time};
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://dataportal-api.nordpoolgroup.com",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let Place { base, zone, currency, .. } = place;
        let (zone, currency) = (escaped(zone), escaped(currency));
        let ask = |day| {
            Ask::get(format!(
                "{base}/api/DayAheadPriceIndices?market=DayAhead&date={day}&indexNames={zone}&currency={currency}&resolutionInMinutes=15"
            ))
        };
        days.each().map(ask).collect()
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    let rows = ["multiIndexEntries", "multiAreaEntries"].into_iter().find_map(|name| body.get(name)?.as_array());
    let rows =
        rows.ok_or_else(|| Refused::Wrong("has no prices as Nord Pool gives them (multiIndexEntries)".into()))?;
    let states = body.get("areaStates").and_then(Value::as_array).into_iter().flatten();
    let mut of_ours = states.filter(|state| {
        let areas = state.get("areas").and_then(Value::as_array).into_iter().flatten();
        areas.filter_map(Value::as_str).any(|area| area == place.zone)
    });
    if of_ours.any(|state| state.get("state").and_then(Value::as_str) == Some("Preliminary")) {
        return Err(Refused::Nothing("has preliminary prices only".into()));
    }
    let named = rows.iter().any(|row| row.get("entryPerArea").is_some_and(|areas| areas.get(&place.zone).is_some()));
    if !named && !rows.is_empty() {
        return Err(Refused::Wrong(format!("has no prices of {}", place.zone)));
    }
    let entry = |row: &Value| {
        let price = row.get("entryPerArea").and_then(|areas| areas.get(&place.zone)).and_then(number);
        let times = serde_json::json!({"start": row.get("deliveryStart"), "end": row.get("deliveryEnd")});
        entry_of(&times, price.map(|price| price / 1000.0))
    };
    Answer::of(sound(rows.iter().map(entry).collect())?, body.get("currency").and_then(Value::as_str))
}
