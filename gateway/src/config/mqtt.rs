//! `[mqtt]`: the broker that HeatMine publishes to and that MQTT devices are read from.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The MQTT broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MqttConfig {
    /// Host name or address. Without a port, its SRV record `_mqtt._tcp` is asked first.
    #[schemars(length(min = 1))]
    pub host: String,
    /// TCP port; 1883, or 8883 with TLS, where it is not given.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// File whose first line is the password.
    pub password_file: Option<String>,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// First part of every topic that HeatMine publishes.
    #[schemars(length(min = 1))]
    pub topic_prefix: String,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: None,
            username: None,
            password: None,
            password_file: None,
            tls: false,
            topic_prefix: "heatmine".into(),
        }
    }
}
