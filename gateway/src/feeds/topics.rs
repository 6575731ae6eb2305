//! Prices and forecasts from retained topics of the broker.

use super::desk::{Desk, Feed};
use super::own;
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
    let prices = spot.map(|topic| (Feed::prices(&topic, &format!("{topic} in {}", desk.currency)), topic));
    let forecasts = outlook.map(|topic| (Feed::forecast(&topic), topic));
    for (feed, _) in prices.iter().chain(&forecasts) {
        desk.recall(feed).await;
    }
    let of = |feed: &Option<(Feed, String)>, topic: &str| {
        feed.as_ref().filter(|(_, own)| own == topic).map(|(feed, _)| feed.clone())
    };
    let client = Client { id: random_id(), subscriptions, ..Client::default() };
    let (link, mut arrivals) = broker.dial(Session { client, shutdown: shutdown.clone() });
    while let Some(Some(event)) = shutdown.run_until_cancelled(arrivals.recv()).await {
        match event {
            LinkEvent::Message { topic, payload, .. } if payload.is_empty() => {
                tracing::debug!(topic, "the topic was cleared");
            }
            LinkEvent::Message { topic, payload, .. } => {
                if let Some(feed) = of(&prices, &topic) {
                    let taken = match own::prices(&payload) {
                        Ok(answer) => desk.prices(&feed, answer).await,
                        Err(refused) => Err(refused),
                    };
                    if let Err(refused) = taken {
                        desk.failed(&feed, &refused, None);
                    }
                } else if let Some(feed) = of(&forecasts, &topic) {
                    desk.forecast(&feed, own::forecast(&payload, desk.clock.now())).await;
                } else {
                    // Some brokers send what nobody asked for.
                    tracing::debug!(topic, "not a topic of prices or forecasts");
                }
            }
            LinkEvent::Disconnected { error } => tracing::warn!(%error, "the broker of prices and forecasts is away"),
            LinkEvent::Connected => tracing::debug!("listening for prices and forecasts"),
        }
    }
    link.close().await;
}
