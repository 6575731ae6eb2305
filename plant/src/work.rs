//! Served work and the state of the engine that serves it.

use crate::time::Timestamp;
use crate::units::{Eur, Watts};
use serde::{Deserialize, Serialize};

/// Proof of one served piece of work, from the worker; or of a job that was delivered, from the queue, with its price and without
/// tokens and energy, which are in the worker's receipts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Unique among all receipts of the node.
    pub id: String,
    /// Where it was written down; `None` for those of version 0.1.0, which are known by their ids alone.
    #[serde(default, flatten)]
    pub position: Option<Position>,
    /// The job whose work it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The expert that served it.
    pub expert: String,
    /// Whether somebody waited for it (a query) or it could wait (a job).
    pub interactive: bool,
    /// Prompt tokens processed.
    pub tokens_in: u64,
    /// Tokens generated.
    pub tokens_out: u64,
    /// Energy it took, in joules of house time.
    pub joules: f64,
    /// What somebody else pays for it: a job's price when it is delivered. Version 0.1.0 booked here what the household's own
    /// questions were worth, too.
    pub price: Eur,
    /// What it was worth to the household, by the value that the owner gave; nobody pays it.
    #[serde(default)]
    pub worth: Eur,
    /// When it was finished.
    pub finished_at: Timestamp,
}

/// A place in a journal of receipts. A *journal* is one opening of the file that receipts are written to: its name is made at random
/// then, so that the two are unique whatever was restored, lost or begun anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The journal's name.
    pub journal: String,
    /// Counts up in it.
    pub sequence: u64,
}

/// Deferrable work that has to be done by a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// The moment.
    pub at: Timestamp,
    /// Tokens that the jobs of this deadline are expected to take.
    pub tokens: u64,
}

/// Work that waits or runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// Queries being served or waiting: somebody waits for them.
    pub interactive: u32,
    /// Deferrable jobs not yet finished.
    pub jobs: u32,
    /// Tokens those jobs are expected to take.
    pub tokens: u64,
    /// What those jobs pay together.
    pub value: Eur,
    /// Their deadlines, the nearest first; jobs without one are not among them.
    pub due: Vec<Due>,
}

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Not answering; being restarted.
    #[default]
    Down,
    /// Started, loading its model.
    Starting,
    /// Ready with nothing to do.
    Idle,
    /// Serving.
    Busy,
    /// Ready, but without power.
    Paused,
}

/// The engine as its supervisor sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// What it is doing.
    pub state: WorkerState,
    /// The expert it has loaded.
    pub expert: Option<String>,
    /// Power it draws, measured or estimated by itself: zero while it is down, `None` where nobody knows.
    pub power: Option<Watts>,
    /// Tokens per second, prompt and generation together, over the last seconds.
    pub tokens_per_second: f64,
    /// How often it had to be restarted since the gateway started.
    pub restarts: u32,
    /// The last thing that went wrong with it.
    pub error: Option<String>,
}
