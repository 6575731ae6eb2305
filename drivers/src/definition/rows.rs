//! The rows of a definition file, as they are written. Addresses are given together with their base, so that a reader
//! finds both the maker's number and the one on the wire.

use super::control_rows::ControlRow;
use super::parts::Derived;
use crate::modbus::{Number, Timing, WordOrder};
use plant::decision::Control;
use plant::point::Point;
use plant::site::ControlRange;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One kind of device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name, unique.
    pub id: String,
    /// Products it fits, as the maker writes them.
    pub products: Vec<String>,
    /// `tcp`, `rtu`, `rtu+tcp`, `mqtt`.
    pub transport: Vec<String>,
    /// The Modbus unit id where the user names none.
    #[serde(default = "unit_one")]
    pub unit: u8,
    /// Where the facts come from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// What it was tested with.
    #[serde(default)]
    pub tested: String,
    /// What the owner must switch on or know.
    #[serde(default)]
    pub notes: String,
    /// Where `{topic}` leads when the address names no topic.
    #[serde(default)]
    pub topic: Option<String>,
    /// The pace the device can bear.
    #[serde(default)]
    pub timing: Timing,
    /// What the user must or may fill in.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// How the device says that it is there.
    #[serde(default)]
    pub availability: Vec<Availability>,
    /// A message that keeps the device talking.
    #[serde(default)]
    pub talk: Vec<Talk>,
    /// What is read.
    #[serde(default)]
    pub point: Vec<PointRow>,
    /// What follows from what is read.
    #[serde(default)]
    pub derived: Vec<Derived>,
    /// What of the device can be set.
    #[serde(default)]
    pub control: Vec<ControlRow>,
}

fn unit_one() -> u8 {
    1
}

impl Definition {
    /// The canonical points it offers, those of every variant included.
    pub fn points(&self) -> BTreeSet<Point> {
        let rows = self.point.iter().map(|row| &row.name);
        let derived = self.derived.iter().map(|row| &row.name);
        rows.chain(derived).filter_map(|name| name.parse().ok()).collect()
    }

    /// Those of a device whose owner lists none.
    pub fn usual_points(&self) -> BTreeSet<Point> {
        let on_request = self.point.iter().filter(|row| row.on_request).filter_map(|row| row.name.parse().ok());
        &self.points() - &on_request.collect()
    }

    /// The controls it offers with their bounds, as the site wants to know them.
    pub fn controls(&self) -> BTreeMap<Control, ControlRange> {
        let range = |row: &ControlRow| {
            let [min, max] = row.range.unwrap_or([0.0, 0.0]);
            let words = row.mode.keys().map(String::as_str).collect();
            let holder = row.part_of.and_then(|holder| self.control.iter().find(|row| row.name == holder));
            let row = holder.unwrap_or(row);
            let (min_interval, keep_alive, writes_a_day) = (row.min_interval(), row.keep_alive(), row.writes_a_day);
            ControlRange { min, max, min_interval, keep_alive, writes_a_day, words }
        };
        self.control.iter().map(|row| (row.name, range(row))).collect()
    }

    /// Whether the device is reached over this transport (`tcp`, `rtu`, `rtu+tcp`, `mqtt`).
    pub fn speaks(&self, transport: &str) -> bool {
        self.transport.iter().any(|known| known == transport)
    }

    /// The names of all rows that have to be read to know the `wanted` points.
    pub(crate) fn needed(&self, wanted: &BTreeSet<Point>) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = wanted.iter().map(|point| point.name().to_owned()).collect();
        for row in self.derived.iter().rev() {
            if names.contains(&row.name) {
                names.extend(row.ingredients().cloned());
            }
        }
        names
    }
}

/// Something the user must or may fill in; `{name}` in a topic, a path or a unit stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is, for a person.
    pub about: String,
    /// Its value where the user gives none; without one it must be given.
    #[serde(default)]
    pub default: Option<String>,
    /// The values it may have, where they are few.
    #[serde(default)]
    pub one_of: Vec<String>,
}

/// A topic on which the device says that it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    /// Topic.
    pub topic: String,
    /// Where in a JSON payload the word stands; plain words are understood as well.
    #[serde(default)]
    pub path: String,
    /// Words for "here"; without case.
    pub online: Vec<String>,
    /// Words for "gone"; without case.
    pub offline: Vec<String>,
}

/// A message sent on connecting and then regularly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    /// Topic.
    pub topic: String,
    /// Payload.
    #[serde(default)]
    pub payload: String,
    /// Repeated after so many seconds of real time.
    pub every_s: f64,
}

/// One value that is read. Exactly one of a register (`fc`, `address`), a SunSpec point (`models`, `sunspec`) and a
/// topic (`topic`) is given. A `name` with a dot is canonical; others are parts for `derived` rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PointRow {
    /// Canonical name, or the name of a part.
    pub name: String,
    /// Unit on the wire after `scale`.
    pub unit: String,
    /// Factor from the raw number.
    pub scale: Option<f64>,
    /// A parameter that holds a further factor.
    pub scale_parameter: Option<String>,
    /// Added after the factor.
    pub offset: f64,
    /// -1 where the device counts the other way than the house.
    pub sign: Option<i8>,
    /// A parameter whose value `export` or `-1` turns the sign and `import` or `1` leaves it.
    pub sign_parameter: Option<String>,
    /// Whether the device's sign says nothing: the value is the magnitude.
    pub absolute: bool,
    /// Raw numbers that stand for 1, all others for 0.
    pub one_when: Vec<f64>,
    /// Whether a device has the point only where its owner lists it: not each of them does, or means it.
    pub on_request: bool,
    /// Possible values in the canonical unit; what lies outside is no value.
    pub range: Option<[f64; 2]>,
    /// Raw numbers that mean "no value".
    pub not_available: Vec<f64>,
    /// Read seldom.
    pub slow: bool,

    /// Modbus function: 3 holding, 4 input.
    pub fc: Option<u8>,
    /// Address as the maker writes it.
    pub address: Option<u32>,
    /// What the maker's first register is called: 0 or 1.
    pub doc_base: u8,
    /// Type of the number.
    #[serde(rename = "type")]
    pub number: Option<Number>,
    /// Order of the words of a number.
    pub words: WordOrder,
    /// A parameter that holds the order of the words.
    pub words_parameter: Option<String>,
    /// Address of the high word, where it does not stand beside the low one.
    pub high_address: Option<u32>,
    /// Bits of the raw number that count.
    pub mask: Option<u64>,
    /// Never part of a larger read.
    pub alone: bool,
    /// The unit id, where it is not the device's.
    pub unit_id: Option<u8>,
    /// A parameter that holds that unit id.
    pub unit_parameter: Option<String>,

    /// SunSpec models that carry the point, the preferred one first.
    pub models: Vec<u16>,
    /// The point's key in the model, `W` or `module[2].DCW`.
    pub sunspec: Option<String>,
    /// Which of several equal models, counted from 1; 0 is the first that has a value.
    pub instance: usize,

    /// Topic.
    pub topic: Option<String>,
    /// Path in a JSON payload (`ENERGY.Power[0]`), other names of the same value after it; empty for a plain number.
    pub path: OneOrMany,
    /// Other topics for the same value: older names, partial updates.
    pub also: Vec<TopicPath>,
    /// The value is unknown when nothing came for so long of real time; two minutes where nothing is said.
    pub max_age_s: Option<f64>,
    /// What a kept message is worth.
    pub retained: Retained,
    /// Payload words that stand for numbers, such as `ON` = 1.
    pub words_map: BTreeMap<String, f64>,
}

/// Silence after which a value over MQTT is unknown, where nothing is said.
const MAX_AGE: Duration = Duration::from_secs(120);

impl PointRow {
    /// Silence, in real time, after which a value over MQTT is unknown.
    pub fn max_age(&self) -> Duration {
        self.max_age_s.map_or(MAX_AGE, Duration::from_secs_f64)
    }
}

/// Another place of the same value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPath {
    /// Topic.
    pub topic: String,
    /// Path, as in [`PointRow`].
    #[serde(default)]
    pub path: OneOrMany,
}

/// One text, or several in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        OneOrMany::One(String::new())
    }
}

impl OneOrMany {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            OneOrMany::One(text) => std::slice::from_ref(text),
            OneOrMany::Many(texts) => texts,
        }
    }
}

/// What a message that the broker had kept is worth, its age being unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retained {
    /// Nothing, until the device says that it is online; then as much as a fresh one.
    #[default]
    WhenOnline,
    /// As much as a fresh one: the device publishes only changes, kept.
    Accept,
    /// Nothing.
    Ignore,
}
