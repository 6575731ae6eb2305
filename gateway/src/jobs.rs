//! Deferrable work: jobs that wait on disk until compute has power, and then run one after another.
//!
//! ```text
//! submit --> queued --> running --> done
//!              ^  |        |  +----> failed      the worker refused it, or it failed too often
//!              |  |        +-------> queued      another attempt, or a restart
//!              |  +----------------> expired     its deadline passed before it ran
//!              +-- cancelled (from queued or running)
//! ```

mod actions;
mod deliveries;
mod journal;
mod queue;
mod runner;
mod table;

/// The day's telemetry as a job.
pub mod summary;

pub use actions::Actions;
pub use deliveries::Deliveries;
pub use queue::{Limits, Queue};
pub use runner::Runner;

use plant::time::Timestamp;
use plant::units::Eur;
use serde::{Deserialize, Serialize};

/// The longest title, in characters.
pub const TITLE_MAX: usize = 200;
/// The most text of one job, in bytes.
pub const TEXT_MAX: usize = 256 * 1024;
/// The most tokens one job may generate.
pub const TOKENS_MAX: u32 = 32_768;

/// The most that a job may be worth, in the house's currency; the core books as much.
pub const VALUE_MAX: f64 = 1e6;

/// One message to the expert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    pub content: String,
}

/// What somebody wants done when there is power for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// What it is, for people.
    pub title: String,
    /// The conversation that the expert continues.
    pub messages: Vec<Message>,
    /// The expert; the one that is loaded where it is not given.
    #[serde(default)]
    pub expert: Option<String>,
    /// It is worthless after this.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// The most tokens it may generate.
    pub max_tokens: u32,
    /// What it pays; the price list's figure for its estimated tokens where it is not given.
    #[serde(default)]
    pub value: Option<Eur>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for power or its turn.
    Queued,
    /// Is being served, or waits inside the worker for power.
    Running,
    /// Has a result.
    Done,
    /// Could not be served.
    Failed,
    /// Was taken back.
    Cancelled,
    /// Its deadline passed before it ran.
    Expired,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [JobStatus; 6] = [
        JobStatus::Queued,
        JobStatus::Running,
        JobStatus::Done,
        JobStatus::Failed,
        JobStatus::Cancelled,
        JobStatus::Expired,
    ];

    /// The word used in JSON and in the file.
    pub fn name(self) -> &'static str {
        match self {
            JobStatus::Queued => "queued",
            JobStatus::Running => "running",
            JobStatus::Done => "done",
            JobStatus::Failed => "failed",
            JobStatus::Cancelled => "cancelled",
            JobStatus::Expired => "expired",
        }
    }
}

/// A job and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What was asked for.
    #[serde(flatten)]
    pub request: JobRequest,
    /// Where it stands.
    pub status: JobStatus,
    /// How often it was started.
    pub attempts: u32,
    /// Tokens it is expected to take, prompt and answer.
    pub tokens_estimate: u64,
    /// When it was handed in.
    pub submitted_at: Timestamp,
    /// When it was started last.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
    /// What the expert answered.
    pub result: Option<String>,
    /// Why it failed, or why the last attempt did.
    pub error: Option<String>,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
}

/// What the expert answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    /// The expert that gave it.
    pub expert: String,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
}

/// What can go wrong with the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// As many jobs wait as may.
    #[error("{max} jobs wait already; more are refused until some are done or cancelled")]
    Full {
        /// The most that may wait.
        max: u32,
    },
    /// The request cannot be served as it is.
    #[error("{field}: {expected}")]
    Invalid {
        field: &'static str,
        /// What is wrong and what was expected.
        expected: String,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    NotFound(i64),
    /// It has come to its end already.
    #[error("job {id} is {} already", status.name())]
    Over {
        /// The job.
        id: i64,
        /// Where it stands.
        status: JobStatus,
    },
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}
