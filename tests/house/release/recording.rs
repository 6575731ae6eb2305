//! The recorded day of 0.1.0 is decided again, and what is recorded today has the same form.

use super::exceptions::Exceptions;
use super::shape::Shape;
use super::{ended, files};
use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use tempfile::TempDir;

const FILE: &str = "demo.recording.gz";
/// The form of the lines, as exceptions name it.
pub(super) const FORM: &str = "demo.recording.gz (form)";
/// As many decisions of the day there are.
const DECISIONS: u64 = 1603;
/// As many lines of each kind show what such a line looks like.
const EACH: u32 = 300;
/// A replay shows the first twenty differences; those are corrected in the recording and it is replayed, at most so often.
const ROUNDS_MAX: u32 = 100;

/// The lines of the release's recording; `None` where there is no release.
fn recorded() -> Result<Option<Vec<String>>> {
    let Some(folder) = files() else { return Ok(None) };
    let mut text = String::new();
    GzDecoder::new(File::open(folder.join(FILE))?).read_to_string(&mut text).context(FILE)?;
    Ok(Some(text.lines().map(str::to_owned).collect()))
}

#[test]
fn the_recorded_day_is_decided_the_same_again() -> Result<()> {
    let Some(mut lines) = recorded()? else { return Ok(()) };
    Exceptions::read()?.judge(FILE, &decided(&mut lines, DECISIONS)?)
}

#[test]
fn a_decision_that_comes_out_differently_is_named() -> Result<()> {
    let Some(mut lines) = recorded()? else { return Ok(()) };
    lines.truncate(3000);
    let mut changed = Vec::new();
    let decisions = lines.iter_mut().enumerate().filter(|(_, line)| line.starts_with(r#"{"decision""#));
    for (index, line) in decisions.skip(10).step_by(5).take(30) {
        let mut value: Value = serde_json::from_str(line)?;
        value["decision"]["decision"]["worth"]["electricity"] = serde_json::json!(7.25);
        *line = value.to_string();
        changed.push(format!("line {} ", index + 1));
    }
    ensure!(changed.len() == 30, "more than a replay shows at once");
    let count = lines.iter().filter(|line| line.starts_with(r#"{"decision""#)).count();
    // What is different on purpose is named beside them.
    let mut found = decided(&mut lines, count as u64)?;
    found.retain(|said| said.contains(": worth.electricity: 7.25 became "));
    let named = |(said, line): (&String, &String)| said.starts_with(line);
    ensure!(found.len() == 30 && found.iter().zip(&changed).all(named), "{found:#?}");
    Ok(())
}

/// Everything that is decided differently on these lines: a line for each field.
fn decided(lines: &mut [String], decisions: u64) -> Result<Vec<String>> {
    let folder = TempDir::new()?;
    let mut found = Vec::new();
    for _ in 0..ROUNDS_MAX {
        std::fs::write(folder.path().join("recording.jsonl"), lines.join("\n"))?;
        let output = ended(folder.path(), &["replay", "recording.jsonl", "--json"])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let result: Value = serde_json::from_slice(&output.stdout).with_context(|| said.clone())?;
        ensure!(result["decisions"] == decisions, "{} of {decisions} decisions", result["decisions"]);
        if output.status.success() {
            return Ok(found);
        }
        let shown = result["differences"].as_array().filter(|shown| !shown.is_empty()).context(said)?;
        for difference in shown {
            let line = difference["line"].as_u64().context("a difference without a line")?;
            found.extend(fields(line, &difference["recorded"], &difference["replayed"]));
            let target = usize::try_from(line - 1).ok().and_then(|index| lines.get_mut(index));
            *target.context("no such line")? =
                serde_json::json!({"decision": {"decision": difference["replayed"]}}).to_string();
            ensure!(difference["replayed"].is_object(), "nothing is decided: {}", found.join("\n"));
        }
    }
    Ok(found)
}

/// The fields of a decision that are different.
fn fields(line: u64, then: &Value, today: &Value) -> Vec<String> {
    let limited =
        if then["limits"].as_array().is_some_and(|limits| !limits.is_empty()) { "limited" } else { "not limited" };
    let head = format!("line {line} ({}, {limited})", then["reason"].as_str().unwrap_or("no reason"));
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves("", then, &mut before);
    leaves("", today, &mut after);
    let places: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let said = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let changed = places.into_iter().filter(|place| before.get(*place) != after.get(*place));
    changed
        .map(|place| format!("{head}: {place}: {} became {}", said(before.get(place)), said(after.get(place))))
        .collect()
}

/// The single values below a place.
fn leaves(place: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    let dot = if place.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(&format!("{place}{dot}{key}"), value, found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| leaves(&format!("{place}[{index}]"), value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            drop(found.insert(place.to_owned(), value.clone()))
        }
    }
}

/// What the lines of the release's recording have and those of a new one have not.
pub(super) fn differences(new: &Path) -> Result<Vec<String>> {
    let then = form(recorded()?.unwrap_or_default().into_iter().map(Ok))?;
    Ok(then.differences(&form(BufReader::new(File::open(new)?).lines())?))
}

/// The shape of a recording's lines, each kind of event at a place of its own.
fn form(lines: impl Iterator<Item = std::io::Result<String>>) -> Result<Shape> {
    let (mut shape, mut seen) = (Shape::default(), BTreeMap::<String, u32>::new());
    for line in lines {
        let line = line?;
        let kind = kind(&line);
        let count = seen.entry(kind.clone()).or_default();
        *count += 1;
        if *count <= EACH {
            let mut value: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            let below = if let Some(event) = value.get_mut("event") { event.take() } else { value };
            // Each command has a value of its own kind.
            let command = below["event"]["data"]["command"].as_str().unwrap_or_default();
            shape.add(&format!("{kind} {command}"), &below);
        }
    }
    Ok(shape)
}

/// `start`, `decision`, or the name of an event, read without parsing what may be long.
fn kind(line: &str) -> String {
    let first = line.split('"').nth(1).unwrap_or_default();
    let event = line.split_once(r#""event":{"event":""#).and_then(|(_, rest)| rest.split('"').next());
    event.map_or_else(|| first.to_owned(), |event| format!("event {event}"))
}
