//! Real databases: InfluxDB 1 and VictoriaMetrics, each in a folder of its own on a free port.

use crate::peer::{Process, START, client, free_port, program, wait_until};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The database's name, where it has names.
pub(crate) const NAME: &str = "heatmine";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// InfluxDB 1, written at `/write` and asked in InfluxQL.
    Influx,
    /// VictoriaMetrics, written at `/api/v2/write` and asked in PromQL.
    Victoria,
}

/// A running database.
pub(crate) struct Database {
    /// Which it is.
    pub kind: Kind,
    /// Its address.
    pub url: String,
    /// The running server.
    pub process: Process,
    program: PathBuf,
    port: u16,
    folder: TempDir,
}

impl Database {
    /// Starts an empty database; `None` where it is not installed.
    pub(crate) async fn start(kind: Kind) -> Result<Option<Self>> {
        let name = match kind {
            Kind::Influx => "influxd",
            Kind::Victoria => "victoria-metrics",
        };
        let Some(program) = program(name) else { return Ok(None) };
        let (port, folder) = (free_port()?, TempDir::new()?);
        let process = spawn(kind, &program, port, folder.path())?;
        let url = format!("http://127.0.0.1:{port}");
        let database = Self { kind, url, process, program, port, folder };
        database.wait().await?;
        if kind == Kind::Influx {
            database.ask(&format!("CREATE DATABASE {NAME}")).await?;
        }
        Ok(Some(database))
    }

    /// Starts it again with its data after `process` was stopped or killed.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.process = spawn(self.kind, &self.program, self.port, self.folder.path())?;
        self.wait().await
    }

    /// The write endpoint that it has, as `heatmine demo --influx-api` names it.
    pub(crate) fn api(&self) -> &'static str {
        match self.kind {
            Kind::Influx => "v1",
            Kind::Victoria => "v2",
        }
    }

    /// The answer to an InfluxQL statement.
    pub(crate) async fn ask(&self, statement: &str) -> Result<Value> {
        let mut url = reqwest::Url::parse(&format!("{}/query", self.url))?;
        url.query_pairs_mut().append_pair("db", NAME).append_pair("epoch", "ms").append_pair("q", statement);
        let answer: Value = client()?.post(url).send().await?.json().await?;
        match answer.pointer("/results/0/error").or_else(|| answer.get("error")) {
            Some(error) => Err(anyhow::anyhow!("{statement}: {error}")),
            None => Ok(answer),
        }
    }

    /// The answer of an HTTP path with these parameters, as text.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.url))?;
        url.query_pairs_mut().extend_pairs(parameters);
        let response = client()?.get(url).send().await?;
        let status = response.status();
        let text = response.text().await?;
        anyhow::ensure!(status.is_success(), "{path} {parameters:?}: {status} {text}");
        Ok(text)
    }

    /// How many values a measurement's field has.
    pub(crate) async fn count(&self, measurement: &str, field: &str) -> Result<usize> {
        match self.kind {
            Kind::Influx => {
                let answer = self.ask(&format!("SELECT count(\"{field}\") FROM \"{measurement}\"")).await?;
                let count = answer.pointer("/results/0/series/0/values/0/1").and_then(Value::as_u64);
                Ok(count.unwrap_or_default().try_into()?)
            }
            Kind::Victoria => {
                let name = format!("{measurement}_{field}");
                let text = self.get("/api/v1/export", &[("match[]", &name), ("start", "0")]).await?;
                let lines = text.lines().map(serde_json::from_str::<Value>);
                let mut count = 0;
                for line in lines {
                    count += line?["values"].as_array().context("no values in an exported line")?.len();
                }
                Ok(count)
            }
        }
    }

    async fn wait(&self) -> Result<()> {
        let client = client()?;
        let path = match self.kind {
            Kind::Influx => "/ping",
            Kind::Victoria => "/health",
        };
        let url = format!("{}{path}", self.url);
        let answers = async || client.get(&url).send().await.ok().filter(|answer| answer.status().is_success());
        wait_until(START, "the database", answers).await.map(drop).with_context(|| self.process.tail())
    }
}

fn spawn(kind: Kind, program: &Path, port: u16, folder: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    let (name, place) = match kind {
        Kind::Influx => ("influxd", folder.display()),
        Kind::Victoria => ("victoria-metrics", folder.display()),
    };
    match kind {
        Kind::Influx => {
            let file = folder.join("influxdb.conf");
            let config = format!(
                "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n\
                 [meta]\ndir = \"{place}/meta\"\n\
                 [data]\ndir = \"{place}/data\"\nwal-dir = \"{place}/wal\"\nquery-log-enabled = false\n\
                 [monitor]\nstore-enabled = false\n\
                 [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n"
            );
            std::fs::write(&file, config)?;
            command.arg("-config").arg(file);
        }
        Kind::Victoria => {
            command
                .arg(format!("-storageDataPath={place}/data"))
                .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                .args(["-retentionPeriod=100y", "-search.latencyOffset=0s"]);
        }
    }
    Process::start(name, command, &folder.join("database.log"))
}
