//! Octopus Energy: `standard-unit-rates` of a product and a region, in pence per kWh, the newest first and in pages. Its day runs from
//! 23:00 to 23:00.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::{json, number};
use crate::feeds::rows::{entry_of, sound};
use crate::feeds::service::{Ask, Pace, Place, Service, escaped, time};
use chrono::TimeDelta;
use chrono_tz::Tz;
use plant::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.octopus.energy",
    zone: |_| Tz::Europe__London,
    earlier: TimeDelta::hours(1),
    pace: Pace::Daily(time(16, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let Place { base, product, zone, .. } = place;
        let (product, region) = (escaped(product), escaped(zone));
        let form = "%Y-%m-%dT%H:%MZ";
        let (from, to) = (days.start().format(form), days.end().format(form));
        vec![Ask::get(format!(
            "{base}/v1/products/{product}/electricity-tariffs/E-1R-{product}-{region}/standard-unit-rates/?period_from={from}&period_to={to}&page_size=1500"
        ))]
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    let rows = body.get("results").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Refused::Wrong("has no rates as Octopus gives them (results)".into()))?;
    // A rate for those who pay otherwise stands beside the usual one.
    let usual = rows.iter().filter(|row| row.get("payment_method").and_then(Value::as_str) != Some("NON_DIRECT_DEBIT"));
    let name = if place.includes_taxes { "value_inc_vat" } else { "value_exc_vat" };
    let entry = |row: &Value| {
        let entry = entry_of(row, row.get(name).and_then(number).map(|pence| pence / 100.0))?;
        let open = row.get("valid_to").is_some_and(Value::is_null);
        Ok(Entry { end: if open { Some(Timestamp::MAX_UTC) } else { entry.end }, ..entry })
    };
    let answer = Answer::of(sound(usual.map(entry).collect())?, Some("GBP"))?;
    let more = body.get("next").and_then(Value::as_str).and_then(|next| reqwest::Url::parse(next).ok());
    let more = more.map(|next| format!("{}?{}", next.path(), next.query().unwrap_or_default()));
    Ok(Answer { more, ..answer })
}
