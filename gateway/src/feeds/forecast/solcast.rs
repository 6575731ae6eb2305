//! Solcast: `rooftop_sites/SITE/forecasts`, ten questions a day for all sites together. Its stamp is the *end* of a period, its value mean
//! power in kW. It also refuses when it is only busy, then without a body.

use super::{Adds, Brought, Place, Service, until_midnight};
use crate::feeds::answer::{Entry, Refused};
use crate::feeds::lenient::{json, moment, number};
use crate::feeds::rows::sound;
use crate::feeds::service::{Ask, escaped};
use chrono::TimeDelta;
use plant::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Questions of a day that are asked: two are left for whoever asks beside us.
const DAILY: u64 = 8;
/// The period where none is said.
const PERIOD: TimeDelta = TimeDelta::minutes(30);

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.solcast.com.au",
    asks: |place| {
        let ask = |site: &String| {
            let url = format!("{}/rooftop_sites/{}/forecasts?format=json&hours=72", place.base, escaped(site));
            Ask::get(url).with(&place.key)
        };
        place.parts.iter().map(ask).collect()
    },
    read,
    pace: |place| Duration::from_secs(86_400 / DAILY * place.parts.len().max(1) as u64),
    // A paid plan may be asked more often; a refusal is one of the ten.
    least: |_| Duration::from_secs(1800),
    demanded: |body, now| {
        let body = json(body).ok()?;
        let code = body.pointer("/response_status/error_code").and_then(Value::as_str)?;
        match code {
            "TooManyRequests" => Some(until_midnight(now) + TimeDelta::minutes(2)),
            "InvalidApiKey" | "SiteNotFound" => Some(TimeDelta::hours(6)),
            _ => None,
        }
    },
    adds: Adds::Parts,
};

fn read(body: &[u8], _: &Place, _: usize) -> Result<Brought, Refused> {
    let body = json(body)?;
    let rows = body.get("forecasts").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Refused::Wrong("is no forecast of Solcast (forecasts)".into()))?;
    let pv = sound(rows.iter().map(row).collect())?;
    if pv.is_empty() {
        return Err(Refused::Nothing("has no values".into()));
    }
    Ok(Brought { pv, ..Brought::default() })
}

fn row(row: &Value) -> Result<Entry, String> {
    let end: Timestamp = moment(row.get("period_end").ok_or("has a row without period_end")?)?;
    let period = row.get("period").and_then(Value::as_str).map_or(Ok(PERIOD), period)?;
    let power = row.get("pv_estimate").and_then(number);
    Ok(Entry { start: end - period, end: Some(end), price: power.map(|kilowatts| kilowatts * 1000.0) })
}

/// A period, as `PT30M`.
fn period(text: &str) -> Result<TimeDelta, String> {
    let minutes = text.strip_prefix("PT").and_then(|rest| match rest.strip_suffix('M') {
        Some(minutes) => minutes.parse().ok(),
        None => rest.strip_suffix('H')?.parse::<i64>().ok().map(|hours| hours * 60),
    });
    let minutes = minutes.filter(|minutes| (1..=1440).contains(minutes));
    minutes.map(TimeDelta::minutes).ok_or_else(|| format!("has a period of {text}; expected one as PT30M"))
}
