//! What a publisher is given: the newest record, a way to send commands, and the signal to stop. Nothing else of the loop.

use plant::command::Command;
use plant::record::Record;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A publisher's connection to the loop. Records are read as the newest one; commands wait in a bounded channel.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// The newest record; `None` before the first decision.
    pub records: watch::Receiver<Option<Arc<Record>>>,
    /// Commands of people and automations.
    pub commands: mpsc::Sender<Command>,
    /// Cancelled when the gateway stops.
    pub shutdown: CancellationToken,
}
