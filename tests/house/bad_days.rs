//! Bad days: what is killed, cut off, filled up or talks nonsense, and what the gateway makes of it. Each day has a defined
//! end: a published reason, safe values on the actuators, nothing lost from the books.
//!
//! A clock that jumps needs no process: the core's own rows and scenarios (`plant`) turn it forwards and back.

/// The broker goes and comes back.
mod broker;
/// Commands over kills, rot and absence.
mod commands;
/// What devices are owed after a kill, while files rot.
mod debts;
/// Values that are none: words, sentinels, a meter that repeats itself.
mod devices;
/// The disk is full.
mod disk;
/// The engine is killed, hangs, is switched off in the middle of a word.
mod engine;
/// A gateway of its own: `heatmine run` with a configuration made here, or `heatmine demo` with its log elsewhere.
mod gateway;
/// Kill -9 at random instants.
mod kill;
/// Power cuts, and kills at any moment, in a house whose devices stay set.
mod power;
/// A wire between a gateway and a device that can be cut, muted, and made to lie.
mod proxy;
/// A question whose answer is heard word by word.
mod question;
/// The simulated house at the pace of the wall's clock, for a gateway of the test's own.
mod shared_house;
/// The end that was asked for.
mod stop;
/// The inverter falls silent.
mod wires;

use crate::peer::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long anything may take on a machine that is busy with other things.
const LIMIT: Duration = Duration::from_secs(90);

/// The folder with the demo's expert; `None`, said loudly, where nobody has fetched it.
fn experts() -> Option<PathBuf> {
    let folder = workspace().join(".cache/experts");
    let there = folder.read_dir().is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.path().extension().is_some_and(|end| end == "gguf")))
    });
    if !there {
        eprintln!("SKIPPED: no expert in {} (./run setup fetches it)", folder.display());
    }
    there.then_some(folder)
}

/// What `heatmine ledger verify` says of the books in `data`; an error where the chain does not hold.
fn verify(data: &Path) -> Result<Value> {
    let output = Command::new(crate::peer::binary()?)
        .args(["ledger", "verify", "--json", "--data"])
        .arg(data)
        .output()
        .context("heatmine ledger verify")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the chain does not hold: {words}");
    let value: Value = serde_json::from_slice(&output.stdout).context("the answer of heatmine ledger verify")?;
    Ok(value["verified"].clone())
}

/// The ids of the receipts in the books, in their order.
fn receipts(data: &Path) -> Result<Vec<String>> {
    let books = rusqlite::Connection::open(data.join("ledger.db"))?;
    books.busy_timeout(Duration::from_secs(5))?;
    let mut rows = books
        .prepare("SELECT json_extract(body, '$.receipt.id') FROM entry WHERE kind = 'receipt' ORDER BY sequence")?;
    let ids = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// The reason of a record's decision.
fn reason(record: &Value) -> &str {
    record["decision"]["reason"].as_str().unwrap_or_default()
}

/// The state of a point: `fresh`, `stale` or `missing`.
fn state<'a>(record: &'a Value, point: &str) -> &'a str {
    record["points"][point]["state"].as_str().unwrap_or_default()
}

/// What the host could not do, in one line.
fn problems(record: &Value) -> String {
    let problems = record["problems"].as_array().into_iter().flatten();
    problems.filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}
