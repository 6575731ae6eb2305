//! Messages on their way to the broker: bounded, and never in the publisher's way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Messages that wait while the broker is away.
pub const QUEUE: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The newest retained message of each topic, sent or not.
    retained: BTreeMap<String, Vec<u8>>,
    /// Retained topics that still have to be sent, in the order they were published.
    order: VecDeque<String>,
    unsent: BTreeSet<String>,
    queue: VecDeque<Message>,
    lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, topic: String, payload: Vec<u8>, retain: bool) {
        {
            let mut waiting = self.lock();
            if retain {
                waiting.retained.insert(topic.clone(), payload);
                if waiting.unsent.insert(topic.clone()) {
                    waiting.order.push_back(topic);
                }
            } else {
                if waiting.queue.len() >= QUEUE {
                    waiting.queue.pop_front();
                    waiting.lost += 1;
                    if waiting.lost.is_power_of_two() {
                        tracing::warn!(
                            lost = waiting.lost,
                            "the broker is away or slow: the oldest messages are dropped"
                        );
                    }
                }
                waiting.queue.push_back(Message { topic, payload, retain });
            }
        }
        self.filled.notify_one();
    }

    /// Marks every retained message as unsent: the broker may have lost what was in flight.
    pub(super) fn resend_retained(&self) {
        {
            let mut waiting = self.lock();
            let topics: Vec<String> = waiting.retained.keys().cloned().collect();
            for topic in topics {
                if waiting.unsent.insert(topic.clone()) {
                    waiting.order.push_back(topic);
                }
            }
        }
        self.filled.notify_one();
    }

    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.order.is_empty() && waiting.queue.is_empty()
    }

    /// The next retained message that has to be sent, if there is one.
    pub(super) fn pop_retained(&self) -> Option<Message> {
        let mut waiting = self.lock();
        let topic = waiting.order.pop_front()?;
        waiting.unsent.remove(&topic);
        let payload = waiting.retained.get(&topic).cloned().unwrap_or_default();
        if payload.is_empty() {
            // An empty retained message deletes the topic; there is nothing to repeat later.
            waiting.retained.remove(&topic);
        }
        Some(Message { topic, payload, retain: true })
    }

    fn pop(&self) -> Option<Message> {
        self.pop_retained().or_else(|| self.lock().queue.pop_front())
    }

    /// The next message; waits for one.
    pub(super) async fn next(&self) -> Message {
        loop {
            if let Some(message) = self.pop() {
                return message;
            }
            self.filled.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_retained_message_of_a_topic_wins_and_is_repeated() {
        let outbox = Outbox::default();
        outbox.put("a".into(), b"1".to_vec(), true);
        outbox.put("b".into(), b"1".to_vec(), true);
        outbox.put("a".into(), b"2".to_vec(), true);
        let order: Vec<_> = std::iter::from_fn(|| outbox.pop()).map(|m| (m.topic, m.payload)).collect();
        assert_eq!(order, vec![("a".into(), b"2".to_vec()), ("b".into(), b"1".to_vec())]);
        outbox.resend_retained();
        assert_eq!(std::iter::from_fn(|| outbox.pop()).count(), 2);
    }

    #[test]
    fn a_long_outage_keeps_the_newest_messages() {
        let outbox = Outbox::default();
        for n in 0..QUEUE + 5 {
            outbox.put("t".into(), n.to_string().into_bytes(), false);
        }
        assert_eq!(outbox.pop().unwrap().payload, b"5");
    }
}
