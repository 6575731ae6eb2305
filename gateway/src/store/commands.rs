//! The commands in force on disk: mode, boost, power limit, grid dimming. Kept apart from everything that is counted, and twice, in
//! `commands.json` and `commands.backup.json`.
//!
//! What is not known errs to the safe side. In an example: the owner has set `surplus` and the grid operator dims to 4200 W when both
//! copies rot. The next start finds none, so the mode is `off` and compute is dimmed to what the running state last knew, 4200 W; had
//! it known of no dimming, to 0 W. A person who confirms that gets `auto` and no dimming again; a command of the operator, who dims
//! to 6000 W, counts before that as ever.

use super::{Disk, Found, Twice};
use plant::checkpoint::Checkpoint;
use plant::command::{Command, InForce, Mode};
use plant::site::Site;
use plant::units::Watts;
use serde::{Deserialize, Serialize};

/// The shape of what is kept.
const VERSION: u32 = 1;

/// The commands in force, and which of them nobody has given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCommands {
    /// The commands.
    pub in_force: InForce,
    /// What stands in for a command that is lost.
    #[serde(default)]
    pub stand_in: StandIn,
}

/// What stands in for a command that is lost, until somebody confirms it or commands something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIn {
    /// The mode `off`.
    pub mode: bool,
    /// The dimming.
    pub dimming: bool,
}

/// The commands as they were found on disk.
#[derive(Debug)]
pub struct FoundCommands {
    /// Where they are written.
    pub file: Twice,
    /// What was found; `None` where no copy could be read.
    pub kept: Option<KeptCommands>,
    /// What was set aside, a sentence for each copy.
    pub aside: Vec<String>,
}

impl KeptCommands {
    /// Reads what is kept on `disk`.
    pub fn open(disk: &Disk) -> FoundCommands {
        let Found { file, body, aside } = Twice::open(disk, "commands", VERSION);
        FoundCommands { file, kept: body, aside }
    }

    /// Commands that somebody gave.
    pub fn given(in_force: InForce) -> Self {
        Self { in_force, stand_in: StandIn::default() }
    }

    /// What is in force where the commands are lost: `off`, and the last dimming that is known or else the strictest.
    pub fn lost(site: &Site, checkpoint: Option<&Checkpoint>) -> Self {
        let dimming = checkpoint.and_then(|checkpoint| checkpoint.grid_dimming).unwrap_or(Watts::ZERO);
        Self {
            in_force: InForce { mode: Mode::Off, grid_dimming: Some(dimming), ..InForce::new(site.compute.max) },
            stand_in: StandIn { mode: true, dimming: true },
        }
    }

    /// The commands in force after `command`.
    pub fn after(self, command: Command, in_force: InForce) -> Self {
        let StandIn { mode, dimming } = self.stand_in;
        let stand_in = match command {
            Command::SetMode(_) | Command::Boost(_) => StandIn { mode: false, dimming },
            // The mode that stands in counts as a person's.
            Command::Scheduled(scheduled) => StandIn { mode: mode && !scheduled.overrides, dimming },
            Command::GridDimming(_) => StandIn { mode, dimming: false },
            Command::SetPowerLimit(_) => self.stand_in,
        };
        Self { in_force, stand_in }
    }
}

impl StandIn {
    /// The commands that lift it.
    pub fn lifted_by(self) -> Vec<Command> {
        let mode = self.mode.then_some(Command::SetMode(Mode::Auto));
        let dimming = self.dimming.then_some(Command::GridDimming(None));
        mode.into_iter().chain(dimming).collect()
    }
}
