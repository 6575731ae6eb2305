//! The data folder of 0.1.0: a house starts from a copy of it, stops, starts again, and has lost nothing.

use super::{copy_data, ended, entries, experts};
use crate::peer::{Demo, Process, binary, client, free_port, wait_until};
use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// More than flows anywhere in the house, in kW: so much may be added in an hour.
const FLOW_MAX: f64 = 20.0;
/// The jobs are asked for this much later than the record, at most.
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// Entries as texts, to the last byte.
const ENTRIES: &str = "SELECT sequence || booked_at || kind || coalesce(slot, '') || body || previous || hash
    FROM entry ORDER BY sequence";
/// Sums of the worker's receipts; one that was served and not yet booked when 0.1.0 ended is booked at the next start.
const TOKENS: [&str; 2] = ["tokens_in", "tokens_out"];
/// The sums of a checkpoint that a record shows.
const SUMS: [&str; 4] = ["energy", "today", "month", "total"];

/// What 0.1.0 left.
struct Left {
    checkpoint: Value,
    jobs: Vec<Value>,
    entries: Vec<String>,
    receipts: Vec<Value>,
}

impl Left {
    /// Reads a copy that no program has touched.
    fn read(data: &Path) -> Result<Self> {
        let state = Connection::open(data.join("state.db"))?;
        let body: String = state.query_row("SELECT body FROM checkpoint", [], |row| row.get(0))?;
        let books = Connection::open(data.join("ledger.db"))?;
        let jobs = column(
            &Connection::open(data.join("jobs.db"))?,
            "SELECT json_object('id', id, 'title', request ->> 'title', 'status', status, 'attempts', attempts,
                'result', result, 'tokens_in', tokens_in, 'tokens_out', tokens_out, 'value', value) FROM job ORDER BY id",
        )?;
        let jobs = jobs.iter().map(|job| serde_json::from_str(job)).collect::<Result<_, _>>()?;
        let entries = column(&books, ENTRIES)?;
        let receipts = std::fs::read_to_string(data.join("worker/receipts.jsonl"))?;
        let receipts = receipts.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let booked = |receipt: &Value| entries.iter().any(|entry| entry.contains(&receipt["id"].to_string()));
        let receipts = receipts.filter(|receipt| !booked(receipt)).collect();
        Ok(Self { checkpoint: serde_json::from_str(&body)?, jobs, entries, receipts })
    }

    /// Whether what was commanded is still in force.
    fn commands(&self, record: &Value) -> Result<()> {
        for field in ["mode", "grid_dimming", "power_limit"] {
            ensure!(
                record[field] == self.checkpoint[field],
                "{field}: {} became {}",
                self.checkpoint[field],
                record[field]
            );
        }
        ensure!(record["mode"] == "off" && record["grid_dimming"] == 4200.0, "another release: {}", self.checkpoint);
        ensure!(record["decision"]["budget"] == 0.0, "{}", record["decision"]);
        Ok(())
    }

    /// Whether the sums go on from where they were, with no more than may have flowed since.
    fn sums(&self, record: &Value) -> Result<()> {
        let hours = (moment(record)? - moment(&self.checkpoint)?).as_seconds_f64() / 3600.0;
        ensure!(hours >= 0.0, "the house went back in time: {}", record["at"]);
        let flow = hours * FLOW_MAX + 1e-9;
        for sum in SUMS {
            for (field, value) in self.checkpoint[sum].as_object().into_iter().flat_map(Map::iter) {
                let (then, now) = (value.as_f64(), record[sum][field].as_f64());
                let may = if TOKENS.contains(&field.as_str()) { self.served(field) } else { flow };
                let near = then.zip(now).is_some_and(|(then, now)| (now - then).abs() <= may);
                ensure!(near, "{sum}.{field}: {then:?} became {now:?} within {hours} h");
            }
        }
        Ok(())
    }

    /// The tokens that are not yet booked.
    fn served(&self, field: &str) -> f64 {
        self.receipts.iter().filter_map(|receipt| receipt[field].as_f64()).sum()
    }

    /// Whether finished jobs are as they were, and waiting ones still wait until their deadline, if they have one; `record` has the moment.
    fn jobs(&self, jobs: &Value, record: &Value) -> Result<()> {
        let at = moment(record)?;
        let answered = jobs.as_array().context("no list of jobs")?;
        for job in &self.jobs {
            let now = answered.iter().find(|now| now["id"] == job["id"]).with_context(|| format!("lost: {job}"))?;
            ensure!(now["title"] == job["title"] && now["value"] == job["value"], "{job} became {now}");
            if job["status"] == "queued" {
                let deadline = now["deadline"].as_str().map(str::parse::<DateTime<Utc>>).transpose()?;
                let late = deadline.is_some_and(|deadline| deadline - at < MINUTE);
                let waits = now["status"] == "queued" || (late && now["status"] == "expired");
                ensure!(waits && now["result"].is_null(), "{job} became {now} at {at}");
            } else {
                let changed = job.as_object().into_iter().flat_map(Map::iter).find(|(key, value)| now[*key] != **value);
                ensure!(changed.is_none(), "{changed:?} of {job} became {now}");
            }
        }
        Ok(())
    }

    /// Whether the chain is whole and begins with the entries that were there, to the last byte.
    fn books(&self, folder: &Path) -> Result<()> {
        let count = entries(folder)?;
        let books = Connection::open(folder.join("data/ledger.db"))?;
        let now = column(&books, ENTRIES)?;
        ensure!(now.len() as u64 >= count && now.starts_with(&self.entries), "{count} entries, not the old ones first");
        Ok(())
    }
}

fn column(database: &Connection, query: &str) -> Result<Vec<String>> {
    database.busy_timeout(std::time::Duration::from_secs(5))?;
    let mut rows = database.prepare(query)?;
    let texts = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts)
}

fn moment(value: &Value) -> Result<DateTime<Utc>> {
    value["at"].as_str().context("no moment")?.parse().context("no moment")
}

#[tokio::test]
async fn a_house_goes_on_where_0_1_0_ended_and_again_after_a_stop() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    if !copy_data(&data)? {
        return Ok(());
    }
    let left = Left::read(&data)?;
    let mut demo = Demo::start_in(&data, &["--speed", "1", "--experts", &experts()]).await?;
    for start in ["the first start", "the second start"] {
        let record = demo.record().await.context("a record")?;
        left.commands(&record).context(start)?;
        left.sums(&record).context(start)?;
        left.jobs(&demo.get("/api/v1/jobs?limit=1000").await?, &record).context(start)?;
        the_day_is_closed(&demo.get("/api/v1/ledger/days").await?).context(start)?;
        left.books(folder.path()).context(start)?;
        ensure!(demo.process.stop().await?.success(), "{start}: {}", demo.process.tail());
        left.books(folder.path()).with_context(|| format!("{start} and stop"))?;
        if start == "the first start" {
            demo.restart().await?;
        }
    }
    Ok(())
}

/// The day that was over when the release was made has earned what it had.
fn the_day_is_closed(days: &Value) -> Result<()> {
    let then = super::json("golden/ledger_days.json")?.unwrap_or_default();
    let day = |days: &Value| days.as_array().into_iter().flatten().find(|day| day["period"] == "2026-04-14").cloned();
    let (then, now) = (day(&then).context("the release's day")?, day(days).context("the day is lost")?);
    let mut found = Vec::new();
    for (field, value) in then.as_object().into_iter().flat_map(Map::iter) {
        let near = value.as_f64().zip(now[field].as_f64()).is_some_and(|(then, now)| (now - then).abs() < 1e-9);
        if !near && now[field] != *value {
            found.push(format!("{field} of the day: {value} became {}", now[field]));
        }
    }
    super::exceptions::Exceptions::read()?.judge("golden/ledger_days.json (the day)", &found)
}

#[tokio::test]
async fn a_gateway_with_dead_devices_keeps_what_0_1_0_left() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    if !copy_data(&data)? {
        return Ok(());
    }
    let left = Left::read(&data)?;
    let http = adapted(&data.join("heatmine.toml"))?;
    let mut command = Command::new(binary()?);
    command.args(["run", "data/heatmine.toml"]).current_dir(folder.path()).env("NO_COLOR", "1").env("RUST_LOG", "info");
    let mut process = Process::start("heatmine run", command, &folder.path().join("log"))?;
    let (client, url) = (client()?, format!("{http}/api/v1"));
    let get = async |path: &str| client.get(format!("{url}/{path}")).send().await.ok()?.json::<Value>().await.ok();
    let first = async || get("record").await.filter(|record| record["decision"].is_object());
    let record = wait_until(super::LIMIT, "the first decision", first).await.with_context(|| process.tail())?;
    left.commands(&record)?;
    // Months have passed, so that day and month are others. Nothing is added where nobody answers.
    for sum in ["energy", "total"] {
        for (field, value) in left.checkpoint[sum].as_object().into_iter().flat_map(Map::iter) {
            ensure!(record[sum][field] == *value, "{sum}.{field}: {value} became {}", record[sum][field]);
        }
    }
    left.jobs(&get("jobs?limit=1000").await.context("the jobs")?, &record)?;
    ensure!(process.stop().await?.success(), "{}", process.tail());
    left.books(folder.path())?;
    the_key_is_the_owners(&data)
}

/// The key that signs the books is made once, and nobody else may read it.
fn the_key_is_the_owners(data: &Path) -> Result<()> {
    let mode = std::fs::metadata(data.join("ledger.key"))?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "ledger.key has the rights {mode:o}");
    Ok(())
}

/// Turns the configuration to ports of this test's own, on which only the page answers; returns its address.
pub(super) fn adapted(file: &Path) -> Result<String> {
    let mut config: toml::Table = std::fs::read_to_string(file)?.parse()?;
    let listen = format!("127.0.0.1:{}", free_port()?);
    let http = format!("http://{listen}");
    config["http"] = toml::Value::Table([("listen".to_owned(), listen.into())].into_iter().collect());
    config["worker"] = toml::toml! { url = "" }.into();
    config["worker"]["url"] = format!("http://127.0.0.1:{}", free_port()?).into();
    config["mqtt"]["port"] = i64::from(free_port()?).into();
    for device in config["device"].as_array_mut().context("no devices")? {
        if device.get("address").is_some() {
            device["address"] = format!("tcp://127.0.0.1:{}", free_port()?).into();
        }
    }
    std::fs::write(file, config.to_string())?;
    Ok(http)
}

/// The version of the files. Version 2 of the ledger has entries of the second form, and sums and signatures beside them; that of the
/// running state has its sums once; that of the jobs has the deliveries.
const VERSION: i32 = 2;

/// The way forward and the way back: a file goes on with a copy of what it was, which is what 0.1.0 reads, and keeps its tables, and
/// each entry to the last byte.
#[tokio::test]
async fn files_of_0_1_0_go_on_with_a_copy_that_0_1_0_reads() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    if !copy_data(&data)? {
        return Ok(());
    }
    let tables = |file: &str| -> Result<Vec<String>> {
        let database = Connection::open(data.join(file))?;
        let texts =
            column(&database, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'owed' ORDER BY name")?;
        Ok(texts.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
    };
    let state = |file: &str| -> Result<Value> {
        let body: String =
            Connection::open(data.join(file))?.query_row("SELECT body FROM checkpoint", [], |row| row.get(0))?;
        Ok(serde_json::from_str(&body)?)
    };
    let files = ["ledger.db", "state.db", "jobs.db"];
    let then = files.map(|file| tables(file).unwrap_or_default());
    let (left, first) = (Left::read(&data)?, state("state.db")?);
    adapted(&data.join("heatmine.toml"))?;
    let mut command = Command::new(binary()?);
    command.args(["run", "data/heatmine.toml"]).current_dir(folder.path()).env("NO_COLOR", "1").env("RUST_LOG", "info");
    let mut process = Process::start("heatmine run", command, &folder.path().join("log"))?;
    wait_until(super::LIMIT, "the start", async || process.log().contains("running").then_some(())).await?;
    ensure!(process.stop().await?.success(), "{}", process.tail());

    for (file, then) in files.iter().zip(then) {
        let version = |file: &str| -> Result<i32> {
            Ok(Connection::open(data.join(file))?.query_row("PRAGMA user_version", [], |row| row.get(0))?)
        };
        let copy = format!("{file}.from-0");
        let versions = (version(file)?, version(&copy)?);
        ensure!(versions == (VERSION, 0), "{file}: {versions:?}");
        let now = tables(file)?;
        ensure!(then.iter().all(|table| now.contains(table)) && tables(&copy)? == then, "{file} has other tables");
    }
    ensure!(column(&Connection::open(data.join("ledger.db.from-0"))?, ENTRIES)? == left.entries, "another copy");
    ensure!(state("state.db.from-0")? == first, "another copy");
    let goes_on = &state("state.db")?["closed"]["energy"]["import"];
    ensure!(goes_on.as_f64() >= first["energy"]["import"].as_f64().map(|then| then - 1.0), "{goes_on} of {first}");
    Ok(())
}

#[test]
fn what_is_lost_is_noticed() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    if !copy_data(&data)? {
        return Ok(());
    }
    let left = Left::read(&data)?;
    let mut record = left.checkpoint.clone();
    record["decision"] = json!({"budget": 0.0});
    left.commands(&record)?;
    left.sums(&record)?;
    left.books(folder.path())?;
    record["today"]["cost"] = json!(0.0);
    ensure!(left.sums(&record).is_err(), "a sum that began anew is not noticed");
    record["grid_dimming"] = Value::Null;
    ensure!(left.commands(&record).is_err(), "a dimming that was lifted is not noticed");
    ensure!(left.jobs(&json!([]), &record).is_err(), "lost jobs are not noticed");
    let books = Connection::open(data.join("ledger.db"))?;
    books.execute_batch("DROP TRIGGER entry_stay; DELETE FROM entry WHERE sequence > 100")?;
    drop(books);
    ensure!(left.books(folder.path()).is_err(), "lost entries are not noticed");
    ensure!(ended(folder.path(), &["ledger", "verify", "--data", "data"])?.status.code() == Some(65), "a broken chain");
    Ok(())
}
