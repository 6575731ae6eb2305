//! `[home_assistant]`: how HeatMine shows itself in Home Assistant, over MQTT discovery, and where it reads an entity.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Home Assistant: what it is shown over MQTT, and how it is asked.
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
    /// Where its own interface is reached, as `http://homeassistant.local:8123`; the app asks the Supervisor.
    pub url: Option<String>,
    /// A long-lived access token for it.
    pub token: Option<Secret>,
    /// File whose first line is the token.
    pub token_file: Option<String>,
}

impl Default for HomeAssistantConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            discovery_prefix: "homeassistant".into(),
            node_id: "heatmine".into(),
            status_topic: "homeassistant/status".into(),
            url: None,
            token: None,
            token_file: None,
        }
    }
}
