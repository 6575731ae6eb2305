//! `[worker]`: the engine's process, started by the gateway or running elsewhere on the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The engine's process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorkerConfig {
    /// Address and port of the worker that the gateway starts; port 0 takes a free one.
    pub listen: String,
    /// Address of a worker on another machine, `http://host:8100`; the gateway then starts none.
    #[schemars(regex(pattern = r"^https?://[^/]+"))]
    pub url: Option<String>,
    /// The expert to load: its name in the store, or a GGUF file. The first in the store where it is not given.
    pub expert: Option<String>,
    /// Folder of the experts; `experts` in the data folder where it is not given.
    pub experts_dir: Option<String>,
    /// Threads of the engine; all cores but one where it is not given.
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<u16>,
    /// Requests served at the same time.
    #[schemars(range(min = 1, max = 64))]
    pub parallel: u16,
    /// Tokens of context for each request.
    #[schemars(range(min = 256, max = 1048576))]
    pub context: u32,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            url: None,
            expert: None,
            experts_dir: None,
            threads: None,
            parallel: 2,
            context: 2048,
        }
    }
}
