//! Energy-Charts of Fraunhofer ISE: `GET /price?bzn=DE-LU&start=2026-06-01&end=2026-06-02`, in EUR/MWh. Without `end` it gives today
//! only; with an `end` for which nothing is published it may give nothing at all (404), also not today.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::{json, moment, number};
use crate::feeds::rows::sound;
use crate::feeds::service::{Ask, Pace, Place, Service, escaped, european, time};
use crate::feeds::unit;
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.energy-charts.info",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let Place { base, zone, .. } = place;
        let (first, last) = (days.first, days.last);
        vec![Ask::get(format!("{base}/price?bzn={}&start={first}&end={last}", escaped(zone)))]
    },
    read: |body, _| read(&json(body)?),
};

/// Reads `unix_seconds` and `price` side by side.
pub(super) fn read(body: &Value) -> Result<Answer, Refused> {
    let column = |name: &str| body.get(name).and_then(Value::as_array);
    let (Some(times), Some(prices)) = (column("unix_seconds"), column("price")) else {
        let said = body.get("detail").map(|detail| format!(": {detail}")).unwrap_or_default();
        return Err(Refused::Wrong(format!("has no prices as Energy-Charts gives them (unix_seconds, price){said}")));
    };
    if times.len() != prices.len() {
        let words = format!("has {} times and {} prices; expected as many", times.len(), prices.len());
        return Err(Refused::Wrong(words));
    }
    unit::expect("EUR/MWh", body.get("unit").and_then(Value::as_str))?;
    let entry = |(start, price): (&Value, &Value)| {
        Ok(Entry { start: moment(start)?, end: None, price: number(price).map(|price| price / 1000.0) })
    };
    let answer = Answer::of(sound(times.iter().zip(prices).map(entry).collect())?, Some("EUR"))?;
    let license = body.get("license_info").and_then(Value::as_str).map(str::to_owned);
    Ok(Answer { license, ..answer })
}
