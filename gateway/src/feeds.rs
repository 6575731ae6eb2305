//! Prices and forecasts from outside, over MQTT or HTTP, as outlooks for the core.
//!
//! Garbage is refused with a warning that names its source; what was known before stays.

mod http;
mod slots;

use crate::clock::Clock;
use crate::config::tariff::TariffConfig;
use drivers::mqtt::{self, Broker, LinkEvent};
use plant::event::Event;
use plant::outlook::Outlook;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Listens for everything that the tariff names, until `shutdown`.
pub async fn run(
    tariff: TariffConfig,
    broker: Option<Broker>,
    clock: Clock,
    events: mpsc::Sender<Event>,
    shutdown: CancellationToken,
) {
    let spot_topic = tariff.spot.as_ref().and_then(|spot| spot.topic.clone());
    let outlook_topic = tariff.outlook.as_ref().map(|outlook| outlook.topic.clone());
    let over_mqtt = listen(broker, spot_topic, outlook_topic, events.clone(), shutdown.clone());
    let over_http = async {
        if let Some(spot) = &tariff.spot
            && let Some(url) = &spot.url
        {
            let refresh = Duration::from_secs(spot.refresh_s.into());
            http::poll(url, refresh, &clock, &events, &shutdown).await;
        }
    };
    tokio::join!(over_mqtt, over_http);
}

async fn listen(
    broker: Option<Broker>,
    spot: Option<String>,
    outlook: Option<String>,
    events: mpsc::Sender<Event>,
    shutdown: CancellationToken,
) {
    let topics: Vec<String> = spot.iter().chain(&outlook).cloned().collect();
    let Some(broker) = broker.filter(|_| !topics.is_empty()) else { return };
    let client_id = format!("heatmine-feeds-{}", std::process::id());
    let (link, mut messages) = mqtt::connect(broker, client_id, None, topics, shutdown.clone());
    while let Some(Some(message)) = shutdown.run_until_cancelled(messages.recv()).await {
        let LinkEvent::Message { topic, payload, .. } = message else { continue };
        let parsed = if Some(&topic) == spot.as_ref() { slots::spot(&payload) } else { slots::forecast(&payload) };
        tell(parsed, &topic, &events).await;
    }
    link.close().await;
}

/// Passes on what could be read; says what could not.
async fn tell(parsed: Result<Outlook, String>, source: &str, events: &mpsc::Sender<Event>) {
    match parsed {
        Ok(outlook) => {
            tracing::info!(source, prices = outlook.spot.len(), "the outlook is renewed");
            let _ = events.send(Event::Outlook(Box::new(outlook))).await;
        }
        Err(why) => tracing::warn!(source, why, "an outlook was refused"),
    }
}
