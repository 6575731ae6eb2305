//! Amber Electric: prices of a site from now on, in cents per kWh with taxes; five minutes long at first, half an hour later. They begin
//! at second 1. The running one is an estimate until its end.

use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::{json, number};
use crate::feeds::rows::{entry_of, sound};
use crate::feeds::service::{Ask, Pace, Service, escaped};
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.amber.com.au",
    zone: |_| Tz::Australia__Brisbane,
    earlier: TimeDelta::zero(),
    pace: Pace::Every(Duration::from_secs(300)),
    least: Duration::from_secs(60),
    asks: |place, _, _| {
        let url = format!("{}/v1/sites/{}/prices/current?next=288&previous=6", place.base, escaped(&place.site));
        vec![Ask::get(url).with(&place.key)]
    },
    read: |body, place| {
        let body = json(body)?;
        let rows = body.as_array().ok_or_else(|| Refused::Wrong("has no list of prices as Amber gives it".into()))?;
        let bought = rows.iter().filter(|row| row.get("channelType").and_then(Value::as_str) == Some("general"));
        let name = if place.includes_taxes { "perKwh" } else { "spotPerKwh" };
        let entry = |row: &Value| entry_of(row, row.get(name).and_then(number).map(|cents| cents / 100.0));
        Answer::of(sound(bought.map(entry).collect())?, Some("AUD"))
    },
};
