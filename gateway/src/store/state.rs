//! The running state: the newest checkpoint.

use super::{BUSY, Disk, Durability};
use plant::checkpoint::Checkpoint;
use plant::decision::Control;
use plant::point::DeviceId;
use rusqlite::{Connection, OptionalExtension};

/// The database of the running state.
const FILE: &str = "state.db";

/// A control of a device that was set and not yet given back: a debt.
pub type Owed = (DeviceId, Control);

/// `state.db`: rewritten every second, worth losing by no more than that.
#[derive(Debug)]
pub struct StateStore {
    connection: Connection,
}

impl StateStore {
    /// Opens or creates the file.
    pub fn open(disk: &Disk) -> rusqlite::Result<Self> {
        let connection = disk.database(FILE, Durability::Normal, BUSY)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;",
        )?;
        Ok(Self { connection })
    }

    /// Replaces the checkpoint.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
        let body = serde_json::to_string(checkpoint).map_err(to_sql)?;
        self.connection
            .prepare_cached(
                "INSERT INTO checkpoint VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute([body])?;
        Ok(())
    }

    /// The newest checkpoint. One that a newer version no longer understands is as good as none: the ledger stands.
    pub fn checkpoint(&self) -> rusqlite::Result<Option<Checkpoint>> {
        let body: Option<String> =
            self.connection.query_row("SELECT body FROM checkpoint", [], |row| row.get(0)).optional()?;
        Ok(body.and_then(|body| match serde_json::from_str(&body) {
            Ok(checkpoint) => Some(checkpoint),
            Err(error) => {
                tracing::warn!(%error, "the running state could not be read; going on from the ledger alone");
                None
            }
        }))
    }

    /// The controls that version 0.1.0 left set; `None` where it was not the last to write here. It makes its table at every start,
    /// and [`forget_owed`](Self::forget_owed) drops it.
    pub fn owed(&self) -> rusqlite::Result<Option<Vec<Owed>>> {
        if !self.connection.table_exists(None, "owed")? {
            return Ok(None);
        }
        let mut statement = self.connection.prepare("SELECT device, control FROM owed ORDER BY device, control")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut owed = Vec::new();
        for row in rows {
            let (device, control) = row?;
            if let Ok(control) = control.parse() {
                owed.push((DeviceId(device), control));
            }
        }
        Ok(Some(owed))
    }

    /// Drops the table of version 0.1.0, whose debts are written down elsewhere; it is gone from the disk when this returns.
    pub fn forget_owed(&mut self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let dropped = self.connection.execute_batch("DROP TABLE IF EXISTS owed");
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        dropped
    }
}

fn to_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
