//! Prices and forecasts from retained topics of the broker.

use super::{Desk, slots};
use crate::broker::{Dial, Publish, Session};
use drivers::mqtt::{Client, LinkEvent, random_id};
use tokio_util::sync::CancellationToken;

/// Listens to the topics until `shutdown`. The connection looks after itself.
pub(super) async fn run(
    broker: impl Dial,
    spot: Option<String>,
    outlook: Option<String>,
    desk: &Desk,
    shutdown: &CancellationToken,
) {
    let subscriptions = spot.iter().chain(&outlook).cloned().collect();
    let client = Client { id: random_id(), subscriptions, ..Client::default() };
    let (link, mut arrivals) = broker.dial(Session { client, shutdown: shutdown.clone() });
    while let Some(Some(event)) = shutdown.run_until_cancelled(arrivals.recv()).await {
        match event {
            LinkEvent::Message { topic, payload, .. } if payload.is_empty() => {
                tracing::debug!(topic, "the topic was cleared");
            }
            LinkEvent::Message { topic, payload, .. } if Some(&topic) == spot.as_ref() => {
                desk.take(&topic, slots::prices(&payload)).await;
            }
            LinkEvent::Message { topic, payload, .. } if Some(&topic) == outlook.as_ref() => {
                desk.take(&topic, slots::forecast(&payload)).await;
            }
            // Some brokers send what nobody asked for.
            LinkEvent::Message { topic, .. } => tracing::debug!(topic, "not a topic of prices or forecasts"),
            LinkEvent::Disconnected { error } => tracing::warn!(%error, "the broker of prices and forecasts is away"),
            LinkEvent::Connected => tracing::debug!("listening for prices and forecasts"),
        }
    }
    link.close().await;
}
