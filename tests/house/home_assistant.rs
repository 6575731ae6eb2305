//! The real Home Assistant and the real Mosquitto see the demo: entities with their classes, commands that change the
//! decision, nonsense that changes nothing, an answer from the local model, a dashboard without a gap, a will, and a new
//! beginning after a birth message.
//!
//! One Home Assistant serves all of it, one thing after the other, as it does in a house.

mod observer;
mod server;

use crate::peer::{self, Demo, Mosquitto, wait_until};
use anyhow::{Context, Result, ensure};
use observer::Observer;
use serde_json::{Value, json};
use server::{HomeAssistant, LIMIT};
use std::collections::BTreeSet;

/// A state that tells something.
fn known(state: &str) -> bool {
    !matches!(state, "unknown" | "unavailable" | "")
}

#[tokio::test]
async fn home_assistant_shows_the_house_and_steers_it() -> Result<()> {
    let experts = peer::workspace().join(".cache/experts");
    if !experts.is_dir() {
        eprintln!("SKIPPED: the demo's model is not in .cache/experts (./run setup fetches it)");
        return Ok(());
    }
    let Some(mosquitto) = Mosquitto::start().await? else { return Ok(()) };
    let Some(mut server) = HomeAssistant::start().await? else { return Ok(()) };
    add_mqtt(&server, mosquitto.port).await?;
    let experts = experts.display().to_string();
    let mut demo = Demo::start(&["--mqtt", &mosquitto.url(), "--speed", "60", "--experts", &experts]).await?;

    println!("Home Assistant and the demo have started");
    entities_have_their_classes(&server).await?;
    the_dashboard_has_no_gap(&server).await?;
    println!("every entity is there, and so is every entity of the dashboard");
    wishes_change_the_decision(&server, &demo).await?;
    println!("select, number and button change the decision");
    nonsense_changes_nothing(&mosquitto, &demo).await?;
    println!("nonsense changes nothing");
    the_model_answers(&server, &demo).await?;
    println!("the Ollama integration has an answer of the local model");

    demo.process.kill()?;
    everything_is_unavailable(&server).await?;
    println!("a killed gateway is unavailable");
    what_the_broker_kept_does_not_act(&mosquitto, &mut demo).await?;
    println!("commands of some time ago are refused");
    server.wait_for("sensor.heatmine_reason", "to come back", known).await?;
    server.wait_for("sensor.heatmine_grid_power", "to come back", known).await?;

    let log = server.log();
    server.process.kill()?;
    let mut observer = Observer::connect(mosquitto.port).await?;
    server.restart().await?;
    let what = "the description after Home Assistant's birth message";
    observer.wait("homeassistant/device/heatmine/config", what, |text| text.contains("heatmine_grid_power")).await?;
    observer.wait("heatmine/mode", "the mode after Home Assistant's birth message", |mode| mode == "auto").await?;
    server.wait_for("sensor.heatmine_grid_power", "after Home Assistant's restart", known).await?;
    server.wait_for("select.heatmine_mode", "after Home Assistant's restart", |state| state == "auto").await?;
    no_complaint(&log)?;
    no_complaint(&server.log())
}

async fn add_mqtt(server: &HomeAssistant, port: u16) -> Result<()> {
    let other = json!({"set_client_cert": false, "set_ca_cert": "off", "transport": "tcp"});
    let step = json!({"broker": "127.0.0.1", "port": port, "protocol": "5", "other_settings": other});
    server.configure("/api/config/config_entries/flow", json!("mqtt"), &step).await.map(drop)
}

async fn entities_have_their_classes(server: &HomeAssistant) -> Result<()> {
    let rows = [
        ("grid_power", "power", "measurement", "W"),
        ("pv_power", "power", "measurement", "W"),
        ("battery_power", "power", "measurement", "W"),
        ("house_power", "power", "measurement", "W"),
        ("compute_power", "power", "measurement", "W"),
        ("heat_pump_power", "power", "measurement", "W"),
        ("battery_soc", "battery", "measurement", "%"),
        ("room_temperature", "temperature", "measurement", "°C"),
        ("grid_import_energy", "energy", "total_increasing", "kWh"),
        ("grid_export_energy", "energy", "total_increasing", "kWh"),
        ("pv_energy", "energy", "total_increasing", "kWh"),
        ("compute_energy", "energy", "total_increasing", "kWh"),
        ("heat_used_energy", "energy", "total_increasing", "kWh"),
        ("earnings_today", "monetary", "total", "EUR"),
        ("earnings_month", "monetary", "total", "EUR"),
        ("earnings_total", "monetary", "total", "EUR"),
        ("bill_today", "monetary", "total", "EUR"),
        ("bill_without_today", "monetary", "total", "EUR"),
        ("revenue_today", "monetary", "total", "EUR"),
        ("revenue_total", "monetary", "total", "EUR"),
        ("heat_saved_today", "monetary", "total", "EUR"),
        ("forecast_error_today", "monetary", "total", "EUR"),
    ];
    for (key, device_class, state_class, unit) in rows {
        let entity = server.wait_for(&format!("sensor.heatmine_{key}"), "to have a value", known).await?;
        let attributes = &entity["attributes"];
        let seen = [&attributes["device_class"], &attributes["state_class"], &attributes["unit_of_measurement"]];
        ensure!(seen == [device_class, state_class, unit], "{key} has {attributes}");
        let number: f64 = entity["state"].as_str().unwrap_or_default().parse().with_context(|| key.to_string())?;
        ensure!(number.is_finite(), "{key} is {number}");
    }
    let today = server.entity("sensor.heatmine_earnings_today").await.context("earnings")?;
    ensure!(today["attributes"]["last_reset"].is_string() && today["attributes"]["revenue"].is_number(), "{today}");
    parts_of_the_gain_add_up(&today)?;
    let own = server.entity("sensor.heatmine_household_value_today").await.context("own questions")?;
    ensure!(own["attributes"]["device_class"].is_null(), "what the household values is money: {own}");
    let worth = server.entity("sensor.heatmine_worth").await.context("worth")?;
    for number in ["revenue", "heat", "electricity"] {
        ensure!(worth["attributes"][number].is_number(), "the worth lacks {number}: {worth}");
    }
    let reason = server.entity("sensor.heatmine_reason").await.context("reason")?;
    let explanation = reason["attributes"]["explanation"].as_str().unwrap_or_default();
    ensure!(explanation.len() > 10, "the reason has no explanation: {reason}");
    let plan = server.wait_for("sensor.heatmine_plan", "to have a value", known).await?;
    ensure!(plan["attributes"]["compute_w"].as_array().is_some_and(|slots| !slots.is_empty()), "no slots: {plan}");
    ensure!(plan["attributes"].to_string().len() < 16_384, "the recorder does not keep attributes over 16 KiB");
    let battery = server.wait_for("sensor.heatmine_battery_intent", "to have a reason", known).await?;
    ensure!(battery["attributes"]["explanation"].is_string(), "the battery does not say what it does: {battery}");
    let expected = server.entity("sensor.heatmine_expected_cost_today").await.context("expected cost")?;
    ensure!(expected["attributes"]["load_w"].as_array().is_some_and(|slots| !slots.is_empty()), "no slots: {expected}");
    ensure!(expected["attributes"].to_string().len() < 16_384, "the recorder does not keep attributes over 16 KiB");
    let device = "{{ device_attr('sensor.heatmine_grid_power', 'name') }} {{ device_entities(device_id('sensor.heatmine_grid_power')) | count }}";
    let device = server.template(device).await?;
    ensure!(device.starts_with("HeatMine "), "the device is {device}");
    Ok(())
}

/// What Home Assistant knows of today's gain is the sum of its parts.
fn parts_of_the_gain_add_up(today: &Value) -> Result<()> {
    let attributes = &today["attributes"];
    let part = |key: &str| attributes[key].as_f64().with_context(|| format!("{key} of {today}"));
    let keys = ["power", "feed_in", "heat_saved", "wear", "revenue", "inventory", "colder_room"];
    let parts: Vec<f64> = keys.into_iter().map(part).collect::<Result<_>>()?;
    let (gain, sum) = (part("gain")?, parts.iter().sum::<f64>());
    // Each is rounded to a hundredth of a cent.
    ensure!((gain - sum).abs() < 0.0005, "the parts {parts:?} do not add up to {gain}");
    ensure!((part("forecast_error")? - (gain - part("promised")?)).abs() < 0.0005, "{today}");
    Ok(())
}

async fn the_dashboard_has_no_gap(server: &HomeAssistant) -> Result<()> {
    let file = peer::workspace().join("dashboards/home-assistant/heatmine.yaml");
    let text = std::fs::read_to_string(&file)?;
    let split = text.split(|character: char| !(character.is_ascii_alphanumeric() || "._".contains(character)));
    let ids: BTreeSet<&str> = split.filter(|word| word.contains(".heatmine_")).collect();
    ensure!(ids.len() > 30, "only {} entities in {}", ids.len(), file.display());
    let states = server.get("/api/states").await?;
    let known: BTreeSet<&str> =
        states.as_array().into_iter().flatten().filter_map(|state| state["entity_id"].as_str()).collect();
    let missing: Vec<_> = ids.difference(&known).collect();
    ensure!(missing.is_empty(), "the dashboard shows entities that do not exist: {missing:?}");
    Ok(())
}

async fn wishes_change_the_decision(server: &HomeAssistant, demo: &Demo) -> Result<()> {
    let select = |option: &str| json!({"entity_id": "select.heatmine_mode", "option": option});
    server.act("select/select_option", &select("off")).await?;
    server.wait_for("sensor.heatmine_reason", "to be off", |state| state == "off").await?;
    server.wait_for("sensor.heatmine_budget", "to be 0", |state| state == "0").await?;
    let decided = record_where(demo, "the mode off", |record| record["mode"] == "off").await?;
    ensure!(decided["decision"]["budget"].as_f64() == Some(0.0), "off, but {}", decided["decision"]);
    ensure!(decided["decision"]["reason"] == "off", "off, but {}", decided["decision"]);

    let limit = server.entity("number.heatmine_power_limit").await.context("power limit")?;
    let most = limit["attributes"]["max"].as_f64().context("max")?;
    let half = (most / 20.0).round() * 10.0;
    server.act("number/set_value", &json!({"entity_id": "number.heatmine_power_limit", "value": half})).await?;
    let wanted = format!("{half:.0}");
    server.wait_for("number.heatmine_power_limit", "to follow", |state| state.trim_end_matches(".0") == wanted).await?;
    record_where(demo, "the limit", |record| record["power_limit"].as_f64() == Some(half)).await?;

    server.act("select/select_option", &select("auto")).await?;
    server.wait_for("select.heatmine_mode", "to be auto", |state| state == "auto").await?;
    record_where(demo, "a reason other than off", |record| record["decision"]["reason"] != "off").await?;
    server.act("button/press", &json!({"entity_id": "button.heatmine_boost"})).await?;
    server.wait_for("sensor.heatmine_boost_until", "to be known", known).await?;
    server.wait_for("sensor.heatmine_reason", "to be boost", |state| state == "boost").await?;
    let boosted = |record: &Value| record["boost_until"].is_string() && record["decision"]["reason"] == "boost";
    let boosted = record_where(demo, "a boost", boosted).await?;
    let budget = boosted["decision"]["budget"].as_f64().unwrap_or_default();
    ensure!(budget > 0.0 && budget <= half, "boosted to {budget} W with a limit of {half} W");

    server.act("select/select_option", &select("auto")).await?;
    record_where(demo, "the boost's end", |record| record["mode"] == "auto").await?;
    server.act("number/set_value", &json!({"entity_id": "number.heatmine_power_limit", "value": most})).await?;
    record_where(demo, "the limit", |record| record["power_limit"].as_f64() == Some(most)).await.map(drop)
}

/// Whatever else lies on the command topics is answered with what was expected, and nothing follows from it.
async fn nonsense_changes_nothing(mosquitto: &Mosquitto, demo: &Demo) -> Result<()> {
    let commands = |record: &Value| json!([record["mode"], record["power_limit"], record["boost_until"]]);
    let before = commands(&demo.record().await.context("no record")?);
    let mut observer = Observer::connect(mosquitto.port).await?;
    let huge = vec![b'9'; 500_000];
    let payloads: [&[u8]; 9] =
        [b"", b"Off", b"OFF", b"NaN", b"-inf", b"{\"prompt\": ", b"\x00\xff\xfe\x80", "⚡ off".as_bytes(), &huge];
    let topics =
        ["mode", "power_limit", "boost", "grid_dimming", "job", "reboot"].map(|name| format!("heatmine/{name}/set"));
    let mut sent = Vec::new();
    for topic in &topics {
        for payload in payloads {
            observer.publish(topic, payload, false).await?;
            sent.push(topic.as_str());
        }
    }
    observer.wait_for_refusals(&sent).await?;
    let after = commands(&demo.record().await.context("no record")?);
    ensure!(before == after, "nonsense changed {before} to {after}");
    Ok(())
}

/// A gateway that was killed is shown as such, by the will it left with the broker.
async fn everything_is_unavailable(server: &HomeAssistant) -> Result<()> {
    let gone = |state: &str| state == "unavailable";
    server.wait_for("sensor.heatmine_reason", "to be unavailable by the will", gone).await?;
    let ids = server.template("{{ device_entities(device_id('sensor.heatmine_reason')) | join(' ') }}").await?;
    let ids: Vec<&str> = ids.split_whitespace().collect();
    ensure!(ids.len() > 30, "the device has only {ids:?}");
    for id in ids {
        server.wait_for(id, "to be unavailable by the will", gone).await?;
    }
    Ok(())
}

async fn record_where(demo: &Demo, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_until(LIMIT, what, async || demo.record().await.filter(|record| wanted(record))).await
}

/// Home Assistant's own Ollama integration, pointed at the gateway's page, gets an answer of the local model.
async fn the_model_answers(server: &HomeAssistant, demo: &Demo) -> Result<()> {
    let flow = "/api/config/config_entries/flow";
    let entry = server.configure(flow, json!("ollama"), &json!({"url": demo.http})).await?;
    let entry = entry["result"]["entry_id"].as_str().context("no entry")?;
    let tags = demo.get("/api/tags").await?;
    let model = tags["models"][0]["model"].as_str().with_context(|| format!("no model in {tags}"))?;
    let agent = json!({
        "name": "HeatMine", "model": model, "prompt": "Answer in one short sentence.",
        "num_ctx": 2048, "keep_alive": -1, "max_history": 4, "think": false,
    });
    server.configure("/api/config/config_entries/subentries/flow", json!([entry, "conversation"]), &agent).await?;
    server.wait_for("conversation.heatmine", "to exist", |_| true).await?;
    let question = json!({"text": "Say hello.", "language": "en", "agent_id": "conversation.heatmine"});
    let answer = server.post("/api/conversation/process", &question).await?;
    let said = answer["response"]["speech"]["plain"]["speech"].as_str().unwrap_or_default();
    ensure!(answer["response"]["response_type"] == "action_done" && !said.trim().is_empty(), "no answer: {answer}");
    Ok(())
}

/// Commands that were laid on the broker while the gateway was away are of some time ago: they are refused. One that is too
/// large to be read ends the session each time it is delivered; it is deleted.
async fn what_the_broker_kept_does_not_act(mosquitto: &Mosquitto, demo: &mut Demo) -> Result<()> {
    let mut observer = Observer::connect(mosquitto.port).await?;
    let kept = [("heatmine/mode/set", "off"), ("heatmine/power_limit/set", "0")];
    for (topic, payload) in kept {
        observer.publish(topic, payload.as_bytes(), true).await?;
        observer.wait(topic, "the command that was laid there", |_| true).await?;
    }
    demo.restart().await?;
    observer.wait_for_refusals(&kept.map(|(topic, _)| topic)).await?;
    for (topic, _) in kept {
        observer.publish(topic, b"", true).await?;
    }
    observer.publish("heatmine/boost/set", &vec![b'9'; 2_000_000], true).await?;
    observer.wait_for_refusals(&["heatmine/+/set"]).await?;
    let record = demo.record().await.context("no record")?;
    ensure!(record["mode"] == "auto" && record["power_limit"] != 0.0, "a kept command has acted: {record}");
    ensure!(record["boost_until"].is_null(), "a kept command has acted: {record}");
    Ok(())
}

/// No warning or error about MQTT stands in Home Assistant's log, beyond a broker that a busy machine kept waiting.
fn no_complaint(log: &str) -> Result<()> {
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("WARNING") || line.contains("ERROR"))
        .filter(|line| line.contains("mqtt") || line.contains("heatmine"))
        .filter(|line| !line.contains("No ACK from MQTT server"))
        .collect();
    ensure!(complaints.is_empty(), "Home Assistant complains:\n{}", complaints.join("\n"));
    Ok(())
}
