//! What an owner of 0.1.0 has written down - options of the add-on, a configuration - is understood.

use super::exceptions::Exceptions;
use super::{ended, json, text};
use crate::app::description::{faults, options as defaults, schema};
use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// Words of a refusal that say what to change.
const HELP: [&str; 3] = ["expected", "did you mean", "known here are"];

/// What `heatmine check` says of a file of this name with this content.
fn check(folder: &Path, name: &str, content: &str) -> Result<(Output, String)> {
    std::fs::write(folder.join(name), content)?;
    let output = ended(folder, &["check", name])?;
    let said = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
    Ok((output, said))
}

/// The mistakes in the file `name`, a line each.
fn mistakes(said: &str, name: &str) -> Vec<String> {
    let lines = said.lines().map(|line| line.trim_start_matches("heatmine: "));
    lines.filter(|line| line.starts_with(&format!("{name}:"))).map(str::to_owned).collect()
}

#[test]
fn the_default_options_are_options() -> Result<()> {
    let Some(mut options) = json("options.json")? else { return Ok(()) };
    let folder = TempDir::new()?;
    // As they are they lack the one thing that only the owner knows.
    let (output, said) = check(folder.path(), "options.json", &options.to_string())?;
    ensure!(output.status.code() == Some(64) && said.contains("no device offers grid.power"), "{said}");
    ensure!(mistakes(&said, "options.json").len() == 1, "the options have mistakes of their own: {said}");
    options["device"] = json!([{"name": "inverter", "type": "fronius-gen24", "address": "tcp://127.0.0.1:9"}]);
    let (output, said) = check(folder.path(), "options.json", &options.to_string())?;
    ensure!(output.status.success(), "{said}");
    options["compute"]["max_kw"] = json!(1);
    let (output, said) = check(folder.path(), "options.json", &options.to_string())?;
    ensure!(output.status.code() == Some(64), "a key that nobody knows is taken: {said}");
    Ok(())
}

#[test]
fn the_default_options_fit_the_schema_and_no_option_is_gone() -> Result<()> {
    let (Some(options), Some(then)) = (json("options.json")?, json("schema.json")?) else { return Ok(()) };
    let (Some(today), Some(mut kept)) = (schema()?, defaults()?) else { return Ok(()) };
    let mut found = Vec::new();
    faults("options", &then, Some(&options), &mut found);
    ensure!(found.is_empty(), "the release's own schema: {found:#?}");
    // What the release's options lack as a whole section, the Supervisor takes from the new defaults.
    if let (Value::Object(kept), Value::Object(options)) = (&mut kept, options) {
        kept.extend(options);
    }
    faults("options", &today, Some(&kept), &mut found);
    let exceptions = Exceptions::read()?;
    exceptions.judge("options.json", &found)?;
    exceptions.judge("schema.json", &differences(&then, &today))
}

/// Options that are gone or take other values, and those that have to be given now.
fn differences(then: &Value, today: &Value) -> Vec<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    kinds("", then, &mut before);
    kinds("", today, &mut after);
    let changed = before.iter().filter(|(option, kind)| after.get(*option) != Some(kind)).map(|(option, kind)| {
        after.get(option).map_or_else(|| format!("{option}: gone"), |now| format!("{option}: {kind} became {now}"))
    });
    let more = after.iter().filter(|(option, kind)| !before.contains_key(*option) && !kind.ends_with('?'));
    changed.chain(more.map(|(option, _)| format!("{option}: has to be given"))).collect()
}

/// The options and the kind of value that each of them takes.
fn kinds(option: &str, element: &Value, found: &mut BTreeMap<String, String>) {
    match element {
        Value::Object(keys) => {
            let dot = if option.is_empty() { "" } else { "." };
            keys.iter().for_each(|(key, element)| kinds(&format!("{option}{dot}{key}"), element, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| kinds(&format!("{option}[]"), element, found)),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            drop(found.insert(option.to_owned(), element.as_str().unwrap_or_default().to_owned()));
        }
    }
}

#[test]
fn an_option_stays_and_no_new_one_has_to_be_given() {
    let then = json!({"a": {"b": "float(0,1)?"}, "c": [{"d": "str"}]});
    let rows: [(Value, &[&str]); 5] = [
        (json!({"a": {"b": "float(0,1)?", "e": "int?"}, "c": [{"d": "str"}]}), &[]),
        (json!({"a": {"b": "float(0,1)?"}}), &["c[].d: gone"]),
        (json!({"a": {"b": "int"}, "c": [{"d": "str"}]}), &["a.b: float(0,1)? became int"]),
        (json!({"a": {"b": "float(0,1)?"}, "c": {"d": "str"}}), &["c[].d: gone", "c.d: has to be given"]),
        (json!({"a": {"b": "float(0,1)?"}, "c": [{"d": "str"}], "e": "int"}), &["e: has to be given"]),
    ];
    for (today, expected) in rows {
        assert_eq!(differences(&then, &today), expected, "{today}");
    }
}

#[test]
fn the_example_is_accepted_or_refused_with_the_words_that_say_what_to_change() -> Result<()> {
    let Some(example) = text("heatmine.example.toml")? else { return Ok(()) };
    let folder = TempDir::new()?;
    let (output, said) = check(folder.path(), "heatmine.toml", &example)?;
    let refused = mistakes(&said, "heatmine.toml");
    let helps = |line: &String| HELP.iter().any(|words| line.contains(words));
    match output.status.code() {
        Some(0) => Exceptions::read()?.judge("heatmine.example.toml", &[]),
        Some(64) if !refused.is_empty() && refused.iter().all(helps) => {
            Exceptions::read()?.judge("heatmine.example.toml", &refused)
        }
        code => Err(anyhow::anyhow!("{code:?}: {said}")),
    }?;
    let (output, said) = check(folder.path(), "heatmine.toml", &example.replace("max_w = 900", "max_kw = 0.9"))?;
    let spoilt = mistakes(&said, "heatmine.toml");
    ensure!(output.status.code() == Some(64) && !spoilt.is_empty() && spoilt.iter().all(helps), "{said}");
    Ok(())
}

/// The add-on's options lie in a form of their own; every section that 0.1.0 had is a section of the configuration.
#[test]
fn every_section_of_the_options_is_a_section_of_the_configuration() -> Result<()> {
    let Some(options) = json("options.json")? else { return Ok(()) };
    let output = ended(TempDir::new()?.path(), &["check", "--schema"])?;
    let schema: Value = serde_json::from_slice(&output.stdout)?;
    let lost: Vec<&String> = options
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .filter(|key| schema["properties"].get(*key).is_none())
        .collect();
    ensure!(lost.is_empty(), "{lost:?}");
    Ok(())
}
