//! Definitions as a person reads them.

use super::number;
use controls::control;
use drivers::definition::{Definition, Derived, PointRow};
use drivers::modbus::{Number, WordOrder};
use plant::point::Point;
use serde_json::Value as Json;
use std::fmt::Write as _;

mod controls;

/// Columns of a terminal.
const WIDTH: usize = 100;

/// A definition in the list.
pub(super) fn summary(definition: &Definition) -> String {
    let mut text = format!("{}  ({})\n", definition.id, definition.transport.join(", "));
    text += &paragraph("  for    ", &definition.products.join(", "));
    let points: Vec<&str> = definition.points().iter().map(|point| point.name()).collect();
    text += &paragraph("  reads  ", &points.join(", "));
    let controls: Vec<&str> = definition.control.iter().map(|row| row.name.name()).collect();
    if !controls.is_empty() {
        text += &paragraph("  set    ", &controls.join(", "));
    }
    text + "\n"
}

/// Everything about a definition.
pub(super) fn page(definition: &Definition) -> String {
    let mut text = format!("{}\n", definition.id);
    text += &paragraph("  for      ", &definition.products.join(", "));
    text += &paragraph("  over     ", &definition.transport.join(", "));
    if modbus(definition) {
        text += &format!("  unit     {}\n", definition.unit);
    }
    text += &paragraph("  notes    ", &definition.notes);
    text += &paragraph("  tested   ", &definition.tested);
    text += &paragraph("  sources  ", &definition.sources.join("; "));
    for (name, parameter) in &definition.parameters {
        let default = parameter
            .default
            .as_ref()
            .map_or("must be given".to_owned(), |value| format!("\"{value}\" where not given"));
        text += &paragraph(&format!("  parameter {name}: "), &format!("{}; {default}", parameter.about));
    }
    text += "\nPoints\n";
    let width = definition.point.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &definition.point {
        let _ = writeln!(text, "  {:<width$}  {}", row.name, [place(row), meaning(row)].concat().join(", "));
    }
    for row in &definition.derived {
        let _ = writeln!(text, "  {:<width$}  {}", row.name, formula(row));
    }
    if !definition.control.is_empty() {
        text += "\nControls\n";
        text.extend(definition.control.iter().map(control));
    }
    text + "\nIn heatmine.toml\n" + &example(definition)
}

fn modbus(definition: &Definition) -> bool {
    definition.transport.iter().any(|transport| transport != "mqtt")
}

/// Where a value stands on the wire.
fn place(row: &PointRow) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(address) = row.address {
        words.push(format!("{} register {address}{}", function(row.fc), base(row.doc_base)));
        words.extend(row.number.map(|number| type_name(number).to_owned()));
        if row.words == WordOrder::LowFirst {
            words.push("low word first".to_owned());
        }
    }
    if let Some(key) = &row.sunspec {
        let models: Vec<String> = row.models.iter().map(u16::to_string).collect();
        words.push(format!("SunSpec {key} of model {}", models.join(" or ")));
    }
    if let Some(topic) = &row.topic {
        words.push(format!("topic {topic}"));
        words.extend(row.path.all().iter().filter(|path| !path.is_empty()).map(|path| format!("at {path}")));
    }
    if let Some(unit) = row.unit_id {
        words.push(format!("unit {unit}"));
    }
    words.extend(row.unit_parameter.as_ref().map(|name| format!("unit {{{name}}}")));
    words
}

/// What the number means.
fn meaning(row: &PointRow) -> Vec<String> {
    let scale = row.scale.filter(|scale| *scale != 1.0).map(|scale| format!("x {scale} "));
    let mut words = Vec::new();
    if !row.unit.is_empty() || scale.is_some() {
        words.push(format!("{}{}", scale.unwrap_or_default(), row.unit).trim().to_owned());
    }
    if row.sign == Some(-1) {
        words.push("sign turned".to_owned());
    }
    words.extend(row.sign_parameter.as_ref().map(|name| format!("sign as {{{name}}} says")));
    let unit = row.name.parse::<Point>().map_or(row.unit.as_str(), |point| point.unit());
    words.extend(row.range.map(|[low, high]| format!("{} to {} {unit}", number(low), number(high))));
    if row.absolute {
        words.push("without sign".to_owned());
    }
    if !row.one_when.is_empty() {
        let ones: Vec<String> = row.one_when.iter().map(|one| number(*one)).collect();
        words.push(format!("1 for {}, else 0", ones.join(" or ")));
    }
    if row.slow {
        words.push("read seldom".to_owned());
    }
    if row.on_request {
        words.push("only where points lists it".to_owned());
    }
    words
}

fn formula(row: &Derived) -> String {
    if !row.first.is_empty() {
        return format!("the first known of {}", row.first.join(", "));
    }
    let mut text = format!("= {}", [row.add.clone(), row.add_if_known.clone()].concat().join(" + "));
    if let Some(part) = &row.magnitude {
        let _ = write!(text, "{}size of {part}", if text == "= " { "" } else { " + " });
    }
    text.extend(row.subtract.iter().map(|part| format!(" - {part}")));
    if let Some(flag) = &row.negate_when {
        let _ = write!(text, ", turned where {} has a bit of {:#x}", flag.part, flag.mask);
    }
    if let Some(least) = row.at_least {
        let _ = write!(text, ", at least {}", number(least));
    }
    text
}

fn function(fc: Option<u8>) -> &'static str {
    if fc == Some(4) { "input" } else { "holding" }
}

fn base(doc_base: u8) -> &'static str {
    if doc_base == 1 { " (counted from 1)" } else { "" }
}

fn type_name(number: Number) -> &'static str {
    match number {
        Number::I16 => "i16",
        Number::U16 => "u16",
        Number::I32 => "i32",
        Number::U32 => "u32",
        Number::I64 => "i64",
        Number::U64 => "u64",
        Number::F32 => "f32",
        Number::F64 => "f64",
    }
}

/// A section that can be put into a configuration.
fn example(definition: &Definition) -> String {
    let mut text = format!("  [[device]]\n  name = \"{}\"\n  type = \"{}\"\n", definition.id, definition.id);
    text += match (definition.speaks("tcp"), definition.speaks("mqtt"), &definition.topic) {
        (true, ..) => "  address = \"tcp://192.168.1.20:502\"\n".to_owned(),
        (false, true, topic) => format!("  topic = \"{}\"\n", topic.as_deref().unwrap_or("its/topic")),
        (false, false, _) => "  address = \"rtu:///dev/ttyUSB0?baud=9600\"\n".to_owned(),
    }
    .as_str();
    for (name, parameter) in definition.parameters.iter().filter(|(_, parameter)| parameter.default.is_none()) {
        let _ = writeln!(text, "  parameters.{name} = \"..\"  # {}", parameter.about);
    }
    if !definition.control.is_empty() {
        let controls: Vec<String> = definition.control.iter().map(|row| format!("\"{}\"", row.name)).collect();
        let _ = writeln!(
            text,
            "  controls = [{}]  # what HeatMine may tell it; nothing where this is left out",
            controls.join(", ")
        );
    }
    text
}

/// Words behind a head, broken at the terminal's width and indented like the first line; nothing where there are none.
fn paragraph(head: &str, words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    let indent = " ".repeat(head.chars().count().min(11));
    let mut lines = vec![head.to_owned()];
    for word in words.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line + word.chars().count() > WIDTH && line > indent.len() {
            lines.push(indent.clone());
        }
        if let Some(line) = lines.last_mut() {
            *line += word;
            line.push(' ');
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Without what a definition does not say.
pub(super) fn without_empty(json: &Json) -> Json {
    match json {
        Json::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Json::Object(kept.filter(|(_, value)| !empty(value)).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(without_empty).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}

fn empty(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_can_be_shown_and_its_example_is_a_configuration() {
        for definition in drivers::definition::load_builtin() {
            let page = page(&definition);
            for name in
                definition.point.iter().map(|row| &row.name).chain(definition.derived.iter().map(|row| &row.name))
            {
                assert!(page.contains(name.as_str()), "{}: {name}\n{page}", definition.id);
            }
            let example: toml::Table = example(&definition).parse().unwrap();
            assert_eq!(example["device"][0]["type"].as_str(), Some(definition.id.as_str()));
            assert!(summary(&definition).lines().all(|line| line.chars().count() <= WIDTH), "{}", definition.id);
        }
    }
}
