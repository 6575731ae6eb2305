//! The ledger on disk: append-only, a hash chain, durable before anybody hears of it.
//!
//! Terms. An *entry* books a receipt or a closed slot and bears a number. Its *hash* covers its body, its number, its time
//! and the hash of the entry before it, so that no entry can be changed, taken out or put in without breaking the chain
//! behind it. The *head* is the number and hash of the newest entry.
//!
//! Example: entry 41 has the hash `9f..`; entry 42 books 0.02 EUR for an answer and has the hash of `9f..`, 42, its time
//! and that body, `c3..`. Whoever makes it 0.20 EUR afterwards gets "entry 42 was changed after it was booked"; whoever deletes
//! it, "entry 42 is missing: entry 43 stands in its place". The newest entries can be cut off unseen by the chain
//! alone: the checkpoint remembers the head, and the house signs it.

/// The house's signature of the newest entry.
mod reading;
mod signature;
/// What days and months have earned.
mod sums;
/// The check of the chain.
mod verification;

pub use signature::Signed;
pub use verification::Verified;

use super::BUSY;
use super::disk::{Disk, Durability};
use super::house_key::HouseKey;
use super::recovery::Recovered;
use super::shape::{Condition, Opened, Shape};
use plant::entry::{Booking, Entry};
use plant::ledger;
use plant::time::Timestamp;
use rusqlite::{Connection, Row, params};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The database of the books.
const FILE: &str = "ledger.db";
/// Its table of entries is that of version 0.1.0, which states version 0 and reads this file as its own; beside it, version 1 had
/// nothing, and version 2 has what is made from the entries, and their signatures. The database itself refuses to change or delete an
/// entry.
const SHAPE: Shape = Shape {
    file: FILE,
    version: 2,
    durability: Durability::Full,
    busy: BUSY,
    alone: false,
    tables: &[ENTRIES, signature::TABLE, sums::TABLES],
};
/// The entries. A receipt is found by its id; one that has rotted has none.
const ENTRIES: &str = "
    CREATE TABLE IF NOT EXISTS entry (
        sequence INTEGER PRIMARY KEY, booked_at TEXT NOT NULL, kind TEXT NOT NULL, slot INTEGER,
        body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL UNIQUE) STRICT;
    CREATE INDEX IF NOT EXISTS entry_slot ON entry (slot) WHERE slot IS NOT NULL;
    CREATE INDEX IF NOT EXISTS entry_receipt ON entry (iif(json_valid(body), body ->> '$.receipt.id', NULL))
        WHERE kind = 'receipt';
    CREATE TRIGGER IF NOT EXISTS entry_keep BEFORE UPDATE ON entry
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER IF NOT EXISTS entry_stay BEFORE DELETE ON entry
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;";
/// The columns of an entry, as [`entry_of`] reads them.
const ENTRY: &str = "sequence, booked_at, body, previous, hash";
/// The newest entries that a start reads.
const PROBED: u32 = 4000;
/// Readers wait this long for a writer.
const READER_BUSY: Duration = Duration::from_secs(5);

/// What can go wrong with the books.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file could not be read or written.
    #[error("ledger {path}: {source}")]
    Sqlite {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The chain does not hold.
    #[error("ledger {path}: {why}; the books before it are intact")]
    Broken {
        /// The file.
        path: String,
        /// The first entry that does not fit.
        sequence: u64,
        /// What does not fit.
        why: String,
    },
}

/// `ledger.db`. Clones share the writer; readers open the file for themselves and never hold up an append.
#[derive(Clone, Debug)]
pub struct Ledger {
    disk: Disk,
    /// Its name in the data folder.
    file: Arc<str>,
    writer: Arc<Mutex<Connection>>,
    condition: Condition,
    /// What of a broken file went over.
    carried: Option<String>,
    /// Signs what is booked; absent where these books are only read.
    key: Option<HouseKey>,
    /// What has happened to an earlier key, in words.
    key_words: Option<String>,
    /// Rows that were read so far.
    rows: Arc<AtomicU64>,
}

/// When the newest entry was booked, of books that nobody has opened; `None` where there are none, or they cannot be read.
pub fn newest_entry(disk: &Disk) -> Option<Timestamp> {
    if !disk.has_earlier_run() {
        return None;
    }
    let connection = disk.existing_database(SHAPE.file).ok()?;
    let newest = "SELECT booked_at FROM entry ORDER BY sequence DESC LIMIT 1";
    let booked_at: String = connection.query_row(newest, [], |row| row.get(0)).ok()?;
    booked_at.parse().ok()
}

impl Ledger {
    /// Opens or creates the file. A broken one is set aside; its entries up to the break go over into the new one.
    pub fn open(disk: &Disk) -> Result<Self, LedgerError> {
        let Opened { connection, file, condition } =
            SHAPE.open(disk, probe).map_err(|source| sqlite(disk, FILE, source))?;
        let (key, key_words) = HouseKey::open(disk);
        let mut ledger = Self {
            disk: disk.clone(),
            file: file.into(),
            writer: Arc::new(Mutex::new(connection)),
            condition: condition.clone(),
            carried: None,
            key,
            key_words,
            rows: Arc::default(),
        };
        if ledger.key_words.is_none() {
            ledger.key_words = ledger.lost_key();
        }
        if let Condition::Broken { aside, .. } = &condition {
            let recovered = Recovered::read(aside).unwrap_or_default();
            ledger.append_all(recovered.whole())?;
            ledger.carry_over(&recovered.signatures)?;
            ledger.carried = Some(recovered.words());
        }
        Ok(ledger)
    }

    /// In what state the file was found, for a person; nothing where all is well.
    pub fn found(&self) -> Option<String> {
        let words = self.condition.words()?;
        Some(self.carried.as_ref().map_or(words.clone(), |carried| format!("{words}. {carried}")))
    }

    /// What a person has to hear of the house's key; nothing where all is well.
    pub fn key_found(&self) -> Option<&str> {
        self.key_words.as_deref()
    }

    /// Whether a newer version wrote the file, so that this one works beside it.
    pub fn is_beside(&self) -> bool {
        matches!(self.condition, Condition::Newer { .. })
    }

    /// Opens an existing file for reading only.
    pub fn open_existing(disk: &Disk) -> Result<Self, LedgerError> {
        let connection = disk.existing_database(FILE).map_err(|source| sqlite(disk, FILE, source))?;
        let writer = Arc::new(Mutex::new(connection));
        let (condition, rows) = (Condition::Whole, Arc::default());
        let (carried, key, key_words) = (None, None, None);
        Ok(Self { disk: disk.clone(), file: FILE.into(), writer, condition, carried, key, key_words, rows })
    }

    /// Appends an entry; it is on the disk when this returns. An entry that is already there is no error.
    pub fn append(&self, entry: &Entry) -> Result<(), LedgerError> {
        self.append_all(std::slice::from_ref(entry))
    }

    /// Appends entries, all or none of them.
    pub(crate) fn append_all(&self, entries: &[Entry]) -> Result<(), LedgerError> {
        let mut writer = self.lock();
        let transaction = writer.transaction().map_err(|source| self.sqlite(source))?;
        let mut slots = 0;
        for entry in entries {
            let (kind, slot) = match ledger::booking(entry) {
                Ok(booking) => row_of(&booking),
                Err(why) => return Err(self.broken(entry.sequence, why.to_string())),
            };
            slots += usize::from(slot.is_some());
            insert(&transaction, entry, kind, slot).map_err(|source| self.sqlite(source))?;
        }
        // A receipt alone writes as little as it can: the next slot is never far.
        let follow = || match (entries.last(), &self.key) {
            (Some(last), key) if slots > 0 => {
                sums::follow(&transaction, entries)?;
                key.as_ref().map_or(Ok(()), |key| signature::sign(key, &transaction, last))
            }
            (Some(_) | None, _) => Ok(()),
        };
        follow().and_then(|()| transaction.commit()).map_err(|source| self.sqlite(source))
    }

    /// Writes entries into a database of their own at `path`, which is not there yet.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write_apart(path: &Path, entries: &[Entry]) -> rusqlite::Result<()> {
        let mut connection = Connection::open(path)?;
        connection.execute_batch(&SHAPE.tables.concat())?;
        connection.pragma_update(None, "user_version", SHAPE.version)?;
        let transaction = connection.transaction()?;
        for entry in entries {
            let (kind, slot) = ledger::booking(entry).map_or(("receipt", None), |booking| row_of(&booking));
            insert(&transaction, entry, kind, slot)?;
        }
        transaction.commit()
    }

    /// How many rows were read so far, by all clones.
    pub fn rows_read(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    fn count_rows(&self, count: usize) {
        self.rows.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a dying thread left open is rolled back with it.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> Result<Connection, LedgerError> {
        self.disk
            .existing_database(&self.file)
            .and_then(|connection| {
                connection.busy_timeout(READER_BUSY)?;
                connection.pragma_update(None, "query_only", true)?;
                Ok(connection)
            })
            .map_err(|source| self.sqlite(source))
    }

    fn sqlite(&self, source: rusqlite::Error) -> LedgerError {
        sqlite(&self.disk, &self.file, source)
    }

    fn broken(&self, sequence: u64, why: String) -> LedgerError {
        LedgerError::Broken { path: self.disk.path(&self.file).display().to_string(), sequence, why }
    }
}

/// Reads what a start reads: the newest entries.
fn probe(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT sequence, booked_at, body, previous, hash, kind, slot FROM entry ORDER BY sequence DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([PROBED], |row| entry_of(row).map(drop))?;
    rows.collect()
}

/// How the table names a booking, and the slot by which it is found.
fn row_of(booking: &Booking) -> (&'static str, Option<i64>) {
    match booking {
        Booking::Slot(account) => ("slot", Some(account.slot.0)),
        Booking::Receipt(_) => ("receipt", None),
        Booking::Day(_) => ("day", None),
    }
}

fn insert(connection: &Connection, entry: &Entry, kind: &str, slot: Option<i64>) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (hash) DO NOTHING")?;
    let sequence = i64::try_from(entry.sequence).unwrap_or(i64::MAX);
    let booked_at = entry.booked_at.to_rfc3339();
    statement.execute(params![sequence, booked_at, kind, slot, entry.body, entry.previous, entry.hash])?;
    Ok(())
}

fn sqlite(disk: &Disk, file: &str, source: rusqlite::Error) -> LedgerError {
    LedgerError::Sqlite { path: disk.path(file).display().to_string(), source }
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let booked_at: String = row.get(1)?;
    let booked_at: Timestamp = booked_at
        .parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(Entry {
        sequence: unsigned(row.get(0)?),
        booked_at,
        body: row.get(2)?,
        previous: row.get(3)?,
        hash: row.get(4)?,
    })
}

fn unsigned(value: i64) -> u64 {
    value.try_into().unwrap_or(0)
}

#[cfg(test)]
#[path = "ledger_test.rs"]
mod tests;
