//! Forecast.Solar: a question for each plane, twelve an hour for all programs of the house together. `watt_hours` runs up over the day and
//! falls back to nothing with the next: its steps are the energy up to each stamp. The night is left out of it, and is dark.

use super::{Adds, Brought, Place, Service};
use crate::feeds::answer::{Entry, Refused};
use crate::feeds::lenient::{json, naive, number, time};
use crate::feeds::service::{Ask, escaped};
use chrono::{TimeDelta, TimeZone};
use chrono_tz::Tz;
use plant::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://api.forecast.solar",
    asks: |place| {
        let Place { base, latitude, longitude, planes, key, .. } = place;
        let key = key.reveal();
        let key = if key.is_empty() { String::new() } else { format!("/{}", escaped(key)) };
        let ask = |plane: &crate::config::forecast::PlaneConfig| {
            // Its azimuth is that of the south, west of it positive.
            let (tilt, azimuth, peak) = (plane.tilt_deg, plane.azimuth_deg - 180.0, plane.peak_w / 1000.0);
            Ask::get(format!("{base}{key}/estimate/{latitude}/{longitude}/{tilt}/{azimuth}/{peak}?time=utc"))
        };
        planes.iter().map(ask).collect()
    },
    read,
    pace: |_| Duration::from_secs(3600),
    // Half of what it allows.
    least: |place| Duration::from_secs(600 * place.planes.len().max(1) as u64),
    demanded: |body, now| {
        let body = json(body).ok()?;
        let until = time(body.pointer("/message/ratelimit/retry-at")?.as_str()?).ok()?;
        let until = until - now;
        (TimeDelta::zero()..=TimeDelta::days(1)).contains(&until).then_some(until)
    },
    adds: Adds::Parts,
};

fn read(body: &[u8], _: &Place, _: usize) -> Result<Brought, Refused> {
    let body = json(body)?;
    let wrong = || Refused::Wrong("is no estimate of Forecast.Solar (result.watt_hours)".into());
    let result = body.get("result").ok_or_else(wrong)?;
    if let Value::String(words) = result {
        return Err(Refused::Wrong(format!("says: {words}")));
    }
    let zone = body.pointer("/message/info/timezone").and_then(Value::as_str).and_then(|name| name.parse().ok());
    let energy = result.get("watt_hours").and_then(Value::as_object).ok_or_else(wrong)?;
    let (mut stamps, mut fault) = (Vec::new(), None);
    for (stamp, energy) in energy {
        match (when(stamp, zone), number(energy)) {
            (Ok(at), Some(energy)) => stamps.push((at, energy)),
            (Ok(_), None) => {}
            (Err(why), _) => drop(fault.get_or_insert(why)),
        }
    }
    stamps.sort_by_key(|(at, _)| *at);
    stamps.dedup_by_key(|(at, _)| *at);
    let pv: Vec<Entry> = stamps.windows(2).filter_map(step).collect();
    match fault {
        _ if !pv.is_empty() => Ok(Brought { pv, ..Brought::default() }),
        Some(why) => Err(Refused::Wrong(why)),
        None => Err(Refused::Nothing("has no values".into())),
    }
}

/// The mean power between two stamps. Where the sum fell back to nothing, a night lies between them; to something, nobody knows when it
/// came.
fn step(pair: &[(Timestamp, f64)]) -> Option<Entry> {
    let &[(start, before), (end, after)] = pair else { return None };
    let hours = (end - start).num_milliseconds() as f64 / 3.6e6;
    let energy = if after >= before { after - before } else { after };
    let known = after >= before || after == 0.0;
    known.then(|| Entry { start, end: Some(end), price: Some(energy / hours) })
}

/// A stamp with an offset, or else in the zone that the answer names.
fn when(stamp: &str, zone: Option<Tz>) -> Result<Timestamp, String> {
    time(stamp).or_else(|why| {
        let local = naive(&stamp.replacen(' ', "T", 1));
        let moment = zone.zip(local).and_then(|(zone, local)| zone.from_local_datetime(&local).earliest());
        moment.map(|moment| moment.to_utc()).ok_or(why)
    })
}
