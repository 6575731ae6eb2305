//! Prices and forecasts from retained topics of the broker.

use super::{Desk, slots};
use drivers::mqtt::{self, Broker, LinkEvent};
use tokio_util::sync::CancellationToken;

/// Listens to the topics until `shutdown`. The connection looks after itself.
pub(super) async fn run(
    broker: Broker,
    spot: Option<String>,
    outlook: Option<String>,
    desk: &Desk,
    shutdown: &CancellationToken,
) {
    let name = format!("heatmine-feeds-{}", std::process::id());
    let subscriptions = spot.iter().chain(&outlook).cloned().collect();
    let (link, mut arrivals) = mqtt::connect(broker, &name, None, subscriptions, shutdown.clone());
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
