//! evcc: the price as it is set there, taxes and fees in it, per kWh. Its answer has had three forms.

use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::json;
use crate::feeds::rows;
use crate::feeds::service::{Ask, Pace, Service, european};
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "http://evcc.local:7070",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Every(Duration::from_secs(900)),
    least: Duration::from_secs(60),
    asks: |place, _, attempt| {
        let path = if attempt == 0 { "/api/tariff/grid" } else { "/api/state" };
        vec![Ask::get(format!("{}{path}", place.base))]
    },
    read: |body, _| {
        let body = json(body)?;
        let body = body.get("result").unwrap_or(&body);
        let grid = || body.get("forecast")?.get("grid");
        let list = body.get("rates").or_else(grid).or_else(|| body.as_array().map(|_| body));
        let list = list.ok_or_else(|| Refused::Wrong("has no rates as evcc gives them".into()))?;
        Answer::of(rows::entries(list)?, body.get("currency").and_then(Value::as_str))
    },
};
