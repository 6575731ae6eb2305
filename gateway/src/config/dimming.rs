//! `[dimming]`: what the grid operator may dim, and the way its signal comes.
//!
//! One way is named, and it alone sets and lifts the dimming: whoever can reach another one lifts nothing. A device that reads
//! `grid.dimmed` counts beside it, and the stricter of the two holds. In an example the signal is `rest`, which leaves 6000 W, and
//! a relay closes too, which says no more than `limit_w`, 4200 W: 4200 W are left until the relay opens, and 6000 W then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dimming by the grid operator (German EnWG section 14a).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DimmingConfig {
    /// What the loads may draw from the grid together while a signal says no more than that it dims.
    #[schemars(range(min = 0, max = 100000))]
    pub limit_w: f64,
    /// The loads that the grid operator may dim.
    pub loads: Vec<Load>,
    /// The way the grid operator's signal comes.
    pub signal: Signal,
    /// The entity that says whether it dims, for the signal `home_assistant`.
    #[schemars(length(min = 3, max = 255))]
    pub entity: Option<String>,
}

impl Default for DimmingConfig {
    fn default() -> Self {
        Self { limit_w: 4200.0, loads: Load::ALL.to_vec(), signal: Signal::Rest, entity: None }
    }
}

/// A load that the grid operator may dim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// The heat pump, with its heating rod.
    HeatPump,
    /// Charging of the battery.
    Battery,
    /// The wallbox.
    Wallbox,
    /// The compute box.
    Compute,
}

impl Load {
    /// Each of them.
    pub const ALL: [Load; 4] = [Load::HeatPump, Load::Battery, Load::Wallbox, Load::Compute];
}

/// The way the grid operator's signal comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Somebody posts it to `/api/v1/grid-dimming`.
    #[default]
    Rest,
    /// A device reads it, from a relay: the point `grid.dimmed`.
    Device,
    /// An entity of Home Assistant.
    HomeAssistant,
    /// A message to the topic `grid_dimming/set`.
    Mqtt,
}

impl Signal {
    /// The word for it in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Rest => "rest",
            Signal::Device => "device",
            Signal::HomeAssistant => "home_assistant",
            Signal::Mqtt => "mqtt",
        }
    }
}
