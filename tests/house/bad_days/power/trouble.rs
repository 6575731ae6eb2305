//! Devices that are set while something else goes wrong: the disk is full, or the configuration does not name them any more.

use super::super::disk::Disk;
use super::super::problems;
use super::chance::Chance;
use super::stage::{Stage, debts};
use crate::peer::{seed, wait_until};
use anyhow::{Context, Result, ensure};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// A device is under its own control within this time.
const GIVEN_BACK: Duration = Duration::from_secs(30);

#[tokio::test]
async fn devices_that_are_set_when_the_disk_fills_up_are_given_back() -> Result<()> {
    let folder = TempDir::new()?;
    let Some(disk) = Disk::mount(&folder.path().join("data"))? else { return Ok(()) };
    let Some(mut stage) = Stage::start_in(folder, Chance::of(seed(), 0)).await? else { return Ok(()) };
    stage.hold().await?;
    disk.fill()?;
    stage.gateway.until("the full disk", |record| problems(record).contains("full")).await?;
    ensure!(stage.cellar.devices().iter().all(|(_, _, device)| !device.is_own()), "a full disk is no reason to let go");
    let asked = Instant::now();
    stage.gateway.process.stop().await?;
    stage.given_back(asked, Duration::from_secs(1)).await.context("stopped on a full disk")?;

    disk.clear()?;
    stage.gateway.restart().await?;
    stage.hold().await?;
    disk.fill()?;
    stage.gateway.until("the full disk", |record| problems(record).contains("full")).await?;
    stage.gateway.process.kill()?;
    ensure!(debts(&stage.data).len() == 2, "the disk knows of {:?}", debts(&stage.data));
    disk.clear()?;
    let started = Instant::now();
    stage.gateway.restart().await?;
    stage.given_back(started, GIVEN_BACK).await.context("killed on a full disk")?;
    Ok(())
}

#[tokio::test]
async fn a_device_that_leaves_the_configuration_while_it_is_set_is_given_back_all_the_same() -> Result<()> {
    let Some(mut stage) = Stage::start(Chance::of(seed(), 0)).await? else { return Ok(()) };
    stage.hold().await?;
    stage.gateway.process.kill()?;
    stage.disk.cut(None)?;
    let file = stage.data.with_file_name("heatmine.toml");
    let mut config: toml::Table = std::fs::read_to_string(&file)?.parse()?;
    config["device"].as_array_mut().context("devices")?.retain(|device| device["name"].as_str() != Some("heat_pump"));
    for gone in ["heat", "room"] {
        config.remove(gone);
    }
    config["device"][0].as_table_mut().context("the battery")?.remove("controls");
    std::fs::write(&file, config.to_string())?;

    let started = Instant::now();
    stage.gateway.restart().await?;
    stage.given_back(started, GIVEN_BACK).await?;
    let settled = || debts(&stage.data).is_empty();
    wait_until(GIVEN_BACK, "no debt on the disk", async || settled().then_some(())).await?;
    let record = stage.gateway.record().await.context("a record")?;
    ensure!(record["to_confirm"] == 0, "{}", record["problems"]);
    Ok(())
}
