//! How the engine runs: what the worker decides at its start.

use crate::throttle::PowerModel;

#[derive(Clone, Debug)]
pub(crate) struct EngineConfig {
    /// Processor threads.
    pub threads: usize,
    /// Answers made at the same time.
    pub parallel: usize,
    /// Tokens of context for each answer.
    pub context: usize,
    /// Requests that may be under way, waiting and served together; of deferrable ones half as many.
    pub queue: usize,
    /// What the machine draws.
    pub power: PowerModel,
    /// Watts at the start; `None` is no limit.
    pub budget: Option<f64>,
}
