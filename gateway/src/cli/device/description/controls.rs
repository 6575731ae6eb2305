//! The controls of a definition in words: what is written for a value, and what is read before and after.
//!
//! Given back, registers get what was found in them before; where that could not be read, the writes of the safe value.

use super::{base, paragraph, type_name};
use crate::cli::device::number;
use drivers::definition::{ControlRow, Write as Written};
use plant::decision::Control;
use std::fmt::Write as _;

/// A control: its bounds and its writes.
pub(super) fn control(row: &ControlRow) -> String {
    let unit = unit(row.name);
    let mut words = vec![format!("safe is {}", safe(row.name))];
    words.extend(row.range.map(|[low, high]| format!("{} to {}{unit}", number(low), number(high))));
    if row.min_interval_s > 0.0 {
        words.push(format!("changed every {} s at most", number(row.min_interval_s)));
    }
    words.extend(row.keep_alive_s.map(|seconds| {
        let renewed =
            if row.renew_safe { "always renewed before" } else { "renewed before unless it is the safe value" };
        format!("forgotten after {} s, {renewed}", number(seconds))
    }));
    words.extend(row.writes_a_day.map(|writes| format!("written {writes} times a day at most")));
    if row.read_back {
        words.push("read again".to_owned());
    }
    let mut text = format!("  {}: {}\n", row.name, words.join(", "));
    if !row.needs.is_empty() {
        text += &paragraph("    needs    ", &row.needs);
    }
    for requirement in &row.requires {
        let numbers: Vec<String> = requirement.one_of.iter().map(|held| number(*held)).collect();
        let register = format!("register {}{}", requirement.address, base(requirement.doc_base));
        let _ = writeln!(text, "    needs    {} in {register}", numbers.join(" or "));
    }
    let phases = [("first", &row.before), ("writes", &row.write)].into_iter();
    let modes = row.mode.iter().map(|(name, writes)| (name.as_str(), writes));
    for (name, writes) in phases.chain(modes).chain([("released", &row.restore)]) {
        for write in writes {
            let _ = writeln!(text, "    {name:<8} {}", written(write));
        }
    }
    text
}

fn unit(control: Control) -> String {
    match control.unit() {
        "" => String::new(),
        unit => format!(" {unit}"),
    }
}

fn safe(control: Control) -> String {
    let number = control.safe().number().map(|value| format!("{}{}", number(value), unit(control)));
    number.unwrap_or_else(|| "normal".to_owned())
}

fn written(write: &Written) -> String {
    let mut value = write.value.map_or("the value".to_owned(), number);
    if let Some(parameter) = &write.parameter {
        value = format!("{{{parameter}}}");
    }
    if let Some(scale) = write.scale.filter(|scale| *scale != 1.0) {
        let _ = write!(value, " x {scale}");
    }
    if let Some(topic) = &write.topic {
        return format!("{} to topic {topic}", write.payload.as_deref().unwrap_or(&value));
    }
    let mut text = match (&write.sunspec, write.model) {
        (Some(key), Some(model)) => format!("{value} to SunSpec {key} of model {model}"),
        (Some(_) | None, _) => {
            let address = write.address.map(|address| address.to_string()).unwrap_or_default();
            let kind = write.number.map(type_name).unwrap_or_default();
            let function = write.fc.unwrap_or(16);
            format!("{value} to register {address}{} as {kind} with function {function}", base(write.doc_base))
        }
    };
    if let Some(limit) = write.at_most {
        let _ = write!(text, ", at most what register {limit} says");
    }
    if write.joined {
        text += ", in the request before it";
    }
    if write.when_changed {
        text += ", where it holds something else";
    }
    text
}
