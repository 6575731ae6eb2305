//! easyEnergy: the Dutch market in EUR/kWh, four prices a row. Its newer answers write the wall's time without an offset; there the
//! hour that comes twice in autumn is told apart by its place in the list.

use crate::feeds::answer::{Answer, Entry, Refused};
use crate::feeds::lenient::{json, moment, naive, number};
use crate::feeds::rows::sound;
use crate::feeds::service::{Ask, Pace, Place, Service, time};
use chrono::{TimeDelta, TimeZone};
use chrono_tz::Tz;
use plant::time::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// The zone of its times.
const ZONE: Tz = Tz::Europe__Amsterdam;

pub(super) static SERVICE: Service = Service {
    base: |_| "https://mijn.easyenergy.com",
    zone: |_| ZONE,
    earlier: TimeDelta::zero(),
    pace: Pace::Daily(time(13, 0)),
    least: Duration::from_secs(300),
    asks: |place, days, _| {
        let form = "%Y-%m-%dT%H:%M:%S.000Z";
        let (from, to) = (days.start().format(form), days.end().format(form));
        let taxes = place.includes_taxes;
        let base = &place.base;
        vec![Ask::get(format!(
            "{base}/nl/api/tariff/getapxtariffs?startTimestamp={from}&endTimestamp={to}&includeVat={taxes}"
        ))]
    },
    read,
};

fn read(body: &[u8], place: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    let rows = body.as_array().or_else(|| body.get("prices")?.as_array());
    let rows = rows.ok_or_else(|| Refused::Wrong("has no prices as easyEnergy gives them".into()))?;
    let names = if place.includes_taxes { ["invoicePrice", "TariffUsage"] } else { ["price", "TariffUsage"] };
    let mut before = None;
    let entry = |row: &Value| {
        let field = |names: [&str; 2]| names.into_iter().find_map(|name| row.get(name));
        let start = field(["from", "Timestamp"]).ok_or("has a row without from")?;
        let start = local(start, before)?;
        before = Some(start);
        let end = row.get("until").and_then(|end| local(end, Some(start)).ok());
        Ok(Entry { start, end, price: field(names).and_then(number) })
    };
    Answer::of(sound(rows.iter().map(entry).collect())?, Some("EUR"))
}

/// A moment; a time of the wall is the first such one, or the second where that is not after `before`.
fn local(value: &Value, before: Option<Timestamp>) -> Result<Timestamp, String> {
    let wall = value.as_str().and_then(naive).map(|wall| ZONE.from_local_datetime(&wall));
    let Some(wall) = wall else { return moment(value) };
    let first = wall.earliest().map(|first| first.to_utc());
    let second = wall.latest().map(|second| second.to_utc());
    let found = first.filter(|first| before.is_none_or(|before| *first > before)).or(second);
    found.ok_or_else(|| format!("{value} is no time in the Netherlands"))
}
