//! `[influx]`: the database that history is written to.

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which write endpoint the database offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InfluxApi {
    /// InfluxDB 1: `/write`, with database, user name and password.
    V1,
    /// InfluxDB 2, VictoriaMetrics: `/api/v2/write`, with organisation, bucket and token.
    #[default]
    V2,
    /// InfluxDB 3: `/api/v3/write_lp`, with database and token.
    V3,
}

/// An InfluxDB-style database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InfluxConfig {
    /// Whether records are written.
    pub enabled: bool,
    /// Base address, `http://host:8086`.
    #[schemars(regex(pattern = r"^https?://[^/]+"))]
    pub url: String,
    /// Which write endpoint is used.
    pub api: InfluxApi,
    /// Organisation (v2).
    pub org: String,
    /// Bucket (v2).
    pub bucket: String,
    /// Database (v1, v3).
    pub database: String,
    /// Token (v2, v3).
    pub token: Option<Secret>,
    /// File whose first line is the token.
    pub token_file: Option<String>,
    /// User name (v1).
    pub username: Option<String>,
    /// Password (v1).
    pub password: Option<Secret>,
    /// File whose first line is the password.
    pub password_file: Option<String>,
    /// First part of every measurement's name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_]{0,64}$"))]
    pub measurement_prefix: String,
    /// Seconds of house time between two records.
    #[schemars(range(min = 1, max = 3600))]
    pub interval_s: u32,
}

impl Default for InfluxConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "http://localhost:8086".into(),
            api: InfluxApi::V2,
            org: "heatmine".into(),
            bucket: "heatmine".into(),
            database: "heatmine".into(),
            token: None,
            token_file: None,
            username: None,
            password: None,
            password_file: None,
            measurement_prefix: "heatmine_".into(),
            interval_s: 10,
        }
    }
}
