//! The task behind a [`Link`](super::link::Link): connect, subscribe, relay, back off, again.
//!
//! ```text
//!   resolve --> connect --ConnAck--> relay --error--> back off --+
//!      ^                                                         |
//!      +---------------------------------------------------------+
//! ```

use super::broker::{Broker, LinkEvent, TOO_LARGE, Will};
use super::outbox::{Message, Outbox};
use crate::backoff::Backoff;
use crate::error::Error;
use crate::resolve;
use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, PublishOptions, QoS, SubscribeFilter, Transport,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The longest wait for the last messages to leave.
pub(super) const FLUSH: Duration = Duration::from_secs(3);

/// Discovery and plan payloads outgrow the library's default of 10 KiB, and one such message would then end every session.
const PACKET_LIMIT: usize = 1024 * 1024;
const KEEP_ALIVE_S: u16 = 30;
const CONNECT: Duration = Duration::from_secs(10);
/// How long one address of the broker may take to be reached.
const REACH: Duration = Duration::from_secs(3);
const REQUESTS: usize = 64;

pub(super) struct Session {
    pub(super) broker: Broker,
    pub(super) client_id: String,
    pub(super) will: Option<Will>,
    pub(super) subscriptions: Vec<String>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) closing: CancellationToken,
    pub(super) events: mpsc::Sender<LinkEvent>,
}

enum End {
    Closed,
    Lost { error: Error },
}

impl Session {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            let end = match resolve::broker(&self.broker.host, self.broker.port, self.broker.tls).await {
                Ok(addresses) => self.once(addresses).await,
                Err(error) => self.lost(error.to_string()),
            };
            let End::Lost { error } = end else { return };
            if self.events.is_closed() {
                return;
            }
            tracing::debug!(broker = %self.broker, %error, "mqtt connection lost");
            self.pass_on(LinkEvent::Disconnected { error });
            tokio::select! {
                () = backoff.wait() => {}
                () = self.closing.cancelled() => return,
            }
        }
    }

    fn lost(&self, why: String) -> End {
        End::Lost { error: Error::Broker { broker: self.broker.to_string(), why } }
    }

    fn pass_on(&self, event: LinkEvent) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            tracing::warn!(broker = %self.broker, "an mqtt reader is too slow: a message is dropped");
        }
    }

    async fn once(&self, addresses: Vec<SocketAddr>) -> End {
        let (client, mut connection) = match self.client(addresses) {
            Ok(parts) => parts,
            Err(error) => return End::Lost { error },
        };
        let answer = tokio::select! {
            answer = timeout(CONNECT, connack(&mut connection)) => answer,
            () = self.closing.cancelled() => return End::Closed,
        };
        match answer {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return self.lost(plain(&error.to_string())),
            Err(_) => return self.lost("it does not answer".to_owned()),
        }
        self.outbox.resend_retained();
        let publisher = tokio::spawn(publish(client.clone(), self.subscriptions.clone(), self.outbox.clone()));
        self.pass_on(LinkEvent::Connected);
        let end = self.relay(&client, &mut connection).await;
        publisher.abort();
        end
    }

    /// Polls the connection until it ends. `select!` drops only the waiting for `closing`, never a poll in progress.
    async fn relay(&self, client: &AsyncClient, connection: &mut EventLoop) -> End {
        let leave = async {
            self.closing.cancelled().await;
            let _ = timeout(FLUSH, async {
                while !self.outbox.is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
            // The publisher may hold one message that it has taken but not handed over yet.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = client.disconnect_with_timeout(FLUSH).await;
            std::future::pending::<()>().await;
        };
        let poll = async {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => self.pass_on(LinkEvent::Message {
                        topic: String::from_utf8_lossy(&message.topic).into_owned(),
                        payload: message.payload.to_vec(),
                        retain: message.retain,
                    }),
                    Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
                    Err(_) if self.closing.is_cancelled() => return End::Closed,
                    Err(error) => return self.lost(plain(&error.to_string())),
                }
                if self.events.is_closed() && !self.closing.is_cancelled() {
                    self.closing.cancel();
                }
            }
        };
        tokio::select! {
            end = poll => end,
            () = leave => End::Closed,
        }
    }

    fn client(&self, addresses: Vec<SocketAddr>) -> Result<(AsyncClient, EventLoop), Error> {
        let refused = |why: String| Error::Broker { broker: self.broker.to_string(), why };
        let port = self.broker.port.or(addresses.first().map(SocketAddr::port)).unwrap_or(resolve::MQTT_PORT);
        let mut options = MqttOptions::new(self.client_id.clone(), (self.broker.host.clone(), port));
        options.set_keep_alive(KEEP_ALIVE_S);
        options.set_clean_session(true);
        options.set_max_packet_size(PACKET_LIMIT, PACKET_LIMIT);
        if let Some(username) = &self.broker.username {
            options.set_credentials(username.clone(), self.broker.password.clone().unwrap_or_default());
        }
        if let Some(will) = &self.will {
            options.set_last_will(LastWill::new(
                will.topic.clone(),
                will.payload.clone(),
                QoS::AtLeastOnce,
                will.retain,
            ));
        }
        if self.broker.tls {
            let tls = Transport::try_tls_with_default_config().map_err(|error| refused(error.to_string()))?;
            options.set_transport(tls);
        }
        options.set_socket_connector(move |_, _| {
            let addresses = addresses.clone();
            async move { open(&addresses).await }
        });
        AsyncClient::builder(options).capacity(REQUESTS).try_build().map_err(|error| refused(error.to_string()))
    }
}

async fn open(addresses: &[SocketAddr]) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other("no address");
    for address in addresses {
        match timeout(REACH, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

async fn connack(connection: &mut EventLoop) -> Result<(), rumqttc::ConnectionError> {
    loop {
        match connection.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => return Ok(()),
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn publish(client: AsyncClient, subscriptions: Vec<String>, outbox: Arc<Outbox>) {
    while let Some(message) = outbox.pop_retained() {
        send(&client, message).await;
    }
    let filters: Vec<SubscribeFilter> =
        subscriptions.into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce)).collect();
    if !filters.is_empty()
        && let Err(error) = client.subscribe_many(filters).await
    {
        tracing::warn!(%error, "the broker refuses a subscription");
    }
    loop {
        send(&client, outbox.next().await).await;
    }
}

async fn send(client: &AsyncClient, message: Message) {
    let options = PublishOptions::new(QoS::AtLeastOnce).retain(message.retain);
    if let Err(error) = client.publish(message.topic.clone(), message.payload, options).await {
        tracing::warn!(topic = message.topic, %error, "a message cannot be published");
    }
}

/// The library's words, where they are not a person's.
fn plain(error: &str) -> String {
    match error {
        text if text.contains("BadUserNamePassword") => "it refuses the user name or the password".to_owned(),
        text if text.contains("NotAuthorized") => "it does not authorise this user".to_owned(),
        text if text.contains("payload size limit exceeded") => TOO_LARGE.to_owned(),
        text if text.contains("Connection refused (os error") => "nothing listens there".to_owned(),
        text => text.trim_start_matches("I/O: ").trim_start_matches("Mqtt state: ").to_owned(),
    }
}
