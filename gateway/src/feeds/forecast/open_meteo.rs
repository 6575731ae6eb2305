//! Open-Meteo: `/v1/forecast` by the quarter hour. Radiation is the mean of the time *before* its stamp, temperature that of the stamp.
//! With local times it keeps one offset for the whole answer, also over a clock change, so that UTC is asked for.
//!
//! Of a plane's irradiance PV power is made as `PVWatts` does (Dobos, NREL/TP-6A20-62641, 2014): 14 % of losses, an inverter of 96 %, and
//! 0.4 % less for each kelvin that the cells are above 25 °C. They are warmer than the air by 31 K at 1 kW/m2 (NOCT of 45 °C).

use super::{Adds, Brought, Place, Service, line, until_midnight};
use crate::config::forecast::PlaneConfig;
use crate::feeds::answer::{Entry, Refused};
use crate::feeds::lenient::{json, moment, naive, number};
use crate::feeds::service::{Ask, escaped};
use chrono::TimeDelta;
use plant::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

const LICENSE: &str = "Weather data by Open-Meteo.com (CC BY 4.0)";
/// Share that is left of the modules' power behind dirt, wires and inverter.
const LEFT: f64 = 0.86 * 0.96;
/// Share by which a kelvin above 25 °C lowers it.
const PER_KELVIN: f64 = 0.004;
/// What the sun adds to the temperature of the cells, in K per W/m2.
const SUN: f64 = 0.031;
/// The air's temperature where it is not said, in °C.
const MILD: f64 = 12.0;

pub(super) static SERVICE: Service = Service {
    base: |place| {
        if place.key.reveal().is_empty() { "https://api.open-meteo.com" } else { "https://customer-api.open-meteo.com" }
    },
    asks: |place| {
        let ask = |plane: Option<&PlaneConfig>, wanted: &str| {
            let Place { base, latitude, longitude, key, .. } = place;
            // Its azimuth is that of the south, west of it positive.
            let plane = plane.map(|plane| format!("&tilt={}&azimuth={}", plane.tilt_deg, plane.azimuth_deg - 180.0));
            let plane = plane.unwrap_or_default();
            let key = key.reveal();
            let key = if key.is_empty() { String::new() } else { format!("&apikey={}", escaped(key)) };
            Ask::get(format!(
                "{base}/v1/forecast?latitude={latitude}&longitude={longitude}&minutely_15={wanted}{plane}\
                 &forecast_days=4&timezone=UTC&timeformat=unixtime{key}"
            ))
        };
        match place.planes.as_slice() {
            [] => vec![ask(None, "temperature_2m,shortwave_radiation")],
            planes => {
                let wanted = "temperature_2m,shortwave_radiation,global_tilted_irradiance";
                planes.iter().map(|plane| ask(Some(plane), wanted)).collect()
            }
        }
    },
    read,
    pace: |_| Duration::from_secs(3600),
    least: |place| Duration::from_secs(300 * place.planes.len().max(1) as u64),
    demanded: |body, now| {
        let reason = json(body).ok()?.get("reason")?.as_str()?.to_lowercase();
        let rows =
            [("daily", until_midnight(now)), ("hourly", TimeDelta::hours(1)), ("minutely", TimeDelta::minutes(1))];
        rows.into_iter().find_map(|(word, pause)| reason.contains(word).then_some(pause))
    },
    adds: Adds::Parts,
};

fn read(body: &[u8], place: &Place, number_of_plane: usize) -> Result<Brought, Refused> {
    let body = json(body)?;
    if body.get("error") == Some(&Value::Bool(true)) {
        let reason = body.get("reason").and_then(Value::as_str).unwrap_or("no reason");
        return Err(Refused::Wrong(format!("says: {reason}")));
    }
    let (block, step) = match (body.get("minutely_15"), body.get("hourly")) {
        (Some(block), _) => (block, TimeDelta::minutes(15)),
        (None, Some(block)) => (block, TimeDelta::hours(1)),
        (None, None) => {
            return Err(Refused::Wrong("is no forecast of Open-Meteo (minutely_15 or hourly)".into()));
        }
    };
    let times = block.get("time").and_then(Value::as_array);
    let times = times.ok_or_else(|| Refused::Wrong("has no times".to_owned()))?;
    let offset = body.get("utc_offset_seconds").and_then(Value::as_i64).unwrap_or(0);
    let times = times.iter().map(|time| when(time, offset)).collect::<Result<Vec<Timestamp>, String>>()?;
    let values = |name: &str| -> Vec<Option<f64>> {
        let list = block.get(name).and_then(Value::as_array);
        list.into_iter().flatten().map(number).collect()
    };
    let (air, sun, tilted) =
        (values("temperature_2m"), values("shortwave_radiation"), values("global_tilted_irradiance"));
    let before = |values: &[Option<f64>]| -> Vec<Entry> {
        let of =
            |(end, price): (&Timestamp, &Option<f64>)| Entry { start: *end - step, end: Some(*end), price: *price };
        times.iter().zip(values).map(of).filter(|entry| entry.price.is_some()).collect()
    };
    let mut brought = Brought { irradiance: before(&sun), license: Some(LICENSE), ..Brought::default() };
    let points = times.iter().zip(&air).filter_map(|(at, air)| Some((*at, (*air)?))).collect();
    brought.outdoor = line::between(points);
    if let Some(plane) = place.planes.get(number_of_plane) {
        let power =
            |(index, sun): (usize, &Option<f64>)| Some(power(plane, (*sun)?, air.get(index).copied().flatten()));
        let powers: Vec<Option<f64>> = tilted.iter().enumerate().map(power).collect();
        brought.pv = before(&powers);
    }
    if brought.irradiance.is_empty() && brought.outdoor.is_empty() && brought.pv.is_empty() {
        return Err(Refused::Nothing("has no values".into()));
    }
    Ok(brought)
}

/// A stamp: seconds, or local time without an offset, which the answer names once for all of them.
fn when(time: &Value, offset: i64) -> Result<Timestamp, String> {
    match time.as_str().and_then(naive) {
        Some(local) => Ok(local.and_utc() - TimeDelta::seconds(offset)),
        None => moment(time),
    }
}

/// PV power of a plane in W at `sun` W/m2 on it.
fn power(plane: &PlaneConfig, sun: f64, air: Option<f64>) -> f64 {
    let cells = air.unwrap_or(MILD) + SUN * sun;
    let warm = 1.0 - PER_KELVIN * (cells - 25.0);
    (plane.peak_w * sun / 1000.0 * warm * LEFT).clamp(0.0, plane.peak_w)
}
