//! The way of a command: read, handed over, and acknowledged to the broker when it has been dealt with. What makes no sense, or could
//! not be done, is answered on the error topic.

use super::Publisher;
use super::commands::{self, DIMMING, Request};
use crate::broker::Publish;
use crate::config::dimming::Signal;
use crate::jobs::JobRequest;
use crate::wiring::Untaken;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// What is expected of who sends more than can be taken.
const BUSY: &str = "fewer commands at once: the gateway has not caught up";
/// How much of a refused payload is shown.
const SHOWN: usize = 200;

impl<L: Publish> Publisher<L> {
    /// Has the broker forget a message when `work` has dealt with it, in the sequence in which they came. What a stopping gateway
    /// could not deal with stays with the broker.
    pub(super) fn dealt_with(&mut self, work: Option<JoinHandle<bool>>) {
        let before = self.dealing.take_if(|before| !before.is_finished() || work.is_some());
        if before.is_none() && work.is_none() {
            self.link.taken();
            return;
        }
        let link = self.link.clone();
        self.dealing = Some(tokio::spawn(async move {
            for task in before.into_iter().chain(work) {
                if !task.await.unwrap_or(true) {
                    return false;
                }
            }
            link.taken();
            true
        }));
    }

    /// Carries a command out; returns who deals with it where that takes time.
    pub(super) fn command(&self, topic: &str, payload: &[u8], retain: bool) -> Option<JoinHandle<bool>> {
        let name = self.topics.commanded(topic)?;
        let outcome = if retain && payload.is_empty() {
            Ok(None)
        } else if retain {
            Err("a message that the broker does not keep: an old command must not act again".to_owned())
        } else if name == DIMMING && self.announcement.dimming != Signal::Mqtt {
            Err(elsewhere(self.announcement.dimming))
        } else {
            let record = self.wiring.records.borrow().clone();
            commands::read(name, payload, record.map(|record| record.power_max))
                .and_then(|request| self.hand_over(request, topic, payload))
        };
        outcome.unwrap_or_else(|expected| {
            self.refuse(topic, payload, &expected);
            None
        })
    }

    pub(super) fn refuse(&self, topic: &str, payload: &[u8], expected: &str) {
        let refusal = refusal(topic, payload, expected);
        self.link.publish(self.topics.error(), refusal, false);
    }

    fn hand_over(&self, request: Request, topic: &str, payload: &[u8]) -> Result<Option<JoinHandle<bool>>, String> {
        let dealing = match request {
            Request::Plant(command) => {
                info!(?command, "command from the MQTT broker");
                let permit = self.permit()?;
                // At once, so that commands keep their sequence.
                let handed = self.wiring.hand_over(command);
                let heard = async move { handed?.heard().await };
                Ok(self.answer(permit, heard, topic, payload))
            }
            Request::Confirm => {
                let (permit, wiring) = (self.permit()?, self.wiring.clone());
                Ok(self.answer(permit, async move { wiring.confirm().await }, topic, payload))
            }
            Request::Job(job) => self.queue_job(job, topic, payload),
        };
        dealing.map(Some)
    }

    /// Waits aside until a command is on the disk; what of it is not goes to the error topic.
    fn answer(
        &self,
        permit: OwnedSemaphorePermit,
        heard: impl Future<Output = Result<(), Untaken>> + Send + 'static,
        topic: &str,
        payload: &[u8],
    ) -> JoinHandle<bool> {
        let (link, errors) = (self.link.clone(), self.topics.error());
        let (topic, payload) = (topic.to_owned(), payload.to_owned());
        tokio::spawn(async move {
            let heard = heard.await;
            if let Err(untaken) = &heard {
                link.publish(errors, refusal(&topic, &payload, &untaken.to_string()), false);
            }
            drop(permit);
            heard != Err(Untaken::Stopping)
        })
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, String> {
        Arc::clone(&self.unanswered).try_acquire_owned().map_err(|_| BUSY.to_owned())
    }

    /// Queues a job aside, since that waits for the disk; what the queue refuses goes to the error topic.
    fn queue_job(&self, job: JobRequest, topic: &str, payload: &[u8]) -> Result<JoinHandle<bool>, String> {
        let permit = Arc::clone(&self.jobs).try_acquire_owned().map_err(|_| BUSY.to_owned())?;
        let (queue, now) = (self.queue.clone(), self.clock.now());
        let (link, errors) = (self.link.clone(), self.topics.error());
        let (topic, payload) = (topic.to_owned(), payload.to_owned());
        Ok(tokio::task::spawn_blocking(move || {
            if let Err(error) = queue.submit(&job, now) {
                link.publish(errors, refusal(&topic, &payload, &error.to_string()), false);
            }
            drop(permit);
            true
        }))
    }
}

/// What is expected of who dims over MQTT where the grid operator's signal comes another way: everybody on the broker could lift it.
fn elsewhere(signal: Signal) -> String {
    format!(
        "the grid operator's signal the way that dimming.signal names, which is {}; only dimming.signal = \"mqtt\" makes it this topic",
        signal.name()
    )
}

/// What the error topic says of a refused message.
fn refusal(topic: &str, payload: &[u8], expected: &str) -> String {
    // A character takes four bytes at most.
    let start = &payload[..payload.len().min(4 * SHOWN)];
    let payload: String = String::from_utf8_lossy(start).chars().take(SHOWN).collect();
    warn!(topic, payload, expected, "refused a command");
    json!({"topic": topic, "payload": payload, "expected": expected}).to_string()
}
