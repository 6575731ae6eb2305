//! The running house: one closed set of events in, effects out.

use crate::checkpoint::Checkpoint;
use crate::effect::Effect;
use crate::event::Event;
use crate::site::Site;
use crate::time::Timestamp;

/// The running house.
#[derive(Clone, Debug)]
pub struct Plant {
    site: Site,
    next_wake: Timestamp,
}

impl Plant {
    /// A plant of `site` that begins at `now`, from where `checkpoint` left it.
    pub fn new(site: Site, checkpoint: Option<Checkpoint>, now: Timestamp) -> Self {
        let _ = checkpoint;
        Self { site, next_wake: now }
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
}
