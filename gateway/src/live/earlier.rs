//! What an earlier run left to be done: the debts. Kept twice, or taken over from version 0.1.0.
//!
//! A first start writes an empty file before it makes anything else. So whoever finds a ledger and no debts knows that they are
//! lost, and does not take the house for a new one.

use crate::notices::Notices;
use crate::store::{DebtBook, Disk, FoundDebts, StateStore, Twice};
use anyhow::{Context, Result};

/// What an earlier run left.
pub(super) struct Earlier {
    /// The running state.
    pub state: StateStore,
    /// Where debts are written, and the debts.
    pub debts: (Twice, DebtBook),
}

/// Opens it; what is broken or lost becomes a notice.
pub(super) fn open(disk: &Disk, notices: &Notices) -> Result<Earlier> {
    let first = !disk.has_earlier_run();
    let mut debts = DebtBook::open(disk);
    if first && debts.missing {
        written(debts.file.write(&debts.book));
        debts.missing = false;
    }
    let mut state = StateStore::open(disk).context("cannot open state.db in the data folder")?;
    let owed = state.owed().context("cannot read state.db in the data folder")?;
    look_through(&mut debts, owed.is_some(), notices);
    if let Some(owed) = owed {
        debts.book.take_over(owed);
        if written(debts.file.write(&debts.book)) {
            state.forget_owed().context("cannot write state.db in the data folder")?;
        }
    }
    Ok(Earlier { state, debts: (debts.file, debts.book) })
}

/// Says what is broken or lost. Where version 0.1.0 was at work there is nothing else to be found.
fn look_through(debts: &mut FoundDebts, older: bool, notices: &Notices) {
    let aside: String = debts.aside.iter().map(|sentence| format!("{sentence}. ")).collect();
    if debts.missing && (!older || !aside.is_empty()) {
        debts.book.lost = true;
    }
    if debts.book.lost {
        let words = "What the devices are owed is lost: neither debts.json nor its copy could be read. A control that still holds a \
                     setting of HeatMine gets the value that its definition names; nothing else is written.";
        notices.add("debts.lost", format!("{aside}{words}"));
    } else if !aside.is_empty() {
        notices.add("debts.broken", format!("{aside}The other copy was read; nothing is lost."));
    }
}

/// Whether it was written; a house with a full disk starts all the same, and the keeper tries again.
fn written(result: std::io::Result<()>) -> bool {
    result.inspect_err(|error| tracing::error!(%error, "the debts cannot be written")).is_ok()
}
