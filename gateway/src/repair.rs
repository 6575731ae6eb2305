//! `heatmine repair`: what can be read of the files that were set aside, and where the chain of the books breaks.
//!
//! The start has carried over already what is cheap and sure: the jobs, and the entries of the ledger up to the break; of these it makes
//! the history anew. Here
//! everything that is left is looked at. A file that was set aside is never changed. Entries go into `ledger.db` only where they
//! continue its chain; all that can be read is written into a database of its own beside the broken one.
//!
//! Example: of 812 entries the page with 401 to 403 is gone. `ledger.db` goes on from entry 400; the 809 that can be read are in
//! `ledger.db.broken-2026-11-29T10-00-00Z.recovered`. Where a backup has entry 401 to 403, all of them can be put together.

use crate::jobs::{Limits, Queue};
use crate::store::{Disk, History, Ledger, Recovered, StateStore, suffixed};
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Nothing is handed in while a queue is repaired.
const NO_LIMITS: Limits = Limits { queue_max: u32::MAX, attempts: 1, eur_per_mtok_in: 0.0, eur_per_mtok_out: 0.0 };

/// What was found in a file, and done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Whole sentences.
    pub words: Vec<String>,
}

/// Repairs the data folder, which nobody else may be at work in.
///
/// # Errors
/// Somebody is, or the folder cannot be read or written.
pub fn repair(folder: &Path) -> Result<Vec<Finding>> {
    let disk = Disk::Folder(folder.to_owned());
    let _claim = disk.claim()?;
    // What is broken and not yet set aside is so now, as by a start.
    let ledger = Ledger::open(&disk)?;
    let state = StateStore::open(&disk).context("cannot open state.db")?;
    let queue = Queue::open(&disk, NO_LIMITS)?;
    let mut history = History::begin(&disk);
    let opened = [
        ("ledger.db", ledger.found()),
        ("state.db", state.found()),
        ("jobs.db", queue.found().map(str::to_owned)),
        ("history.db", history.found()),
    ];
    let mut findings = Vec::new();
    for (file, words) in opened {
        if let Some(words) = words {
            findings.push(Finding { file: folder.join(file), words: vec![format!("{words}.")] });
        }
    }
    for file in set_aside(folder, "ledger.db")? {
        let words = books(&file, &ledger)?;
        findings.push(Finding { file, words });
    }
    for file in set_aside(folder, "jobs.db")? {
        let words = match queue.carry_over(&file)? {
            0 => "Every job of it that can be read is in jobs.db.".to_owned(),
            1 => "One job of it was not in jobs.db and is there now.".to_owned(),
            count => format!("{count} jobs of it were not in jobs.db and are there now."),
        };
        findings.push(Finding { file, words: vec![words] });
    }
    for file in set_aside(folder, "history.db")? {
        let words = match history.carry_over(&file)? {
            0 => "Every quarter hour of it that can be read is in history.db.".to_owned(),
            1 => "One quarter hour of it was not in history.db and is there now.".to_owned(),
            count => format!("{count} quarter hours of it were not in history.db and are there now."),
        };
        findings.push(Finding { file, words: vec![words] });
    }
    let verified = match ledger.verify(|_| ()) {
        Ok(verified) => format!("Its chain holds: {} entries.", verified.entries),
        Err(error) => format!("Its chain does not hold: {error}."),
    };
    findings.push(Finding { file: folder.join("ledger.db"), words: vec![verified] });
    Ok(findings)
}

/// The broken files of this name, oldest first; not what belongs to them.
fn set_aside(folder: &Path, file: &str) -> Result<Vec<PathBuf>> {
    let mark = format!("{file}.broken-");
    let belongs = |name: &str| ["-wal", "-shm", "-journal", ".recovered"].iter().any(|end| name.ends_with(end));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&mark) && !belongs(&name) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Looks at broken books, and takes over what continues the chain of `ledger`.
fn books(file: &Path, ledger: &Ledger) -> Result<Vec<String>> {
    let recovered = Recovered::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let Some(last) = recovered.entries.last() else {
        return Ok(vec!["No entry of it can be read.".to_owned()]);
    };
    let count = recovered.entries.len();
    let mut words = vec![format!("{count} entries of it can be read, up to entry {}.", last.sequence)];
    let runs: Vec<String> = recovered.runs().into_iter().map(span).collect();
    words.push(format!("Whole, each following the one before it: {}.", runs.join("; ")));
    words.push(match recovered.breaks() {
        Some(why) => format!("The chain breaks: {why}."),
        None => "The chain holds up to there.".to_owned(),
    });
    let head = ledger.head()?;
    let more = recovered.after(&head);
    if more.is_empty() {
        words.push(format!("Nothing of it continues ledger.db, which ends with entry {}.", head.sequence));
    } else {
        ledger.append_all(more)?;
        words.push(format!("{} of them continue ledger.db and are in it now.", more.len()));
    }
    let copy = suffixed(file, ".recovered");
    if recovered.breaks().is_some() && !copy.exists() {
        Ledger::write_apart(&copy, &recovered.entries).with_context(|| format!("cannot write {}", copy.display()))?;
        words.push(format!("All that can be read was written into {}.", copy.display()));
    }
    Ok(words)
}

fn span((first, last): (u64, u64)) -> String {
    if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") }
}

#[cfg(test)]
#[path = "repair_test.rs"]
mod tests;
