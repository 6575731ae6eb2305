//! Messages of a lasting session that their reader has not yet dealt with. The broker keeps each until it is acknowledged, and sends
//! it again after a connection that broke, so that one that came a moment before a crash is not lost.
//!
//! The reader deals with messages in the order in which they came, and says so without naming them: the oldest is meant.

use rumqttc::ManualAck;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Receipts {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// With the reader; `None` where there is nothing to acknowledge.
    waiting: VecDeque<Option<ManualAck>>,
    /// Dealt with.
    ready: VecDeque<ManualAck>,
}

impl Receipts {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader gets one more.
    pub(super) fn passed_on(&self, acknowledgement: Option<ManualAck>) {
        self.lock().waiting.push_back(acknowledgement);
    }

    /// The newest did not get through to the reader.
    pub(super) fn dropped(&self) {
        self.lock().waiting.pop_back();
    }

    /// The reader has dealt with the oldest.
    pub(super) fn taken(&self) {
        let mut inner = self.lock();
        let oldest = inner.waiting.pop_front().flatten();
        inner.ready.extend(oldest);
        drop(inner);
        self.filled.notify_one();
    }

    /// A new connection: what came over the one before cannot be acknowledged any more.
    pub(super) fn forget(&self) {
        let mut inner = self.lock();
        inner.waiting.iter_mut().for_each(|waiting| *waiting = None);
        inner.ready.clear();
    }

    /// Whether the reader has dealt with all of them, and the broker knows.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.lock();
        inner.waiting.is_empty() && inner.ready.is_empty()
    }

    /// The next that can be acknowledged; waits for one.
    pub(super) async fn next(&self) -> ManualAck {
        loop {
            let ready = self.lock().ready.pop_front();
            match ready {
                Some(acknowledgement) => return acknowledgement,
                None => self.filled.notified().await,
            }
        }
    }
}
