//! The app for Home Assistant OS: what the Supervisor reads of it, and the binary as the Supervisor starts it - with the
//! options of its form and the broker's credentials from the Supervisor, which a stand-in plays here.

pub(crate) mod description;

use crate::peer::{self, Demo, Mosquitto, Process, free_port, program, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(90);
const USER: &str = "addons";
const PASSWORD: &str = "pa$s wörd";
const TOKEN: &str = "the app's token";

/// A Supervisor that knows of a broker only after some questions, as after a start of the whole machine.
struct Supervisor {
    url: String,
    asked: Arc<AtomicUsize>,
}

/// What the first questions for the broker come to.
#[derive(Clone, Copy)]
struct First {
    /// So many are not answered at all.
    mute: usize,
    /// So many, those among them, are asked before the broker is known.
    unknown: usize,
}

impl Supervisor {
    async fn start(broker: u16, first: First) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move { answer(stream, broker, first, &count).await });
            }
        });
        Ok(Self { url, asked })
    }
}

/// Reads one request and answers it.
async fn answer(mut stream: TcpStream, broker: u16, first: First, asked: &AtomicUsize) -> Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let known = request.contains(&format!("bearer {}\r\n", TOKEN.to_lowercase()));
    let (status, body) = match request.split(' ').nth(1).filter(|_| known) {
        Some("/addons/self/info") => ("200 OK", json!({"result": "ok", "data": {"slug": "local_heatmine"}})),
        Some("/services/mqtt") => {
            let question = asked.fetch_add(1, Ordering::SeqCst);
            if question < first.mute {
                tokio::time::sleep(LIMIT).await;
            }
            let service = json!({"addon": "core_mosquitto", "host": "127.0.0.1", "port": broker, "ssl": false,
                "username": USER, "password": PASSWORD, "protocol": "3.1.1"});
            match question < first.unknown {
                true => ("400 Bad Request", json!({"result": "error", "message": "Service not enabled"})),
                false => ("200 OK", json!({"result": "ok", "data": service})),
            }
        }
        Some(_) | None => ("403 Forbidden", json!({"result": "error", "message": "Forbidden"})),
    };
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ");
    stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

#[tokio::test]
async fn the_app_runs_with_its_options_and_the_supervisors_broker() -> Result<()> {
    let Some(mut options) = description::options()? else { return Ok(()) };
    let Some(mosquitto) = Mosquitto::start_for(USER, PASSWORD).await? else { return Ok(()) };
    let Some(subscriber) = program("mosquitto_sub") else { return Ok(()) };
    let supervisor = Supervisor::start(mosquitto.port, First { mute: 0, unknown: 1 }).await?;
    // The demo lends its inverter.
    let experts = peer::workspace().join(".cache/experts").display().to_string();
    let demo = Demo::start(&["--speed", "1", "--experts", &experts]).await?;
    let folder = TempDir::new()?;
    let port = free_port()?;
    options["device"] = json!([{"name": "inverter", "type": "fronius-gen24", "address": inverter(&demo)?}]);
    // A container has ports and folders of its own; a test has not.
    options["http"]["listen"] = json!(format!("127.0.0.1:{port}"));
    options["worker"]["listen"] = json!(format!("127.0.0.1:{}", free_port()?));
    let mut app = start(folder.path(), &options, &supervisor)?;

    let url = format!("http://127.0.0.1:{port}/health");
    let client = peer::client()?;
    let healthy = async || client.get(&url).send().await.ok().filter(|answer| answer.status().is_success());
    wait_until(LIMIT, "the health check", healthy).await.with_context(|| app.tail())?;
    // The page did not wait for the broker, which is found without a restart.
    let config = retained(&subscriber, mosquitto.port, "homeassistant/device/heatmine/config").await?;
    let config: Value = serde_json::from_str(&config).context("the discovery message")?;
    ensure!(config["device"]["name"] == "HeatMine", "{config}");
    ensure!(config["device"]["configuration_url"] == "homeassistant://app/local_heatmine", "{config}");
    ensure!(!app.log().contains(PASSWORD), "the log shows the password");
    ensure!(supervisor.asked.load(Ordering::SeqCst) == 2, "asked on and on\n{}", app.log());
    let status = app.stop().await?;
    ensure!(status.success(), "{status}\n{}", app.tail());
    Ok(())
}

/// The Supervisor says nothing for a while, then it knows no broker, then it does: about twenty seconds after the start.
#[tokio::test]
async fn a_broker_that_comes_late_is_found_without_a_restart_and_the_page_does_not_wait_for_it() -> Result<()> {
    let Some(mosquitto) = Mosquitto::start_for(USER, PASSWORD).await? else { return Ok(()) };
    let Some(subscriber) = program("mosquitto_sub") else { return Ok(()) };
    // A house that runs without a broker, and one that waits for it in setup: its meter is read over MQTT.
    let over_modbus = json!([{"name": "meter", "type": "em24", "address": "tcp://127.0.0.1:1"}]);
    let over_mqtt = json!([{"name": "meter", "type": "shelly-pro3em", "topic": "meter"}]);
    for (devices, page) in [(over_modbus, "api/v1/record"), (over_mqtt, "api/v1/setup")] {
        let supervisor = Supervisor::start(mosquitto.port, First { mute: 1, unknown: 3 }).await?;
        let (folder, port) = (TempDir::new()?, free_port()?);
        let options = json!({"compute": {"max_w": 200}, "device": devices,
            "http": {"listen": format!("127.0.0.1:{port}")}, "worker": {"listen": "127.0.0.1:0"}});
        let mut app = start(folder.path(), &options, &supervisor)?;
        let client = peer::client()?;
        let body = async |path: &str| {
            let answer = client.get(format!("http://127.0.0.1:{port}/{path}")).send().await.ok()?;
            answer.error_for_status().ok()?.text().await.ok()
        };
        let said = wait_until(LIMIT, "the page to say that there is no broker", async || {
            body(page).await.filter(|body| body.contains("install and start the Mosquitto broker app"))
        });
        said.await.with_context(|| app.tail())?;
        let config = retained(&subscriber, mosquitto.port, "homeassistant/device/heatmine/config").await;
        ensure!(config.with_context(|| app.tail())?.contains("HeatMine"));
        let quiet = async || body("api/v1/record").await.filter(|body| !body.contains("Mosquitto broker app"));
        wait_until(LIMIT, "nothing more to say", quiet).await.with_context(|| app.tail())?;
        ensure!(app.exited().is_none() && supervisor.asked.load(Ordering::SeqCst) == 4, "{}", app.log());
        ensure!(app.stop().await?.success(), "{}", app.tail());
        forget(mosquitto.port).await?;
    }
    Ok(())
}

/// As somebody meets it who has installed the app and started it.
#[tokio::test]
async fn the_apps_own_default_options_show_a_page_that_says_what_is_missing() -> Result<()> {
    let Some(mut options) = description::options()? else { return Ok(()) };
    let supervisor = Supervisor::start(1, First { mute: 0, unknown: usize::MAX }).await?;
    let (folder, port) = (TempDir::new()?, free_port()?);
    options["http"]["listen"] = json!(format!("127.0.0.1:{port}"));
    let mut app = start(folder.path(), &options, &supervisor)?;
    let client = peer::client()?;
    let said = wait_until(LIMIT, "the page", async || {
        let answer = client.get(format!("http://127.0.0.1:{port}/")).send().await.ok()?;
        answer.text().await.ok().filter(|page| page.contains("no device offers grid.power"))
    });
    let page = said.await.with_context(|| app.tail())?;
    for words in ["1 thing to correct", "<b>Configuration</b>", "install and start the Mosquitto broker app"] {
        ensure!(page.contains(words), "{words} is missing in {page}");
    }
    let status = app.stop().await?;
    ensure!(status.success(), "{status}\n{}", app.tail());
    Ok(())
}

/// Has the broker forget the device.
async fn forget(port: u16) -> Result<()> {
    let Some(publisher) = program("mosquitto_pub") else { return Ok(()) };
    let mut command = tokio::process::Command::new(publisher);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD]);
    ensure!(command.args(["-r", "-n", "-t", "homeassistant/device/heatmine/config"]).status().await?.success());
    Ok(())
}

/// Starts the binary in `folder` as the app's container does.
fn start(folder: &Path, options: &Value, supervisor: &Supervisor) -> Result<Process> {
    let file = folder.join("options.json");
    std::fs::write(&file, serde_json::to_vec(options)?)?;
    let mut command = Command::new(peer::binary()?);
    command.args(["run", "--setup"]).arg(&file).current_dir(folder).env("NO_COLOR", "1");
    command.env("SUPERVISOR_TOKEN", TOKEN).env("HEATMINE_SUPERVISOR", &supervisor.url);
    Process::start("the app", command, &folder.join("app.log"))
}

/// Where the demo's inverter answers.
fn inverter(demo: &Demo) -> Result<String> {
    let text = std::fs::read_to_string(demo.data.join("heatmine.toml"))?;
    let config: toml::Value = toml::from_str(&text)?;
    let devices = config["device"].as_array().context("no devices")?;
    let named = |device: &&toml::Value| device["name"].as_str() == Some("inverter");
    let inverter = devices.iter().find(named).context("no inverter")?;
    Ok(inverter["address"].as_str().context("no address")?.to_owned())
}

/// The first message of a topic, read with the app's credentials.
async fn retained(subscriber: &Path, port: u16, topic: &str) -> Result<String> {
    let mut command = tokio::process::Command::new(subscriber);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD]);
    command.args(["-t", topic, "-C", "1", "-W", &LIMIT.as_secs().to_string()]);
    let output = command.output().await?;
    ensure!(output.status.success(), "{topic}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
