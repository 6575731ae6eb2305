//! What is kept on disk: the ledger in a file of its own, and the running state beside it.

mod commands;
mod debts;
mod disk;
mod ledger;
mod state;
mod twice;

pub use commands::{FoundCommands, KeptCommands, StandIn};
pub use debts::{DebtBook, FoundDebts, Spent};
pub use disk::{Disk, Durability, Memory};
pub use ledger::{Ledger, LedgerError, Verified};
pub use state::{Owed, StateStore};
pub use twice::{Found, Twice};

use std::time::Duration;

/// The loop writes these files: it does not wait for somebody else's lock, but tries again a second later.
const BUSY: Duration = Duration::from_millis(50);
