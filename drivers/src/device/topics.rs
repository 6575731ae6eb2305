//! What an MQTT device has said: values out of payloads, whether it is there at all, and what a kept message is worth.
//! Pure: messages and the moments they came in, values out.

use super::values::{self, Parts};
use crate::definition::{Definition, Parameters, PointRow, Retained};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// The state of one MQTT device.
#[derive(Debug)]
pub(crate) struct Topics {
    rows: Vec<Row>,
    availability: Vec<Availability>,
    parameters: Parameters,
}

#[derive(Debug)]
struct Row {
    row: PointRow,
    places: Vec<Place>,
    max_age: Duration,
    value: Option<f64>,
    at: Option<Instant>,
    /// A kept message that waits for the device to say that it is there.
    doubtful: Option<Option<f64>>,
}

#[derive(Debug)]
struct Place {
    topic: String,
    paths: Vec<String>,
    /// Topics that carry only what has changed say nothing about what they leave out.
    partial: bool,
}

#[derive(Debug)]
struct Availability {
    topic: String,
    path: String,
    online: Vec<String>,
    offline: Vec<String>,
    said: Option<bool>,
}

impl Topics {
    pub(crate) fn new(definition: &Definition, parameters: &Parameters, names: &BTreeSet<String>) -> Self {
        let fill = |text: &str| parameters.apply(text);
        let place = |topic: &str, paths: &[String], partial: bool| Place {
            topic: fill(topic),
            paths: paths.iter().map(|path| fill(path)).collect(),
            partial,
        };
        let row = |row: &PointRow| {
            let first = place(row.topic.as_deref()?, row.path.all(), false);
            let also = row.also.iter().map(|also| place(&also.topic, also.path.all(), true));
            let places = std::iter::once(first).chain(also).collect();
            Some(Row { row: row.clone(), places, max_age: row.max_age(), value: None, at: None, doubtful: None })
        };
        let lower = |words: &[String]| words.iter().map(|word| word.to_lowercase()).collect();
        let availability = definition.availability.iter().map(|said| Availability {
            topic: fill(&said.topic),
            path: fill(&said.path),
            online: lower(&said.online),
            offline: lower(&said.offline),
            said: None,
        });
        Self {
            rows: definition.point.iter().filter(|row| names.contains(&row.name)).filter_map(row).collect(),
            availability: availability.collect(),
            parameters: parameters.clone(),
        }
    }

    /// The topics to subscribe to.
    pub(crate) fn subscriptions(&self) -> Vec<String> {
        let places = self.rows.iter().flat_map(|row| row.places.iter().map(|place| place.topic.clone()));
        let topics: BTreeSet<String> = places.chain(self.availability.iter().map(|said| said.topic.clone())).collect();
        topics.into_iter().collect()
    }

    /// Forgets everything: the connection was lost, and nobody knows what was missed.
    pub(crate) fn forget(&mut self) {
        for row in &mut self.rows {
            (row.value, row.at, row.doubtful) = (None, None, None);
        }
        for said in &mut self.availability {
            said.said = None;
        }
    }

    /// Whether the device says that it is gone.
    pub(crate) fn gone(&self) -> bool {
        self.availability.iter().any(|said| said.said == Some(false))
    }

    fn online(&self) -> bool {
        !self.gone() && self.availability.iter().any(|said| said.said == Some(true))
    }

    /// Takes a message; returns the names whose value it bears on.
    pub(crate) fn message(&mut self, topic: &str, payload: &[u8], retain: bool, now: Instant) -> BTreeSet<String> {
        let mut changed = self.availability_message(topic, payload, now);
        let online = self.online();
        let text = String::from_utf8_lossy(payload);
        let json: Option<Json> = serde_json::from_str(&text).ok();
        for row in &mut self.rows {
            let places = row.places.iter().filter(|place| place.topic == topic);
            let found = places.filter_map(|place| find(place, &row.row, &text, json.as_ref())).next();
            let Some(raw) = found else { continue };
            let value = raw.and_then(|raw| values::value(&row.row, &self.parameters, raw));
            let trusted = !retain
                || match row.row.retained {
                    Retained::Accept => true,
                    Retained::WhenOnline => online,
                    Retained::Ignore => false,
                };
            if trusted {
                (row.value, row.at, row.doubtful) = (value, Some(now), None);
                changed.insert(row.row.name.clone());
            } else if row.row.retained == Retained::WhenOnline {
                row.doubtful = Some(value);
            }
        }
        changed
    }

    fn availability_message(&mut self, topic: &str, payload: &[u8], now: Instant) -> BTreeSet<String> {
        let before = (self.gone(), self.online());
        for said in self.availability.iter_mut().filter(|said| said.topic == topic) {
            let text = String::from_utf8_lossy(payload).into_owned();
            let word = match serde_json::from_str::<Json>(&text) {
                Ok(json @ Json::Object(_)) => at_path(&json, &said.path).map(word).unwrap_or_default(),
                Ok(json) => word(&json),
                Err(_) => text,
            };
            let word = word.trim().to_lowercase();
            if said.online.contains(&word) {
                said.said = Some(true);
            } else if said.offline.contains(&word) {
                said.said = Some(false);
            }
        }
        let mut changed = BTreeSet::new();
        if self.online() && !before.1 {
            for row in &mut self.rows {
                if let Some(value) = row.doubtful.take() {
                    (row.value, row.at) = (value, Some(now));
                    changed.insert(row.row.name.clone());
                }
            }
        }
        if self.gone() && !before.0 {
            for row in &mut self.rows {
                (row.value, row.at, row.doubtful) = (None, None, None);
                changed.insert(row.row.name.clone());
            }
        }
        changed
    }

    /// Forgets what is too old; returns the names it bore on.
    pub(crate) fn age(&mut self, now: Instant) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for row in &mut self.rows {
            if row.at.is_some_and(|at| now.duration_since(at) > row.max_age) {
                (row.value, row.at) = (None, None);
                changed.insert(row.row.name.clone());
            }
        }
        changed
    }

    /// The names that were heard of and are not too old.
    pub(crate) fn heard(&self) -> BTreeSet<String> {
        self.rows.iter().filter(|row| row.at.is_some()).map(|row| row.row.name.clone()).collect()
    }

    /// The values as they stand.
    pub(crate) fn parts(&self) -> Parts {
        let values: BTreeMap<String, Option<f64>> =
            self.rows.iter().map(|row| (row.row.name.clone(), row.value)).collect();
        values
    }
}

/// The raw number a message carries for a row: the outer `None` where it says nothing about it, the inner where it says
/// that there is no value.
fn find(place: &Place, row: &PointRow, text: &str, json: Option<&Json>) -> Option<Option<f64>> {
    if text.trim().is_empty() {
        return (!place.partial).then_some(None);
    }
    for path in &place.paths {
        let found = if path.is_empty() { json } else { json.and_then(|json| at_path(json, path)) };
        match found {
            Some(value) => return Some(number(value, row)),
            None if path.is_empty() => return Some(plain(text, row)),
            None => {}
        }
    }
    // A report that leaves the value out says nothing about it; one that cannot be read has none.
    (!place.partial && json.is_none()).then_some(None)
}

fn number(value: &Json, row: &PointRow) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => plain(text, row),
        Json::Bool(set) => plain(if *set { "true" } else { "false" }, row).or(Some(f64::from(u8::from(*set)))),
        Json::Array(items) => items.first().and_then(|first| number(first, row)),
        Json::Null | Json::Object(_) => None,
    }
}

fn plain(text: &str, row: &PointRow) -> Option<f64> {
    let text = text.trim();
    row.words_map.get(text).copied().or_else(|| text.parse().ok()).filter(|number: &f64| number.is_finite())
}

fn word(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

/// The value at a path like `params.switch:0.apower` or `ENERGY.Power[1]`; an index 0 on a single value is the value.
pub(crate) fn at_path<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    let mut here = json;
    for piece in path.split('.').filter(|piece| !piece.is_empty()) {
        let (key, index) = match piece.split_once('[') {
            Some((key, rest)) => (key, Some(rest.trim_end_matches(']').parse::<usize>().ok()?)),
            None => (piece, None),
        };
        if !key.is_empty() {
            here = here.get(key)?;
        }
        here = match (index, here) {
            (None, here) => here,
            (Some(index), Json::Array(items)) => items.get(index)?,
            (Some(0), here) => here,
            (Some(_), _) => return None,
        };
    }
    Some(here)
}

#[cfg(test)]
mod tests;
