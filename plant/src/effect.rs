//! Everything the plant can ask of its host.

use crate::decision::Setpoints;
use crate::entry::Entry;
use crate::record::Record;
use serde::{Deserialize, Serialize};

/// The closed set of outputs. The host carries them out in order; `Append` is durable before the next one is started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect", content = "data")]
pub enum Effect {
    /// This is wanted of the devices, until the next cycle says otherwise.
    Apply(Setpoints),
    /// Book an entry.
    Append(Entry),
    /// Keep the running state, so that a crash loses at most the time since the last one. Replaces the one before.
    Checkpoint(Box<crate::checkpoint::Checkpoint>),
    /// Make a plan, elsewhere if it takes long, and hand it back as `Event::Plan`.
    Plan(Box<crate::plan::PlanRequest>),
    /// Let the world know.
    Publish(Box<Record>),
}
