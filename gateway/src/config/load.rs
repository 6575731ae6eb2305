//! Reads a configuration file and reports everything that is wrong with it at once. What is right in a wrong one stays usable:
//! see [`Partial`].

use super::check::Schema;
use super::document::{Document, join};
use super::error::{ConfigError, ConfigErrors, Place};
use super::resolve::{Known, Loaded, resolve};
use super::{Config, VERSION, contract, currency, environment, form};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A configuration that is not right, and what can be used of it all the same.
#[derive(Clone, Debug)]
pub struct Partial {
    /// What is wrong.
    pub errors: ConfigErrors,
    /// What is right.
    pub known: Known,
}

/// Reads, checks and resolves the file; what the file leaves open about the broker comes from the environment.
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    load_with(path, environment::of_machine)
}

/// The same with the environment read through `variable`.
pub fn load_with(path: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Loaded, ConfigErrors> {
    load_partly(path, variable).map_err(|partial| partial.errors)
}

/// The same; where something is wrong, with what is right all the same.
pub fn load_partly(path: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Loaded, Box<Partial>> {
    let (mut document, unread) = Document::read_partly(path);
    form::complete(&mut document.value);
    environment::complete(&mut document.value, variable);
    let judged = judge(path, document);
    // What a file says that cannot be read as a whole is not judged.
    let errors = unread.unwrap_or(judged.errors);
    match judged.loaded {
        Some(loaded) if errors.errors.is_empty() => Ok(loaded),
        Some(_) | None => Err(Box::new(Partial { errors, known: judged.known })),
    }
}

/// The same for a house that may not be equipped yet: where the file names no device, an inverter and a heat pump stand for them while it
/// is checked, and the site has none.
pub fn load_unbuilt(path: &Path) -> Result<Loaded, ConfigErrors> {
    let (mut document, unread) = Document::read_partly(path);
    form::complete(&mut document.value);
    let sections = document.value.get("device").and_then(Value::as_array).map_or(0, Vec::len);
    if sections == 0 && unread.is_none() && document.value.is_object() {
        document.value["device"] = serde_json::json!([
            { "name": "inverter", "type": "fronius-gen24", "address": "tcp://127.0.0.1:502" },
            { "name": "heat-pump", "type": "lambda-eu-l", "address": "tcp://127.0.0.1:502" },
        ]);
    }
    environment::complete(&mut document.value, environment::of_machine);
    let judged = judge(path, document);
    let errors = unread.unwrap_or(judged.errors);
    match judged.loaded {
        Some(mut loaded) if errors.errors.is_empty() => {
            if sections == 0 {
                loaded.site.devices.clear();
                loaded.devices.clear();
            }
            Ok(loaded)
        }
        Some(_) | None => Err(errors),
    }
}

/// The data folder that a file names itself; `None` where it leaves that to the defaults, or cannot be read.
pub fn own_data_dir(path: &Path) -> Option<PathBuf> {
    let (document, _) = Document::read_partly(path);
    let dir = document.value.pointer("/data/dir")?.as_str()?.to_owned();
    Some(path.parent().unwrap_or(Path::new("")).join(dir))
}

/// The same for a text in memory; `file` is its name in messages and the place that relative paths start from.
pub fn load_toml(file: &Path, text: &str) -> Result<Loaded, ConfigErrors> {
    let judged = judge(file, Document::from_toml(&file.display().to_string(), text)?);
    judged.loaded.filter(|_| judged.errors.errors.is_empty()).ok_or(judged.errors)
}

/// What a document comes to.
struct Judged {
    loaded: Option<Loaded>,
    known: Known,
    errors: ConfigErrors,
}

fn judge(path: &Path, mut document: Document) -> Judged {
    if let Err(errors) = newer(&document) {
        return Judged { loaded: None, known: Known::nothing(path), errors };
    }
    contract::complete(&mut document.value);
    let mut errors = currency::missing(&document.value);
    currency::complete(&mut document.value);
    let schema = Schema::of_config().in_currency(currency::of(&document.value));
    errors.extend(schema.check(&document.value));
    let faulty: BTreeSet<String> = errors.iter().map(|error| error.key.clone()).collect();
    let sound = schema.filled(&pruned(&document.value, "", &faulty));
    let (mut loaded, mut known) = (None, Known::nothing(path));
    match serde_path_to_error::deserialize::<_, Config>(&sound) {
        Ok(config) => {
            let resolution = resolve(path, config);
            errors.extend(resolution.errors.into_iter().filter(|error| !follows(error, &faulty)));
            (loaded, known) = (resolution.loaded, resolution.known.without(&faulty));
        }
        Err(_) if !errors.is_empty() => {}
        Err(error) => errors.push(ConfigError::new(error.path().to_string(), None, error.inner().to_string())),
    }
    let errors = ConfigErrors { file: document.file.clone(), unreadable: false, errors: placed(errors, &document) };
    Judged { loaded, known, errors }
}

/// Refuses the file of a newer HeatMine as a whole: what its keys mean is not known.
fn newer(document: &Document) -> Result<(), ConfigErrors> {
    let stated = document.value.get("version").and_then(Value::as_u64);
    let Some(version) = stated.filter(|version| *version > VERSION.into()) else { return Ok(()) };
    let expected = format!("a newer HeatMine wrote this file; this one knows versions up to {VERSION}");
    let errors = placed(vec![ConfigError::new("version", Some(version.to_string()), expected)], document);
    Err(ConfigErrors { file: document.file.clone(), unreadable: false, errors })
}

/// The document without the keys that are wrong in themselves, so that the rest can be checked together.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn pruned(value: &Value, path: &str, faulty: &BTreeSet<String>) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key, value, join(path, key)))
                .filter(|(_, _, path)| !faulty.contains(path))
                .map(|(key, value, path)| (key.clone(), pruned(value, &path, faulty)))
                .collect(),
        ),
        Value::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]")));
            let items = items.filter_map(|(item, place)| match faulty.contains(&place) {
                // The numbers of the sections behind it stay what they are in the file.
                true => (!path.contains('.')).then(|| Value::Object(Map::new())),
                false => Some(pruned(item, &place, faulty)),
            });
            Value::Array(items.collect())
        }
        other => other.clone(),
    }
}

/// Whether a mistake is nothing but the consequence of another one.
fn follows(error: &ConfigError, faulty: &BTreeSet<String>) -> bool {
    let speaks_of = |key: &String| error.expected.contains(key.as_str());
    let lacks_device = error.expected.contains("[[device]]") && faulty.iter().any(|key| key.starts_with("device"));
    touches(&error.key, faulty) || faulty.iter().any(speaks_of) || lacks_device
}

/// Whether a key is one of the faulty ones, or above or below one of them.
fn touches(key: &str, faulty: &BTreeSet<String>) -> bool {
    let below = |short: &str, long: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    faulty.iter().any(|one| below(one, key) || below(key, one))
}

/// The errors with their places, in the order of the file; those without a place of their own stand where their section
/// begins.
fn placed(errors: Vec<ConfigError>, document: &Document) -> Vec<ConfigError> {
    let mut placed: Vec<ConfigError> = errors
        .into_iter()
        .map(|error| ConfigError { place: error.place.or_else(|| place(&error.key, document)), ..error })
        .collect();
    placed.sort_by_key(|error| error.place.map_or((1, Place { line: 0, column: 0 }), |place| (0, place)));
    placed
}

fn place(key: &str, document: &Document) -> Option<Place> {
    let mut key = key;
    loop {
        if let Some(place) = document.places.get(key) {
            return Some(*place);
        }
        key = key.rsplit_once(['.', '['])?.0;
    }
}
