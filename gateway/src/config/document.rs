//! A configuration file as a tree of values that remembers where each key stands.

use super::error::{ConfigError, ConfigErrors, Place};
use super::secret::may_be_secret;
use super::sections;
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The largest file that is read.
const SIZE_MAX: u64 = 1 << 20;

/// A parsed file. Keys without a value are left out: `null` in JSON, and the empty sections that the add-on's options have
/// for what a house has not.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name, for messages.
    pub file: String,
    /// Its content; an object.
    pub value: Value,
    /// Where each key stands, by its path.
    pub places: BTreeMap<String, Place>,
}

impl Document {
    /// Reads a file: JSON where its name ends in `.json`, TOML otherwise. Of one that cannot be read as a whole, what can be;
    /// then it is said why as well.
    pub fn read_partly(path: &Path) -> (Self, Option<ConfigErrors>) {
        let file = path.display().to_string();
        let nothing = || Self { file: file.clone(), value: Value::Object(Map::new()), places: BTreeMap::new() };
        let text = match text(path, &file) {
            Ok(text) => text,
            Err(errors) => return (nothing(), Some(errors)),
        };
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        match if is_json { Self::from_json(&file, &text) } else { Self::from_toml(&file, &text) } {
            Ok(document) => (document, None),
            Err(errors) if is_json => (nothing(), Some(errors)),
            Err(errors) => {
                (Self::from_toml(&file, &sections::sound(&text)).unwrap_or_else(|_| nothing()), Some(errors))
            }
        }
    }

    /// Parses TOML; every syntax error is reported.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let mut errors: Vec<ConfigError> = errors.iter().map(|error| syntax(text, error)).collect();
            errors.sort_by_key(|error| error.place);
            return Err(ConfigErrors { file: file.into(), unreadable: false, errors });
        }
        let mut places = BTreeMap::new();
        let value = table_value(table.get_ref(), "", text, &mut places);
        Ok(Self { file: file.into(), value, places })
    }

    /// Parses JSON.
    pub fn from_json(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        let failed = |place: Option<Place>, expected: String| ConfigErrors {
            file: file.into(),
            unreadable: false,
            errors: vec![ConfigError { place, ..ConfigError::new("", None, expected) }],
        };
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(failed(None, "is empty; expected a JSON object with the sections of the configuration".into()));
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or(&words).to_owned();
            failed(Some(Place { line: error.line(), column: error.column() }), format!("not valid JSON: {words}"))
        })?;
        if !value.is_object() {
            return Err(failed(None, "expected a JSON object with the sections of the configuration".into()));
        }
        Ok(Self { file: file.into(), value: without_nulls(value), places: BTreeMap::new() })
    }
}

/// The text of a file.
fn text(path: &Path, file: &str) -> Result<String, ConfigErrors> {
    let about = |unreadable: bool, expected: String| ConfigErrors {
        file: file.to_owned(),
        unreadable,
        errors: vec![ConfigError::new("", None, expected)],
    };
    let bytes = bytes(path).map_err(|error| about(true, why(&error)))?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(about(false, format!("is too long; a configuration has {SIZE_MAX} bytes at most")));
    }
    String::from_utf8(bytes)
        .map_err(|error| about(false, format!("is not text: byte {} is no UTF-8", error.utf8_error().valid_up_to())))
}

/// The content, read no further than needed to see that it is too long.
fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "does not exist; expected a configuration, as heatmine.example.toml shows one".into(),
        ErrorKind::IsADirectory => "is a folder; expected a file, as heatmine.toml in it".into(),
        _ => format!("cannot be read: {error}"),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let place = error.span().map(|span| place_of(text, span.start));
    let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let line = place.and_then(|place| text.lines().nth(place.line - 1)).map(str::trim).unwrap_or_default();
    let line = match may_be_secret(line) {
        true => String::new(),
        false => {
            let harmless = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
            format!(", in: {}", line.chars().take(60).map(harmless).collect::<String>())
        }
    };
    ConfigError { place, ..ConfigError::new("", None, format!("not valid TOML: {message}{line}")) }
}

fn place_of(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
    Place { line: before.matches('\n').count() + 1, column }
}

fn table_value(table: &DeTable<'_>, path: &str, text: &str, places: &mut BTreeMap<String, Place>) -> Value {
    let mut map = Map::new();
    for (key, value) in table {
        let path = join(path, key.get_ref());
        places.insert(path.clone(), place_of(text, key.span().start));
        map.insert(key.get_ref().to_string(), one_value(value.get_ref(), &path, text, places));
    }
    Value::Object(map)
}

fn one_value(value: &DeValue<'_>, path: &str, text: &str, places: &mut BTreeMap<String, Place>) -> Value {
    match value {
        DeValue::String(string) => Value::String(string.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Value::Number(number.into()),
            Err(_) => Value::String(integer.to_string()),
        },
        // JSON has no infinity: it stays a text, which no numeric key accepts.
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => Value::String(float.to_string()),
        },
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
        DeValue::Array(array) => {
            let items = array.iter().enumerate().map(|(index, item)| {
                let path = format!("{path}[{index}]");
                places.insert(path.clone(), place_of(text, item.span().start));
                one_value(item.get_ref(), &path, text, places)
            });
            Value::Array(items.collect())
        }
        DeValue::Table(table) => table_value(table, path, text, places),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null() && value.as_object().is_none_or(|section| !section.is_empty()))
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}

/// The path of `key` under `path`.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
