//! `[home_assistant]`: how HeatMine shows itself in Home Assistant, over MQTT discovery.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// MQTT discovery for Home Assistant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HomeAssistantConfig {
    /// Whether entities are announced. Needs `[mqtt]`.
    pub enabled: bool,
    /// Home Assistant's discovery prefix.
    #[schemars(length(min = 1))]
    pub discovery_prefix: String,
    /// Name of this gateway in topics and unique ids; two gateways on one broker need different ones.
    #[schemars(regex(pattern = r"^[a-z0-9_-]{1,64}$"))]
    pub node_id: String,
    /// The topic of Home Assistant's birth message.
    #[schemars(length(min = 1))]
    pub status_topic: String,
}

impl Default for HomeAssistantConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            discovery_prefix: "homeassistant".into(),
            node_id: "heatmine".into(),
            status_topic: "homeassistant/status".into(),
        }
    }
}
