//! The queues between the loop and everything around it. Each has a bound; who finds it full does not hold up the loop.

use crate::commands::Kept;
use crate::host::Inputs;
use crate::wiring::Wiring;
use drivers::device::Report;
use plant::event::Event;
use plant::record::Record;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Events and reports that may wait for the loop.
const WAITING_MAX: usize = 4096;
/// Commands that may wait for the loop, and confirmations for whoever writes them down.
const COMMANDS_MAX: usize = 64;

/// The ends of all queues.
pub(super) struct Queues {
    /// What the loop listens to.
    pub inputs: Inputs,
    /// Where devices report.
    pub reports: mpsc::Sender<Report>,
    /// Where everything else that happens goes.
    pub events: mpsc::Sender<Event>,
    /// What publishers are given.
    pub wiring: Wiring,
    /// Where the newest record goes.
    pub records: watch::Sender<Option<Arc<Record>>>,
    /// What somebody confirms.
    pub confirmations: mpsc::Receiver<Kept>,
}

impl Queues {
    /// Empty ones.
    pub(super) fn new(shutdown: &CancellationToken) -> Self {
        let (reports, reported) = mpsc::channel(WAITING_MAX);
        let (events, happened) = mpsc::channel(WAITING_MAX);
        let (commands, commanded) = mpsc::channel(COMMANDS_MAX);
        let (confirm, confirmations) = mpsc::channel(COMMANDS_MAX);
        let records = watch::Sender::new(None);
        let shutdown = shutdown.clone();
        let wiring = Wiring { records: records.subscribe(), commands, confirmations: confirm, shutdown };
        let inputs = Inputs { reports: reported, commands: commanded, events: happened };
        Self { inputs, reports, events, wiring, records, confirmations }
    }
}
