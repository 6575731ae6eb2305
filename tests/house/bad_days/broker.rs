//! The real broker is killed and started again with an empty memory.

use super::gateway::Gateway;
use super::{LIMIT, problems, state};
use crate::peer::Mosquitto;
use anyhow::{Context, Result, ensure};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// Ten seconds, and five more for a machine that is busy with other things.
const BACK: Duration = Duration::from_secs(15);

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

/// Away for 8 and for 39 s, and both once more: the back-off does not grow beyond what finds the broker in ten seconds.
#[tokio::test]
async fn a_broker_that_was_away_is_found_within_ten_seconds_also_the_second_time() -> Result<()> {
    let Some(mut mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let folder = TempDir::new()?;
    let mut config: toml::Table =
        "[compute]\nmax_w = 200\n[mqtt]\nhost = \"127.0.0.1\"\n[worker]\nlisten = \"127.0.0.1:0\"\n\
        [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:1\"\n"
            .parse()?;
    config["mqtt"].as_table_mut().context("a section")?.insert("port".into(), i64::from(mosquitto.port).into());
    let gateway = Gateway::run(folder.path(), config).await?;
    announced(mosquitto.port, "online").await?;
    for away in [8, 39, 8, 39] {
        mosquitto.process.kill()?;
        gateway.until("the broker to be missed", |record| problems(record).contains("does not see HeatMine")).await?;
        tokio::time::sleep(Duration::from_secs(away)).await;
        mosquitto.restart().await?;
        let back = Instant::now();
        announced(mosquitto.port, "online").await?;
        eprintln!("away for {away} s, announced again after {:?}", back.elapsed());
        ensure!(back.elapsed() < BACK, "away for {away} s: it took {:?}", back.elapsed());
        gateway.until("nothing more to miss", |record| !problems(record).contains("does not see HeatMine")).await?;
    }
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
