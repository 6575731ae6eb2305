//! Everything that can happen to the plant.

use crate::command::Command;
use crate::decision::Outcome;
use crate::outlook::Outlook;
use crate::plan::Plan;
use crate::point::Sample;
use crate::work::{Backlog, Receipt, WorkerStatus};
use serde::{Deserialize, Serialize};

/// The closed set of inputs. Only `Wake` decides; all others are recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", content = "data")]
pub enum Event {
    /// A device was read.
    Sample(Sample),
    /// A feed knows more of the time ahead.
    Outlook(Box<Outlook>),
    /// A person or an automation wants something.
    Command(Command),
    /// A setpoint was written, or could not be: a lease in the driver says so, once for each change.
    Outcome(Box<Outcome>),
    /// A piece of work was served.
    Receipt(Box<Receipt>),
    /// The queue changed.
    Backlog(Backlog),
    /// The engine's state changed.
    Worker(Box<WorkerStatus>),
    /// A plan that was asked for is ready.
    Plan(Box<Plan>),
    /// The clock on the wall was set by so many milliseconds, forward or back; no time has passed.
    ClockSet(i64),
    /// The time of `next_wake` has come.
    Wake,
}
