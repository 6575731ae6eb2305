//! What the engine's thread shows of itself, and the picture of it at one moment.

use super::work::ModelFile;
use crate::meter::Meter;

/// What the engine's thread shows of itself.
pub(crate) struct Board {
    pub model: Option<ModelFile>,
    pub loading: bool,
    pub active: usize,
    pub waiting: usize,
    pub interactive: usize,
    pub budget: Option<f64>,
    pub error: Option<String>,
    pub meter: Meter,
}

/// The engine at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The model in memory.
    pub model: Option<ModelFile>,
    /// A model is being read.
    pub loading: bool,
    /// Answers being made.
    pub active: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Of both, those somebody waits for.
    pub interactive: usize,
    /// Watts it may draw; `None` is no limit.
    pub budget: Option<f64>,
    /// Share of the time it may compute.
    pub duty: f64,
    /// Watts, measured or estimated.
    pub watts: f64,
    /// Whether the watts are measured.
    pub measured: bool,
    /// Tokens per second over the last seconds.
    pub tokens_per_second: f64,
    /// Share of the last seconds spent computing.
    pub utilisation: f64,
    /// Seconds of computing since the start.
    pub busy_seconds: f64,
    /// The last thing that went wrong.
    pub error: Option<String>,
    /// Counts up as long as the thread is alive.
    pub beats: u64,
}
