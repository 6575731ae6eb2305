//! What is kept on disk: the ledger in a file of its own, and the running state beside it.

mod ledger;
mod state;

pub use ledger::{Ledger, LedgerError, Verified};
pub use state::{Owed, StateStore};

use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// The loop writes these files: it does not wait for somebody else's lock, but tries again a second later.
const BUSY: Duration = Duration::from_millis(50);

/// Opens an SQLite file with the configuration all of ours share; `synchronous` is `FULL` for books and `NORMAL` for the rest.
fn open(path: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}
