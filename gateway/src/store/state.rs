//! The running state: the newest checkpoint. It is kept twice: in `state.db`, and then in its copy, so that either alone says what
//! the newest sums were.

use super::BUSY;
use super::copy::Copy;
use super::disk::{Disk, Durability};
use super::shape::{Condition, Opened, Shape};
use plant::checkpoint::Checkpoint;
use plant::decision::Control;
use plant::point::DeviceId;
use rusqlite::{Connection, OptionalExtension};
use std::path::PathBuf;

/// The database of the running state. Its tables are those of version 0.1.0, which states version 0; from version 2 on a checkpoint has
/// its sums once, without the open slot.
const SHAPE: Shape = Shape {
    file: "state.db",
    version: 2,
    durability: Durability::Full,
    busy: BUSY,
    alone: true,
    tables: &[
        "CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;",
    ],
};
/// A control of a device that was set and not yet given back: a debt.
pub type Owed = (DeviceId, Control);

/// `state.db`: rewritten twice a minute, each time to the disk itself.
#[derive(Debug)]
pub struct StateStore {
    path: PathBuf,
    connection: Connection,
    condition: Condition,
    copy: Copy,
    /// Whether the checkpoint that was found was the copy's.
    copied: bool,
}

impl StateStore {
    /// Opens or creates the file. A broken one is set aside, and the copy goes on.
    pub fn open(disk: &Disk) -> rusqlite::Result<Self> {
        let Opened { connection, file, condition } = SHAPE.open(disk, |connection| {
            owed(connection)?;
            checkpoint(connection).map(drop)
        })?;
        let (path, copy) = (disk.path(SHAPE.file), Copy::beside(disk, &file));
        let mut store = Self { path, connection, condition, copy, copied: false };
        if let Some(kept) = store.copy.read()
            && store.checkpoint()?.is_none_or(|own| own.at == kept.at && own != kept)
        {
            store.write(&serde_json::to_string(&kept).map_err(to_sql)?)?;
            store.copied = true;
        }
        Ok(store)
    }

    /// The newest checkpoint of a folder, without touching anything in it; the copy's where `state.db` cannot be read, or is at work.
    pub fn peek(disk: &Disk) -> Option<Checkpoint> {
        let own = disk.existing_database(SHAPE.file).and_then(|connection| checkpoint(&connection));
        own.ok().flatten().or_else(|| Copy::beside(disk, SHAPE.file).read())
    }

    /// In what state the file was found, for a person; nothing where all is well.
    pub fn found(&self) -> Option<String> {
        let path = self.path.display();
        let words = match (&self.condition, self.copied) {
            (Condition::Nothing, true) => Some(format!("{path} was missing or empty")),
            (Condition::Whole, true) => Some(format!("{path} was changed by something else than HeatMine")),
            (condition, _) => condition.words(),
        };
        words.map(|words| {
            if self.copied {
                format!("{words}. All sums go on from its copy, {}", self.copy.path().display())
            } else {
                words
            }
        })
    }

    /// Whether a newer version wrote the file, so that this one works beside it.
    pub fn is_beside(&self) -> bool {
        matches!(self.condition, Condition::Newer { .. })
    }

    /// Replaces the checkpoint; it is on the disk when this returns.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> rusqlite::Result<()> {
        let body = serde_json::to_string(checkpoint).map_err(to_sql)?;
        self.write(&body)?;
        self.copy.write(&body);
        Ok(())
    }

    /// The newest checkpoint.
    pub fn checkpoint(&self) -> rusqlite::Result<Option<Checkpoint>> {
        checkpoint(&self.connection)
    }

    fn write(&self, body: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO checkpoint VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            )?
            .execute([body])?;
        Ok(())
    }

    /// The controls that version 0.1.0 left set; `None` where it was not the last to write here. It makes its table at every start,
    /// and [`forget_owed`](Self::forget_owed) drops it.
    pub fn owed(&self) -> rusqlite::Result<Option<Vec<Owed>>> {
        owed(&self.connection)
    }

    /// Empties the table of version 0.1.0, whose debts are written down elsewhere.
    pub fn empty_owed(&mut self) -> rusqlite::Result<()> {
        if self.owed()?.is_some() {
            self.connection.execute("DELETE FROM owed", [])?;
        }
        Ok(())
    }

    /// Drops the table of version 0.1.0, whose debts are written down elsewhere; it is gone from the disk when this returns.
    pub fn forget_owed(&mut self) -> rusqlite::Result<()> {
        self.connection.execute_batch("DROP TABLE IF EXISTS owed")
    }
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<Option<Checkpoint>> {
    let body: Option<String> = connection.query_row("SELECT body FROM checkpoint", [], |row| row.get(0)).optional()?;
    let parse = |body: String| {
        serde_json::from_str(&body)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
    };
    body.map(parse).transpose()
}

fn owed(connection: &Connection) -> rusqlite::Result<Option<Vec<Owed>>> {
    if !connection.table_exists(None, "owed")? {
        return Ok(None);
    }
    let mut statement = connection.prepare("SELECT device, control FROM owed ORDER BY device, control")?;
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

fn to_sql(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
