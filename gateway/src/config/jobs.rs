//! `[jobs]`, `[[schedule]]` and `[data]`: deferrable work, things done at fixed times, and where everything is kept.

use crate::addon::data_folder::DATA_DIR;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Deferrable work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobsConfig {
    /// Whether a job that summarises the day's telemetry is queued every day.
    pub daily_summary: bool,
    /// When: seconds, minutes, hours, day of month, month, day of week, in the site's local time.
    pub daily_summary_cron: String,
    /// The most jobs that may wait.
    #[schemars(range(min = 1, max = 1000000))]
    pub queue_max: u32,
    /// How often a job that failed is tried again.
    #[schemars(range(min = 1, max = 20))]
    pub attempts: u32,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { daily_summary: true, daily_summary_cron: "0 5 0 * * *".into(), queue_max: 10_000, attempts: 3 }
    }
}

/// Something done at fixed local times: exactly one of `mode`, `boost_s`, `power_limit_w` and `job`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleConfig {
    /// When: seconds, minutes, hours, day of month, month, day of week, in the site's local time. Numbers of weekdays are those of a
    /// crontab: 0 and 7 are Sunday, 1 is Monday. Where day of month and day of week are given, either is enough.
    pub cron: String,
    /// Changes to this mode. A boost that runs goes on and then returns to it.
    #[serde(default)]
    pub mode: Option<ScheduledMode>,
    /// Full power for this many seconds.
    #[serde(default)]
    #[schemars(range(min = 1, max = 86400))]
    pub boost_s: Option<u32>,
    /// Whether mode or boost also end a boost, and an `off` that a person set. Else an `off` stays until a person sets another mode.
    #[serde(default)]
    pub overrides: bool,
    /// Caps compute power at this.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000000))]
    pub power_limit_w: Option<f64>,
    /// Queues this job.
    #[serde(default)]
    pub job: Option<ScheduledJob>,
}

/// A mode that can be scheduled. A boost is scheduled by `boost_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledMode {
    /// Never compute.
    Off,
    /// Compute whenever it is worth it.
    Auto,
    /// Only on PV surplus.
    Surplus,
    /// Follow the heat demand.
    Heat,
    /// Only where the net value is positive and the grid is clean.
    Eco,
}

/// A job that can be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledJob {
    /// A summary of the last day's telemetry.
    Summary,
}

/// Where ledger, history, jobs and experts are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DataConfig {
    /// The folder; beside the configuration file where it is relative.
    #[schemars(length(min = 1))]
    pub dir: String,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { dir: DATA_DIR.into() }
    }
}
