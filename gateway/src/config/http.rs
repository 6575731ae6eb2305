//! `[http]`: the page and the HTTP interface.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The page and the HTTP interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HttpConfig {
    /// Address and port to listen on.
    pub listen: String,
    /// Address under which people open the page; Home Assistant shows it with the device. The app knows its own.
    pub url: Option<String>,
    /// Only Home Assistant's ingress proxy may connect.
    pub ingress_only: bool,
    /// Clients must send this as `Authorization: Bearer ...` to change anything or ask the experts; ingress needs none.
    pub api_token: Option<Secret>,
    /// File whose first line is the token.
    pub api_token_file: Option<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: "0.0.0.0:8099".into(), url: None, ingress_only: false, api_token: None, api_token_file: None }
    }
}
