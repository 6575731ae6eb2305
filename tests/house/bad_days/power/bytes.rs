//! What a day costs the card: bytes that the gateway gives to the files of its data folder, counted by the shim and scaled.
//!
//! In numbers: a page of SQLite is 4 kB, so that 20 MB are a commit of one page every 18 s. Its index of the log is memory that two
//! processes share, and is not counted. An answer is an entry of the books and costs what it costs; here nobody asks.

use super::chance::Chance;
use super::stage::Stage;
use crate::peer::seed;
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What a start costs is left out.
const SETTLED: Duration = Duration::from_secs(20);
/// So long it is counted.
const COUNTED: Duration = Duration::from_secs(70);
/// The goal is 20 MB; a minute has more or less than its share of what happens twice a minute.
const DAY_MAX_MB: f64 = 30.0;

#[tokio::test]
async fn a_day_of_a_house_at_work_writes_less_than_thirty_megabytes() -> Result<()> {
    let Some(stage) = Stage::start(Chance::of(seed(), 0)).await? else { return Ok(()) };
    stage.hold().await?;
    stage.leave_the_engine_alone();
    sleep(SETTLED).await;
    let (before, began) = (stage.disk.written()?, Instant::now());
    sleep(COUNTED).await;
    let bytes = stage.disk.written()? - before;
    let megabytes = bytes as f64 / began.elapsed().as_secs_f64() * 86_400.0 / 1e6;
    eprintln!("{bytes} bytes in {:.0} s, {megabytes:.1} MB a day", began.elapsed().as_secs_f64());
    ensure!(megabytes < DAY_MAX_MB, "{megabytes:.1} MB a day");

    // What somebody says is written, and counted: the count is alive.
    let before = stage.disk.written()?;
    stage.gateway.post("/api/v1/power-limit", &json!({"watts": 700})).await?;
    ensure!(stage.disk.written()? > before, "a command was kept without writing");
    Ok(())
}
