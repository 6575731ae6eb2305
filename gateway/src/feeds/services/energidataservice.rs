//! Energi Data Service: day-ahead prices of Denmark in DKK and EUR per MWh. Times are UTC without saying so; DKK may be missing where
//! no rate is known yet.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::{json, number, time as moment};
use crate::feeds::rows::sound;
use crate::feeds::service::{Ask, Pace, Place, Service, escaped, time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.energidataservice.dk",
    zone: |_| Tz::Europe__Copenhagen,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(600),
    asks: |place, days, _| {
        let filter = escaped(&format!("{{\"PriceArea\":[\"{}\"]}}", place.zone));
        // Dates are Danish days; the end is not part of it.
        let (first, end) = (days.first, crate::feeds::days::after(days.last));
        let Place { base, .. } = place;
        vec![Ask::get(format!(
            "{base}/dataset/DayAheadPrices?start={first}&end={end}&filter={filter}&sort=TimeUTC%20ASC&limit=0"
        ))]
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    let rows = body.get("records").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Refused::Wrong("has no records as Energi Data Service gives them".into()))?;
    let ours = |row: &&Value| row.get("PriceArea").and_then(Value::as_str).is_none_or(|area| area == place.zone);
    let (currency, names) = match place.currency.as_str() {
        "DKK" => ("DKK", ["DayAheadPriceDKK", "SpotPriceDKK"]),
        _ => ("EUR", ["DayAheadPriceEUR", "SpotPriceEUR"]),
    };
    let entry = |row: &Value| {
        let find = |names: [&str; 2]| names.into_iter().find_map(|name| row.get(name));
        let start = find(["TimeUTC", "HourUTC"]).and_then(Value::as_str).ok_or("has a row without TimeUTC")?;
        let price = find(names).and_then(number).map(|price| price / 1000.0);
        Ok(Entry { start: moment(&format!("{}Z", start.trim_end_matches('Z')))?, end: None, price })
    };
    Answer::of(sound(rows.iter().filter(ours).map(entry).collect())?, Some(currency))
}
