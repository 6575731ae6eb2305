//! The program, held against what version 0.1.0 wrote and published (`../shared/releases/0.1.0`): names, units and meaning
//! stay, whatever a type is called inside. Everything is looked at from outside: files, the built binary, HTTP, MQTT.
//!
//! What is different on purpose has a row in `release/exceptions.toml`. A difference without a row fails, and so does a row
//! without its difference.

/// Records, plans, jobs, books and health as the REST interface answers them.
mod answers;
/// Topics, payloads and the discovery message of Home Assistant.
mod broker;
/// Mode, dimming, jobs and sums of a data folder.
mod data;
/// What is different on purpose.
mod exceptions;
/// Prometheus' families and their labels.
mod metrics;
/// The description of the REST interface.
mod openapi;
/// The add-on's options, their schema, and a configuration.
mod options;
/// Decisions, decided again.
mod recording;
/// Each file of that folder broken, empty or newer.
mod rot;
/// Places and types of JSON.
mod shape;
/// A house that goes on with the data of 0.1.0, and everything it publishes.
mod surface;

use crate::peer::{binary, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// How long anything may take on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(120);

/// The folder of the release; `None`, said loudly, where it is not beside the checkout.
fn files() -> Option<PathBuf> {
    let folder = workspace().join("../shared/releases/0.1.0");
    if !folder.is_dir() {
        eprintln!("SKIPPED: the release 0.1.0 is not in {}", folder.display());
        return None;
    }
    Some(folder)
}

/// The text of one of its files.
fn text(file: &str) -> Result<Option<String>> {
    let Some(folder) = files() else { return Ok(None) };
    Ok(Some(std::fs::read_to_string(folder.join(file)).with_context(|| file.to_owned())?))
}

/// One of its files as JSON.
fn json(file: &str) -> Result<Option<Value>> {
    text(file)?.map(|text| serde_json::from_str(&text).with_context(|| file.to_owned())).transpose()
}

/// Copies its data folder to `target`, where it can be written; `false` where there is none.
fn copy_data(target: &Path) -> Result<bool> {
    let Some(folder) = files() else { return Ok(false) };
    copy(&folder.join("data"), target)?;
    Ok(true)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            // A copy would be as read-only as the release is.
            std::fs::write(&target, std::fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// Runs `heatmine` to its end.
fn ended(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(binary()?);
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("RUST_LOG", "warn");
    command.output().with_context(|| format!("heatmine {}", arguments.join(" ")))
}

/// The number of entries in the books in `folder/data`, whose chain is whole.
fn entries(folder: &Path) -> Result<u64> {
    let output = ended(folder, &["ledger", "verify", "--json", "--data", "data"])?;
    ensure!(output.status.success(), "the chain does not hold: {}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).context("the answer of heatmine ledger verify")?;
    answer["verified"]["entries"].as_u64().with_context(|| answer.to_string())
}

/// Where the demo's expert is; the demo fetches it where it is missing.
fn experts() -> String {
    workspace().join(".cache/experts").display().to_string()
}
