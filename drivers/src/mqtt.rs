//! A connection to an MQTT broker that looks after itself.
//!
//! [`connect`] starts a task that owns the connection: it resolves the host, connects, subscribes again on every ConnAck,
//! and on any error waits with a growing, jittered back-off before it tries anew. [`Link`] publishes without ever
//! blocking. What it keeps:
//! - retained messages: the newest of each topic, published again after every reconnect (the client library forgets what
//!   was in flight when a session is lost);
//! - other messages: the newest [`QUEUE`], the oldest go first when the broker is away for long.

mod outbox;
mod session;

use crate::address::Topic;
use outbox::Outbox;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// In [`LinkEvent::Disconnected`] where a message was larger than the 1 MiB that is taken. One that the broker keeps ends
/// every session anew; who owns its topic can delete it, since retained messages are sent before the subscriptions.
pub const TOO_LARGE: &str = "a message is larger than 1 MiB";
/// Messages that wait while the broker is away.
pub const QUEUE: usize = 1024;
/// Events that wait for their reader; more are dropped with a warning.
const EVENTS: usize = 4096;
/// The longest wait for the last messages to leave.
const FLUSH: Duration = Duration::from_secs(3);

/// How to reach a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// Port; where absent, the SRV record `_mqtt._tcp` of the host, then 1883 (8883 with TLS).
    pub port: Option<u16>,
    /// User name, where the broker wants one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Whether to speak TLS, trusting the system's certificates.
    pub tls: bool,
}

impl Broker {
    /// The broker that an address names, with `site`'s credentials where the address names none or the same host.
    pub fn of(topic: &Topic, site: Option<&Broker>) -> Option<Broker> {
        match site {
            Some(site)
                if topic.host.is_empty()
                    || (topic.host == site.host && topic.port.is_none_or(|port| Some(port) == site.port)) =>
            {
                Some(site.clone())
            }
            Some(_) | None if !topic.host.is_empty() => {
                Some(Broker { host: topic.host.clone(), port: topic.port, ..Broker::default() })
            }
            Some(_) | None => None,
        }
    }
}

impl std::fmt::Display for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What the broker publishes in our name when we vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// Connected, for the first time or again; the subscriptions have been sent.
    Connected,
    /// A message arrived.
    Message {
        /// Topic.
        topic: String,
        /// Payload.
        payload: Vec<u8>,
        /// Whether the broker had kept it, so that its age is unknown.
        retain: bool,
    },
    /// Lost, or not reached. Reported once per attempt.
    Disconnected {
        /// In words for a person.
        why: String,
    },
}

/// The publishing end of a connection.
#[derive(Clone, Debug)]
pub struct Link {
    outbox: Arc<Outbox>,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl Link {
    /// Queues a message. Never blocks.
    pub fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>, retain: bool) {
        self.outbox.put(topic.into(), payload.into(), retain);
    }

    /// Sends what waits, takes leave of the broker so that it does not publish the will, and ends the task. Bounded.
    pub async fn close(&self) {
        self.closing.cancel();
        let _ = tokio::time::timeout(FLUSH + Duration::from_secs(1), self.closed.cancelled()).await;
    }
}

/// Connects to `broker` and stays connected until [`Link::close`], until `shutdown` (plus a few seconds in which
/// `close` can still be called), or until the receiver is dropped. Returns at once; starts a tokio task.
pub fn connect(
    broker: Broker,
    client_id: impl Into<String>,
    will: Option<Will>,
    subscriptions: Vec<String>,
    shutdown: CancellationToken,
) -> (Link, mpsc::Receiver<LinkEvent>) {
    let (events, receiver) = mpsc::channel(EVENTS);
    let link = Link { outbox: Arc::default(), closing: CancellationToken::new(), closed: CancellationToken::new() };
    let session = session::Session {
        broker,
        client_id: client_id.into(),
        will,
        subscriptions,
        outbox: link.outbox.clone(),
        closing: link.closing.clone(),
        events,
    };
    let closed = link.closed.clone();
    let closing = link.closing.clone();
    tokio::spawn(async move {
        let work = session.run();
        let grace = async {
            shutdown.cancelled().await;
            // Those who publish a last word do so when they see the same token.
            tokio::time::sleep(FLUSH).await;
            closing.cancel();
            tokio::time::sleep(FLUSH).await;
        };
        tokio::select! {
            () = work => {}
            () = grace => {}
        }
        closed.cancel();
    });
    (link, receiver)
}
