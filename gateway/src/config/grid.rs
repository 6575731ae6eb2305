//! `[grid]`: the connection, its phases, and what compute may do while the grid is lost.

use plant::site::{Island, Phase};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The grid connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GridConfig {
    /// The most the house may take: three phases of 25 A are 17250.
    #[schemars(range(min = 100, max = 1000000))]
    pub import_limit_w: f64,
    /// The most the house may give; no cap where it is not given.
    #[schemars(range(min = 0, max = 1000000))]
    pub export_limit_w: Option<f64>,
    /// Grid power below this carbon intensity is clean enough for mode `eco`.
    #[schemars(range(min = 0, max = 2000))]
    pub clean_below_g_per_kwh: f64,
    /// Phases of the connection: 1 or 3.
    #[schemars(range(min = 1, max = 3))]
    pub phases: u8,
    /// The fuse of each phase; where it is not given, the sum alone is guarded.
    #[schemars(range(min = 6, max = 2000))]
    pub phase_limit_a: Option<f64>,
    /// Voltage of a phase to neutral.
    #[schemars(range(min = 100, max = 400))]
    pub voltage_v: f64,
    /// What compute may do while the grid is lost and the inverter carries the house.
    #[schemars(schema_with = "islands")]
    pub island: Island,
}

impl Default for GridConfig {
    fn default() -> Self {
        Self {
            import_limit_w: 17_250.0,
            export_limit_w: None,
            clean_below_g_per_kwh: 200.0,
            phases: 3,
            phase_limit_a: None,
            voltage_v: 230.0,
            island: Island::Off,
        }
    }
}

fn islands(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["off", "surplus"]})
}

/// The names of the phases, for [`super::installation::ComputeConfig::phases`].
pub(super) fn phase_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string", "enum": ["l1", "l2", "l3"]}, "default": []})
}

/// What a person calls a phase.
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::L1 => "L1",
        Phase::L2 => "L2",
        Phase::L3 => "L3",
    }
}
