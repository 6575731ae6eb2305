//! The real broker is killed and started again with an empty memory.

use super::gateway::Gateway;
use super::{LIMIT, problems, state};
use crate::peer::Mosquitto;
use anyhow::{Context, Result, ensure};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use tempfile::TempDir;

#[tokio::test]
async fn without_its_broker_the_house_is_run_and_afterwards_announced_again() -> Result<()> {
    let Some(mut mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let folder = TempDir::new()?;
    let url = mosquitto.url();
    let arguments = ["--speed", "60", "--mqtt", &url].map(OsStr::new);
    let gateway = Gateway::demo(&folder.path().join("data"), &folder.path().join("log"), &arguments).await?;
    let all = |record: &Value| ["compute.power", "house.power"].iter().all(|point| state(record, point) == "fresh");
    gateway.until("the plug over MQTT, and everything else", all).await?;
    let before = announced(mosquitto.port, "online").await?;

    mosquitto.process.kill()?;
    let record = gateway
        .until("the plug to be old and the broker to be missed", |record| {
            state(record, "compute.power") != "fresh" && problems(record).contains("broker")
        })
        .await?;
    ensure!(problems(&record).contains("plug"), "{}", problems(&record));
    ensure!(state(&record, "grid.power") == "fresh", "the meter hangs on the broker: {}", record["points"]);
    ensure!(state(&record, "house.power") != "fresh", "a balance with an old part: {}", record["points"]);
    let at = record["at"].clone();
    gateway.until("decisions without a broker", |record| record["at"] != at).await?;
    for path in ["/health", "/", "/api/v1/record"] {
        ensure!(gateway.page(path).await?.0 == 200, "{path} is ill");
    }

    mosquitto.restart().await?;
    gateway
        .until("the plug over the new broker", |record| {
            state(record, "compute.power") == "fresh" && problems(record).is_empty()
        })
        .await?;
    // The new broker has forgotten everything: what is there was published again.
    let after = announced(mosquitto.port, "online").await?;
    ensure!(after == before, "announced before {before:?}, after {after:?}");
    Ok(())
}

/// The discovery topics that the broker keeps, once the gateway also says there that it is in the state `status`.
async fn announced(port: u16, status: &str) -> Result<BTreeSet<String>> {
    let mut options = MqttOptions::new(format!("bad-days-{port}"), ("127.0.0.1", port));
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::builder(options).capacity(16).try_build()?;
    client.subscribe("#", QoS::AtLeastOnce).await?;
    let (mut topics, mut alive) = (BTreeSet::new(), false);
    let listening = async {
        while topics.is_empty() || !alive {
            let Event::Incoming(Packet::Publish(message)) = events.poll().await? else { continue };
            let topic = String::from_utf8_lossy(&message.topic).into_owned();
            if topic.starts_with("homeassistant/device/") {
                let _: Value = serde_json::from_slice(&message.payload).context("a description that is no JSON")?;
                topics.insert(topic);
            } else if topic.ends_with("/status") && message.payload == status.as_bytes() {
                alive = true;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LIMIT, listening).await.context("waited in vain for the announcement")??;
    Ok(topics)
}
