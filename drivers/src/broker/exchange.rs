//! Who hears what: subscriptions, retained messages and last wills of all clients.

use super::topic::matches;
use rumqttc::QoS;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio_util::bytes::Bytes;
use tokio_util::sync::CancellationToken;

/// The most topics that keep a message.
const RETAINED: usize = 20_000;
/// The most subscriptions of one client.
const SUBSCRIPTIONS: usize = 1_000;
/// What waits for a client; one who lets it fill up is sent away.
pub(super) const WAITING: usize = 4_096;

/// A message as it is handed to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: QoS,
    pub(super) retain: bool,
}

#[derive(Debug)]
struct Client {
    /// Tells a client from its successor of the same name.
    number: u64,
    subscriptions: BTreeMap<String, QoS>,
    outgoing: mpsc::Sender<Message>,
    will: Option<Message>,
    leave: CancellationToken,
}

#[derive(Debug, Default)]
struct Books {
    clients: BTreeMap<String, Client>,
    retained: BTreeMap<String, Message>,
    last_number: u64,
}

/// Shared by all connections.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    books: Mutex<Books>,
}

/// A client's place in the exchange.
pub(super) struct Seat {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) incoming: mpsc::Receiver<Message>,
    /// Cancelled when the client has to go: another took its name, or it reads too slowly.
    pub(super) leave: CancellationToken,
}

impl Exchange {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seats a client. One of the same name loses its seat, and its will is published before the new one says anything.
    pub(super) fn join(&self, id: &str, will: Option<Message>) -> Seat {
        let mut books = self.books();
        if let Some(former) = books.clients.remove(id) {
            former.leave.cancel();
            if let Some(will) = former.will {
                books.publish(will);
            }
        }
        books.last_number += 1;
        let number = books.last_number;
        let id = if id.is_empty() { format!("auto-{number}") } else { id.to_owned() };
        let (outgoing, incoming) = mpsc::channel(WAITING);
        let leave = CancellationToken::new();
        let client = Client { number, subscriptions: BTreeMap::new(), outgoing, will, leave: leave.clone() };
        books.clients.insert(id.clone(), client);
        Seat { id, number, incoming, leave }
    }

    /// Gives up a seat; the will is published unless the client took its leave.
    pub(super) fn leave(&self, id: &str, number: u64, took_leave: bool) {
        let mut books = self.books();
        if books.clients.get(id).is_none_or(|client| client.number != number) {
            return;
        }
        let will = books.clients.remove(id).and_then(|client| client.will);
        if let Some(will) = will.filter(|_| !took_leave) {
            books.publish(will);
        }
    }

    /// Hands a message to all who want it, and keeps it if it says so.
    pub(super) fn publish(&self, message: Message) {
        self.books().publish(message);
    }

    /// Subscribes a client and hands it what is retained. Returns the granted quality, or `None` where it is refused.
    pub(super) fn subscribe(&self, id: &str, number: u64, filter: &str, qos: QoS) -> Option<QoS> {
        let mut books = self.books();
        let Books { clients, retained, .. } = &mut *books;
        let client = clients.get_mut(id).filter(|client| client.number == number)?;
        if client.subscriptions.len() >= SUBSCRIPTIONS && !client.subscriptions.contains_key(filter) {
            return None;
        }
        let granted = least(qos, QoS::AtLeastOnce);
        client.subscriptions.insert(filter.to_owned(), granted);
        for message in retained.values().filter(|message| matches(filter, &message.topic)) {
            client.hand(Message { qos: least(message.qos, granted), ..message.clone() });
        }
        Some(granted)
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&self, id: &str, number: u64, filter: &str) {
        let mut books = self.books();
        if let Some(client) = books.clients.get_mut(id).filter(|client| client.number == number) {
            client.subscriptions.remove(filter);
        }
    }
}

impl Books {
    fn publish(&mut self, message: Message) {
        if message.retain {
            if message.payload.is_empty() {
                self.retained.remove(&message.topic);
            } else if self.retained.len() < RETAINED || self.retained.contains_key(&message.topic) {
                self.retained.insert(message.topic.clone(), message.clone());
            } else {
                tracing::warn!(topic = message.topic, limit = RETAINED, "the mqtt broker keeps no more topics");
            }
        }
        for client in self.clients.values() {
            let wanted = client.subscriptions.iter().filter(|(filter, _)| matches(filter, &message.topic));
            // Overlapping subscriptions get one copy, in the best quality asked for.
            if let Some(qos) = wanted.map(|(_, qos)| *qos).max_by_key(|qos| *qos as u8) {
                client.hand(Message { qos: least(message.qos, qos), retain: false, ..message.clone() });
            }
        }
    }
}

impl Client {
    fn hand(&self, message: Message) {
        if self.outgoing.try_send(message).is_err() && !self.leave.is_cancelled() {
            tracing::warn!(waiting = WAITING, "an mqtt client reads too slowly and is sent away");
            self.leave.cancel();
        }
    }
}

fn least(a: QoS, b: QoS) -> QoS {
    if (a as u8) < (b as u8) { a } else { b }
}
