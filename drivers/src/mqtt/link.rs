//! The publishing end of a connection, and the task behind it.

use super::broker::{Broker, Client, LinkEvent, Will};
use super::outbox::Outbox;
use super::receipts::Receipts;
use super::session::{FLUSH, Session};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events that wait for their reader; more are dropped with a warning.
const EVENTS: usize = 4096;

/// The publishing end of a connection.
#[derive(Clone, Debug)]
pub struct Link {
    outbox: Arc<Outbox>,
    receipts: Arc<Receipts>,
    closing: CancellationToken,
    closed: CancellationToken,
}

impl Link {
    /// Queues a message. Never blocks.
    pub fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>, retain: bool) {
        self.outbox.put(topic.into(), payload.into(), retain);
    }

    /// Says that the oldest message of a lasting session that was not yet dealt with has been: the broker forgets it.
    pub fn taken(&self) {
        self.receipts.taken();
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
    let client = Client { id: client_id.into(), will, subscriptions, away: None };
    connect_as(broker, client, shutdown)
}

/// The same for a client that may have a lasting session. There each message is dealt with in its turn, and [`Link::taken`] says so.
pub fn connect_as(broker: Broker, client: Client, shutdown: CancellationToken) -> (Link, mpsc::Receiver<LinkEvent>) {
    let (events, receiver) = mpsc::channel(EVENTS);
    let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
    let link = Link { outbox: Arc::default(), receipts: Arc::default(), closing, closed };
    let session = Session {
        broker,
        client,
        outbox: link.outbox.clone(),
        receipts: link.receipts.clone(),
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
