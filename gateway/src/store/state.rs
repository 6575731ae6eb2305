//! The running state: the newest checkpoint, and the devices that are owed their own control.

use super::{BUSY, Disk, Durability};
use plant::checkpoint::Checkpoint;
use plant::decision::{Control, Setpoint};
use plant::point::DeviceId;
use rusqlite::{Connection, OptionalExtension, params};

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
            "CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS owed (device TEXT, control TEXT, PRIMARY KEY (device, control)) STRICT, WITHOUT ROWID;",
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

    /// Remembers, before it is sent, that a setpoint takes a device from its own control.
    pub fn owe(&mut self, setpoint: &Setpoint) -> rusqlite::Result<()> {
        let (device, control) = (&setpoint.device.0, setpoint.setting.control().name());
        self.connection.execute("INSERT OR IGNORE INTO owed VALUES (?1, ?2)", params![device, control])?;
        Ok(())
    }

    /// Remembers that a device has its own control back.
    pub fn settle(&mut self, (device, control): &Owed) -> rusqlite::Result<()> {
        let parameters = params![device.0, control.name()];
        self.connection.execute("DELETE FROM owed WHERE device = ?1 AND control = ?2", parameters)?;
        Ok(())
    }

    /// The controls that a crash left set.
    pub fn owed(&self) -> rusqlite::Result<Vec<Owed>> {
        let mut statement = self.connection.prepare("SELECT device, control FROM owed ORDER BY device, control")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut owed = Vec::new();
        for row in rows {
            let (device, control) = row?;
            if let Ok(control) = control.parse() {
                owed.push((DeviceId(device), control));
            }
        }
        Ok(owed)
    }
}

fn to_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
