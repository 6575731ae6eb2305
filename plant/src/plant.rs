//! The running house: one closed set of events in, effects out.

use crate::checkpoint::Checkpoint;
use crate::effect::Effect;
use crate::entry::Entry;
use crate::event::Event;
use crate::site::Site;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a restart finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// The last checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The ledger's entries beyond the checkpoint's head, in order; all of them where there is no checkpoint.
    pub after: Vec<Entry>,
    /// The ledger's entries of the last week up to the checkpoint's head, in order: forecasts learn from its slots, and its
    /// receipts are not booked again. May be empty.
    pub recent: Vec<Entry>,
}

/// The running house.
#[derive(Clone, Debug)]
pub struct Plant {
    site: Arc<Site>,
    next_wake: Timestamp,
}

impl Plant {
    /// A plant of `site` that begins at `now`, from where `restored` left it.
    pub fn new(site: Site, restored: Restored, now: Timestamp) -> Self {
        let _ = restored;
        Self { site: Arc::new(site), next_wake: now }
    }

    /// The installed site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// When `Event::Wake` is due.
    pub fn next_wake(&self) -> Timestamp {
        self.next_wake
    }

    /// Takes what happened at `now`; returns what is to be done, in order. Never fails.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let _ = (event, now);
        Vec::new()
    }

    /// The last effects: every device gets its own control back, and the running state is kept.
    pub fn shutdown(&mut self, now: Timestamp) -> Vec<Effect> {
        let _ = now;
        Vec::new()
    }
}
