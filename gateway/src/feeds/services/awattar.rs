//! aWATTar: `GET /v1/marketdata?start=MS&end=MS`, in EUR/MWh by the hour. Without `end` tomorrow is cut. A hundred questions a day.

use crate::feeds::answer::Entry;
use crate::feeds::answer::{Answer, Refused};
use crate::feeds::lenient::{json, moment, number};
use crate::feeds::rows::sound;
use crate::feeds::service::{Ask, Pace, Service, european, time};
use crate::feeds::unit;
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |place| if place.zone == "AT" { "https://api.awattar.at" } else { "https://api.awattar.de" },
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(14, 0)),
    least: Duration::from_secs(900),
    asks: |place, days, _| {
        let (start, end) = (days.start().timestamp_millis(), days.end().timestamp_millis());
        vec![Ask::get(format!("{}/v1/marketdata?start={start}&end={end}", place.base))]
    },
    read: |body, _| read(&json(body)?),
};

/// Reads the rows of `data`.
pub(super) fn read(body: &Value) -> Result<Answer, Refused> {
    let rows = body.get("data").and_then(Value::as_array);
    let rows =
        rows.ok_or_else(|| Refused::Wrong("has no market data as aWATTar gives it (data, marketprice)".into()))?;
    for row in rows {
        unit::expect("EUR/MWh", row.get("unit").and_then(Value::as_str))?;
    }
    let entry = |row: &Value| {
        let field = |name: &str| row.get(name).unwrap_or(&Value::Null);
        let price = number(field("marketprice")).map(|price| price / 1000.0);
        Ok(Entry { start: moment(field("start_timestamp"))?, end: moment(field("end_timestamp")).ok(), price })
    };
    Answer::of(sound(rows.iter().map(entry).collect())?, Some("EUR"))
}
