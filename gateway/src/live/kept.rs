//! What the last run left on disk, and where this one records.

use crate::recording::Recorder;
use crate::store::{Ledger, StateStore};
use crate::supervise::REMEMBERED;
use anyhow::{Context, Result, bail};
use plant::entry::Entry;
use plant::plant::Restored;
use plant::site::Site;
use plant::time::Timestamp;
use plant::told::Told;
use std::fs::{File, TryLockError};
use std::path::Path;

/// Forecasts learn from this many of the ledger's newest entries, as their receipts are known to the core.
const RECENT_ENTRIES: u64 = 4000;
/// A recording grows to this many bytes at most.
const RECORDING_MAX: u64 = 512 << 20;

/// Claims the data folder for this process, until the file is dropped.
///
/// # Errors
/// Another HeatMine is at work in it.
pub fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another HeatMine is already at work in {}", folder.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// The running state and the ledger's entries around it.
///
/// # Errors
/// The files cannot be read.
pub fn restore(ledger: &Ledger, state: &StateStore) -> Result<Restored> {
    let checkpoint = state.checkpoint().context("cannot read state.db in the data folder")?;
    let known = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.sequence);
    let recent_from = ledger.head()?.sequence.saturating_sub(RECENT_ENTRIES);
    let entries = ledger.after(known.min(recent_from), usize::MAX)?;
    let (recent, after) = entries.into_iter().partition(|entry: &Entry| entry.sequence <= known);
    Ok(Restored { checkpoint, after, recent })
}

/// The newest receipts in the books, as many as a worker may tell again.
///
/// # Errors
/// The file cannot be read.
pub fn booked_receipts(ledger: &Ledger) -> Result<Told> {
    let mut told = Told::new(REMEMBERED);
    for receipt in ledger.newest_receipts(REMEMBERED)? {
        told.insert(&receipt.id);
    }
    Ok(told)
}

/// The recording, where one is asked for.
///
/// # Errors
/// The file cannot be made.
pub fn recorder(path: Option<&Path>, site: &Site, restored: &Restored, now: Timestamp) -> Result<Recorder> {
    let Some(path) = path else { return Ok(Recorder::off()) };
    Recorder::create(path, RECORDING_MAX, site, restored, now)
        .with_context(|| format!("cannot make the recording {}", path.display()))
}
