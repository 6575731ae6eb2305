//! What the engine's thread shows of itself, and the picture of it at one moment.

use super::config::EngineConfig;
use super::work::ModelFile;
use crate::meter::Meter;
use std::time::Instant;

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

impl Board {
    /// The board at the start; `loading` where a model is read at once.
    pub(super) fn new(config: &EngineConfig, loading: bool) -> Self {
        Self {
            model: None,
            loading,
            active: 0,
            waiting: 0,
            interactive: 0,
            budget: config.budget,
            error: None,
            meter: Meter::new(config.power),
        }
    }

    /// The engine at `now`, after so many `beats` of its thread.
    pub(super) fn snapshot(&mut self, beats: u64, now: Instant) -> Snapshot {
        let rates = self.meter.rates(now);
        let duty = self.meter.power.duty(self.budget);
        // The rates remember seconds in which there was power; an engine that is off draws its idle power.
        let watts = if duty <= 0.0 && !self.meter.measures() { self.meter.power.idle } else { self.meter.watts(now) };
        Snapshot {
            model: self.model.clone(),
            loading: self.loading,
            active: self.active,
            waiting: self.waiting,
            interactive: self.interactive,
            budget: self.budget,
            duty,
            watts,
            measured: self.meter.measures(),
            tokens_per_second: rates.tokens_per_second,
            utilisation: rates.utilisation,
            busy_seconds: self.meter.busy.as_secs_f64(),
            error: self.error.clone(),
            beats,
        }
    }
}

/// The engine at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
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
    pub measured: bool,
    /// Tokens per second over the last seconds.
    pub tokens_per_second: f64,
    /// Share of the last seconds spent computing.
    pub utilisation: f64,
    /// Seconds of computing since the start.
    pub busy_seconds: f64,
    pub error: Option<String>,
    /// Counts up as long as the thread is alive.
    pub beats: u64,
}
