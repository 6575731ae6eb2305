//! A gateway whose configuration, data folder and log are the test's own.

use super::LIMIT;
use crate::peer::{Process, START, binary, client, free_port, wait_until};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A running gateway.
pub(super) struct Gateway {
    /// Where its page and its API are, without a slash at the end.
    pub http: String,
    /// The running process.
    pub process: Process,
    client: reqwest::Client,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
}

impl Gateway {
    /// Starts `heatmine run` with `config`, written into `folder`; its data are in `folder/data`.
    pub(super) async fn run(folder: &Path, config: toml::Table) -> Result<Self> {
        Self::run_under(folder, config, Vec::new()).await
    }

    /// The same with more variables in its environment.
    pub(super) async fn run_under(
        folder: &Path,
        mut config: toml::Table,
        environment: Vec<(String, String)>,
    ) -> Result<Self> {
        let http = format!("127.0.0.1:{}", free_port()?);
        config.insert("http".into(), toml::toml! { listen = "" }.into());
        config["http"]["listen"] = http.clone().into();
        config.insert("data".into(), toml::toml! { dir = "data" }.into());
        let file = folder.join("heatmine.toml");
        std::fs::write(&file, config.to_string())?;
        let arguments = vec!["run".into(), file.display().to_string()];
        Self::start(http, arguments, environment, folder.join("gateway.log")).await
    }

    /// Starts `heatmine demo` with its data in `data` and its log in `log`.
    pub(super) async fn demo(data: &Path, log: &Path, arguments: &[&OsStr]) -> Result<Self> {
        let http = format!("127.0.0.1:{}", free_port()?);
        let mut all: Vec<String> = ["demo", "--http", &http, "--data"].map(str::to_owned).to_vec();
        all.push(data.display().to_string());
        all.extend(arguments.iter().map(|argument| argument.to_string_lossy().into_owned()));
        Self::start(http, all, Vec::new(), log.to_path_buf()).await
    }

    async fn start(
        http: String,
        arguments: Vec<String>,
        environment: Vec<(String, String)>,
        log: PathBuf,
    ) -> Result<Self> {
        let process = spawn(&arguments, &environment, &log)?;
        let http = format!("http://{http}");
        let mut gateway = Self { http, process, client: client()?, arguments, environment, log };
        gateway.ready().await?;
        Ok(gateway)
    }

    /// Starts it again on the same data and addresses after it has ended.
    pub(super) async fn restart(&mut self) -> Result<()> {
        self.launch()?;
        self.ready().await
    }

    /// The same without waiting until it is there.
    pub(super) fn launch(&mut self) -> Result<()> {
        self.process = spawn(&self.arguments, &self.environment, &self.log)?;
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        let (client, url) = (self.client.clone(), format!("{}/api/v1/record", self.http));
        let process = &mut self.process;
        let there = wait_until(START, "the gateway's first decision", async || {
            if let Some(status) = process.exited() {
                return Some(Some(status));
            }
            let response = client.get(&url).send().await.ok()?;
            response.status().is_success().then_some(None)
        });
        match there.await {
            Ok(None) => Ok(()),
            Ok(Some(status)) => bail!("the gateway ended ({status})\n{}", self.process.tail()),
            Err(error) => Err(error.context(self.process.tail())),
        }
    }

    /// The newest record; `None` while there is none.
    pub(super) async fn record(&self) -> Option<Value> {
        let response = self.client.get(format!("{}/api/v1/record", self.http)).send().await.ok()?;
        response.json().await.ok().filter(|record: &Value| record["decision"].is_object())
    }

    /// The first record for which `holds`, within `limit`; `what` completes "waited for".
    pub(super) async fn within(&self, limit: Duration, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_until(limit, what, async || {
            let record = self.record().await?;
            let found = holds(&record);
            last = record;
            found.then(|| last.clone())
        });
        match found.await {
            Ok(record) => Ok(record),
            Err(error) => Err(error.context(format!("the last record: {}\n{}", brief(&last), self.process.tail()))),
        }
    }

    /// The same within the usual limit.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        self.within(LIMIT, what, holds).await
    }

    /// Sets the mode.
    pub(super) async fn set_mode(&self, mode: &str) -> Result<()> {
        let url = format!("{}/api/v1/mode", self.http);
        let response = self.client.post(url).json(&json!({ "mode": mode })).send().await?;
        ensure!(response.status().is_success(), "the mode is refused: {}", response.text().await?);
        Ok(())
    }

    /// The status and body of a request for a page.
    pub(super) async fn page(&self, path: &str) -> Result<(u16, String)> {
        let response = self.client.get(format!("{}{path}", self.http)).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    /// Sends JSON; returns status and answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let response = self.client.post(format!("{}{path}", self.http)).json(body).send().await?;
        Ok((response.status().as_u16(), response.json().await.unwrap_or_default()))
    }

    /// The process id of its worker; `None` while it has none.
    pub(super) fn worker(&self) -> Option<u32> {
        children(self.process.id()).into_iter().find(|child| words(*child).iter().any(|word| word == "worker"))
    }

    /// The worker's process id, waited for until the worker can be asked.
    pub(super) async fn ready_worker(&self) -> Result<u32> {
        let ready = |record: &Value| matches!(record["worker"]["state"].as_str(), Some("idle" | "busy" | "paused"));
        self.until("the engine", |record| ready(record) && record["worker"]["expert"].is_string()).await?;
        self.worker().context("the gateway has no worker")
    }
}

fn spawn(arguments: &[String], environment: &[(String, String)], log: &Path) -> Result<Process> {
    let mut command = Command::new(binary()?);
    command.args(arguments).env("NO_COLOR", "1").envs(environment.iter().cloned());
    if std::env::var_os("RUST_LOG").is_none() {
        command.env("RUST_LOG", "info");
    }
    Process::start(&format!("heatmine {}", arguments[0]), command, log)
}

/// A record without what fills a screen.
fn brief(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut() {
        fields.remove("plan");
        fields.remove("devices");
    }
    record
}

/// Whether a process is there; one that has ended and was not waited for is not.
pub(super) fn runs(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// Sends a signal to a process that a gateway of ours has started.
pub(super) fn signal(process: u32, name: &str) -> Result<()> {
    let status = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status()?;
    ensure!(status.success(), "cannot send {name} to {process}");
    Ok(())
}

fn children(parent: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn words(process: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
