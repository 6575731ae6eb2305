//! A price sensor of Home Assistant: `GET /api/states/ENTITY`. Integrations list their prices in attributes of different names; taxes are
//! as their owner has set them.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::json;
use crate::feeds::rows;
use crate::feeds::service::{Ask, Pace, Service, european};
use crate::feeds::unit;
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

/// The attributes that hold a list, those that belong together in a row; the first row with prices counts.
const LISTS: [&[&str]; 11] = [
    &["raw_today", "raw_tomorrow"],
    &["prices_today", "prices_tomorrow"],
    &["today_interval_prices", "tomorrow_interval_prices"],
    &["data"],
    &["rates"],
    &["forecasts"],
    &["Forecasts"],
    &["forecast"],
    &["forecast_dict"],
    &["prices"],
    &["slots"],
];

pub(super) static SERVICE: Service = Service {
    base: |_| "http://homeassistant.local:8123",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Every(Duration::from_secs(300)),
    least: Duration::from_secs(30),
    asks: |place, _, _| vec![Ask::get(format!("{}/api/states/{}", place.base, place.entity)).with(&place.key)],
    read: |body, _| {
        let state = json(body)?;
        if let Some(word @ ("unavailable" | "unknown")) = state.get("state").and_then(Value::as_str)
            && state.get("attributes").is_none_or(|attributes| entries(attributes).is_err())
        {
            return Err(Refused::Nothing(format!("is {word}")));
        }
        let attributes = state.get("attributes");
        let attributes =
            attributes.ok_or_else(|| Refused::Wrong("is no state of Home Assistant (attributes)".into()))?;
        let text = |name: &str| attributes.get(name).and_then(Value::as_str);
        let (mut factor, mut currency) = match text("unit_of_measurement") {
            Some(said) => unit::read(said)?,
            None => (1.0, None),
        };
        if attributes.get("price_in_cents") == Some(&Value::Bool(true)) && factor == 1.0 {
            factor = 0.01;
        }
        currency = text("currency").map(str::to_uppercase).or(currency);
        let mut prices = entries(attributes)?;
        prices.iter_mut().for_each(|entry| entry.price = entry.price.map(|price| price * factor));
        Answer::of(prices, currency.as_deref())
    },
};

fn entries(attributes: &Value) -> Result<Vec<Entry>, Refused> {
    let mut fault = None;
    for names in LISTS {
        let mut found = Vec::new();
        for list in names.iter().filter_map(|name| attributes.get(*name)) {
            match rows::entries(list) {
                Ok(entries) => found.extend(entries),
                Err(refused) => drop(fault.get_or_insert(refused)),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(fault.unwrap_or_else(|| Refused::Nothing("lists no prices in its attributes".into())))
}
