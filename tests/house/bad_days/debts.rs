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

/// Waits until a device is set, and kills the gateway.
async fn set_and_killed(gateway: &mut Gateway, data: &Path) -> Result<String> {
    let set = wait_until(LIMIT, "a device to be set", async || owed(data, COPIES[0])?.pop()).await;
    let device = set.with_context(|| gateway.process.tail())?;
    gateway.process.kill()?;
    ensure!(
        COPIES.iter().any(|copy| owed(data, copy).is_some_and(|owed| owed.contains(&device))),
        "{device} is forgotten"
    );
    Ok(device)
}

#[tokio::test]
async fn a_device_that_a_kill_left_set_is_given_back_though_one_copy_of_the_debts_rots() -> Result<()> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    // By the forenoon, half a minute here, the heat pump is offered what the sun gives.
    let arguments = ["--speed", "600"].map(OsStr::new);
    let mut gateway = Gateway::demo(&data, &folder.path().join("log"), &arguments).await?;
    for copy in COPIES {
        let device = set_and_killed(&mut gateway, &data).await?;
        std::fs::write(data.join(copy), "rot")?;
        let before = gateway.process.log().matches("given back its own control after an unclean stop").count();
        gateway.restart().await?;
        wait_until(LIMIT, &format!("{device} to be given back"), async || {
            let log = gateway.process.log();
            (log.matches("given back its own control after an unclean stop").count() > before).then_some(())
        })
        .await
        .with_context(|| gateway.process.tail())?;
        let said = format!("{copy}.broken-");
        gateway.until("the notice", |record| problems(record).contains(&said)).await?;
        let (status, answer) = gateway.post("/api/v1/confirm", &json!({"confirm": true})).await?;
        ensure!(status == 202, "{status} {answer}");
    }
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
