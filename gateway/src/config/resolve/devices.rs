//! `[[device]]`: definitions found, addresses parsed, points and controls checked against what the devices offer.

use super::{Faults, is_below, quoted};
use crate::config::Config;
use crate::config::check::listed;
use crate::config::devices::DeviceSection;
use drivers::address::Address;
use drivers::definition::{self, Definition, Parameters};
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use drivers::pace::Pace;
use plant::decision::Control;
use plant::point::WORKER;
use plant::point::{DeviceId, Point, Role};
use plant::site::{ControlRange, Device};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A device as its driver and as the core know it.
#[derive(Debug)]
pub(super) struct Resolved {
    /// For the driver.
    pub(super) config: DeviceConfig,
    /// For the core.
    pub(super) device: Device,
    /// Its place in the file.
    pub(super) key: String,
}

/// The keys of a device that are about the house, not about how the device is reached.
const ABOUT_THE_HOUSE: [&str; 4] = ["points", "controls", "interval_s", "max_age_s"];

/// The devices, in the order of their names; then those that can be addressed as they were meant, whatever is wrong elsewhere,
/// and where they stand in the file.
pub(super) fn resolve(
    config: &Config,
    broker: Option<&Broker>,
    beside: &Path,
    faults: &mut Faults,
) -> (Vec<Resolved>, Vec<(String, DeviceConfig)>) {
    let mut names = BTreeSet::new();
    let (mut devices, mut addressable) = (Vec::new(), Vec::new());
    for (index, section) in config.device.iter().enumerate() {
        let key = format!("device[{index}]");
        let known = faults.errors.len();
        check_name(&key, &section.name, &mut names, faults);
        let Some(device) = one(section, &key, broker, beside, faults) else { continue };
        let alone = config.device.iter().filter(|other| other.name == section.name).count() == 1;
        if alone && !faults.errors[known..].iter().any(|error| misleads(&error.key, &key)) {
            addressable.push((key, device.config.clone()));
        }
        devices.push(device);
    }
    check_singles(&devices, faults);
    check_doubles(&devices, faults);
    check_controls(config, &devices, faults);
    devices.sort_by(|a, b| a.device.id.cmp(&b.device.id));
    (devices, addressable)
}

/// Whether a mistake at `key` may make the device of `section` another one than its owner means.
pub(super) fn misleads(key: &str, section: &str) -> bool {
    let inside = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
    let name = inside.and_then(|rest| rest.split(['.', '[']).next());
    is_below(key, section) && !name.is_some_and(|name| ABOUT_THE_HOUSE.contains(&name))
}

fn check_name(key: &str, name: &str, names: &mut BTreeSet<String>, faults: &mut Faults) {
    let key = format!("{key}.name");
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if name.is_empty() || name.len() > 40 || !plain {
        faults.wrong(&key, quoted(name), "expected 1 to 40 of a-z, 0-9, _ and -");
    } else if name == WORKER {
        faults.wrong(&key, quoted(name), "is the name of the engine; expected another one");
    } else if !names.insert(name.to_owned()) {
        faults.wrong(&key, quoted(name), "is the name of another device already; expected a name of its own");
    }
}

fn one(
    section: &DeviceSection,
    key: &str,
    broker: Option<&Broker>,
    beside: &Path,
    faults: &mut Faults,
) -> Option<Resolved> {
    let definition = faults.take(&format!("{key}.type"), &section.definition, find(&section.definition, beside));
    let address = address(section, key, broker, faults);
    let (definition, address) = (definition?, address?);
    check_transport(section, &definition, &address, key, faults);
    check_fit(section, &definition, &address, key, faults);
    let interval = Duration::from_secs_f64(section.interval_s);
    let ages = definition.ages(interval, Pace::default());
    let max_age = section.max_age_s.map_or(ages.usual, Duration::from_secs_f64);
    if max_age < interval {
        let expected = format!("expected at least interval_s, {}", section.interval_s);
        faults.wrong(format!("{key}.max_age_s"), section.max_age_s.unwrap_or_default(), expected);
    }
    let wanted = section.points.as_ref().map(|points| points.iter().copied().collect::<BTreeSet<Point>>());
    let id = DeviceId(section.name.clone());
    let device = Device {
        id: id.clone(),
        points: wanted.clone().unwrap_or_else(|| definition.usual_points()),
        max_age,
        slow: ages.slow,
        controls: controls(section, &definition, key, faults),
    };
    let config = DeviceConfig {
        controls: device.controls.keys().copied().collect(),
        id,
        definition: Arc::new(definition),
        address,
        unit: section.unit,
        points: wanted,
        broker: broker.cloned(),
        parameters: section.parameters.clone(),
        interval,
    };
    Some(Resolved { config, device, key: key.to_owned() })
}

/// A definition that ships, or a file of the owner's.
fn find(name: &str, beside: &Path) -> Result<Definition, String> {
    match name.strip_suffix(".toml") {
        Some(_) => definition::from_file(&beside.join(name)).map_err(|error| error.to_string()),
        None => definition::find(name).map_err(|error| format!("{error} (heatmine device list shows all)")),
    }
}

fn address(section: &DeviceSection, key: &str, broker: Option<&Broker>, faults: &mut Faults) -> Option<Address> {
    let address_key = format!("{key}.address");
    let (key, written, text) = match (&section.address, &section.topic) {
        (Some(address), None) => (address_key, address, address.clone()),
        (None, Some(topic)) => (format!("{key}.topic"), topic, format!("mqtt:///{topic}")),
        (Some(_), Some(_)) | (None, None) => {
            faults.about(key, "expected exactly one of address (tcp://host:port, rtu:///dev/ttyUSB0) and topic (MQTT)");
            return None;
        }
    };
    let address: Address = faults.take(&key, &text, text.parse().map_err(|error: drivers::Error| error.to_string()))?;
    if let Address::Mqtt(topic) = &address
        && Broker::of(topic, broker).is_none()
    {
        faults.wrong(key, quoted(written), "needs a broker; expected a section [mqtt]");
        return None;
    }
    Some(address)
}

fn check_transport(
    section: &DeviceSection,
    definition: &Definition,
    address: &Address,
    key: &str,
    faults: &mut Faults,
) {
    let transport = address.transport();
    if definition.speaks(transport) {
        return;
    }
    let known = listed(definition.transport.iter().map(String::as_str), "or");
    let expected = format!("{} is reached over {known}, not over {transport}", definition.id);
    match (&section.address, &section.topic) {
        (Some(address), _) => faults.wrong(format!("{key}.address"), quoted(address), expected),
        (None, topic) => faults.wrong(format!("{key}.topic"), quoted(topic.as_deref().unwrap_or_default()), expected),
    }
}

fn check_fit(section: &DeviceSection, definition: &Definition, address: &Address, key: &str, faults: &mut Faults) {
    if let (Address::Mqtt(_), Some(unit)) = (address, section.unit) {
        faults.wrong(format!("{key}.unit"), unit, "is for Modbus devices; expected none for an MQTT device");
    }
    if let Err(error) = Parameters::fill(definition, &section.parameters) {
        faults.about(format!("{key}.parameters"), error.to_string());
    }
    let offered = definition.points();
    for (index, point) in section.points.iter().flatten().enumerate().filter(|(_, point)| !offered.contains(point)) {
        let known = listed(offered.iter().map(|point| point.name()), "and");
        let expected = format!("{} does not offer it; it offers {known}", definition.id);
        faults.wrong(format!("{key}.points[{index}]"), quoted(point.name()), expected);
    }
}

fn controls(
    section: &DeviceSection,
    definition: &Definition,
    key: &str,
    faults: &mut Faults,
) -> BTreeMap<Control, ControlRange> {
    let offered = definition.controls();
    let mut allowed = BTreeMap::new();
    for (index, control) in section.controls.iter().enumerate() {
        match offered.get(control) {
            Some(range) => {
                allowed.insert(*control, *range);
            }
            None => {
                let expected = match offered.len() {
                    0 => format!("{} has no controls; expected controls left out", definition.id),
                    _ => {
                        let known = listed(offered.keys().map(|control| control.name()), "and");
                        format!("{} has no such control; it has {known}", definition.id)
                    }
                };
                faults.wrong(format!("{key}.controls[{index}]"), quoted(control.name()), expected);
            }
        }
    }
    allowed
}

/// Powers of several devices add up, which is right for two inverters and wrong for two meters of one connection.
fn check_singles(devices: &[Resolved], faults: &mut Faults) {
    let mut offered: BTreeMap<Point, &Resolved> = BTreeMap::new();
    for resolved in devices {
        let single = |point: &&Point| matches!(point.role(), Role::Grid | Role::House);
        for point in resolved.device.points.iter().filter(single) {
            if let Some(first) = offered.get(point) {
                let expected = format!(
                    "{point} comes from device \"{}\" already and would be counted twice; expected points = [..] without it in one of the two",
                    first.device.id
                );
                faults.wrong(format!("{}.name", resolved.key), quoted(&resolved.device.id.0), expected);
                break;
            }
            offered.insert(*point, resolved);
        }
    }
}

/// A device that is listed twice would be counted twice.
fn check_doubles(devices: &[Resolved], faults: &mut Faults) {
    let place = |resolved: &Resolved| {
        let DeviceConfig { address, unit, definition, parameters, .. } = &resolved.config;
        (address.clone(), unit.unwrap_or(definition.unit), parameters.clone())
    };
    for (index, second) in devices.iter().enumerate() {
        let same = |first: &&Resolved| {
            place(first) == place(second) && !first.device.points.is_disjoint(&second.device.points)
        };
        if let Some(first) = devices.iter().take(index).find(same) {
            let expected = format!(
                "is at the same address as \"{}\" and would be counted twice; expected another address or unit, or points = [..] of which none is in both",
                first.device.id
            );
            faults.wrong(format!("{}.name", second.key), quoted(&second.device.id.0), expected);
        }
    }
}

/// What is controlled must be described.
fn check_controls(config: &Config, devices: &[Resolved], faults: &mut Faults) {
    for resolved in devices {
        for control in resolved.device.controls.keys() {
            let section = match control.role() {
                Role::Battery if config.battery.is_none() => "[battery]",
                Role::Pv if config.pv.is_none() => "[pv]",
                Role::HeatPump if config.heat.kind != crate::config::installation::HeatKind::HeatPump => {
                    "[heat] with kind = \"heat_pump\""
                }
                Role::Grid
                | Role::House
                | Role::Compute
                | Role::Wallbox
                | Role::Tank
                | Role::Room
                | Role::Outdoor
                | Role::Battery
                | Role::Pv
                | Role::HeatPump => continue,
            };
            let expected = format!("needs a section {section}");
            faults.wrong(format!("{}.controls", resolved.key), quoted(control.name()), expected);
        }
    }
}
