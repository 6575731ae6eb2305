//! The task behind a [`Link`](super::link::Link): connect, subscribe, relay, back off, again.
//!
//! ```text
//!   resolve --> connect --ConnAck--> relay --error--> back off --+
//!      ^                                                         |
//!      +---------------------------------------------------------+
//! ```

use super::broker::{AWAY_MAX, Broker, Client, LinkEvent, TOO_LARGE};
use super::early::Early;
use super::outbox::{Message, Outbox};
use super::receipts::Receipts;
use crate::backoff::Backoff;
use crate::error::Error;
use crate::resolve;
use rumqttc::{
    AckMode, AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, Publish, PublishOptions, QoS,
    SubscribeFilter, Transport,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
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
    pub(super) client: Client,
    pub(super) outbox: Arc<Outbox>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) closing: CancellationToken,
    pub(super) events: mpsc::Sender<LinkEvent>,
}

/// How long a session has been away: in the life before, and since.
struct Away {
    before: Duration,
    since: Instant,
}

impl Away {
    fn time(&self) -> Duration {
        self.before.saturating_add(self.since.elapsed())
    }
}

enum End {
    Closed,
    Lost { error: Error, connected: bool },
}

impl Session {
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut away = Away { before: self.client.away.unwrap_or_default(), since: Instant::now() };
        loop {
            let end = match resolve::broker(&self.broker.host, self.broker.port, self.broker.tls).await {
                Ok(addresses) => match self.begin_clean(&addresses, &away).await {
                    Ok(()) => self.once(addresses).await,
                    Err(end) => end,
                },
                Err(error) => self.lost(error.to_string(), false),
            };
            let End::Lost { error, connected } = end else { return };
            if connected {
                // A message that cannot be read is sent again for as long as the broker knows the session.
                let before = if error.to_string().contains(TOO_LARGE) { Duration::MAX } else { Duration::ZERO };
                away = Away { before, since: Instant::now() };
            }
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

    fn lost(&self, why: String, connected: bool) -> End {
        End::Lost { error: Error::Broker { broker: self.broker.to_string(), why }, connected }
    }

    /// Whether the reader gets it.
    fn pass_on(&self, event: LinkEvent) -> bool {
        let sent = self.events.try_send(event);
        if let Err(mpsc::error::TrySendError::Full(_)) = sent {
            tracing::warn!(broker = %self.broker, "an mqtt reader is too slow: a message is dropped");
        }
        sent.is_ok()
    }

    /// Has the broker forget a lasting session that was away for too long: what waits there is old.
    async fn begin_clean(&self, addresses: &[SocketAddr], away: &Away) -> Result<(), End> {
        if self.client.away.is_none() || away.time() <= AWAY_MAX {
            return Ok(());
        }
        let (client, mut connection) = self.open(addresses.to_vec(), true).await?;
        let _ = client.disconnect().await;
        let gone = async { while connection.poll().await.is_ok() {} };
        timeout(CONNECT, gone).await.map_err(|_| self.lost("it does not let go".to_owned(), false))
    }

    /// A connection that the broker has accepted.
    async fn open(&self, addresses: Vec<SocketAddr>, clean: bool) -> Result<(AsyncClient, EventLoop), End> {
        let parts = self.client(addresses, clean).map_err(|error| End::Lost { error, connected: false });
        let (client, mut connection) = parts?;
        let answer = tokio::select! {
            answer = timeout(CONNECT, connack(&mut connection)) => answer,
            () = self.closing.cancelled() => return Err(End::Closed),
        };
        match answer {
            Ok(Ok(())) => Ok((client, connection)),
            Ok(Err(error)) => Err(self.lost(plain(&error.to_string()), false)),
            Err(_) => Err(self.lost("it does not answer".to_owned(), false)),
        }
    }

    async fn once(&self, addresses: Vec<SocketAddr>) -> End {
        let (client, mut connection) = match self.open(addresses, self.client.away.is_none()).await {
            Ok(parts) => parts,
            Err(end) => return end,
        };
        self.receipts.forget();
        self.outbox.resend_retained();
        let subscriptions = self.client.subscriptions.clone();
        let publisher = tokio::spawn(publish(client.clone(), subscriptions, self.outbox.clone()));
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
                while !self.outbox.is_empty() || !self.receipts.is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
            // The publisher may hold one message that it has taken but not handed over yet.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = client.disconnect_with_timeout(FLUSH).await;
            std::future::pending::<()>().await;
        };
        let early = Early::new(self.client.away.is_some());
        let poll = async {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        early.hold_or(message, |message| self.arrived(client, &message));
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => early.subscribed(),
                    Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
                    Err(_) if self.closing.is_cancelled() => return End::Closed,
                    Err(error) => return self.lost(plain(&error.to_string()), true),
                }
                if self.events.is_closed() && !self.closing.is_cancelled() {
                    self.closing.cancel();
                }
            }
        };
        let acknowledge = async {
            loop {
                let _ = client.manual_ack(self.receipts.next().await).await;
            }
        };
        let release = async {
            for message in early.waited().await {
                self.arrived(client, &message);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            end = poll => end,
            () = leave => End::Closed,
            () = acknowledge => End::Closed,
            () = release => End::Closed,
        }
    }

    /// Passes a message on. One of a lasting session is acknowledged when its reader has dealt with it.
    fn arrived(&self, client: &AsyncClient, message: &Publish) {
        let event = LinkEvent::Message {
            topic: String::from_utf8_lossy(&message.topic).into_owned(),
            payload: message.payload.to_vec(),
            retain: message.retain,
        };
        if self.client.away.is_none() {
            self.pass_on(event);
            return;
        }
        // The reader may be quicker than we are.
        self.receipts.passed_on(client.prepare_ack(message));
        if !self.pass_on(event) {
            self.receipts.dropped();
        }
    }

    fn client(&self, addresses: Vec<SocketAddr>, clean: bool) -> Result<(AsyncClient, EventLoop), Error> {
        let refused = |why: String| Error::Broker { broker: self.broker.to_string(), why };
        let port = self.broker.port.or(addresses.first().map(SocketAddr::port)).unwrap_or(resolve::MQTT_PORT);
        let mut options = MqttOptions::new(self.client.id.clone(), (self.broker.host.clone(), port));
        options.set_keep_alive(KEEP_ALIVE_S);
        options.set_clean_session(clean);
        if !clean {
            options.set_ack_mode(AckMode::Manual);
        }
        options.set_max_packet_size(PACKET_LIMIT, PACKET_LIMIT);
        if let Some(username) = &self.broker.username {
            options.set_credentials(username.clone(), self.broker.password.clone().unwrap_or_default());
        }
        if let Some(will) = &self.client.will {
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
