//! What is kept on disk: the ledger in a file of its own, and the running state and the history beside it.

mod commands;
mod copy;
mod debts;
mod disk;
mod history;
mod house_key;
mod ledger;
mod log;
mod pages;
mod recovery;
mod reserve;
mod shape;
mod state;
mod twice;

pub use commands::{FoundCommands, KeptCommands, StandIn};
pub use debts::{DebtBook, FoundDebts, Spent};
pub use disk::{Disk, Durability, Memory};
pub use history::{FoundHistory, History};
pub use house_key::Signature;
pub use ledger::{Ledger, LedgerError, Signed, Verified, newest_entry};
pub(crate) use pages::{Row, rows};
pub(crate) use recovery::Recovered;
pub use shape::Condition;
pub(crate) use shape::{Opened, Shape, suffixed};
pub use state::{Owed, StateStore};
pub use twice::{Found, Twice};

use sha2::{Digest, Sha256};
use std::time::Duration;

/// The loop writes these files: it does not wait for somebody else's lock, but tries again a second later.
const BUSY: Duration = Duration::from_millis(50);

/// The SHA-256 of a text, in hexadecimal digits.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
