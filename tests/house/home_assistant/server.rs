//! A real Home Assistant, installed by `tests/setup/home_assistant.sh`, started on a free port with an empty configuration
//! folder, set up and asked over its REST interface.

use crate::peer::{self, Process, wait_until};
use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take in it: on a machine that builds at the same time it is twenty times slower.
pub(super) const LIMIT: Duration = Duration::from_secs(400);
/// The configuration it starts with: nothing that needs a network.
const CONFIGURATION: &str = "\
homeassistant:
  name: Test house
  latitude: 48.1
  longitude: 11.6
  elevation: 500
  unit_system: metric
  time_zone: Europe/Berlin
  currency: EUR
  country: DE
  language: en
recorder:
  commit_interval: 1
history:
logbook:
energy:
config:
conversation:
logger:
  default: warning
lovelace:
  dashboards:
    heatmine-dashboard:
      mode: yaml
      title: HeatMine
      icon: mdi:fire
      show_in_sidebar: true
      filename: heatmine.yaml
";

/// A running Home Assistant with an owner who is logged in.
pub(super) struct HomeAssistant {
    /// Where it answers.
    pub url: String,
    /// The running program.
    pub process: Process,
    program: PathBuf,
    folder: TempDir,
    client: reqwest::Client,
    token: String,
    /// What its page needs to be logged in.
    pub session: Value,
}

impl HomeAssistant {
    /// Starts it and makes its owner; `None`, said loudly, where it is not installed.
    pub(super) async fn start() -> Result<Option<Self>> {
        let program = peer::workspace().join(".cache/home-assistant/venv/bin/hass");
        if !program.is_file() {
            eprintln!("SKIPPED: Home Assistant is not installed (tests/setup/home_assistant.sh installs it)");
            return Ok(None);
        }
        let (port, folder) = (peer::free_port()?, TempDir::new()?);
        std::fs::write(folder.path().join("configuration.yaml"), CONFIGURATION)?;
        let dashboard = peer::workspace().join("dashboards/home-assistant/heatmine.yaml");
        std::fs::copy(&dashboard, folder.path().join("heatmine.yaml"))
            .with_context(|| format!("cannot copy {}", dashboard.display()))?;
        seed_address(folder.path(), port)?;
        let process = spawn(&program, folder.path())?;
        let (url, client) = (format!("http://127.0.0.1:{port}"), peer::client()?);
        let (token, session) = (String::new(), Value::Null);
        let mut server = Self { url, process, program, folder, client, token, session };
        server.wait_for_http().await?;
        server.make_owner().await.map_err(|error| error.context(server.process.tail()))?;
        server.wait_until_running().await?;
        Ok(Some(server))
    }

    /// Starts it again after `process` was stopped or killed.
    pub(super) async fn restart(&mut self) -> Result<()> {
        self.process = spawn(&self.program, self.folder.path())?;
        self.wait_for_http().await?;
        self.wait_until_running().await
    }

    /// What it has written to its log so far.
    pub(super) fn log(&self) -> String {
        self.process.log()
    }

    /// Asks for the JSON of a path.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        let (status, value) = self.call(Method::GET, path, &Value::Null).await?;
        if !status.is_success() {
            bail!("GET {path} answers {status}: {value}");
        }
        Ok(value)
    }

    /// Sends JSON to a path.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let (status, value) = self.call(Method::POST, path, body).await?;
        if !status.is_success() {
            bail!("POST {path} with {body} answers {status}: {value}");
        }
        Ok(value)
    }

    /// Calls an action of an entity.
    pub(super) async fn act(&self, action: &str, data: &Value) -> Result<()> {
        self.post(&format!("/api/services/{action}"), data).await.map(drop)
    }

    /// An entity's state and attributes; `None` where there is no such entity.
    pub(super) async fn entity(&self, id: &str) -> Option<Value> {
        self.get(&format!("/api/states/{id}")).await.ok()
    }

    /// Waits until an entity's state is as wanted, and returns the entity.
    pub(super) async fn wait_for(&self, id: &str, what: &str, wanted: impl Fn(&str) -> bool) -> Result<Value> {
        let what = format!("{id} {what}");
        let found = wait_until(LIMIT, &what, async || {
            let entity = self.entity(id).await?;
            entity["state"].as_str().is_some_and(&wanted).then_some(entity)
        })
        .await;
        match found {
            Ok(entity) => Ok(entity),
            Err(error) => bail!("{error}; it is {:?}", self.entity(id).await),
        }
    }

    /// Goes through a configuration flow of one step, and returns the new entry.
    pub(super) async fn configure(&self, flow: &str, handler: Value, step: &Value) -> Result<Value> {
        let started = self.post(flow, &json!({"handler": handler})).await?;
        let id = started["flow_id"].as_str().with_context(|| format!("no flow: {started}"))?;
        let ended = self.post(&format!("{flow}/{id}"), step).await?;
        if ended["type"] != "create_entry" {
            bail!("{handler} was not configured: {ended}");
        }
        Ok(ended)
    }

    /// Renders a template, which can look into the registries.
    pub(super) async fn template(&self, template: &str) -> Result<String> {
        let body = json!({"template": template});
        let request = self.client.post(format!("{}/api/template", self.url)).bearer_auth(&self.token);
        Ok(request.json(&body).send().await?.error_for_status()?.text().await?)
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).timeout(LIMIT);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    async fn wait_for_http(&mut self) -> Result<()> {
        let (client, url) = (self.client.clone(), format!("{}/manifest.json", self.url));
        let process = &mut self.process;
        let there = wait_until(LIMIT, "Home Assistant", async || {
            if process.exited().is_some() {
                return Some(false);
            }
            client.get(&url).send().await.ok()?.status().is_success().then_some(true)
        })
        .await;
        if !there? {
            bail!("Home Assistant ended before it was there\n{}", self.process.tail());
        }
        Ok(())
    }

    async fn wait_until_running(&self) -> Result<()> {
        wait_until(LIMIT, "Home Assistant to have started", async || {
            let config = self.get("/api/config").await.ok()?;
            (config["state"] == "RUNNING").then_some(())
        })
        .await
    }

    /// Goes through its first-run dialogue as the owner.
    async fn make_owner(&mut self) -> Result<()> {
        let client_id = format!("{}/", self.url);
        let owner = json!({
            "client_id": client_id, "name": "Owner", "username": "owner", "password": "a-password-for-tests", "language": "en",
        });
        let code = wait_until(LIMIT, "the owner's account", async || {
            let made = self.post("/api/onboarding/users", &owner).await.ok()?;
            made["auth_code"].as_str().map(str::to_owned)
        })
        .await?;
        let form = format!("grant_type=authorization_code&code={code}&client_id={client_id}");
        let request = self.client.post(format!("{}/auth/token", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        self.session = request.send().await?.error_for_status()?.json().await?;
        self.token = self.session["access_token"].as_str().context("no access token")?.to_owned();
        let redirect = json!({"client_id": client_id, "redirect_uri": format!("{client_id}?auth_callback=1")});
        for (step, body) in [("core_config", json!({})), ("analytics", json!({})), ("integration", redirect)] {
            self.post(&format!("/api/onboarding/{step}"), &body).await?;
        }
        Ok(())
    }
}

/// Its address in its own store. Given in YAML it would be on trial, and taken back with a restart after five minutes.
fn seed_address(folder: &Path, port: u16) -> Result<()> {
    let store = folder.join(".storage");
    std::fs::create_dir_all(&store)?;
    let stable = json!({
        "server_host": ["127.0.0.1"], "server_port": port, "cors_allowed_origins": [], "login_attempts_threshold": -1,
        "ip_ban_enabled": false, "ssl_profile": "intermediate_v6", "use_x_frame_options": true,
        "created_at": "2026-01-01T00:00:00+00:00", "error": null, "error_message": null,
    });
    let data = json!({"stable": stable, "pending": null, "yaml_migration_done": true});
    let http = json!({"version": 3, "minor_version": 1, "key": "http", "data": data});
    Ok(std::fs::write(store.join("http"), http.to_string())?)
}

fn spawn(program: &Path, folder: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    command.arg("-c").arg(folder).args(["--skip-pip", "--log-no-color"]);
    command.env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONPATH");
    Process::start("Home Assistant", command, &folder.join("printed.log"))
}
