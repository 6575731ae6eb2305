//! Registers into named values. A key is the point's name with its groups before it: `W`, `module[2].DCW`,
//! `Crv[1].MustTrip.Pt[3].V`.

use super::model::{Group, Kind, Model, PointDef, Repeat, Scale};
use serde::Serialize;
use std::collections::BTreeMap;

/// A value; what the device does not implement is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Not implemented, not readable, or with a void scale factor.
    Missing,
    /// A number, scaled.
    Number(f64),
    /// Text or an address.
    Text(String),
}

impl Value {
    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Missing | Value::Text(_) => None,
        }
    }
}

/// One decoded point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Its unit, empty where it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The unscaled number, where the device leaves the scale factor void: then nobody knows its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unscaled: Option<f64>,
    /// Its first register, counted from the model's ID.
    #[serde(skip)]
    pub offset: usize,
    /// Registers it takes.
    #[serde(skip)]
    pub size: usize,
    /// Its type.
    #[serde(skip)]
    pub kind: Kind,
    /// Its power of ten; `None` where the device leaves it void.
    #[serde(skip)]
    pub power: Option<i32>,
}

/// Decodes a block whose registers start with ID and length. A register that could not be read is `None`.
pub(crate) fn decode(model: &Model, words: &[Option<u16>]) -> Vec<Entry> {
    let mut decoder = Decoder { words, scopes: Vec::new(), entries: Vec::new() };
    decoder.group(&model.body, 2, "");
    decoder.entries
}

struct Decoder<'a> {
    words: &'a [Option<u16>],
    /// Scale factors and counts in sight, the innermost group last.
    scopes: Vec<BTreeMap<&'a str, i64>>,
    entries: Vec<Entry>,
}

impl<'a> Decoder<'a> {
    /// Decodes one instance of a group; returns the offset after it.
    fn group(&mut self, group: &'a Group, start: usize, prefix: &str) -> usize {
        let mut scope = BTreeMap::new();
        let mut offset = start;
        for point in &group.points {
            let small = point.size == 1 && matches!(point.kind, Kind::ScaleFactor | Kind::Unsigned);
            if small && let Some(Some(word)) = self.words.get(offset) {
                let value = if point.kind == Kind::ScaleFactor { i64::from(*word as i16) } else { i64::from(*word) };
                scope.insert(point.name.as_str(), value);
            }
            offset += point.size;
        }
        self.scopes.push(scope);
        let mut offset = start;
        for point in &group.points {
            self.point(point, offset, prefix);
            offset += point.size;
        }
        for inner in &group.groups {
            offset = self.repeat(inner, offset, prefix);
        }
        self.scopes.pop();
        offset
    }

    fn repeat(&mut self, group: &'a Group, start: usize, prefix: &str) -> usize {
        let room = |offset: usize| self.words.len().saturating_sub(offset);
        let count = match &group.repeat {
            Repeat::Single => return self.group(group, start, &format!("{prefix}{}.", group.name)),
            Repeat::Times(times) => *times,
            Repeat::Point(name) => match self.in_sight(name) {
                Some(count @ 0..=0xFFFE) => count as usize,
                Some(_) | None => 0,
            },
            Repeat::Length => room(start) / group.size().max(1),
        };
        let mut offset = start;
        for index in 1..=count {
            if offset + group.size() > self.words.len() {
                break;
            }
            offset = self.group(group, offset, &format!("{prefix}{}[{index}].", group.name));
        }
        offset
    }

    fn in_sight(&self, name: &str) -> Option<i64> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    fn point(&mut self, point: &PointDef, offset: usize, prefix: &str) {
        if matches!(point.kind, Kind::Pad | Kind::ScaleFactor) {
            return;
        }
        let power = match &point.scale {
            Scale::None => Some(0),
            Scale::Fixed(power) => Some(*power),
            Scale::Point(name) => {
                self.in_sight(name).filter(|power| (-10..=10).contains(power)).map(|power| power as i32)
            }
        };
        let words: Option<Vec<u16>> =
            self.words.get(offset..offset + point.size).and_then(|words| words.iter().copied().collect());
        let raw = words.and_then(|words| read(point.kind, &words));
        let unscaled = match (&raw, power) {
            (Some(Raw::Number(number)), None) => Some(*number),
            (Some(Raw::Number(_) | Raw::Text(_)) | None, _) => None,
        };
        let value = raw.map_or(Value::Missing, |raw| scaled(raw, power));
        self.entries.push(Entry {
            key: format!("{prefix}{}", point.name),
            value,
            unit: point.unit.clone(),
            unscaled,
            offset,
            size: point.size,
            kind: point.kind,
            power,
        });
    }
}

enum Raw {
    Number(f64),
    Text(String),
}

fn scaled(raw: Raw, power: Option<i32>) -> Value {
    match (raw, power) {
        (Raw::Text(text), _) => Value::Text(text),
        (Raw::Number(_), None) => Value::Missing,
        // Dividing by an exact power of ten gives the nearest number to the decimal one; multiplying by 0.001 would not.
        (Raw::Number(number), Some(power @ ..0)) => Value::Number(number / 10f64.powi(-power)),
        (Raw::Number(number), Some(power)) => Value::Number(number * 10f64.powi(power)),
    }
}

/// The raw value; `None` for the marker that means "not implemented".
fn read(kind: Kind, words: &[u16]) -> Option<Raw> {
    let bits = words.iter().take(4).fold(0u64, |bits, word| bits << 16 | u64::from(*word));
    let width = 16 * words.len().min(4) as u32;
    let all = u64::MAX >> (64 - width);
    match kind {
        Kind::Signed => {
            let value = (bits << (64 - width)) as i64 >> (64 - width);
            (bits != 1 << (width - 1)).then_some(Raw::Number(value as f64))
        }
        Kind::Unsigned => (bits != all).then_some(Raw::Number(bits as f64)),
        Kind::Counter => (bits != 0).then_some(Raw::Number(bits as f64)),
        Kind::Float => {
            let value = if width == 32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) };
            value.is_finite().then_some(Raw::Number(value))
        }
        Kind::Text => {
            let bytes: Vec<u8> =
                words.iter().flat_map(|word| word.to_be_bytes()).take_while(|byte| *byte != 0).collect();
            (!bytes.is_empty()).then(|| Raw::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Kind::Ip4 => (bits != 0).then(|| Raw::Text(std::net::Ipv4Addr::from(bits as u32).to_string())),
        Kind::Ip6 => {
            let address = words.iter().fold(0u128, |bits, word| bits << 16 | u128::from(*word));
            (address != 0).then(|| Raw::Text(std::net::Ipv6Addr::from(address).to_string()))
        }
        Kind::Mac => {
            let bytes = bits.to_be_bytes();
            let text: Vec<String> = bytes.iter().skip(2).map(|byte| format!("{byte:02X}")).collect();
            (bits & 0xFFFF_FFFF_FFFF != 0xFFFF_FFFF_FFFF).then(|| Raw::Text(text.join(":")))
        }
        Kind::ScaleFactor | Kind::Pad => None,
    }
}
