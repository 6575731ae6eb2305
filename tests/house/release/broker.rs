//! What lies on the broker and passes by: topics, the shape of their payloads, and the discovery message.

use super::LIMIT;
use super::shape::Shape;
use anyhow::{Context, Result};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// More than the gateway publishes in one message.
const PACKET_MAX: usize = 16 * 1024 * 1024;
/// The discovery message.
pub(super) const DISCOVERY: &str = "homeassistant/device/heatmine/config";
/// What an entity is known by: it stays as it is.
const IDENTITY: [&str; 9] = [
    "platform",
    "unique_id",
    "default_entity_id",
    "device_class",
    "state_class",
    "unit_of_measurement",
    "state_topic",
    "command_topic",
    "payload_press",
];
/// How an entity reads its state: what 0.1.0 said stays, more may come.
const READING: [&str; 4] =
    ["value_template", "json_attributes_topic", "json_attributes_template", "last_reset_value_template"];

/// Topics, and the shapes of what was published there.
#[derive(Clone, Debug, Default)]
pub(super) struct Topics(BTreeMap<String, (Shape, Value)>);

impl Topics {
    /// The topics of one of the release's files: a message a line, as `mosquitto_sub -v` prints them.
    pub(super) fn parse(text: &str) -> Self {
        let mut topics = Self::default();
        for (topic, payload) in text.lines().filter_map(|line| line.split_once(' ')) {
            topics.add(topic, payload.as_bytes());
        }
        topics
    }

    /// The newest JSON of a topic.
    pub(super) fn newest(&self, topic: &str) -> &Value {
        self.0.get(topic).map_or(&Value::Null, |(_, newest)| newest)
    }

    /// Topics that are gone, and what is gone or different in their payloads; the discovery message has rules of its own.
    pub(super) fn differences(&self, today: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (topic, (shape, _)) in self.0.iter().filter(|(topic, _)| *topic != DISCOVERY) {
            let said = today.0.get(topic).map_or_else(|| vec!["gone".into()], |(now, _)| shape.differences(now));
            found.extend(said.into_iter().map(|said| format!("{topic}: {said}")));
        }
        found
    }

    /// Adds what was heard at another time; the newest of each topic is the other's.
    pub(super) fn merge(&mut self, later: Self) {
        for (topic, (shape, newest)) in later.0 {
            let entry = self.0.entry(topic).or_default();
            entry.0.merge(shape);
            entry.1 = newest;
        }
    }

    fn add(&mut self, topic: &str, payload: &[u8]) {
        let text = || Value::String(String::from_utf8_lossy(payload).into_owned());
        let value = serde_json::from_slice(payload).unwrap_or_else(|_| text());
        let (shape, newest) = self.0.entry(topic.to_owned()).or_default();
        shape.add("", &value);
        *newest = value;
    }
}

/// Hears everything on a broker.
pub(super) struct Ear {
    kept: Arc<Mutex<Topics>>,
    all: Arc<Mutex<Topics>>,
    task: JoinHandle<()>,
}

impl Ear {
    /// Connects and subscribes to everything.
    pub(super) async fn connect(port: u16) -> Result<Self> {
        static EARS: AtomicU32 = AtomicU32::new(0);
        let name = format!("release-{}", EARS.fetch_add(1, Ordering::Relaxed));
        let mut options = MqttOptions::new(name, ("127.0.0.1", port));
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        let (client, mut connection) = AsyncClient::builder(options).capacity(16).try_build()?;
        tokio::time::timeout(LIMIT, client.subscribe("#", QoS::AtLeastOnce)).await.context("no subscription")??;
        let (kept, all) = (Arc::<Mutex<Topics>>::default(), Arc::<Mutex<Topics>>::default());
        let into = (Arc::clone(&kept), Arc::clone(&all));
        let task = tokio::spawn(async move {
            // Held here: a client that is dropped ends the connection.
            let _client = client;
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let topic = String::from_utf8_lossy(&message.topic);
                        if message.retain {
                            locked(&into.0).add(&topic, &message.payload);
                        }
                        locked(&into.1).add(&topic, &message.payload);
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(Self { kept, all, task })
    }

    /// What the broker kept from before this ear was there.
    pub(super) fn kept(&self) -> Topics {
        locked(&self.kept).clone()
    }

    /// Everything heard so far.
    pub(super) fn all(&self) -> Topics {
        locked(&self.all).clone()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked(topics: &Mutex<Topics>) -> std::sync::MutexGuard<'_, Topics> {
    topics.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What Home Assistant knew and would not find, or find otherwise, in today's discovery message.
pub(super) fn discovery(then: &Value, today: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["/device/identifiers", "/device/manufacturer", "/availability"] {
        same(key, then.pointer(key), today.pointer(key), &mut found);
    }
    let components = then["components"].as_object().into_iter().flat_map(Map::iter);
    // A component without an id takes back one that the house does not have.
    for (name, component) in components.filter(|(_, component)| component.get("unique_id").is_some()) {
        let Some(now) = today["components"].get(name) else {
            found.push(format!("{name}: gone"));
            continue;
        };
        for key in IDENTITY {
            same(&format!("{name}.{key}"), component.get(key), now.get(key), &mut found);
        }
        for key in READING.iter().filter(|key| component.get(**key).is_some()) {
            same(&format!("{name}.{key}"), component.get(*key), now.get(*key), &mut found);
        }
        let (words, now) = (words(component), words(now));
        found.extend(words.difference(&now).map(|word| format!("{name}.options: {word} is gone")));
    }
    found
}

fn same(place: &str, then: Option<&Value>, today: Option<&Value>, found: &mut Vec<String>) {
    let said = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    if then != today {
        found.push(format!("{place}: {} became {}", said(then), said(today)));
    }
}

fn words(component: &Value) -> BTreeSet<&str> {
    component["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn an_entity_keeps_what_it_is_known_by() {
    let then = r#"{"device": {"identifiers": ["h"]}, "components": {"p": {"unique_id": "h_p", "platform": "sensor", "name": "P",
        "unit_of_measurement": "W", "options": ["a", "b"], "state_topic": "h/live"}, "q": {"platform": "sensor"}}}"#;
    let rows: [(&str, &str, &[&str]); 6] = [
        (r#""P""#, r#""Power""#, &[]),
        (r#""b"]"#, r#""b", "c"]"#, &[]),
        (r#""a", "#, "", &["p.options: a is gone"]),
        (r#""W""#, r#""kW""#, &["p.unit_of_measurement: \"W\" became \"kW\""]),
        (r#""name""#, r#""device_class""#, &["p.device_class: nothing became \"P\""]),
        (r#"{"p""#, r#"{"r""#, &["p: gone"]),
    ];
    for (from, to, expected) in rows {
        let parsed = |text: &str| serde_json::from_str(text).unwrap_or_default();
        assert_eq!(discovery(&parsed(then), &parsed(&then.replace(from, to))), expected, "{from} to {to}");
    }
}

#[test]
fn a_topic_and_its_payload_stay() {
    let then = Topics::parse("a/live {\"x\": 1}\na/mode auto\n");
    let rows: [(&str, &[&str]); 4] = [
        ("a/live {\"x\": 2, \"y\": 0}\na/mode off\nb 1\n", &[]),
        ("a/live {\"x\": 2}\n", &["a/mode: gone"]),
        ("a/live {\"x\": \"2\"}\na/mode off\n", &["a/live: x: number became string"]),
        ("a/live {}\na/mode off\n", &["a/live: x: gone"]),
    ];
    for (today, expected) in rows {
        assert_eq!(then.differences(&Topics::parse(today)), expected, "{today}");
    }
}
