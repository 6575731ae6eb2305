//! `heatmine device read`: every point once.

use super::number;
use crate::cli::{Failure, Outcome, print_json, print_text, runtime};
use drivers::address::Address;
use drivers::device::{DeviceConfig, Reading, read_once};
use serde::Serialize;

/// What was read, as JSON.
#[derive(Serialize)]
struct Read<'a> {
    #[serde(rename = "type")]
    definition: &'a str,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u8>,
    values: &'a [Reading],
}

/// Reads the device and prints what it says.
pub(super) fn run(device: &DeviceConfig, json: bool) -> Outcome {
    let readings = runtime()?.block_on(read_once(device)).map_err(|why| {
        Failure::new(Failure::UNAVAILABLE, format!("{why}; expected a device of type {} there", device.definition.id))
    })?;
    let unit = match &device.address {
        Address::Mqtt(_) => None,
        Address::Tcp(_) | Address::Rtu(_) | Address::RtuOverTcp(_) => {
            Some(device.unit.unwrap_or(device.definition.unit))
        }
    };
    if json {
        let address = device.address.to_string();
        print_json(&Read { definition: &device.definition.id, address, unit, values: &readings })?;
    } else {
        let unit = unit.map(|unit| format!(" unit {unit}")).unwrap_or_default();
        print_text(format!("{} at {}{unit}\n{}", device.definition.id, device.address, table(&readings)))?;
    }
    if readings.iter().all(|reading| reading.value.is_none()) {
        let words = format!(
            "{} answers, but has no value for any point of {}; expected that type of device (`heatmine device scan {}` shows who answers)",
            device.address, device.definition.id, device.address
        );
        return Err(Failure::new(Failure::UNAVAILABLE, words));
    }
    Ok(())
}

fn table(readings: &[Reading]) -> String {
    let width = readings.iter().map(|reading| reading.name.len()).max().unwrap_or(0);
    let line = |reading: &Reading| {
        let value = reading.value.map_or("no value".to_owned(), number);
        let unit = if reading.value.is_some() { reading.unit.as_str() } else { "" };
        format!("  {:<width$}  {value:>12} {unit}", reading.name).trim_end().to_owned() + "\n"
    };
    let (points, parts): (Vec<&Reading>, Vec<&Reading>) =
        readings.iter().partition(|reading| reading.name.contains('.'));
    let mut text: String = points.into_iter().map(line).collect();
    if !parts.is_empty() {
        text += "made of\n";
        text.extend(parts.into_iter().map(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_has_not_is_no_number() {
        let reading = |name: &str, value| Reading { name: name.to_owned(), value, unit: "W".to_owned() };
        let text =
            table(&[reading("pv.power", Some(1234.5)), reading("grid.power", None), reading("string_1", Some(-0.125))]);
        let expected =
            "  pv.power          1234.5 W\n  grid.power      no value\nmade of\n  string_1          -0.125 W\n";
        assert_eq!(text, expected);
    }
}
