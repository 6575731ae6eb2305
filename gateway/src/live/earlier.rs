//! What an earlier run left to be done: the debts, and the commands in force. Kept twice, or taken over from version 0.1.0.
//!
//! A first start writes both files before it makes anything else. So whoever finds a ledger and no debts knows that they are
//! lost, and does not take the house for a new one.

use crate::notices::Notices;
use crate::store::{DebtBook, Disk, FoundCommands, FoundDebts, KeptCommands, StateStore, Twice};
use anyhow::{Context, Result};
use plant::checkpoint::Checkpoint;
use plant::command::InForce;
use plant::site::Site;
use serde::Serialize;

/// What an earlier run left.
pub(super) struct Earlier {
    /// The running state.
    pub state: StateStore,
    /// Where debts are written, and the debts.
    pub debts: (Twice, DebtBook),
    /// Where commands are written, and those in force.
    pub commands: (Twice, KeptCommands),
}

/// Opens it; what is broken or lost becomes a notice.
pub(super) fn open(disk: &Disk, site: &Site, notices: &Notices) -> Result<Earlier> {
    let first = !disk.has_earlier_run();
    let (mut debts, mut commands) = (DebtBook::open(disk), KeptCommands::open(disk));
    if first {
        if debts.missing {
            written(&mut debts.file, &debts.book);
            debts.missing = false;
        }
        let fresh = KeptCommands::given(InForce::new(site));
        if commands.kept.is_none() {
            written(&mut commands.file, &fresh);
            commands.kept = Some(fresh);
        }
    }
    let mut state = StateStore::open(disk).context("cannot open state.db in the data folder")?;
    let checkpoint = state.checkpoint().context("cannot read state.db in the data folder")?;
    let owed = state.owed().context("cannot read state.db in the data folder")?;
    let older = owed.is_some();
    let kept = in_force(&commands, site, checkpoint.as_ref(), older, notices);
    look_through(&mut debts, older, notices);
    if let Some(owed) = owed {
        debts.book.take_over(owed);
        if written(&mut debts.file, &debts.book) && written(&mut commands.file, &kept) {
            state.forget_owed().context("cannot write state.db in the data folder")?;
        }
    }
    Ok(Earlier { state, debts: (debts.file, debts.book), commands: (commands.file, kept) })
}

/// The commands in force. Where version 0.1.0 was the last at work, its running state has them.
fn in_force(
    found: &FoundCommands,
    site: &Site,
    checkpoint: Option<&Checkpoint>,
    older: bool,
    notices: &Notices,
) -> KeptCommands {
    let aside = sentences(&found.aside);
    let kept = match (found.kept, checkpoint) {
        (_, Some(checkpoint)) if older => KeptCommands::given(InForce::from(checkpoint)),
        (Some(kept), _) => kept,
        (None, None) if older => KeptCommands::given(InForce::new(site)),
        (None, checkpoint) => {
            let lost = KeptCommands::lost(site, checkpoint);
            let dimming = lost.in_force.grid_dimming.unwrap_or_default();
            let words = format!(
                "What was commanded is lost: neither commands.json nor its copy could be read. So the mode is off, and the dimming of \
                 the grid operator is taken to be {dimming:.0}, until somebody commands something else; to confirm sets the mode to \
                 auto and lifts the dimming."
            );
            notices.add("commands.lost", format!("{aside}{words}"));
            return lost;
        }
    };
    if !aside.is_empty() {
        notices.add("commands.broken", format!("{aside}The other copy was read; nothing is lost."));
    }
    kept
}

/// Says what is broken or lost of the debts. Where version 0.1.0 was at work there is nothing else to be found.
fn look_through(debts: &mut FoundDebts, older: bool, notices: &Notices) {
    let aside = sentences(&debts.aside);
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

fn sentences(aside: &[String]) -> String {
    aside.iter().map(|sentence| format!("{sentence}. ")).collect()
}

/// Whether it was written; a house with a full disk starts all the same, and its keeper tries again.
fn written(file: &mut Twice, body: &impl Serialize) -> bool {
    let result = file.write(body);
    result.inspect_err(|error| tracing::error!(%error, "debts or commands cannot be written")).is_ok()
}
