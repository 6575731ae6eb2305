//! What a device is owed after a kill, while the files about it rot.

use super::gateway::Gateway;
use super::{LIMIT, problems};
use crate::peer::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

const COPIES: [&str; 2] = ["debts.json", "debts.backup.json"];

/// The devices that are owed their own control, as a copy has them.
fn owed(data: &Path, copy: &str) -> Option<Vec<String>> {
    let kept: Value = serde_json::from_slice(&std::fs::read(data.join(copy)).ok()?).ok()?;
    let debts = kept["body"]["debts"].as_array()?.iter();
    Some(debts.filter_map(|debt| debt["device"].as_str().map(str::to_owned)).collect())
}

/// Waits until a device is set, which both copies say, and kills the gateway before the device has its own control back.
async fn set_and_killed(gateway: &mut Gateway, data: &Path) -> Result<String> {
    let said = |copy| owed(data, copy).unwrap_or_default().pop();
    loop {
        let both = async || said(COPIES[0]).filter(|device| said(COPIES[1]).as_ref() == Some(device));
        let device = wait_until(LIMIT, "a device to be set", both).await.with_context(|| gateway.process.tail())?;
        gateway.process.kill()?;
        if said(COPIES[1]).as_ref() == Some(&device) {
            return Ok(device);
        }
        gateway.restart().await?;
    }
}

#[tokio::test]
async fn a_device_that_a_kill_left_set_is_given_back_though_one_copy_of_the_debts_rots() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    // By the forenoon, half a minute here, the plan has set the battery or offered the heat pump what the sun gives.
    let arguments = ["--speed", "600"].map(OsStr::new);
    let mut gateway = Gateway::demo(&data, &folder.path().join("log"), &arguments).await?;
    let device = set_and_killed(&mut gateway, &data).await?;
    std::fs::write(data.join(COPIES[0]), "rot")?;
    gateway.restart().await?;
    // The simulated inverter begins anew with the process, and shows that it holds nothing of ours.
    let words =
        ["given back its own control after an unclean stop", "holds nothing of ours any more after an unclean stop"];
    wait_until(LIMIT, &format!("{device} to be given back"), async || {
        let log = gateway.process.log();
        words.iter().any(|words| log.contains(words)).then_some(())
    })
    .await
    .with_context(|| gateway.process.tail())?;
    gateway.until("the notice", |record| problems(record).contains("debts.json.broken-")).await?;
    let (status, answer) = gateway.post("/api/v1/confirm", &json!({"confirm": true})).await?;
    ensure!(status == 202, "{status} {answer}");
    let status = gateway.process.stop().await?;
    ensure!(status.code() == Some(0), "{status}\n{}", gateway.process.tail());
    for copy in COPIES {
        ensure!(owed(&data, copy) == Some(Vec::new()), "{copy}: {:?}", owed(&data, copy));
    }
    Ok(())
}

#[tokio::test]
async fn debts_that_are_lost_are_said_until_somebody_confirms() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let arguments = ["--speed", "60"].map(OsStr::new);
    let mut gateway = Gateway::demo(&data, &folder.path().join("log"), &arguments).await?;
    gateway.process.kill()?;
    for copy in COPIES {
        std::fs::write(data.join(copy), "")?;
    }
    let lost = |record: &Value| problems(record).contains("What the devices are owed is lost");
    for _ in 0..2 {
        gateway.restart().await?;
        gateway.until("the notice", lost).await?;
        gateway.process.kill()?;
    }
    gateway.restart().await?;
    let (status, answer) = gateway.post("/api/v1/confirm", &json!({"confirm": true})).await?;
    ensure!(status == 202, "{status} {answer}");
    gateway.process.kill()?;
    gateway.restart().await?;
    let record = gateway.record().await.context("a record")?;
    ensure!(!lost(&record), "{}", problems(&record));
    Ok(())
}
