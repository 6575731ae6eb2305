//! What the last run left on disk, and where this one records.

use crate::engine::REMEMBERED;
use crate::recording::Recorder;
use crate::store::{Disk, Ledger, StateStore};
use anyhow::{Context, Result};
use plant::checkpoint::Checkpoint;
use plant::command::InForce;
use plant::entry::Entry;
use plant::plant::Restored;
use plant::receipt_ids::ReceiptIds;
use plant::site::Site;
use plant::time::Timestamp;
use std::path::Path;

/// Forecasts learn from this many of the ledger's newest entries, as their receipts are known to the core.
const RECENT_ENTRIES: u64 = 4000;
/// A recording grows to this many bytes at most.
const RECORDING_MAX: u64 = 512 << 20;

/// The running state, the ledger's entries around it, and the commands in force.
pub(super) fn restore(ledger: &Ledger, state: &StateStore, commands: InForce) -> Result<Restored> {
    let checkpoint = state.checkpoint().context("cannot read state.db in the data folder")?;
    let checkpoint = match checkpoint {
        Some(checkpoint) if !ledger.holds(&checkpoint.head)? => {
            tracing::warn!("the ledger is not the one of the running state, as after a backup; counting it anew");
            Some(Checkpoint::recounted(checkpoint))
        }
        fitting => fitting,
    };
    let known = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.sequence);
    let recent_from = ledger.head()?.sequence.saturating_sub(RECENT_ENTRIES);
    let entries = ledger.after(known.min(recent_from), usize::MAX)?;
    let (recent, after) = entries.into_iter().partition(|entry: &Entry| entry.sequence <= known);
    Ok(Restored { checkpoint, commands: Some(commands), after, recent })
}

/// The newest receipts in the books, as many as a worker may send again.
pub(super) fn booked_receipts(ledger: &Ledger) -> Result<ReceiptIds> {
    let mut booked = ReceiptIds::new(REMEMBERED);
    for receipt in ledger.newest_receipts(REMEMBERED)? {
        booked.insert(&receipt.id);
    }
    Ok(booked)
}

/// The recording, where one is asked for.
pub(super) fn recorder(
    disk: &Disk,
    path: Option<&Path>,
    site: &Site,
    restored: &Restored,
    now: Timestamp,
) -> Result<Recorder> {
    let Some(path) = path else { return Ok(Recorder::off()) };
    let file = disk.create(path).with_context(|| format!("cannot make the recording {}", path.display()))?;
    Ok(Recorder::new(file, RECORDING_MAX, site, restored, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::command::{Command, Mode};
    use plant::event::Event;

    #[test]
    fn a_ledger_from_a_backup_is_counted_anew_and_the_commands_stay() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let site = plant_site();
        let mut plant = plant::plant::Plant::new(site.clone(), Restored::default(), now);
        plant.handle(Event::Command(Command::SetMode(Mode::Surplus)), now);
        let mut checkpoint = plant.shutdown(now).into_iter().find_map(|effect| match effect {
            plant::effect::Effect::Checkpoint(checkpoint) => Some(*checkpoint),
            plant::effect::Effect::Apply(_)
            | plant::effect::Effect::Append(_)
            | plant::effect::Effect::Publish(_)
            | plant::effect::Effect::Plan(_) => None,
        });
        let ahead = checkpoint.as_mut().unwrap();
        (ahead.head.sequence, ahead.head.hash) = (7, "of another ledger".into());
        let mut store = StateStore::open(&disk).unwrap();
        store.save(ahead).unwrap();
        let ledger = Ledger::open(&disk).unwrap();
        let restored = restore(&ledger, &store, plant.commands()).unwrap();
        let found = restored.checkpoint.clone().unwrap();
        assert_eq!((found.head, found.mode), (plant::entry::Head::default(), Mode::Surplus));
        // What is booked from here on fits the ledger that is there.
        let mut plant = plant::plant::Plant::new(site, restored, now);
        let receipt = plant::work::Receipt {
            id: "1".into(),
            expert: "x".into(),
            interactive: false,
            tokens_in: 1,
            tokens_out: 1,
            joules: 1.0,
            price: plant::units::Eur(0.01),
            finished_at: now,
        };
        for effect in plant.handle(Event::Receipt(Box::new(receipt)), now) {
            if let plant::effect::Effect::Append(entry) = effect {
                ledger.append(&entry).unwrap();
            }
        }
        assert_eq!(ledger.verify(|_| ()).unwrap().receipts, 1);
    }

    fn plant_site() -> Site {
        let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                    [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
        let loaded = crate::config::load_toml(Path::new("house.toml"), text);
        loaded.unwrap_or_else(|errors| panic!("{errors}")).site
    }
}
