//! The border to the MQTT broker: what can be dialled is one. The real one is [`Broker`], over the network.

use drivers::mqtt::{self, Broker, Client, Link, LinkEvent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a client asks of a broker.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who it is, and what it listens to.
    pub client: Client,
    /// Cancelled when it ends; a last word may follow.
    pub shutdown: CancellationToken,
}

/// A broker.
pub trait Dial: Clone + Send + Sync + 'static {
    /// The publishing end of a connection.
    type Link: Publish;

    /// Connects and stays connected; returns at once.
    fn dial(&self, session: Session) -> (Self::Link, mpsc::Receiver<LinkEvent>);
}

/// The publishing end of a connection. Clones publish on the same one.
pub trait Publish: Clone + Send + Sync + 'static {
    /// Hands a message over; never waits. A retained one is kept by the broker.
    fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>, retain: bool);

    /// Says that the oldest message of a lasting session has been dealt with.
    fn taken(&self);

    /// Sends what waits and takes leave of the broker; bounded.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

impl Dial for Broker {
    type Link = Link;

    fn dial(&self, session: Session) -> (Link, mpsc::Receiver<LinkEvent>) {
        mqtt::connect_as(self.clone(), session.client, session.shutdown)
    }
}

impl Publish for Link {
    fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>, retain: bool) {
        Link::publish(self, topic, payload, retain);
    }

    fn taken(&self) {
        Link::taken(self);
    }

    async fn close(&self) {
        Link::close(self).await;
    }
}
