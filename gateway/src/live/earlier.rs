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
        let fresh = KeptCommands::given(InForce::new(site.compute.max));
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

/// The debts alone, for a house that waits for its configuration or its clock, with a sentence for each copy that was set aside. A
/// running state that is set aside on the way is a notice: the start that comes after finds a new one and nothing to say.
pub(super) fn debts(disk: &Disk) -> (Twice, DebtBook, Vec<String>) {
    let FoundDebts { mut file, mut book, missing, aside } = DebtBook::open(disk);
    if disk.has_earlier_run() {
        let older = StateStore::open(disk).and_then(|state| Ok((state.owed()?, state))).ok();
        let (owed, state) = older.unzip();
        if let Some(words) = state.as_ref().and_then(StateStore::found) {
            Notices::open(disk).add("state.db", format!("{words}."));
        }
        let owed = owed.flatten();
        book.lost |= missing && owed.is_none();
        book.take_over(owed.unwrap_or_default());
        // What it remembers besides is for the start that has a right configuration.
        if written(&mut file, &book)
            && let Some(Err(error)) = state.map(|mut state| state.empty_owed())
        {
            tracing::error!(%error, "state.db cannot be written");
        }
    }
    (file, book, aside)
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
        (_, Some(checkpoint)) if older => KeptCommands::given(checkpoint.in_force()),
        (Some(kept), _) => kept,
        (None, None) if older => KeptCommands::given(InForce::new(site.compute.max)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use plant::checkpoint::Restored;
    use plant::command::{Command, Mode};
    use plant::decision::Control;
    use plant::effect::Effect;
    use plant::event::Event;
    use plant::plant::Plant;
    use plant::point::DeviceId;
    use plant::units::Watts;
    use rusqlite::Connection;
    use std::path::Path;
    use tempfile::TempDir;

    fn site() -> Site {
        let text = "[site]\nname = \"house\"\n[grid]\nimport_limit_w = 17250\n[compute]\nmax_w = 900\n\
                    [[device]]\nname = \"meter\"\ntype = \"em24\"\naddress = \"tcp://127.0.0.1:5020\"\n";
        crate::config::load_toml(Path::new("house.toml"), text).unwrap_or_else(|errors| panic!("{errors}")).site
    }

    /// The running state of a house in which this was commanded.
    fn checkpoint(commands: &[Command]) -> Checkpoint {
        let now = "2026-11-29T10:00:00Z".parse().unwrap();
        let mut plant = Plant::new(site(), Restored::default(), now);
        for command in commands {
            plant.handle(Event::Command(*command), now);
        }
        let saved = plant.shutdown(now).into_iter().find_map(|effect| match effect {
            Effect::Checkpoint(checkpoint) => Some(*checkpoint),
            Effect::Apply(_) | Effect::Append(_) | Effect::Publish(_) | Effect::Plan(_) => None,
        });
        saved.unwrap()
    }

    struct Folder {
        folder: TempDir,
        disk: Disk,
    }

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let disk = Disk::Folder(folder.path().to_owned());
            Self { folder, disk }
        }

        /// A run of version 0.1.0, in which this was commanded and one control was not given back.
        fn old_run(&self, commands: &[Command], owed: &str) {
            StateStore::open(&self.disk).unwrap().save(&checkpoint(commands)).unwrap();
            let state = Connection::open(self.folder.path().join("state.db")).unwrap();
            state
                .execute_batch(&format!(
                    "CREATE TABLE owed (device TEXT, control TEXT, PRIMARY KEY (device, control)) STRICT, WITHOUT ROWID;
                     INSERT INTO owed VALUES ('{owed}', 'battery.mode');"
                ))
                .unwrap();
        }

        fn open(&self) -> (KeptCommands, DebtBook, Vec<String>) {
            let notices = Notices::open(&self.disk);
            let earlier = open(&self.disk, &site(), &notices).unwrap();
            let keys = notices.all().into_iter().map(|notice| notice.key).collect();
            (earlier.commands.1, earlier.debts.1, keys)
        }
    }

    const DIM: Command = Command::GridDimming(Some(Watts(4200.0)));

    #[test]
    fn an_empty_folder_is_a_first_start_and_the_next_one_an_earlier_run() {
        let folder = Folder::new();
        let fresh = KeptCommands::given(InForce::new(site().compute.max));
        for _ in 0..2 {
            assert_eq!(folder.open(), (fresh, DebtBook::default(), Vec::new()));
        }
    }

    #[test]
    fn what_0_1_0_left_is_taken_over_each_time_it_was_at_work_and_no_more() {
        let folder = Folder::new();
        folder.old_run(&[Command::SetMode(Mode::Eco), DIM], "box");
        for _ in 0..2 {
            let (kept, book, notices) = folder.open();
            assert_eq!((kept.in_force.mode, kept.in_force.grid_dimming), (Mode::Eco, Some(Watts(4200.0))));
            assert!(book.owes(&DeviceId("box".into()), Control::BatteryMode));
            assert_eq!((book.debts.len(), notices), (1, Vec::new()));
            // The running state goes on and decides nothing.
            let mut state = StateStore::open(&folder.disk).unwrap();
            state.save(&checkpoint(&[Command::SetMode(Mode::Heat)])).unwrap();
        }
        // Its owner went back to 0.1.0 for a while.
        folder.old_run(&[Command::SetMode(Mode::Off)], "other");
        let (kept, book, notices) = folder.open();
        assert_eq!((kept.in_force.mode, kept.in_force.grid_dimming), (Mode::Off, None));
        assert_eq!((book.debts.len(), notices), (2, Vec::new()));
    }

    #[test]
    fn a_running_state_that_breaks_while_the_house_waits_is_said_when_it_starts() {
        let folder = Folder::new();
        folder.open();
        StateStore::open(&folder.disk).unwrap().save(&checkpoint(&[])).unwrap();
        let file = folder.folder.path().join("state.db");
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[4096..].fill(0xff);
        std::fs::write(&file, bytes).unwrap();
        debts(&folder.disk);
        assert_eq!(folder.open().2, ["state.db"]);
    }

    #[test]
    fn what_is_lost_errs_to_the_safe_side_and_is_said() {
        for (commands, dimming) in [(&[DIM] as &[Command], 4200.0), (&[], 0.0)] {
            let folder = Folder::new();
            folder.open();
            StateStore::open(&folder.disk).unwrap().save(&checkpoint(commands)).unwrap();
            for file in ["debts.json", "debts.backup.json", "commands.json", "commands.backup.json"] {
                std::fs::remove_file(folder.folder.path().join(file)).unwrap();
            }
            let (kept, book, notices) = folder.open();
            assert_eq!((kept.in_force.mode, kept.in_force.grid_dimming), (Mode::Off, Some(Watts(dimming))));
            assert!(book.lost);
            assert_eq!(notices, ["commands.lost", "debts.lost"]);
            assert_eq!(kept.stand_in.lifted_by(), [Command::SetMode(Mode::Auto), Command::GridDimming(None)]);
        }
    }
}
