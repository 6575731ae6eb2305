//! Messages that come before the broker has shown what it keeps. To a lasting session it sends what came while the client was away,
//! and then, for the subscription, what is kept on each topic. A message that was published to be kept comes twice so: first as if
//! somebody had just sent it, and again with the flag. Both are one, of some time ago: it counts as kept.

use rumqttc::Publish;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// What is kept comes right behind the answer to the subscription.
const KEPT: Duration = Duration::from_millis(500);
/// A broker that does not answer a subscription in this time never does.
const ANSWER: Duration = Duration::from_secs(10);

/// So many are held back at most.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Early {
    /// `None` once they are let through.
    waiting: Mutex<Option<Vec<Publish>>>,
    subscribed: Notify,
}

impl Early {
    /// Holds messages back where the session is a `lasting` one.
    pub(super) fn new(lasting: bool) -> Self {
        Self { waiting: Mutex::new(lasting.then(Vec::new)), subscribed: Notify::new() }
    }

    /// Holds a message back, or has it `pass`.
    pub(super) fn hold_or(&self, message: Publish, pass: impl FnOnce(Publish)) {
        if let Some(waiting) = self.lock().as_mut().filter(|waiting| waiting.len() < MOST) {
            return waiting.push(message);
        }
        pass(message);
    }

    /// The broker has answered the subscription.
    pub(super) fn subscribed(&self) {
        self.subscribed.notify_one();
    }

    /// Waits for what is kept; returns all messages in their sequence, those of them flagged that are kept.
    pub(super) async fn waited(&self) -> Vec<Publish> {
        if timeout(ANSWER, self.subscribed.notified()).await.is_ok() {
            sleep(KEPT).await;
        }
        let mut messages = self.lock().take().unwrap_or_default();
        let kept: Vec<_> = messages.iter().filter(|message| message.retain).cloned().collect();
        for message in &mut messages {
            let same = |kept: &Publish| (&kept.topic, &kept.payload) == (&message.topic, &message.payload);
            message.retain |= kept.iter().any(same);
        }
        messages
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Publish>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
