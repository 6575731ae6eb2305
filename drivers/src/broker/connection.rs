//! One client, from its CONNECT to its end.
//!
//! ```text
//!   CONNECT within 10 s --> CONNACK --> relay both ways --DISCONNECT--> leave, no will
//!        | other, bad                       | silent for 1.5 x keep-alive, garbage, gone, replaced
//!        v                                  v
//!      close                              leave, last will
//! ```

use super::exchange::{Exchange, Message, Seat};
use super::topic::{is_filter, is_name};
use futures_util::{SinkExt, StreamExt};
use rumqttc::{
    Codec, ConnAck, Connect, ConnectReturnCode, Packet, PubAck, PubComp, PubRec, Publish, QoS, SubAck,
    SubscribeReasonCode, UnsubAck, mqttbytes,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

/// The largest packet, in bytes.
pub const PACKET: usize = 1024 * 1024;
/// A connection has to introduce itself within this.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// A client that takes nothing for this long is gone.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most QoS 2 messages a client may have under way.
const UNDER_WAY: usize = 1_000;

/// Why a connection ended against the client's will.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Packet(#[from] mqttbytes::Error),
    #[error("it did not introduce itself")]
    Introduction,
    #[error("it closed the connection")]
    Closed,
    #[error("it was silent for too long")]
    Silent,
    #[error("it takes nothing")]
    Stuck,
    #[error("another client took its name, or it reads too slowly")]
    Replaced,
    #[error("{0}")]
    Protocol(&'static str),
}

type Wire = Framed<TcpStream, Codec>;

/// Serves one client. `Ok` where it took its leave.
pub(super) async fn serve(stream: TcpStream, exchange: Arc<Exchange>) -> Result<(), Error> {
    stream.set_nodelay(true).ok();
    let mut wire = Framed::new(stream, Codec { max_incoming_size: PACKET, max_outgoing_size: PACKET + 64 });
    let connect = introduction(&mut wire).await?;
    let keep_alive = Duration::from_millis(u64::from(connect.keep_alive) * 1_500);
    let will = connect.last_will.map(|will| Message {
        topic: will.topic,
        payload: will.message,
        qos: will.qos,
        retain: will.retain,
    });
    let seat = exchange.join(&connect.client_id, will);
    let (id, number) = (seat.id.clone(), seat.number);
    let mut client = Client { wire, exchange: exchange.clone(), seat, last_packet: 0, under_way: BTreeSet::new() };
    let ended = client.relay(keep_alive).await;
    exchange.leave(&id, number, ended.is_ok());
    ended
}

async fn introduction(wire: &mut Wire) -> Result<Connect, Error> {
    let first = timeout(INTRODUCTION, wire.next()).await.map_err(|_| Error::Introduction)?;
    let refusal = match first.ok_or(Error::Closed)? {
        Ok(Packet::Connect(connect)) => {
            let nameless = connect.client_id.is_empty() && !connect.clean_session;
            let lost = connect.last_will.as_ref().is_some_and(|will| !is_name(&will.topic));
            if !nameless && !lost {
                return Ok(connect);
            }
            if nameless { ConnectReturnCode::BadClientId } else { ConnectReturnCode::ServiceUnavailable }
        }
        Err(mqttbytes::Error::InvalidProtocolLevel(_)) => ConnectReturnCode::RefusedProtocolVersion,
        Ok(_) | Err(_) => return Err(Error::Introduction),
    };
    send(wire, Packet::ConnAck(ConnAck::new(refusal, false))).await?;
    Err(Error::Protocol("it asked for what this broker does not do"))
}

async fn send(wire: &mut Wire, packet: Packet) -> Result<(), Error> {
    Ok(timeout(PATIENCE, wire.send(packet)).await.map_err(|_| Error::Stuck)??)
}

struct Client {
    wire: Wire,
    exchange: Arc<Exchange>,
    seat: Seat,
    last_packet: u16,
    /// QoS 2 messages that were published and not yet released.
    under_way: BTreeSet<u16>,
}

impl Client {
    async fn relay(&mut self, keep_alive: Duration) -> Result<(), Error> {
        send(&mut self.wire, Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await?;
        let silence = if keep_alive.is_zero() { Duration::from_secs(u64::from(u32::MAX)) } else { keep_alive };
        let alarm = tokio::time::sleep(silence);
        tokio::pin!(alarm);
        loop {
            tokio::select! {
                biased;
                () = self.seat.leave.cancelled() => return Err(Error::Replaced),
                packet = self.wire.next() => {
                    alarm.set(tokio::time::sleep(silence));
                    if self.take(packet.ok_or(Error::Closed)??).await?.is_break() {
                        return Ok(());
                    }
                }
                Some(message) = self.seat.incoming.recv() => self.give(message).await?,
                () = &mut alarm => return Err(Error::Silent),
            }
        }
    }

    async fn give(&mut self, message: Message) -> Result<(), Error> {
        let mut publish = Publish::from_bytes(message.topic, message.qos, message.payload);
        publish.retain = message.retain;
        if message.qos != QoS::AtMostOnce {
            self.last_packet = self.last_packet.checked_add(1).unwrap_or(1);
            publish.pkid = self.last_packet;
        }
        send(&mut self.wire, Packet::Publish(publish)).await
    }

    /// Does what a packet asks for; breaks off where the client takes its leave.
    async fn take(&mut self, packet: Packet) -> Result<ControlFlow<()>, Error> {
        let answer = match packet {
            Packet::Publish(publish) => match self.publish(publish)? {
                Some(answer) => answer,
                None => return Ok(ControlFlow::Continue(())),
            },
            Packet::PubRel(release) => {
                self.under_way.remove(&release.pkid);
                Packet::PubComp(PubComp::new(release.pkid))
            }
            Packet::Subscribe(subscribe) => {
                let codes = subscribe.filters.iter().map(|wanted| self.subscribe(&wanted.path, wanted.qos)).collect();
                Packet::SubAck(SubAck::new(subscribe.pkid, codes))
            }
            Packet::Unsubscribe(unsubscribe) => {
                for filter in &unsubscribe.topics {
                    self.exchange.unsubscribe(&self.seat.id, self.seat.number, filter);
                }
                Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid))
            }
            Packet::PingReq => Packet::PingResp,
            // Nothing is sent twice within a connection, so acknowledgements need no book.
            Packet::PubAck(_) | Packet::PubComp(_) => return Ok(ControlFlow::Continue(())),
            Packet::Disconnect => return Ok(ControlFlow::Break(())),
            Packet::PubRec(_)
            | Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp => return Err(Error::Protocol("a packet that has no place here")),
        };
        send(&mut self.wire, answer).await?;
        Ok(ControlFlow::Continue(()))
    }

    fn publish(&mut self, publish: Publish) -> Result<Option<Packet>, Error> {
        let topic = std::str::from_utf8(&publish.topic).map_err(|_| Error::Protocol("a topic that is not UTF-8"))?;
        if !is_name(topic) {
            return Err(Error::Protocol("a topic with wildcards, or an empty one"));
        }
        let fresh = publish.qos != QoS::ExactlyOnce || self.under_way.insert(publish.pkid);
        if self.under_way.len() > UNDER_WAY {
            return Err(Error::Protocol("too many messages under way"));
        }
        let topic = topic.to_owned();
        let (qos, packet) = (publish.qos, publish.pkid);
        if fresh {
            self.exchange.publish(Message { topic, payload: publish.payload, qos, retain: publish.retain });
        }
        Ok(match qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce => Some(Packet::PubAck(PubAck::new(packet))),
            QoS::ExactlyOnce => Some(Packet::PubRec(PubRec::new(packet))),
        })
    }

    fn subscribe(&self, filter: &str, qos: QoS) -> SubscribeReasonCode {
        let granted = is_filter(filter).then(|| self.exchange.subscribe(&self.seat.id, self.seat.number, filter, qos));
        granted.flatten().map_or(SubscribeReasonCode::Failure, SubscribeReasonCode::Success)
    }
}
