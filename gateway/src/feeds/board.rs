//! What is known of each feed just now: how old it is, when it is asked next, and what is wrong with it. The newest record shows it.

use plant::record::FeedStatus;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The state of all feeds. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<(String, String), FeedStatus>>>);

impl Board {
    /// All feeds, by what they bring and where from.
    pub fn all(&self) -> Vec<FeedStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Changes what is known of a feed.
    pub(super) fn change(&self, what: &str, source: &str, change: impl FnOnce(&mut FeedStatus)) {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.entry((what.to_owned(), source.to_owned())).or_insert_with(|| FeedStatus {
            source: source.to_owned(),
            what: what.to_owned(),
            at: None,
            until: None,
            next: None,
            error: None,
            license: None,
        });
        change(feed);
    }
}
