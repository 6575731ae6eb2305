//! Entities of Home Assistant: `GET /api/states/ENTITY` of a sensor that lists PV power or energy in its attributes, as the integrations of
//! Solcast, Open-Meteo, Forecast.Solar, Volcast and EMHASS do, each in its own form; of `weather.` the hourly temperatures, for which the
//! action `weather.get_forecasts` is asked. What is not in the core's own Forecast.Solar is in no attribute: name that as a service instead.

use super::{Adds, Brought, Service, line};
use crate::feeds::answer::{Entry, Refused};
use crate::feeds::lenient::{json, moment, number, time};
use crate::feeds::rows::sound;
use crate::feeds::service::Ask;
use chrono::TimeDelta;
use plant::time::Timestamp;
use serde_json::{Map, Value, json as object};
use std::time::Duration;

/// Lists of rows, and maps from times to power in W, or to energy in Wh of the time that begins.
const LISTS: [&str; 4] = ["detailedForecast", "forecasts", "forecast", "detailedHourly"];
const POWERS: [&str; 1] = ["watts"];
const ENERGIES: [&str; 2] = ["wh_period", "wh_hours"];
/// Names of a row's start.
const STARTS: [&str; 6] = ["period_start", "time", "start", "date", "datetime", "timestamp"];
/// Names of a row's power, and what makes W of it.
const VALUES: [(&str, f64); 6] =
    [("pv_estimate", 1000.0), ("power_w", 1.0), ("watts", 1.0), ("power", 1.0), ("value", 1.0), ("p_pv_forecast", 1.0)];

/// Values by their times, or why one of them has none.
type Rows = Vec<Result<(Timestamp, f64), String>>;

pub(super) static SERVICE: Service = Service {
    base: |_| "http://homeassistant.local:8123",
    asks: |place| {
        let state = |entity: &str| Ask::get(format!("{}/api/states/{entity}", place.base)).with(&place.key);
        let weather = |entity: &str| {
            let url = format!("{}/api/services/weather/get_forecasts?return_response", place.base);
            let body = object!({ "entity_id": entity, "type": "hourly" });
            Ask { body: Some(body), ..Ask::get(url).with(&place.key) }
        };
        let asks = |entity: &String| {
            let weather = entity.starts_with("weather.").then(|| weather(entity));
            // The state of a weather says whether its temperatures are in °F.
            [Some(state(entity)), weather].into_iter().flatten()
        };
        place.parts.iter().flat_map(asks).collect()
    },
    read: |body, _, _| read(&json(body)?),
    pace: |_| Duration::from_secs(900),
    least: |_| Duration::from_secs(60),
    demanded: |_, _| None,
    adds: Adds::DaysOrParts,
};

fn read(body: &Value) -> Result<Brought, Refused> {
    if let Some(answer) = body.get("service_response").and_then(Value::as_object) {
        return weather(answer);
    }
    let attributes = body.get("attributes").unwrap_or(body);
    let attributes =
        attributes.as_object().ok_or_else(|| Refused::Wrong("is no state of Home Assistant (attributes)".into()))?;
    if body.get("entity_id").and_then(Value::as_str).is_some_and(|entity| entity.starts_with("weather.")) {
        let unit = attributes.get("temperature_unit").and_then(Value::as_str);
        return Ok(Brought { fahrenheit: unit.is_some_and(|unit| unit.trim() == "°F"), ..Brought::default() });
    }
    let pv = powers(attributes)?;
    if !pv.is_empty() {
        return Ok(Brought { pv, ..Brought::default() });
    }
    // Energy by configuration entry, each a part of the roof.
    let parts = attributes.values().filter(|part| part.get("wh_hours").is_some()).filter_map(Value::as_object);
    let mut pv: Vec<Entry> = Vec::new();
    for part in parts {
        for entry in powers(part)? {
            match pv.iter_mut().find(|known| known.start == entry.start) {
                Some(known) => known.price = known.price.zip(entry.price).map(|(one, other)| one + other),
                None => pv.push(entry),
            }
        }
    }
    let state = body.get("state").and_then(Value::as_str);
    match state {
        _ if !pv.is_empty() => Ok(Brought { pv, ..Brought::default() }),
        Some(word @ ("unavailable" | "unknown")) => Err(Refused::Nothing(format!("is {word}"))),
        Some(_) | None => Err(Refused::Nothing("lists no forecast in its attributes".into())),
    }
}

/// The first of the forms that has something; one that is there and wrong is said where there is no other.
fn powers(attributes: &Map<String, Value>) -> Result<Vec<Entry>, Refused> {
    let lists = LISTS.iter().filter_map(|name| attributes.get(*name)).map(list);
    let powers = POWERS.iter().filter_map(|name| attributes.get(*name)).map(|map| by_time(map).and_then(entries));
    let energies = ENERGIES.iter().filter_map(|name| attributes.get(*name)).map(|map| by_time(map).and_then(means));
    let mut fault = None;
    for read in powers.chain(lists).chain(energies) {
        match read {
            Ok(entries) if entries.is_empty() => {}
            Ok(entries) => return Ok(entries),
            Err(refused) => drop(fault.get_or_insert(refused)),
        }
    }
    fault.map_or(Ok(Vec::new()), Err)
}

fn list(rows: &Value) -> Result<Vec<Entry>, Refused> {
    let rows = rows.as_array().ok_or_else(|| Refused::Wrong("has no list of rows".into()))?;
    sound(rows.iter().map(row).collect())
}

fn row(row: &Value) -> Result<Entry, String> {
    let start = STARTS.iter().find_map(|name| row.get(*name)).ok_or("has a row without a start")?;
    let named = VALUES.iter().find_map(|(name, factor)| Some((row.get(*name)?, factor)));
    let (value, factor) = named.ok_or("has a row without a power")?;
    Ok(Entry { start: moment(start)?, end: None, price: number(value).map(|value| value * factor) })
}

/// A map from times to numbers, by time; a key that is no time is left out.
fn by_time(map: &Value) -> Result<Rows, Refused> {
    let map = map.as_object().ok_or_else(|| Refused::Wrong("has no map from times to values".into()))?;
    let mut rows: Rows =
        map.iter().filter_map(|(at, value)| number(value).map(|value| time(at).map(|at| (at, value)))).collect();
    rows.sort_by_key(|row| row.as_ref().map_or(Timestamp::MIN_UTC, |(at, _)| *at));
    Ok(rows)
}

fn entries(rows: Rows) -> Result<Vec<Entry>, Refused> {
    let entry = |(start, power): (Timestamp, f64)| Entry { start, end: None, price: Some(power) };
    sound(rows.into_iter().map(|row| row.map(entry)).collect())
}

/// Mean powers of energies. They are of the time until the next one, an hour at most: the shortest time between two of them.
fn means(rows: Rows) -> Result<Vec<Entry>, Refused> {
    let hour = TimeDelta::hours(1);
    let mut entries = entries(rows)?;
    let steps = entries.windows(2).map(|pair| pair[1].start - pair[0].start).filter(|step| *step > TimeDelta::zero());
    let step = steps.min().unwrap_or(hour).min(hour);
    let hours = step.num_seconds() as f64 / 3600.0;
    for entry in &mut entries {
        (entry.price, entry.end) = (entry.price.map(|energy| energy / hours), Some(entry.start + step));
    }
    Ok(entries)
}

/// The hourly temperatures of the first entity in an answer of `weather.get_forecasts`.
fn weather(answer: &Map<String, Value>) -> Result<Brought, Refused> {
    let rows = answer.values().find_map(|entity| entity.get("forecast")?.as_array());
    let rows = rows.ok_or_else(|| Refused::Wrong("has no hourly forecast".into()))?;
    let point = |row: &Value| Some((moment(row.get("datetime")?).ok()?, row.get("temperature").and_then(number)?));
    let outdoor = line::between(rows.iter().filter_map(point).collect());
    if outdoor.is_empty() {
        return Err(Refused::Nothing("has no hourly temperatures".into()));
    }
    Ok(Brought { outdoor, ..Brought::default() })
}
