//! The last good answer of each feed on the disk, with the time when it came: what a restart begins with.

use crate::store::{Disk, Twice};
use chrono::TimeDelta;
use plant::outlook::Outlook;
use plant::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Its name in the data folder.
const FILE: &str = "feeds";
/// The version of its shape.
const VERSION: u32 = 1;

/// The same, said again, is written again after this time.
const AGE: TimeDelta = TimeDelta::minutes(10);

/// What a feed said last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cached {
    /// When.
    pub at: Timestamp,
    /// What.
    pub outlook: Outlook,
    /// Under which terms it may be shown.
    pub license: Option<String>,
}

/// What is on the disk, by feed. Clones are one.
#[derive(Clone, Debug)]
pub(super) struct Cache(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    file: Option<Twice>,
    feeds: BTreeMap<String, Cached>,
}

impl Cache {
    /// What lies on `disk`; without one nothing outlasts the process. A file that is broken is set aside.
    pub(super) fn open(disk: Option<&Disk>) -> Self {
        let found = disk.map(|disk| Twice::open(disk, FILE, VERSION));
        let (file, feeds) = found.map_or((None, None), |found| (Some(found.file), found.body));
        Self(Arc::new(Mutex::new(Inner { file, feeds: feeds.unwrap_or_default() })))
    }

    /// What `feed` said last.
    pub(super) async fn recall(&self, feed: &str) -> Option<Cached> {
        self.0.lock().await.feeds.get(feed).cloned()
    }

    /// Keeps what `feed` says. Only feeds of the same kind, so named before a colon, are kept beside it, and of those the newest one.
    pub(super) async fn keep(&self, feed: &str, cached: Cached) {
        let mut inner = self.0.lock().await;
        let kind = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
        let again = |old: &Cached| old.outlook == cached.outlook && (cached.at - old.at).abs() < AGE;
        if inner.feeds.get(feed).is_some_and(again) {
            return;
        }
        inner.feeds.retain(|name, _| kind(name) != kind(feed));
        inner.feeds.insert(feed.to_owned(), cached);
        let feeds = inner.feeds.clone();
        if let Some(file) = &mut inner.file
            && let Err(error) = file.write_aside(feeds).await
        {
            tracing::warn!(%error, "prices and forecasts cannot be kept on the disk");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::time::Slot;
    use plant::units::EurPerKwh;

    #[tokio::test]
    async fn what_a_feed_said_outlasts_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let outlook = Outlook { spot: [(Slot(5), EurPerKwh(0.1))].into(), ..Outlook::default() };
        let cached = Cached { at: "2026-06-01T12:00:00Z".parse().unwrap(), outlook, license: Some("CC".into()) };
        let cache = Cache::open(Some(&disk));
        cache.keep("prices: old", Cached::default()).await;
        cache.keep("forecast: a", Cached::default()).await;
        cache.keep("prices: new", cached.clone()).await;
        let again = Cache::open(Some(&disk));
        assert_eq!(again.recall("prices: new").await, Some(cached));
        assert_eq!(again.recall("forecast: a").await, Some(Cached::default()));
        assert_eq!(again.recall("prices: old").await, None, "another source's prices are nobody's any more");
        std::fs::write(folder.path().join("feeds.json"), "{").unwrap();
        std::fs::write(folder.path().join("feeds.backup.json"), "rot").unwrap();
        assert_eq!(Cache::open(Some(&disk)).recall("prices: new").await, None);
    }
}
