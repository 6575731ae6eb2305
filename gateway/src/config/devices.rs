//! `[[device]]`: the devices of the house and how they are reached.

use plant::decision::Control;
use plant::point::Point;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A device and how it is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceSection {
    /// Its name, unique among the devices; `worker` is the engine's own.
    #[schemars(regex(pattern = r"^[a-z0-9_-]{1,40}$"))]
    pub name: String,
    /// Its definition; `heatmine device list` prints them.
    #[serde(rename = "type")]
    pub definition: String,
    /// `tcp://host:port`, `rtu:///dev/ttyUSB0?baud=9600`, `rtu+tcp://host:port` or `mqtt://host/topic`.
    #[serde(default)]
    pub address: Option<String>,
    /// First part of its topics on the broker of `[mqtt]`, for MQTT devices in place of `address`.
    #[serde(default)]
    pub topic: Option<String>,
    /// Modbus unit, where it is not the definition's.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub unit: Option<u8>,
    /// Only these of its points; all where it is not given.
    #[serde(default)]
    #[schemars(schema_with = "point_names")]
    pub points: Option<Vec<Point>>,
    /// What HeatMine may tell it. Nothing where it is not given.
    #[serde(default)]
    #[schemars(schema_with = "control_names")]
    pub controls: Vec<Control>,
    /// Seconds between two readings.
    #[serde(default = "super::number::<2>")]
    #[schemars(range(min = 0.5, max = 3600))]
    pub interval_s: f64,
    /// A reading older than this many seconds is stale; three readings, ten seconds at least, where it is not given.
    /// Points that are read more seldom may be older.
    #[serde(default)]
    #[schemars(range(min = 1, max = 86400))]
    pub max_age_s: Option<f64>,
    /// What else its definition asks for.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

fn point_names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Point::ALL.iter().map(|point| point.name()).collect();
    json_schema!({"type": ["array", "null"], "items": {"type": "string", "enum": names}, "default": null})
}

fn control_names(_: &mut SchemaGenerator) -> Schema {
    let offered = Control::ALL.iter().filter(|control| **control != Control::ComputeBudget);
    let names: Vec<&str> = offered.map(|control| control.name()).collect();
    json_schema!({"type": "array", "items": {"type": "string", "enum": names}, "default": []})
}
