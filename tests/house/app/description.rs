//! What the Supervisor reads: config.yaml with options and their schema, the translations, the pictures, repository.yaml.
//!
//! The rules are the Supervisor's own of August 2026, as far as they concern what these files use.

use crate::peer::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::process::Command;

/// The keys of config.yaml that are used here and that the Supervisor knows.
const KEYS: &[&str] = &[
    "arch",
    "backup",
    "backup_exclude",
    "boot",
    "description",
    "homeassistant",
    "homeassistant_api",
    "image",
    "ingress",
    "ingress_port",
    "init",
    "map",
    "name",
    "options",
    "panel_admin",
    "panel_icon",
    "panel_title",
    "ports",
    "ports_description",
    "schema",
    "services",
    "slug",
    "stage",
    "startup",
    "timeout",
    "uart",
    "url",
    "version",
];

/// The options as they are before their owner changes one; `None`, said loudly, where YAML cannot be read here.
pub(crate) fn options() -> Result<Option<Value>> {
    Ok(yaml("ha-addon/config.yaml")?.map(|config| config["options"].clone()))
}

/// The schema of the options; `None`, said loudly, where YAML cannot be read here.
pub(crate) fn schema() -> Result<Option<Value>> {
    Ok(yaml("ha-addon/config.yaml")?.map(|config| config["schema"].clone()))
}

/// A YAML file of the repository, read by a YAML library of another language.
fn yaml(file: &str) -> Result<Option<Value>> {
    let python = workspace().join(".cache/peers/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: the Python peers are not in .cache/peers (./run setup installs them)");
        return Ok(None);
    }
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let output = Command::new(python).args(["-c", script]).arg(workspace().join(file)).output()?;
    ensure!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}

fn text(file: &str) -> Result<String> {
    std::fs::read_to_string(workspace().join(file)).with_context(|| file.to_owned())
}

/// What is wrong with a value for an element of the schema; the element itself may be wrong too.
pub(crate) fn faults(path: &str, element: &Value, value: Option<&Value>, faults_so_far: &mut Vec<String>) {
    match (element, value) {
        (Value::Object(keys), Some(Value::Object(values))) => {
            for (key, element) in keys {
                faults(&format!("{path}.{key}"), element, values.get(key), faults_so_far);
            }
            let unknown = values.keys().filter(|key| !keys.contains_key(*key));
            faults_so_far.extend(unknown.map(|key| format!("{path}.{key}: is not in the schema")));
        }
        (Value::Object(_), None) => faults_so_far.push(format!("{path}: missing")),
        (Value::Array(elements), value) if elements.len() == 1 => match (&elements[0], value) {
            (element, Some(Value::Array(items))) => {
                for item in items {
                    faults(&format!("{path}[]"), element, Some(item), faults_so_far);
                }
            }
            (Value::String(kind), None) if kind.ends_with('?') => {}
            (_, value) => faults_so_far.push(format!("{path}: {value:?} is no list")),
        },
        (Value::String(kind), value) => {
            let optional = kind.ends_with('?');
            match (Kind::parse(kind), value) {
                (None, _) => faults_so_far.push(format!("{path}: '{kind}' is no kind of value")),
                (Some(_), None) if optional => {}
                (Some(kind), Some(value)) if kind.takes(value) => {}
                (Some(_), value) => faults_so_far.push(format!("{path}: {value:?} is no {kind}")),
            }
        }
        (element, value) => faults_so_far.push(format!("{path}: {value:?} does not fit {element}")),
    }
}

/// A kind of value in the schema's words.
enum Kind {
    Boolean,
    Text(f64, f64),
    Number(f64, f64),
    OneOf(Vec<String>),
    Matching,
}

impl Kind {
    fn parse(kind: &str) -> Option<Self> {
        let kind = kind.strip_suffix('?').unwrap_or(kind);
        let (word, inside) = match kind.split_once('(') {
            Some((word, rest)) => (word, Some(rest.strip_suffix(')')?)),
            None => (kind, None),
        };
        let bounds = match inside {
            Some(inside) => inside.split_once(',').and_then(|(least, most)| Some((bound(least)?, bound(most)?))),
            None => Some((None, None)),
        };
        let bounds = bounds.map(|(least, most)| (least.unwrap_or(f64::MIN), most.unwrap_or(f64::MAX)));
        Some(match (word, inside) {
            ("bool", None) => Self::Boolean,
            ("str" | "password", _) => Self::Text(bounds?.0, bounds?.1),
            ("url" | "email", None) => Self::Text(1.0, f64::MAX),
            ("int" | "float", _) => Self::Number(bounds?.0, bounds?.1),
            ("port", None) => Self::Number(1.0, 65535.0),
            ("list", Some(inside)) if !inside.is_empty() => Self::OneOf(inside.split('|').map(str::to_owned).collect()),
            ("match", Some(_)) => Self::Matching,
            _ => return None,
        })
    }

    fn takes(&self, value: &Value) -> bool {
        let within = |number: f64, least: &f64, most: &f64| number >= *least && number <= *most;
        match self {
            Self::Boolean => value.is_boolean(),
            Self::Text(least, most) => value.as_str().is_some_and(|text| within(text.len() as f64, least, most)),
            Self::Number(least, most) => value.as_f64().is_some_and(|number| within(number, least, most)),
            Self::OneOf(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
            Self::Matching => value.is_string(),
        }
    }
}

/// A bound, which may be left open; `None` where it is no number.
fn bound(text: &str) -> Option<Option<f64>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

#[test]
fn the_options_fit_their_schema() -> Result<()> {
    let Some(config) = yaml("ha-addon/config.yaml")? else { return Ok(()) };
    let mut found = Vec::new();
    faults("options", &config["schema"], Some(&config["options"]), &mut found);
    assert!(found.is_empty(), "{found:#?}");
    // And with an entry in each list.
    let mut options = config["options"].clone();
    options["device"] = serde_json::json!([{"name": "meter", "type": "fronius-gen24", "unit": 300}]);
    options["tariff"]["import"]["windows"] = serde_json::json!([{"from": "22:00"}]);
    options["schedule"] = serde_json::json!([{"cron": "0 6 * * *", "mode": "boost"}]);
    faults("options", &config["schema"], Some(&options), &mut found);
    let places: Vec<&str> = found.iter().filter_map(|fault| fault.split(": ").next()).collect();
    let expected = ["tariff.import.windows[].to", "tariff.import.windows[].price_eur_per_kwh", "device[].unit"];
    let expected = expected.into_iter().chain(["schedule[].mode"]).map(|path| format!("options.{path}"));
    assert_eq!(places, expected.collect::<Vec<_>>());
    Ok(())
}

#[test]
fn the_description_keeps_to_the_supervisors_rules() -> Result<()> {
    let Some(config) = yaml("ha-addon/config.yaml")? else { return Ok(()) };
    let keys: BTreeSet<&str> = config.as_object().context("no mapping")?.keys().map(String::as_str).collect();
    assert_eq!(keys, KEYS.iter().copied().collect());
    let arch = config["arch"].as_array().context("no arch")?;
    assert!(arch.iter().all(|arch| arch == "aarch64" || arch == "amd64"), "{arch:?}");
    assert_eq!(config["services"], serde_json::json!(["mqtt:want"]));
    assert!(config["timeout"].as_i64().is_some_and(|seconds| (10..=300).contains(&seconds)));
    assert_eq!(config["ports"]["8099/tcp"], Value::Null, "closed until its owner opens it");
    assert_eq!(config["ingress_port"], 8099);

    let slug = config["slug"].as_str().context("no slug")?;
    assert!(text("ha-addon/apparmor.txt")?.contains(&format!("profile {slug} ")), "the profile bears the slug");
    let version = config["version"].as_str().context("no version")?;
    let manifest: toml::Value = toml::from_str(&text("Cargo.toml")?)?;
    assert_eq!(manifest["workspace"]["package"]["version"].as_str(), Some(version));
    assert!(text("ha-addon/Dockerfile")?.contains(&format!("io.hass.version=\"{version}\"")));
    assert!(text("ha-addon/CHANGELOG.md")?.contains(&format!("## {version}\n")));
    assert!(text("ha-addon/DOCS.md")?.len() > 500 && text("ha-addon/README.md")?.len() > 100);

    let Some(repository) = yaml("repository.yaml")? else { return Ok(()) };
    assert!(["name", "url", "maintainer"].iter().all(|key| repository[key].is_string()), "{repository}");
    assert_eq!(repository["url"], config["url"]);
    Ok(())
}

/// The sections of the schema that have a name in a language, and the names without a section.
fn untranslated(path: &str, element: &Value, names: &Value, found: &mut Vec<String>) {
    let element = element.as_array().and_then(|elements| elements.first()).unwrap_or(element);
    let Value::Object(keys) = element else { return };
    for (key, element) in keys {
        let path = format!("{path}{key}");
        if names[key]["name"].as_str().is_none_or(str::is_empty) {
            found.push(format!("{path} has no name"));
        }
        untranslated(&format!("{path}."), element, &names[key]["fields"], found);
    }
    let extra = names.as_object().into_iter().flat_map(Map::keys).filter(|key| !keys.contains_key(*key));
    found.extend(extra.map(|key| format!("{path}{key} is no option")));
}

#[test]
fn every_option_has_its_name_in_every_language() -> Result<()> {
    let Some(config) = yaml("ha-addon/config.yaml")? else { return Ok(()) };
    for language in ["en", "de"] {
        let Some(words) = yaml(&format!("ha-addon/translations/{language}.yaml"))? else { return Ok(()) };
        let mut found = Vec::new();
        untranslated("", &config["schema"], &words["configuration"], &mut found);
        assert!(found.is_empty(), "{language}: {found:#?}");
        assert!(words["network"]["8099/tcp"].is_string(), "{language}: the port has no words");
    }
    Ok(())
}

#[test]
fn pictures_have_their_sizes_and_nothing_else_looks_like_an_app() -> Result<()> {
    for (file, expected) in [("icon.png", (128, 128)), ("logo.png", (250, 100))] {
        let bytes = std::fs::read(workspace().join("ha-addon").join(file))?;
        let side = |at: usize| bytes.get(at..at + 4).and_then(|four| Some(u32::from_be_bytes(four.try_into().ok()?)));
        assert_eq!((side(16), side(20)), (Some(expected.0), Some(expected.1)), "{file}");
    }
    let output = Command::new("git").args(["ls-files"]).current_dir(workspace()).output();
    let Some(files) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIPPED: this is no git checkout");
        return Ok(());
    };
    // The Supervisor takes every file of such a name for an app.
    let named =
        |path: &&str| ["config.yaml", "config.yml", "config.json"].contains(&path.rsplit('/').next().unwrap_or(""));
    let files = String::from_utf8(files.stdout)?;
    assert_eq!(files.lines().filter(named).collect::<Vec<_>>(), ["ha-addon/config.yaml"]);
    Ok(())
}
