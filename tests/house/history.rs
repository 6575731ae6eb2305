//! History leaves the house: the demo writes into a real database, which goes away and comes back. Meanwhile the records
//! wait in the spool, nothing else notices, and at the end nothing is missing. What has arrived then fills every panel of
//! the Grafana dashboard in the database's own language.

mod dashboard;

use crate::database::{Database, Kind};
use crate::peer::{self, Demo, wait_until};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// How long something may take on a machine that does other things as well.
const LIMIT: Duration = Duration::from_secs(120);
/// The longest wait for the page, which is the sign that something holds the loop up.
const PROMPT: Duration = Duration::from_secs(10);
/// Records that have to wait while the database is away.
const WAITING: i64 = 40;
/// House time that a dashboard needs to have something to show: its widest bars are 15 minutes wide.
const SHOWN: chrono::TimeDelta = chrono::TimeDelta::minutes(50);

#[tokio::test]
async fn influxdb_goes_away_and_nothing_is_missing() -> Result<()> {
    nothing_is_missing(Kind::Influx, "heatmine-influxql.json").await
}

#[tokio::test]
async fn victoria_metrics_goes_away_and_nothing_is_missing() -> Result<()> {
    nothing_is_missing(Kind::Victoria, "heatmine-promql.json").await
}

async fn nothing_is_missing(kind: Kind, dashboard: &str) -> Result<()> {
    let experts = peer::workspace().join(".cache/experts");
    if !experts.is_dir() {
        eprintln!("SKIPPED: the demo's model is not in .cache/experts (./run setup fetches it)");
        return Ok(());
    }
    let Some(mut database) = Database::start(kind).await? else { return Ok(()) };
    let experts = experts.display().to_string();
    let (url, api) = (database.url.clone(), database.api());
    let arguments = ["--experts", &experts, "--speed", "120", "--influx", &url, "--influx-api", api];
    let mut demo = Demo::start(&arguments).await?;
    let began = house_time(&demo).await?;
    arrived(&database, 5).await?;

    database.process.stop().await?;
    let before = house_time(&demo).await?;
    wait_until(LIMIT, "records in the spool", async || (spool(&demo).ok()?.waiting >= WAITING).then_some(())).await?;
    nothing_else_notices(&demo, before).await?;

    database.restart().await?;
    let drained = async || (spool(&demo).ok()?.waiting < WAITING / 4).then_some(());
    wait_until(LIMIT, "an empty spool", drained).await?;
    let enough = async || (house_time(&demo).await.ok()? - began > SHOWN).then_some(());
    wait_until(LIMIT, "enough house time for the dashboard", enough).await?;
    demo.process.stop().await?;

    let spool = spool(&demo)?;
    ensure!(spool.refused == 0 && spool.lost == 0, "{spool:?}");
    let (left, recorded) = (usize::try_from(spool.recorded - spool.waiting)?, usize::try_from(spool.recorded)?);
    arrived(&database, left).await?;
    // What was on its way when the demo ended is in both places: it is sent again, and is the same point.
    let count = database.count("heatmine_power", "limit").await?;
    ensure!(count <= recorded, "{count} records are in the database, {recorded} were made");
    dashboard::shows_something_everywhere(&database, dashboard).await
}

/// The page answers, the house is read, and the decisions go on.
async fn nothing_else_notices(demo: &Demo, before: DateTime<Utc>) -> Result<()> {
    let health = tokio::time::timeout(PROMPT, demo.get("/health")).await.context("the page hangs")??;
    ensure!(health.is_object(), "{health}");
    let later = async || (house_time(demo).await.ok()? - before > chrono::TimeDelta::minutes(5)).then_some(());
    wait_until(LIMIT, "the house to go on", later).await?;
    let record = demo.record().await.context("no record")?;
    let devices = record["devices"].as_array().context("no devices")?;
    let fresh = |device: &&serde_json::Value| device["error"].is_null();
    ensure!(devices.iter().filter(fresh).count() == devices.len(), "{devices:?}");
    Ok(())
}

async fn house_time(demo: &Demo) -> Result<DateTime<Utc>> {
    let record = tokio::time::timeout(PROMPT, demo.record()).await.context("the page hangs")?.context("no record")?;
    Ok(record["at"].as_str().context("a record without its time")?.parse()?)
}

async fn arrived(database: &Database, count: usize) -> Result<()> {
    let what = format!("{count} records in the database");
    let arrived = async || (database.count("heatmine_power", "limit").await.ok()? >= count).then_some(());
    wait_until(LIMIT, &what, arrived).await
}

/// What the spool's file says.
#[derive(Debug)]
struct Spool {
    recorded: i64,
    waiting: i64,
    refused: i64,
    lost: i64,
}

fn spool(demo: &Demo) -> Result<Spool> {
    let spool = rusqlite::Connection::open(demo.data.join("influx-spool.db"))?;
    spool.busy_timeout(PROMPT)?;
    let number = |query: &str| spool.query_row(query, [], |row| row.get(0));
    Ok(Spool {
        recorded: number("SELECT seq FROM sqlite_sequence WHERE name = 'waiting'")?,
        waiting: number("SELECT count(*) FROM waiting")?,
        refused: number("SELECT count(*) FROM refused")?,
        lost: number("SELECT records FROM lost")?,
    })
}
