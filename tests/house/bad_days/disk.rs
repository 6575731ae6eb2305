//! The data folder lies on a small disk that is filled to the last byte, and emptied again.

use super::gateway::Gateway;
use super::{LIMIT, experts, problems, question, receipts, verify};
use crate::peer::wait_until;
use anyhow::{Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

#[tokio::test]
async fn a_full_disk_is_reported_and_nothing_is_lost_when_there_is_room_again() -> Result<()> {
    let Some(experts) = experts() else { return Ok(()) };
    let folder = TempDir::new()?;
    let Some(disk) = Disk::mount(&folder.path().join("data"))? else { return Ok(()) };
    let arguments = ["--speed", "60", "--experts"].map(OsStr::new);
    let arguments = [arguments.as_slice(), &[experts.as_os_str()]].concat();
    let mut gateway = Gateway::demo(&disk.path, &folder.path().join("log"), &arguments).await?;
    gateway.ready_worker().await?;
    let mut answered = BTreeSet::from([question::short(&gateway.http, LIMIT).await?]);

    disk.fill()?;
    let full = |record: &serde_json::Value| problems(record).contains("full");
    let record = gateway.until("the full disk among the problems", full).await?;
    eprintln!("said: {}", problems(&record));
    // It goes on deciding and answering; what it books waits.
    for _ in 0..3 {
        answered.insert(question::short(&gateway.http, LIMIT).await?);
    }
    let at = record["at"].clone();
    gateway.until("more decisions", |record| record["at"] != at && full(record)).await?;
    ensure!(gateway.page("/health").await?.0 == 200, "the gateway is ill");
    let job = json!({"title": "a day", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8});
    let (status, answer) = gateway.post("/api/v1/jobs", &job).await?;
    ensure!(status < 300 || answer["error"].is_string(), "a job on a full disk: {status} {answer}");

    disk.clear()?;
    gateway.until("the end of the problem", |record| problems(record).is_empty()).await?;
    answered.insert(question::short(&gateway.http, LIMIT).await?);
    let data = disk.path.clone();
    wait_until(LIMIT, "all receipts in the books", async || {
        let booked: BTreeSet<String> = receipts(&data).ok()?.into_iter().collect();
        answered.is_subset(&booked).then_some(())
    })
    .await?;
    let status = gateway.process.stop().await?;
    ensure!(status.success(), "{status}\n{}", gateway.process.tail());
    let verified = verify(&disk.path)?;
    let booked = receipts(&disk.path)?;
    ensure!(booked.iter().collect::<BTreeSet<_>>().len() == booked.len(), "booked twice: {booked:?}");
    eprintln!("{verified}");
    Ok(())
}

/// A small disk of its own, gone when it is dropped.
pub(super) struct Disk {
    path: PathBuf,
}

impl Disk {
    /// `None`, said loudly, where this process must not mount anything.
    pub(super) fn mount(path: &Path) -> Result<Option<Self>> {
        std::fs::create_dir_all(path)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "heatmine-test"]).arg(path);
        if !mount.output().is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: no small disk could be mounted (this test needs root)");
            return Ok(None);
        }
        Ok(Some(Self { path: path.to_path_buf() }))
    }

    /// Fills it to the last byte.
    pub(super) fn fill(&self) -> Result<()> {
        let mut file = std::fs::File::create(self.path.join("filler"))?;
        for size in [65536, 4096, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub(super) fn clear(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path.join("filler"))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
