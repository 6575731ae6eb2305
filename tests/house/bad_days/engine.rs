//! The worker's process: switched off in the middle of an answer, killed, frozen.

use super::gateway::{Gateway, runs, signal};
use super::question::{self, Question};
use super::{LIMIT, experts, problems, reason};
use crate::peer::wait_until;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Off is off within this time.
const OFF: Duration = Duration::from_millis(500);
/// A hang is noticed after six to seven seconds; a busy machine is given as many again.
const NOTICED: Duration = Duration::from_secs(14);

async fn demo(folder: &TempDir) -> Result<Option<Gateway>> {
    let Some(experts) = experts() else { return Ok(None) };
    let arguments = ["--speed", "60", "--experts"].map(OsStr::new);
    let arguments = [arguments.as_slice(), &[experts.as_os_str()]].concat();
    let gateway = Gateway::demo(&folder.path().join("data"), &folder.path().join("log"), &arguments).await?;
    gateway.ready_worker().await?;
    Ok(Some(gateway))
}

/// A question whose answer has begun.
async fn talking(gateway: &Gateway) -> Result<Question> {
    let question = Question::ask(&gateway.http)?;
    let begun = wait_until(LIMIT, "the first words", async || {
        (question.words().0 >= 5 || question.end().is_some()).then_some(())
    });
    begun.await.with_context(|| gateway.process.tail())?;
    ensure!(question.end().is_none(), "the answer ended: {:?}", question.end());
    Ok(question)
}

#[tokio::test]
async fn off_is_off_within_half_a_second_and_the_answer_goes_on_afterwards() -> Result<()> {
    let folder = TempDir::new()?;
    let Some(gateway) = demo(&folder).await? else { return Ok(()) };
    let question = talking(&gateway).await?;

    gateway.set_mode("off").await?;
    let off = Instant::now();
    sleep(OFF + Duration::from_secs(1)).await;
    let (count, last) = question.words();
    let late = last.map_or(Duration::ZERO, |last| last.saturating_duration_since(off));
    eprintln!("the last word came {late:?} after mode off");
    ensure!(late < OFF, "words came after mode off");
    sleep(Duration::from_secs(1)).await;
    ensure!(question.words().0 == count, "words came in mode off");
    let record = gateway.until("mode off in the record", |record| record["mode"] == "off").await?;
    ensure!(reason(&record) == "off" && record["decision"]["budget"] == 0.0, "{}", record["decision"]);

    // Who asks now hears why there is no answer; who was being answered waits.
    let refused = question::short(&gateway.http, LIMIT).await.expect_err("an answer in mode off").to_string();
    ensure!(refused.contains("503") && refused.contains("switched off"), "{refused}");
    ensure!(question.end().is_none(), "the waiting answer ended: {:?}", question.end());

    gateway.set_mode("auto").await?;
    wait_until(LIMIT, "the answer to go on", async || (question.words().0 > count + 5).then_some(())).await?;
    let end = wait_until(LIMIT, "its end", async || question.end()).await?;
    ensure!(end == "[DONE]", "{end}");
    ensure!(question.text().len() > 100, "{}", question.text());
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_killed_or_hangs_is_reported_and_started_again() -> Result<()> {
    let folder = TempDir::new()?;
    let Some(gateway) = demo(&folder).await? else { return Ok(()) };

    let question = talking(&gateway).await?;
    let killed = gateway.worker().context("no worker")?;
    signal(killed, "KILL")?;
    let down = |record: &serde_json::Value| reason(record) == "worker_down";
    let record = gateway.within(NOTICED, "worker_down after kill -9", down).await?;
    let error = record["worker"]["error"].as_str().unwrap_or_default().to_owned();
    ensure!(error.contains("signal: 9") && record["decision"]["budget"] == 0.0, "{}", record["worker"]);
    let end = wait_until(LIMIT, "the broken answer's end", async || question.end()).await?;
    ensure!(end != "[DONE]", "half an answer looks like a whole one: {}", question.text());
    let second = gateway.ready_worker().await?;
    ensure!(second != killed && gateway.record().await.is_some_and(|record| record["worker"]["restarts"] == 1));

    let question = talking(&gateway).await?;
    signal(second, "STOP")?;
    let frozen = Instant::now();
    let record = gateway.within(LIMIT, "worker_down after a hang", down).await?;
    ensure!(frozen.elapsed() < NOTICED, "the hang was noticed after {:?}", frozen.elapsed());
    eprintln!("the hang was noticed after {:?}", frozen.elapsed());
    let error = record["worker"]["error"].as_str().unwrap_or_default().to_owned();
    ensure!(error.contains("no answer"), "{}", record["worker"]);
    wait_until(LIMIT, "the hanging process to be gone", async || (!runs(second)).then_some(())).await?;
    drop(question);
    let third = gateway.ready_worker().await?;
    ensure!(third != second && gateway.record().await.is_some_and(|record| record["worker"]["restarts"] == 2));
    question::short(&gateway.http, LIMIT).await?;
    let record = gateway.until("no problem left", |record| problems(record).is_empty()).await?;
    ensure!(reason(&record) != "worker_down");
    Ok(())
}
