//! What a definition must satisfy beyond its types, so that a wrong one is refused before anything is read or written.

use super::control_rows::{ControlRow, Write, part_word};
use super::parts::Derived;
use super::rows::{Definition, PointRow};
use super::unit;
use crate::sunspec::model::{self, Group};
use plant::decision::{Control, Setting};
use plant::point::Point;
use std::collections::BTreeSet;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The key, in the file's own path notation.
    pub(super) key: String,
    /// What is wrong and what was expected.
    pub(super) why: String,
}

type Checked = Result<(), Wrong>;

fn wrong<T>(key: impl Into<String>, why: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { key: key.into(), why: why.into() })
}

/// Refuses a definition that cannot work.
pub(super) fn check(definition: &Definition) -> Checked {
    header(definition)?;
    let mut names = BTreeSet::new();
    for (index, row) in definition.point.iter().enumerate() {
        let key = format!("point[{index}] ({})", row.name);
        name(&key, &row.name, &mut names)?;
        point(&key, row, definition)?;
    }
    for (index, row) in definition.derived.iter().enumerate() {
        let key = format!("derived[{index}] ({})", row.name);
        derived(&key, row, &mut names)?;
        known_parameter(&format!("{key}.add_count_parameter"), row.add_count_parameter.as_deref(), definition)?;
    }
    let mut controls = BTreeSet::new();
    for (index, row) in definition.control.iter().enumerate() {
        let key = format!("control[{index}] ({})", row.name);
        if !controls.insert(row.name) {
            return wrong(key, "stands there twice; expected each control once");
        }
        control(&key, row, definition)?;
    }
    for (index, said) in definition.availability.iter().enumerate() {
        template(&format!("availability[{index}].topic"), &said.topic, definition)?;
    }
    for (index, talk) in definition.talk.iter().enumerate() {
        template(&format!("talk[{index}].topic"), &talk.topic, definition)?;
        template(&format!("talk[{index}].payload"), &talk.payload, definition)?;
    }
    Ok(())
}

fn header(definition: &Definition) -> Checked {
    if definition.id.is_empty()
        || !definition.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return wrong("id", format!("is '{}'; expected small letters, digits and '-'", definition.id));
    }
    if definition.products.is_empty() {
        return wrong("products", "is empty; expected the products it fits");
    }
    if definition.transport.is_empty() {
        return wrong("transport", "is empty; expected tcp, rtu, rtu+tcp or mqtt");
    }
    if let Some(other) =
        definition.transport.iter().find(|word| !["tcp", "rtu", "rtu+tcp", "mqtt"].contains(&word.as_str()))
    {
        return wrong("transport", format!("has '{other}'; expected tcp, rtu, rtu+tcp or mqtt"));
    }
    let timing = &definition.timing;
    if !(1..=125).contains(&timing.max_registers) {
        return wrong("timing.max_registers", format!("is {}; expected 1 to 125", timing.max_registers));
    }
    if !(50..=60_000).contains(&timing.timeout_ms) {
        return wrong("timing.timeout_ms", format!("is {}; expected 50 to 60000", timing.timeout_ms));
    }
    Ok(())
}

fn name(key: &str, name: &str, names: &mut BTreeSet<String>) -> Checked {
    if name.contains('.') {
        if let Err(why) = name.parse::<Point>() {
            return wrong(format!("{key}.name"), format!("{why}; expected one of {}", near(name)));
        }
    } else if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return wrong(
            format!("{key}.name"),
            format!("is '{name}'; expected a canonical point, or a part in small letters"),
        );
    }
    if names.insert(name.to_owned()) {
        Ok(())
    } else {
        wrong(format!("{key}.name"), "stands there twice; expected each name once")
    }
}

fn near(name: &str) -> String {
    let role = name.split('.').next().unwrap_or_default();
    let of_role: Vec<&str> =
        Point::ALL.iter().map(|point| point.name()).filter(|known| known.starts_with(role)).collect();
    if of_role.is_empty() {
        Point::ALL.iter().map(|point| point.name()).collect::<Vec<_>>().join(", ")
    } else {
        of_role.join(", ")
    }
}

fn point(key: &str, row: &PointRow, definition: &Definition) -> Checked {
    let Some((_, family)) = unit::factor(&row.unit) else {
        return wrong(
            format!("{key}.unit"),
            format!(
                "is '{}'; expected W, kW, Wh, kWh, MWh, W·min, J, °C, %, share, A, V, Hz, l/h, l/min or none",
                row.unit
            ),
        );
    };
    if let Ok(point) = row.name.parse::<Point>()
        && point.unit() != family
    {
        return wrong(
            format!("{key}.unit"),
            format!("is '{}'; expected a unit of the family of {}", row.unit, point.unit()),
        );
    }
    if row.sign.is_some_and(|sign| sign != 1 && sign != -1) {
        return wrong(format!("{key}.sign"), "is neither 1 nor -1");
    }
    if let Some([low, high]) = row.range
        && (low.is_nan() || high.is_nan() || low >= high)
    {
        return wrong(format!("{key}.range"), format!("is [{low}, {high}]; expected the lesser value first"));
    }
    for (field, parameter) in [
        ("sign_parameter", &row.sign_parameter),
        ("unit_parameter", &row.unit_parameter),
        ("words_parameter", &row.words_parameter),
        ("scale_parameter", &row.scale_parameter),
    ] {
        known_parameter(&format!("{key}.{field}"), parameter.as_deref(), definition)?;
    }
    match (row.address.is_some(), row.sunspec.is_some(), row.topic.is_some()) {
        (true, false, false) => register(key, row),
        (false, true, false) => sunspec_row(key, row),
        (false, false, true) => topics(key, row, definition),
        _ => wrong(key, "expected exactly one of address, sunspec and topic"),
    }
}

fn register(key: &str, row: &PointRow) -> Checked {
    if !matches!(row.fc, Some(3 | 4)) {
        return wrong(format!("{key}.fc"), "expected 3 (holding) or 4 (input)");
    }
    if row.number.is_none() {
        return wrong(format!("{key}.type"), "is missing; expected i16, u16, i32, u32, i64, u64, f32 or f64");
    }
    if row.doc_base > 1 {
        return wrong(format!("{key}.doc_base"), "expected 0 or 1");
    }
    for (field, address) in [("address", row.address), ("high_address", row.high_address)] {
        on_wire(&format!("{key}.{field}"), address, row.doc_base)?;
    }
    Ok(())
}

fn on_wire(key: &str, address: Option<u32>, doc_base: u8) -> Checked {
    match address.map(|address| address.checked_sub(u32::from(doc_base))) {
        Some(None | Some(65_536..)) => wrong(key, "does not fit on the wire; expected doc_base to 65535"),
        Some(Some(_)) | None => Ok(()),
    }
}

fn sunspec_row(key: &str, row: &PointRow) -> Checked {
    if row.models.is_empty() {
        return wrong(format!("{key}.models"), "is empty; expected the SunSpec models that carry the point");
    }
    for number in &row.models {
        sunspec_key(&format!("{key}.sunspec"), *number, row.sunspec.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

fn sunspec_key(key: &str, number: u16, path: &str) -> Checked {
    let Some(model) = model::find(number) else {
        return wrong(key, format!("names model {number}, which SunSpec does not know"));
    };
    let pieces: Vec<&str> = path.split('.').map(|piece| piece.split('[').next().unwrap_or(piece)).collect();
    if stands_in(&model.body, &pieces) {
        Ok(())
    } else {
        wrong(key, format!("is '{path}'; model {number} has no such point"))
    }
}

fn stands_in(group: &Group, pieces: &[&str]) -> bool {
    match pieces {
        [] => false,
        [last] => group.points.iter().any(|point| point.name == *last),
        [first, rest @ ..] => group.groups.iter().any(|inner| inner.name == *first && stands_in(inner, rest)),
    }
}

fn topics(key: &str, row: &PointRow, definition: &Definition) -> Checked {
    if !definition.speaks("mqtt") {
        return wrong(format!("{key}.topic"), "needs the transport mqtt");
    }
    let first = row.topic.iter().chain(row.path.all());
    let also = row.also.iter().flat_map(|also| std::iter::once(&also.topic).chain(also.path.all()));
    for text in first.chain(also) {
        template(&format!("{key}.topic"), text, definition)?;
    }
    Ok(())
}

fn template(key: &str, text: &str, definition: &Definition) -> Checked {
    for piece in text.split('{').skip(1) {
        let Some((parameter, _)) = piece.split_once('}') else { continue };
        let word = !parameter.is_empty() && parameter.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if word && !["topic", "value"].contains(&parameter) {
            known_parameter(key, Some(parameter), definition)?;
        }
    }
    Ok(())
}

fn known_parameter(key: &str, parameter: Option<&str>, definition: &Definition) -> Checked {
    match parameter {
        Some(parameter) if !definition.parameters.contains_key(parameter) => {
            wrong(key, format!("names the parameter '{parameter}', which stands not under [parameters]"))
        }
        Some(_) | None => Ok(()),
    }
}

fn derived(key: &str, row: &Derived, names: &mut BTreeSet<String>) -> Checked {
    if row.first.is_empty() && row.add.is_empty() && row.add_if_known.is_empty() && row.magnitude.is_none() {
        return wrong(key, "expected first, add, add_if_known or magnitude");
    }
    if let Some(part) = row.ingredients().find(|part| !names.contains(*part)) {
        return wrong(key, format!("uses '{part}'; expected a point or part above it"));
    }
    name(key, &row.name, names)
}

fn control(key: &str, row: &ControlRow, definition: &Definition) -> Checked {
    match row.part_of {
        Some(holder) => part(key, row, holder, definition)?,
        None => values(key, row, definition)?,
    }
    if row.keep_alive_s.is_some_and(|seconds| !(1.0..=86_400.0).contains(&seconds)) {
        return wrong(format!("{key}.keep_alive_s"), "expected 1 to 86400");
    }
    if row.renew_safe && row.keep_alive_s.is_none() {
        return wrong(format!("{key}.renew_safe"), "needs keep_alive_s; expected both or neither");
    }
    let writes = row.before.iter().chain(&row.write).chain(row.mode.values().flatten()).chain(&row.restore);
    for write in writes.chain(&row.revert) {
        one_write(&format!("{key}.write"), write, definition)?;
    }
    for lists in row.mode.values().chain([&row.before, &row.write, &row.restore]) {
        joined(&format!("{key}.write"), lists)?;
    }
    requirements(key, row)
}

/// A control that is written with the modes of another one.
fn part(key: &str, row: &ControlRow, holder: Control, definition: &Definition) -> Checked {
    let word = part_word(row.name);
    let known = definition.control.iter().any(|other| other.name == holder && other.mode.contains_key(word));
    if !known || !row.name.is_numeric() {
        return wrong(format!("{key}.part_of"), format!("expected a control of the device that has mode.{word}"));
    }
    if !row.write.is_empty() || !row.mode.is_empty() {
        return wrong(key, format!("is part of {holder}; expected its writes there, under mode.{word}"));
    }
    bounds(key, row)
}

fn bounds(key: &str, row: &ControlRow) -> Checked {
    if row.range.is_none_or(|[low, high]| low.is_nan() || high.is_nan() || low >= high) {
        return wrong(format!("{key}.range"), "expected [least, greatest]");
    }
    Ok(())
}

/// What it can be set to.
fn values(key: &str, row: &ControlRow, definition: &Definition) -> Checked {
    let parts =
        definition.control.iter().filter(|part| part.part_of == Some(row.name)).map(|part| part_word(part.name));
    let expected: Vec<&str> = match row.name.has_own_rule() {
        true => vec!["normal"],
        false => row.name.words().filter_map(Setting::word).chain(parts).collect(),
    };
    if row.name.is_numeric() {
        if row.write.is_empty() || row.mode.contains_key("normal") != row.name.has_own_rule() {
            let own = if row.name.has_own_rule() { "mode.normal for its own rule" } else { "no mode" };
            return wrong(key, format!("is numeric; expected write and {own}"));
        }
        bounds(key, row)?;
    } else if !row.write.is_empty() || !row.mode.contains_key("normal") {
        return wrong(key, "has modes; expected mode.normal at least, and no write");
    }
    if let Some(other) = row.mode.keys().find(|mode| !expected.contains(&mode.as_str())) {
        let expected = if expected.is_empty() { "no mode".to_owned() } else { expected.join(", ") };
        return wrong(format!("{key}.mode.{other}"), format!("expected {expected}"));
    }
    Ok(())
}

/// What goes out together stands together, and in registers that a request can bear.
fn joined(key: &str, writes: &[Write]) -> Checked {
    let mut before: Option<&Write> = None;
    for write in writes {
        let follows = |first: &Write| {
            let registers = first.number.map(|number| u32::from(number.registers()));
            first.address.zip(registers).map(|(address, registers)| address + registers) == write.address
                && (first.fc, write.fc) == (Some(16), Some(16))
        };
        if write.joined && !before.is_some_and(follows) {
            return wrong(format!("{key}.joined"), "expected fc 16 and the register after the write before it");
        }
        before = Some(write);
    }
    Ok(())
}

fn requirements(key: &str, row: &ControlRow) -> Checked {
    for requirement in &row.requires {
        if !matches!(requirement.fc, 3 | 4) || requirement.one_of.is_empty() || requirement.says.is_empty() {
            return wrong(format!("{key}.requires"), "expected fc 3 or 4, the numbers that will do, and what to do");
        }
        on_wire(&format!("{key}.requires.address"), Some(requirement.address), requirement.doc_base)?;
    }
    if row.writes_a_day.is_some_and(|writes| writes < 2) {
        return wrong(format!("{key}.writes_a_day"), "expected 2 at least: one is the way back");
    }
    Ok(())
}

fn one_write(key: &str, write: &Write, definition: &Definition) -> Checked {
    known_parameter(&format!("{key}.parameter"), write.parameter.as_deref(), definition)?;
    known_parameter(&format!("{key}.above_parameter"), write.above_parameter.as_deref(), definition)?;
    match (&write.share_of, write.model, &write.sunspec) {
        (Some(point), Some(model), Some(_)) => sunspec_key(&format!("{key}.share_of"), model, point)?,
        (Some(_), _, _) => return wrong(format!("{key}.share_of"), "expected beside model and sunspec"),
        (None, _, _) => {}
    }
    if write.same_as.is_some() && (write.address.is_none() || write.value.is_some() || write.parameter.is_some()) {
        return wrong(format!("{key}.same_as"), "expected beside an address, and no value or parameter");
    }
    on_wire(&format!("{key}.same_as"), write.same_as, write.doc_base)?;
    on_wire(&format!("{key}.at_most"), write.at_most, write.doc_base)?;
    match (write.address, &write.sunspec, &write.topic) {
        (Some(_), None, None) => {
            let single = write.number.is_some_and(|number| number.registers() == 1);
            match write.fc {
                Some(16) if write.number.is_some() => {}
                Some(6) if single => {}
                _ => return wrong(format!("{key}.fc"), "expected 16 with a type, or 6 with a type of one register"),
            }
            on_wire(&format!("{key}.address"), write.address, write.doc_base)
        }
        (None, Some(path), None) => match write.model {
            Some(number) => sunspec_key(&format!("{key}.sunspec"), number, path),
            None => wrong(format!("{key}.model"), "is missing; expected the SunSpec model of the point"),
        },
        (None, None, Some(topic)) => {
            template(&format!("{key}.topic"), topic, definition)?;
            template(&format!("{key}.payload"), write.payload.as_deref().unwrap_or_default(), definition)
        }
        _ => wrong(key, "expected exactly one of address, sunspec and topic"),
    }
}
