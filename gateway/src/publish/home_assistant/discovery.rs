//! The one message that describes this gateway to Home Assistant: a device with its entities, in the device form of MQTT
//! discovery (<https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload>).
//!
//! An entity of a point that the site does not have is named with its platform alone, which removes it where an earlier
//! configuration had it.

use super::commands::PRESS;
use super::entities::{EURO, Kind, Sensor, sensors};
use super::states::{self, WORKER_STATES};
use super::topics::{State, Topics};
use plant::command::Mode;
use plant::point::Point;
use plant::reason::Reason;
use plant::record::Record;
use plant::units::Currency;
use serde_json::{Map, Value, json};

/// Published while the gateway runs.
pub const ONLINE: &str = "online";
/// Published when it stops, by the broker where it could not.
pub const OFFLINE: &str = "offline";
/// A live value older than this, in seconds, is unavailable.
const EXPIRE_S: u32 = 60;
/// Where people find help.
const SUPPORT: &str = env!("CARGO_PKG_REPOSITORY");
/// The version shown with the device.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The payload for the site of `record`. `page` is where a person can look at it.
pub fn discovery(record: &Record, topics: &Topics, page: Option<&str>) -> Value {
    let mut components = Map::new();
    for (sensor, present) in sensors(record) {
        let key = sensor.key.clone();
        let component =
            if present { sensor_component(&sensor, topics, record.currency) } else { json!({"platform": "sensor"}) };
        components.insert(key, component);
    }
    components.extend(binary_sensors(record, topics));
    components.extend(controls(record, topics));
    let mut device = json!({
        "identifiers": [topics.node],
        "name": "HeatMine",
        "manufacturer": "HeatMine",
        "model": record.site,
        "sw_version": VERSION,
    });
    if let Some(page) = page {
        device["configuration_url"] = json!(page);
    }
    json!({
        "device": device,
        "origin": {"name": "HeatMine", "sw_version": VERSION, "support_url": SUPPORT},
        "availability": [{"topic": topics.availability(), "payload_available": ONLINE, "payload_not_available": OFFLINE}],
        "availability_mode": "all",
        "qos": 1,
        "components": components,
    })
}

fn sensor_component(sensor: &Sensor, topics: &Topics, currency: Currency) -> Value {
    let topic = topics.state(sensor.state);
    let mut component = named("sensor", &sensor.key, sensor.name, topics);
    let Kind { device_class, state_class, unit, decimals } = sensor.kind;
    let optional = [
        ("device_class", device_class.map(Value::from)),
        ("state_class", state_class.map(Value::from)),
        ("unit_of_measurement", unit.map(|unit| json!(in_currency(unit, currency)))),
        ("suggested_display_precision", decimals.map(Value::from)),
        ("icon", sensor.icon.map(Value::from)),
        ("entity_category", sensor.diagnostic.then(|| json!("diagnostic"))),
        ("options", options(sensor)),
        ("json_attributes_topic", sensor.attributes.map(|_| json!(topic))),
        (
            "json_attributes_template",
            sensor.attributes.map(|path| json!(format!("{{{{ value_json.{path} | tojson }}}}"))),
        ),
        ("last_reset_value_template", sensor.reset.map(|path| json!(template(path)))),
    ];
    component.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    component.insert("state_topic".into(), json!(topic));
    component.insert("value_template".into(), json!(template(&sensor.path)));
    if sensor.state == State::Live {
        // A value that its device does not give is unavailable by itself; all are when the stream of them dries up.
        let known = format!("{{{{ '{ONLINE}' if value_json.{} is number else '{OFFLINE}' }}}}", sensor.path);
        component.insert("expire_after".into(), json!(EXPIRE_S));
        component.insert(
            "availability".into(),
            json!([{"topic": topics.availability()}, {"topic": topic, "value_template": known}]),
        );
    }
    Value::Object(component)
}

/// A unit of money in the site's currency.
fn in_currency(unit: &str, currency: Currency) -> String {
    match unit.strip_prefix(EURO) {
        Some(rest) => format!("{currency}{rest}"),
        None => unit.to_owned(),
    }
}

fn options(sensor: &Sensor) -> Option<Value> {
    match (sensor.kind.device_class, sensor.state) {
        (Some("enum"), State::Decision) => Some(Reason::ALL.iter().map(|reason| reason.name()).collect()),
        (Some("enum"), _) => Some(json!(WORKER_STATES)),
        _ => None,
    }
}

fn binary_sensors(record: &Record, topics: &Topics) -> [(String, Value); 4] {
    let health = topics.state(State::Health);
    let binary = |key: &str, name: &str, more: Value| {
        let mut component = named("binary_sensor", key, name, topics);
        component.insert("state_topic".into(), json!(health));
        component.insert("value_template".into(), json!(format!("{{{{ 'ON' if value_json.{key} else 'OFF' }}}}")));
        if let Value::Object(more) = more {
            component.extend(more);
        }
        (key.to_owned(), Value::Object(component))
    };
    let attributes = |template: &str| json!({"json_attributes_topic": health, "json_attributes_template": template});
    let mut problem = attributes("{{ {'problems': value_json.problems} | tojson }}");
    problem["device_class"] = json!("problem");
    problem["entity_category"] = json!("diagnostic");
    let mut dimmed = attributes("{{ {'limit_w': value_json.grid_dimming_w} | tojson }}");
    dimmed["icon"] = json!("mdi:transmission-tower-off");
    [
        binary("running", "Computing", json!({"device_class": "running"})),
        binary("problem", "Problem", problem),
        binary("grid_dimmed", "Dimmed by the grid operator", dimmed),
        island(record, topics),
    ]
}

/// Whether the house is an island, where a device says so; while it does not, nobody knows.
fn island(record: &Record, topics: &Topics) -> (String, Value) {
    let key = states::key(Point::GridIsland);
    if !record.points.contains_key(&Point::GridIsland) {
        return (key, json!({"platform": "binary_sensor"}));
    }
    let mut component = named("binary_sensor", &key, "Grid lost", topics);
    let value = format!("{{{{ {{1: 'ON', 0: 'OFF'}}.get(value_json.{key}, none) }}}}");
    component.insert("state_topic".into(), json!(topics.state(State::Live)));
    component.insert("value_template".into(), json!(value));
    component.insert("expire_after".into(), json!(EXPIRE_S));
    component.insert("icon".into(), json!("mdi:transmission-tower-off"));
    (key, Value::Object(component))
}

fn controls(record: &Record, topics: &Topics) -> [(String, Value); 4] {
    let control = |platform: &str, key: &str, name: &str, more: Value| {
        let mut component = named(platform, key, name, topics);
        component.insert("command_topic".into(), json!(topics.command(key)));
        if let Value::Object(more) = more {
            component.extend(more);
        }
        (key.to_owned(), Value::Object(component))
    };
    let mode = json!({
        "options": Mode::ALL.map(Mode::name),
        "state_topic": topics.state(State::Mode),
        "icon": "mdi:tune-variant",
    });
    // Home Assistant refuses a range of nothing.
    let most = record.power_max.0.round().max(1.0);
    let limit = json!({
        "min": 0,
        "max": most,
        "step": if most >= 100.0 { 10 } else { 1 },
        "mode": "box",
        "device_class": "power",
        "unit_of_measurement": "W",
        "entity_category": "config",
        "state_topic": topics.state(State::PowerLimit),
    });
    let boost = json!({"payload_press": PRESS, "icon": "mdi:rocket-launch-outline"});
    let confirm = json!({"payload_press": PRESS, "icon": "mdi:check-all", "entity_category": "diagnostic"});
    [
        control("select", "mode", "Mode", mode),
        control("number", "power_limit", "Power limit", limit),
        control("button", "boost", "Boost", boost),
        control("button", "confirm", "Confirm", confirm),
    ]
}

fn named(platform: &str, key: &str, name: &str, topics: &Topics) -> Map<String, Value> {
    let id = format!("{}_{key}", topics.node);
    let mut component = Map::new();
    component.insert("platform".into(), json!(platform));
    component.insert("unique_id".into(), json!(id));
    component.insert("default_entity_id".into(), json!(format!("{platform}.{id}")));
    component.insert("name".into(), json!(name));
    component
}

fn template(path: &str) -> String {
    format!("{{{{ value_json.{path} }}}}")
}

#[cfg(test)]
#[path = "discovery_test.rs"]
mod tests;
