//! The shape of JSON: each place and the types that were seen there, gathered over many answers.
//!
//! A place is the way to a value: `points.grid.power.value`, `plan.slots[].reason`. Elements of a list that bear a name
//! (`control` or `id`) are places of their own: `decision.settings[battery.mode].value`. Keys that are numbers or that a
//! day decides (`reasons`) are one place: `reasons.*`.
//!
//! Example: 0.1.0 answered `{"a": 1, "b": null}`. `{"a": 2, "b": "x", "c": 3}` has no difference: `b` was empty by chance,
//! and `c` may come. `{"a": "1"}` has two: `a: number became string` and `b: gone`.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Objects whose keys depend on what happened.
const MAPS: [&str; 1] = ["reasons"];

/// Places and the types seen there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape(BTreeMap<String, BTreeSet<&'static str>>);

impl Shape {
    /// The shape of one value.
    pub(super) fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add("", value);
        shape
    }

    /// Adds what is to be seen at `place` and below.
    pub(super) fn add(&mut self, place: &str, value: &Value) {
        self.0.entry(place.to_owned()).or_default().insert(kind(value));
        match value {
            Value::Object(map) => {
                let any = MAPS.iter().any(|name| place.rsplit('.').next() == Some(*name));
                for (key, value) in map {
                    let number = key.bytes().all(|byte| byte.is_ascii_digit());
                    let key = if any || number { "*" } else { key };
                    self.add(&below(place, key), value);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.add(&format!("{place}[{}]", name(item)), item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Adds what another shape has.
    pub(super) fn merge(&mut self, other: Self) {
        for (place, types) in other.0 {
            self.0.entry(place).or_default().extend(types);
        }
    }

    /// What is here and not in `today`, or there with another type.
    pub(super) fn differences(&self, today: &Self) -> Vec<String> {
        self.0.iter().filter_map(|(place, types)| difference(place, types, today.0.get(place))).collect()
    }
}

/// A value may be missing (null) where it has been seen; where 0.1.0 answered nothing but null, anything may come.
fn difference(place: &str, then: &BTreeSet<&str>, today: Option<&BTreeSet<&'static str>>) -> Option<String> {
    let place = if place.is_empty() { "(all of it)" } else { place };
    let Some(today) = today else { return Some(format!("{place}: gone")) };
    let known: BTreeSet<&str> = then.iter().copied().filter(|kind| *kind != "null").collect();
    let found: BTreeSet<&str> = today.iter().copied().filter(|kind| *kind != "null").collect();
    let listed = |kinds: &BTreeSet<&str>| kinds.iter().copied().collect::<Vec<_>>().join(" or ");
    let by_chance = known.is_empty() || (found.is_empty() && then.contains("null"));
    if by_chance || (!found.is_empty() && found.is_subset(&known)) {
        return None;
    }
    let now = if found.is_empty() { "null".to_owned() } else { listed(&found) };
    Some(format!("{place}: {} became {now}", listed(&known)))
}

fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// What an element of a list is called.
fn name(item: &Value) -> &str {
    ["control", "id"].iter().find_map(|key| item.get(key)?.as_str()).unwrap_or("")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn what_was_there_is_there_with_its_type() {
    let rows: [(&str, &str, &[&str]); 11] = [
        (r#"{"a": 1}"#, r#"{"a": 2.5, "b": 3}"#, &[]),
        (r#"{"a": 1, "b": null}"#, r#"{"a": 2, "b": "x", "c": 3}"#, &[]),
        (r#"{"a": 1, "b": null}"#, r#"{"a": "1"}"#, &["a: number became string", "b: gone"]),
        (r#"{"a": 1}"#, r#"{"a": null}"#, &["a: number became null"]),
        (r#"{"a": [{"b": 1}, {"b": null}]}"#, r#"{"a": [{"b": null}]}"#, &[]),
        (r#"{"a": [{"b": 1}]}"#, r#"{"a": []}"#, &["a[]: gone", "a[].b: gone"]),
        (
            r#"{"a": [{"id": "x", "b": 1}]}"#,
            r#"{"a": [{"id": "y", "b": 1}]}"#,
            &["a[x]: gone", "a[x].b: gone", "a[x].id: gone"],
        ),
        (r#"{"reasons": {"idle": 1}}"#, r#"{"reasons": {"surplus": 1}}"#, &[]),
        (r#"{"spot": {"1973464": 1}}"#, r#"{"spot": {"1973465": true}}"#, &["spot.*: number became boolean"]),
        ("[1]", r#"["1"]"#, &["[]: number became string"]),
        ("1", "{}", &["(all of it): number became object"]),
    ];
    for (then, today, expected) in rows {
        let shape = |text| Shape::of(&serde_json::from_str(text).unwrap_or_default());
        assert_eq!(shape(then).differences(&shape(today)), expected, "{then} and {today}");
    }
}
