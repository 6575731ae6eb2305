//! The data folder of 0.1.0 with each of its files broken, cut in half, empty, gone or of a newer version: the built binary starts
//! every time, says so on its page, and no sum has fallen; `heatmine repair` tells what can be read.

use super::data::adapted;
use super::{copy_data, ended, entries};
use crate::peer::{Process, binary, client, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const PAGE: usize = 4096;

/// A gateway without devices that answer, on a copy of the data.
struct House {
    folder: TempDir,
    http: String,
}

impl House {
    /// `None` where there is no release. It has run once, so that its files are those of today.
    async fn new() -> Result<Option<Self>> {
        Self::new_in(TempDir::new()?).await
    }

    async fn new_in(folder: TempDir) -> Result<Option<Self>> {
        let data = folder.path().join("data");
        if !copy_data(&data)? {
            return Ok(None);
        }
        let http = adapted(&data.join("heatmine.toml"))?;
        let house = Self { folder, http };
        house.record().await?;
        Ok(Some(house))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts, reads the first record, stops.
    async fn record(&self) -> Result<Value> {
        let mut command = Command::new(binary()?);
        command.args(["run", "data/heatmine.toml"]).current_dir(self.folder.path()).env("NO_COLOR", "1");
        let mut process = Process::start("heatmine run", command, &self.folder.path().join("log"))?;
        let (client, url) = (client()?, format!("{}/api/v1/record", self.http));
        let first = async || {
            let record = client.get(&url).send().await.ok()?.json::<Value>().await.ok()?;
            record["decision"].is_object().then_some(record)
        };
        let record = wait_until(super::LIMIT, "the first decision", first).await.with_context(|| process.tail())?;
        ensure!(process.stop().await?.success(), "{}", process.tail());
        Ok(record)
    }
}

fn problems(record: &Value) -> String {
    let problems = record["problems"].as_array().into_iter().flatten();
    problems.filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
}

/// Sums that only grow.
fn same_sums(before: &Value, now: &Value) -> Result<()> {
    for field in ["energy", "total"] {
        ensure!(before[field] == now[field], "{field}: {} became {}", before[field], now[field]);
    }
    Ok(())
}

#[tokio::test]
async fn a_broken_file_stops_no_house_and_is_said_until_somebody_confirms() -> Result<()> {
    let Some(house) = House::new().await? else { return Ok(()) };
    let before = house.record().await?;
    ensure!(!problems(&before).contains(".db"), "{}", problems(&before));
    for (file, at) in
        [("ledger.db", 0), ("ledger.db", 12), ("state.db", 1), ("jobs.db", 0), ("jobs.db", 3), ("history.db", 1)]
    {
        let path = house.data().join(file);
        let mut bytes = std::fs::read(&path)?;
        bytes[at * PAGE..(at + 1) * PAGE].fill(0xff);
        std::fs::write(&path, bytes)?;
        let what = format!("page {} of {file}", at + 1);
        for start in ["the first start", "the second start"] {
            let record = house.record().await.with_context(|| what.clone())?;
            let said = problems(&record);
            ensure!(said.contains(&format!("{file}.broken-")), "{what}, {start}: {said}");
            same_sums(&before, &record).with_context(|| what.clone())?;
            entries(house.folder.path()).with_context(|| what.clone())?;
        }
    }
    let repaired = ended(house.folder.path(), &["repair", "--data", "data"])?;
    let said = String::from_utf8_lossy(&repaired.stdout).into_owned();
    ensure!(repaired.status.success() && said.contains("The chain breaks: entry "), "{said}");
    ensure!(said.contains("Its chain holds: "), "{said}");
    same_sums(&before, &house.record().await?)
}

#[tokio::test]
async fn books_that_vanish_are_said_and_no_sum_falls() -> Result<()> {
    type Wreck = fn(&Path) -> std::io::Result<()>;
    let wrecks: [(&str, Wreck); 4] = [
        ("empty", |path| std::fs::write(path, "")),
        ("gone", |path| std::fs::remove_file(path)),
        ("a folder", |path| std::fs::remove_file(path).and_then(|()| std::fs::create_dir(path))),
        ("half of it", |path| std::fs::read(path).and_then(|bytes| std::fs::write(path, &bytes[..bytes.len() / 2]))),
    ];
    for (what, wreck) in wrecks {
        let Some(house) = House::new().await? else { return Ok(()) };
        let before = house.record().await?;
        wreck(&house.data().join("ledger.db"))?;
        let record = house.record().await.with_context(|| what)?;
        let said = problems(&record);
        ensure!(said.contains("remembers entry ") && said.contains(" EUR in all; ledger.db has "), "{what}: {said}");
        same_sums(&before, &record).with_context(|| what)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_newer_file_is_left_alone_and_nothing_is_switched_on() -> Result<()> {
    for file in ["ledger.db", "state.db", "jobs.db"] {
        let Some(house) = House::new().await? else { return Ok(()) };
        let path = house.data().join(file);
        let newer = rusqlite::Connection::open(&path)?;
        newer.execute_batch("PRAGMA user_version = 7; PRAGMA journal_mode = DELETE")?;
        drop(newer);
        let bytes = std::fs::read(&path)?;
        let record = house.record().await.with_context(|| file)?;
        let said = problems(&record);
        ensure!(said.contains(&format!("{file} is of version 7")), "{file}: {said}");
        ensure!(record["mode"] == "off" && record["decision"]["budget"] == 0.0, "{file}: {record}");
        ensure!(std::fs::read(&path)? == bytes, "{file} was written");
    }
    Ok(())
}

#[tokio::test]
async fn a_house_starts_on_a_full_disk_with_the_room_that_was_kept() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=4m", "heatmine-test"]).arg(&data);
    if !mount.output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no small disk could be mounted (this test needs root)");
        return Ok(());
    }
    let _mounted = Mounted(data.clone());
    let Some(house) = House::new_in(folder).await? else { return Ok(()) };
    let before = house.record().await?;
    let mut filler = std::fs::File::create(data.join("filler"))?;
    for size in [65536, 4096, 1] {
        while filler.write_all(&vec![1; size]).is_ok() {}
    }
    let record = house.record().await?;
    same_sums(&before, &record)?;
    ensure!(!problems(&record).contains(".broken-"), "{}", problems(&record));
    entries(house.folder.path())?;
    std::fs::remove_file(data.join("filler"))?;
    same_sums(&before, &house.record().await?)
}

/// A small disk, gone when it is dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
