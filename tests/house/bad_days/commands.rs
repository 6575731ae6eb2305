//! What a person or the grid operator has commanded: kept over kills, rot, and a broker's wait.

use super::gateway::Gateway;
use super::{LIMIT, problems};
use crate::peer::{Mosquitto, wait_until};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

/// A demo whose first minutes nobody has commanded anything in.
async fn demo(folder: &Path, more: &[&str]) -> Result<Gateway> {
    let arguments: Vec<&OsStr> = ["--speed", "60"].iter().chain(more).map(OsStr::new).collect();
    Gateway::demo(&folder.join("data"), &folder.join("log"), &arguments).await
}

async fn command(gateway: &Gateway, path: &str, body: Value) -> Result<()> {
    let (status, answer) = gateway.post(path, &body).await?;
    ensure!(status == 202, "{path}: {status} {answer}");
    Ok(())
}

#[tokio::test]
async fn a_command_that_was_answered_outlives_a_kill_at_that_moment() -> Result<()> {
    let folder = TempDir::new()?;
    let mut gateway = demo(folder.path(), &[]).await?;
    for (round, mode) in ["surplus", "off", "heat"].into_iter().enumerate() {
        let watts = 4200.0 - round as f64;
        command(&gateway, "/api/v1/grid-dimming", json!({ "watts": watts })).await?;
        command(&gateway, "/api/v1/power-limit", json!({ "watts": 50 + round })).await?;
        command(&gateway, "/api/v1/mode", json!({ "mode": mode })).await?;
        gateway.process.kill()?;
        gateway.restart().await?;
        let record = gateway.record().await.context("a record")?;
        let kept = (&record["mode"], record["grid_dimming"].as_f64(), record["power_limit"].as_f64());
        ensure!(kept == (&json!(mode), Some(watts), Some(50.0 + round as f64)), "{kept:?}");
        ensure!(problems(&record).is_empty(), "{}", problems(&record));
    }
    Ok(())
}

#[tokio::test]
async fn lost_commands_leave_the_house_off_and_dimmed_until_somebody_confirms() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let mut gateway = demo(folder.path(), &[]).await?;
    command(&gateway, "/api/v1/mode", json!({"mode": "surplus"})).await?;
    command(&gateway, "/api/v1/grid-dimming", json!({"watts": 0})).await?;

    // One copy rots: the other one is read, and that is said.
    gateway.process.kill()?;
    std::fs::write(data.join("commands.json"), "rot")?;
    gateway.restart().await?;
    let record = gateway.until("the notice", |record| problems(record).contains("commands.json.broken-")).await?;
    ensure!(record["mode"] == "surplus" && record["grid_dimming"] == 0.0, "{record}");
    command(&gateway, "/api/v1/confirm", json!({"confirm": true})).await?;
    gateway.until("no notice", |record| record["to_confirm"] == 0 && !problems(record).contains("Confirm")).await?;

    // Both are lost: nobody knows what was commanded.
    gateway.process.kill()?;
    for copy in ["commands.json", "commands.backup.json"] {
        std::fs::write(data.join(copy), "")?;
    }
    gateway.restart().await?;
    let lost = |record: &Value| {
        record["mode"] == "off"
            && record["grid_dimming"] == 0.0
            && problems(record).contains("What was commanded is lost")
    };
    gateway.until("off, no power for anybody, and the notice", lost).await?;
    // It stands over another restart, and beside a command that somebody gives.
    gateway.process.stop().await?;
    gateway.restart().await?;
    let record = gateway.until("the same", lost).await?;
    ensure!(problems(&record).contains("Press 'Confirm'"), "{}", problems(&record));
    command(&gateway, "/api/v1/mode", json!({"mode": "eco"})).await?;

    command(&gateway, "/api/v1/confirm", json!({"confirm": true})).await?;
    gateway.process.kill()?;
    gateway.restart().await?;
    let record = gateway.record().await.context("a record")?;
    ensure!(record["mode"] == "eco", "what was commanded since stands: {}", record["mode"]);
    ensure!(
        record["grid_dimming"].is_null() && problems(&record).is_empty(),
        "{} {}",
        record["grid_dimming"],
        problems(&record)
    );
    Ok(())
}

/// Somebody who sends commands over the broker.
async fn publish(port: u16, topic: &str, payload: &str, retain: bool) -> Result<()> {
    let options = MqttOptions::new(format!("owner{port}"), ("127.0.0.1", port));
    let (client, mut events) = AsyncClient::builder(options).capacity(4).try_build()?;
    client.publish(topic.to_owned(), payload.to_owned(), PublishOptions::new(QoS::AtLeastOnce).retain(retain)).await?;
    let acknowledged = async {
        while !matches!(events.poll().await?, Event::Incoming(Packet::PubAck(_))) {}
        client.disconnect().await?;
        while events.poll().await.is_ok() {}
        anyhow::Ok(())
    };
    tokio::time::timeout(LIMIT, acknowledged).await.context("the broker does not answer")?
}

#[tokio::test]
async fn a_command_that_came_over_mqtt_while_the_gateway_was_away_is_carried_out_unless_it_is_old() -> Result<()> {
    let Some(mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let (folder, port) = (TempDir::new()?, mosquitto.port);
    let mut gateway = demo(folder.path(), &["--mqtt", &mosquitto.url()]).await?;
    let announced = folder.path().join("data/mqtt.json");
    let connected = || std::fs::read_to_string(&announced).is_ok_and(|text| text.contains("\"connected\":true"));
    wait_until(LIMIT, "the connection", async || connected().then_some(())).await?;
    let name = |text: String| serde_json::from_str::<Value>(&text).map(|kept| kept["client_id"].clone());
    let before = name(std::fs::read_to_string(&announced)?)?;

    // Away because somebody asked for it, and because of a power cut.
    gateway.process.stop().await?;
    publish(port, "heatmine/mode/set", "surplus", false).await?;
    gateway.restart().await?;
    gateway.until("the mode that came meanwhile", |record| record["mode"] == "surplus").await?;
    wait_until(LIMIT, "the connection", async || connected().then_some(())).await?;
    gateway.process.kill()?;
    publish(port, "heatmine/power_limit/set", "70", false).await?;
    gateway.restart().await?;
    gateway.until("the limit that came meanwhile", |record| record["power_limit"] == 70.0).await?;
    let record = gateway.record().await.context("a record")?;
    ensure!(record["mode"] == "surplus", "{}", record["mode"]);

    // Away for too long: what came is old.
    wait_until(LIMIT, "the connection", async || connected().then_some(())).await?;
    gateway.process.stop().await?;
    publish(port, "heatmine/mode/set", "boost", false).await?;
    let mut kept: Value = serde_json::from_str(&std::fs::read_to_string(&announced)?)?;
    ensure!(kept["client_id"] == before, "the name is drawn once: {kept}");
    let seen: DateTime<Utc> = kept["seen"].as_str().unwrap_or_default().parse()?;
    kept["seen"] = json!(seen - TimeDelta::minutes(11));
    std::fs::write(&announced, kept.to_string())?;
    gateway.restart().await?;
    wait_until(LIMIT, "the connection", async || connected().then_some(())).await?;
    // What comes from here on acts, and came after what did not.
    publish(port, "heatmine/power_limit/set", "50", false).await?;
    let record = gateway.until("a command of today", |record| record["power_limit"] == 50.0).await?;
    ensure!(record["mode"] == "surplus", "a command of yesterday: {}", record["mode"]);
    Ok(())
}

#[tokio::test]
async fn commands_that_the_broker_has_kept_never_act() -> Result<()> {
    let Some(mut mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let (folder, port) = (TempDir::new()?, mosquitto.port);
    let mut gateway = demo(folder.path(), &["--mqtt", &mosquitto.url()]).await?;
    command(&gateway, "/api/v1/mode", json!({"mode": "eco"})).await?;
    gateway.process.stop().await?;
    let kept = [("boost", "PRESS"), ("mode", "off"), ("grid_dimming", "0"), ("confirm", "PRESS")];
    for (name, payload) in kept {
        publish(port, &format!("heatmine/{name}/set"), payload, true).await?;
    }
    // What waits in the session is what was published while it was away: a broker that restarts has only what it keeps.
    mosquitto.process.kill()?;
    mosquitto.restart().await?;
    for (name, payload) in kept {
        publish(port, &format!("heatmine/{name}/set"), payload, true).await?;
    }
    gateway.restart().await?;
    let refused = || gateway.process.log().matches("refused a command").count();
    wait_until(LIMIT, "the refusals", async || (refused() >= kept.len()).then_some(())).await?;
    publish(port, "heatmine/power_limit/set", "50", false).await?;
    let record = gateway.until("a command of today", |record| record["power_limit"] == 50.0).await?;
    ensure!(
        record["mode"] == "eco" && record["grid_dimming"].is_null(),
        "{} {}",
        record["mode"],
        record["grid_dimming"]
    );
    ensure!(refused() == kept.len(), "{} refusals of {}", refused(), kept.len());
    Ok(())
}
