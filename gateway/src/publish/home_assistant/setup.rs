//! What Home Assistant sees before the configuration is right: one entity of the device HeatMine, "Configuration", which has a
//! problem, with the sentences as its attributes. All other entities stay unavailable, with what they said last. The entity goes
//! away when the house starts.
//!
//! | topic | payload | kept by the broker |
//! |---|---|---|
//! | `setup` | JSON: `problems`; empty braces as the will | yes |

use super::discovery::{OFFLINE, ONLINE};
use super::topics::Topics;
use crate::broker::{Dial, Publish, Session};
use crate::config::home_assistant::HomeAssistantConfig;
use crate::http::setup::Findings;
use drivers::mqtt::{self, Client, LinkEvent, Will};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Nothing is known of the configuration: the entity is unavailable.
const GONE: &str = "{}";

/// Publishes the newest findings until `shutdown`, then removes the entity.
pub async fn run(
    config: HomeAssistantConfig,
    topic_prefix: String,
    broker: impl Dial,
    mut findings: watch::Receiver<Arc<Findings>>,
    shutdown: CancellationToken,
) {
    let topics = Topics::new(&config, &topic_prefix);
    let (state, description) = (topics.setup(), topics.setup_discovery(&config));
    let will = Some(Will { topic: state.clone(), payload: GONE.into(), retain: true });
    let client = Client { id: mqtt::random_id(), will, subscriptions: Vec::new(), away: None };
    let (link, mut events) = broker.dial(Session { client, shutdown: shutdown.clone() });
    link.publish(&*description, discovery(&topics).to_string(), true);
    loop {
        let problems = problems(&findings.borrow_and_update());
        link.publish(&*state, json!({"problems": problems}).to_string(), true);
        tokio::select! {
            () = shutdown.cancelled() => break,
            Ok(()) = findings.changed() => {}
            event = events.recv() => match event {
                Some(LinkEvent::Connected | LinkEvent::Disconnected { .. } | LinkEvent::Message { .. }) => {}
                None => return,
            },
        }
    }
    link.publish(&*description, "", true);
    link.publish(&*state, "", true);
    link.close().await;
}

fn problems(findings: &Findings) -> Vec<String> {
    let errors = findings.errors.iter().map(|error| format!("{}: {error}", findings.file));
    errors.chain(findings.notes.iter().cloned()).collect()
}

fn discovery(topics: &Topics) -> Value {
    let state = topics.setup();
    let known = format!("{{{{ '{ONLINE}' if value_json.problems is defined else '{OFFLINE}' }}}}");
    let key = format!("{}_setup", topics.node);
    json!({
        "device": {"identifiers": [topics.node], "name": "HeatMine", "manufacturer": "HeatMine"},
        "origin": {"name": "HeatMine", "sw_version": env!("CARGO_PKG_VERSION"), "support_url": env!("CARGO_PKG_REPOSITORY")},
        "components": {"setup": {
            "platform": "binary_sensor",
            "unique_id": key,
            "default_entity_id": format!("binary_sensor.{key}"),
            "name": "Configuration",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.problems else 'OFF' }}",
            "json_attributes_topic": state,
            "availability": [{"topic": state, "value_template": known}],
        }},
        "qos": 1,
    })
}
