//! Somebody else on the broker, who hears what passes by and says what they like.

use super::LIMIT;
use anyhow::{Context, Result, bail, ensure};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// More than the gateway takes in one message.
const PACKET_MAX: usize = 16 * 1024 * 1024;
/// What may wait to be sent.
const REQUESTS_MAX: usize = 64;

/// A client of the broker that hears everything which is published from its beginning on.
pub(super) struct Observer {
    client: AsyncClient,
    heard: UnboundedReceiver<(String, String)>,
    task: JoinHandle<()>,
}

impl Observer {
    /// Connects; what the broker kept from before is not heard.
    pub(super) async fn connect(port: u16) -> Result<Self> {
        let mut options = MqttOptions::new(format!("observer-{port}"), ("127.0.0.1".to_owned(), port));
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        options.set_keep_alive(30);
        let (client, mut connection) = AsyncClient::builder(options).capacity(REQUESTS_MAX).try_build()?;
        client.subscribe("#", QoS::AtLeastOnce).await?;
        let (sender, heard) = unbounded_channel();
        let (subscribed, ready) = tokio::sync::oneshot::channel();
        let mut subscribed = Some(subscribed);
        let task = tokio::spawn(async move {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(subscribed.take().map(|ready| ready.send(()))),
                    Ok(Event::Incoming(Packet::Publish(message))) if !message.retain => {
                        let topic = String::from_utf8_lossy(&message.topic).into_owned();
                        let payload = String::from_utf8_lossy(&message.payload).into_owned();
                        if sender.send((topic, payload)).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        tokio::time::timeout(LIMIT, ready).await.context("the broker answers no subscription")??;
        Ok(Self { client, heard, task })
    }

    /// Publishes; `retain` asks the broker to keep it.
    pub(super) async fn publish(&self, topic: &str, payload: &[u8], retain: bool) -> Result<()> {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        Ok(self.client.publish(topic.to_owned(), payload.to_vec(), options).await?)
    }

    /// Waits for a fresh message on `topic` that is as wanted; `what` completes "waited for".
    pub(super) async fn wait(&mut self, topic: &str, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let found = async {
            loop {
                match self.heard.recv().await {
                    Some((on, payload)) if on == topic && wanted(&payload) => return Ok(payload),
                    Some(_) => {}
                    None => bail!("the observer lost the broker"),
                }
            }
        };
        match tokio::time::timeout(LIMIT, found).await {
            Ok(found) => found,
            Err(_) => bail!("waited {} s in vain for {what} on {topic}", LIMIT.as_secs()),
        }
    }

    /// Waits until the gateway has refused a command on each of `topics`, as often as it is named there, and sees to it
    /// that it says what it expected.
    pub(super) async fn wait_for_refusals(&mut self, topics: &[&str]) -> Result<()> {
        let mut open: Vec<&str> = topics.to_vec();
        while !open.is_empty() {
            let what = format!("{} refusals, one of {}", open.len(), open[0]);
            let refusal = self.wait("heatmine/error", &what, |_| true).await?;
            let refusal: Value = serde_json::from_str(&refusal)?;
            ensure!(
                refusal["expected"].as_str().is_some_and(|text| text.len() > 5),
                "refused without a reason: {refusal}"
            );
            if let Some(at) = open.iter().position(|topic| refusal["topic"] == *topic) {
                open.swap_remove(at);
            }
        }
        Ok(())
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
