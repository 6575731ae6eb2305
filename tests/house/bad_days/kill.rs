//! Kill -9 while answers are made and booked: what a client got is in the books, once, and the chain holds.

use super::gateway::{Gateway, runs};
use super::{LIMIT, experts, question, receipts, verify};
use crate::peer::{seed, wait_until};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How often it is killed.
const KILLS: u32 = 5;
/// The longest that it lives between its first decision and its end.
const LIFE_MS: u64 = 5000;
/// A worker without a gateway ends within this time.
const ORPHAN: Duration = LIMIT;

#[tokio::test]
async fn kill_at_any_instant_loses_no_receipt_and_breaks_no_chain() -> Result<()> {
    let Some(experts) = experts() else { return Ok(()) };
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let arguments = ["--speed", "60", "--experts"].map(OsStr::new);
    let arguments = [arguments.as_slice(), &[experts.as_os_str()]].concat();
    let mut gateway = Gateway::demo(&data, &folder.path().join("log"), &arguments).await?;
    gateway.ready_worker().await?;

    let answered = Arc::<Mutex<BTreeSet<String>>>::default();
    let askers: Vec<Asker> = (0..2).map(|_| Asker::start(&gateway.http, &answered)).collect();
    // Before the summaries of the day, which are worth reading for a day.
    let now =
        gateway.record().await.context("a record")?["at"].as_str().unwrap_or_default().parse::<DateTime<Utc>>()?;
    let job = json!({"title": "hello", "deadline": now + TimeDelta::hours(12), "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8});
    let (status, job) = gateway.post("/api/v1/jobs", &job).await?;
    ensure!(status == 201, "{status} {job}");
    let (mut entries, seed) = (0, seed());
    for kill in 0..KILLS {
        let mode = if kill % 2 == 0 { "surplus" } else { "heat" };
        gateway.set_mode(mode).await?;
        gateway.until("the mode", |record| record["mode"] == mode).await?;
        // The first dies as soon as it has said that it took the mode; every other one has answered before.
        if kill % 2 == 1 {
            let before = known(&answered).len();
            wait_until(LIMIT, "an answer", async || (known(&answered).len() > before).then_some(())).await?;
        }
        let moment = if kill == 0 { 0 } else { chance(seed, kill) % LIFE_MS };
        sleep(Duration::from_millis(moment)).await;
        let worker = gateway.worker();
        gateway.process.kill()?;
        eprintln!("killed {moment} ms after the mode {mode} was taken");
        let verified = verify(&data)?;
        let now = verified["entries"].as_u64().unwrap_or(0);
        ensure!(now >= entries, "{entries} entries became {now}");
        entries = now;
        if let Some(worker) = worker {
            wait_until(ORPHAN, "the orphaned worker's end", async || (!runs(worker)).then_some(())).await?;
        }
        gateway.restart().await?;
        gateway.until("the mode to survive", |record| record["mode"] == mode).await?;
    }
    drop(askers);

    gateway.ready_worker().await?;
    gateway.set_mode("boost").await?;
    let mut left = job;
    let done = wait_until(LIMIT, "the job that lived through it all", async || {
        let (_, text) = gateway.page(&format!("/api/v1/jobs/{}", left["id"])).await.ok()?;
        left = serde_json::from_str(&text).ok()?;
        (left["status"] == "done").then_some(())
    });
    done.await.with_context(|| format!("{left}\n{}", gateway.process.tail()))?;
    let last = question::short(&gateway.http, LIMIT).await?;
    // The newest answer's receipt is the last of the worker's: once it is booked, all are.
    wait_until(LIMIT, "the last receipt in the books", async || receipts(&data).ok()?.contains(&last).then_some(()))
        .await?;
    let answers = booked_by_the_next_start(&mut gateway, &data).await?;
    let verified = verify(&data)?;
    let booked = receipts(&data)?;
    let unique: BTreeSet<&String> = booked.iter().collect();
    ensure!(unique.len() == booked.len(), "a receipt is booked twice: {booked:?}");
    ensure!(verified["receipts"] == booked.len(), "{verified}");
    let answered = known(&answered);
    let mut proofs = answers;
    proofs.extend(answered.iter().cloned());
    let lost: Vec<&String> = proofs.iter().filter(|id| !unique.contains(id)).collect();
    ensure!(lost.is_empty(), "not booked: {lost:?} of {}", proofs.len());
    eprintln!("{} receipts, {} of them answered to a client; {verified}", booked.len(), answered.len());
    Ok(())
}

/// Ends and starts the gateway, and ends it again once it has booked every answer that the worker had given by the first end: one of the
/// queue may have been finished just then. Returns their receipts.
async fn booked_by_the_next_start(gateway: &mut Gateway, data: &Path) -> Result<BTreeSet<String>> {
    let status = gateway.process.stop().await?;
    ensure!(status.success(), "{status}\n{}", gateway.process.tail());
    let answers = journal(data)?;
    gateway.restart().await?;
    let all_booked = || receipts(data).is_ok_and(|booked| answers.iter().all(|id| booked.contains(id)));
    wait_until(LIMIT, "every receipt in the books", async || all_booked().then_some(())).await?;
    gateway.set_mode("off").await?;
    let status = gateway.process.stop().await?;
    ensure!(status.success(), "{status}\n{}", gateway.process.tail());
    Ok(answers)
}

/// A number that follows from the seed and the round alone.
fn chance(seed: u64, round: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, round).hash(&mut hasher);
    hasher.finish()
}

fn known(answered: &Mutex<BTreeSet<String>>) -> BTreeSet<String> {
    answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Asks short questions one after the other, and keeps the receipts of those that were answered.
struct Asker {
    task: JoinHandle<()>,
}

impl Asker {
    fn start(http: &str, answered: &Arc<Mutex<BTreeSet<String>>>) -> Self {
        let (http, answered) = (http.to_owned(), answered.clone());
        let task = tokio::spawn(async move {
            loop {
                match question::short(&http, LIMIT).await {
                    Ok(receipt) => drop(answered.lock().unwrap_or_else(PoisonError::into_inner).insert(receipt)),
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Self { task }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The ids in the worker's own file.
fn journal(data: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(data.join("worker/receipts.jsonl"))?;
    let ids = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(ids.filter_map(|receipt| receipt["id"].as_str().map(str::to_owned)).collect())
}
