//! What waits for the database, in an SQLite file of its own (store and forward): it survives restarts and power cuts.
//! A record is deleted only after the database took it; one that was taken while the answer got lost is sent twice,
//! which a database of points deduplicates by its time.
//!
//! Three tables: `waiting` (a row per record, in order), `refused` (lines that the database does not take, with its
//! words) and `lost` (how many records had to make room). All are bounded; the oldest go first.

use crate::store::{Condition, Disk, Durability, Opened, Row, Shape, rows};
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::Duration;

/// The database of what waits.
pub const FILE: &str = "influx-spool.db";
/// Its version 1 has the tables of version 0.1.0, which states version 0.
const SHAPE: Shape = Shape {
    file: FILE,
    version: 1,
    durability: Durability::Normal,
    busy: Duration::from_secs(5),
    alone: false,
    tables: &["CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, lines TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY AUTOINCREMENT, lines TEXT NOT NULL,
                                                 status INTEGER NOT NULL, answer TEXT NOT NULL) STRICT;
             CREATE TABLE IF NOT EXISTS lost (id INTEGER PRIMARY KEY CHECK (id = 1), records INTEGER NOT NULL) STRICT;
             INSERT OR IGNORE INTO lost VALUES (1, 0);"],
};
/// Records that may wait: a week at one every ten seconds.
pub const WAITING_MAX: i64 = 60_480;
/// Refused records that are kept for a person to look at.
const REFUSED_MAX: i64 = 1_000;

/// A record's lines and its place in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Place in the queue; grows with every record.
    pub id: i64,
    /// Line protocol, one or more lines.
    pub lines: String,
}

/// `influx-spool.db`.
#[derive(Debug)]
pub struct Spool {
    connection: Connection,
    waiting_max: i64,
    condition: Condition,
}

impl Spool {
    /// Opens or creates the file. A broken one is set aside, and what waits in it, as far as it can be read, goes over.
    pub fn open(disk: &Disk, waiting_max: i64) -> rusqlite::Result<Self> {
        let Opened { mut connection, condition, .. } = SHAPE.open(disk, |connection| {
            connection.query_row("SELECT count(*), min(id), max(id) FROM waiting", [], |_| Ok(()))?;
            connection.query_row("SELECT records FROM lost", [], |_| Ok(()))
        })?;
        if let Condition::Broken { aside, .. } = &condition {
            carry_over(&mut connection, aside)?;
        }
        Ok(Self { connection, waiting_max, condition })
    }

    /// In what state the file was found, for a person; nothing where all is well.
    pub fn found(&self) -> Option<String> {
        self.condition.words()
    }

    /// Adds a record's lines at the end; the oldest make room. Says how many had to.
    pub fn push(&mut self, lines: &str) -> rusqlite::Result<usize> {
        let transaction = self.connection.transaction()?;
        transaction.prepare_cached("INSERT INTO waiting (lines) VALUES (?1)")?.execute([lines])?;
        let dropped = transaction
            .prepare_cached("DELETE FROM waiting WHERE id <= (SELECT max(id) FROM waiting) - ?1")?
            .execute([self.waiting_max])?;
        if dropped > 0 {
            transaction.execute("UPDATE lost SET records = records + ?1", [dropped as i64])?;
        }
        transaction.commit()?;
        Ok(dropped)
    }

    /// The oldest records, at most so many.
    pub fn oldest(&self, limit: usize) -> rusqlite::Result<Vec<Waiting>> {
        let mut statement = self.connection.prepare_cached("SELECT id, lines FROM waiting ORDER BY id LIMIT ?1")?;
        let rows = statement.query_map([limit as i64], |row| Ok(Waiting { id: row.get(0)?, lines: row.get(1)? }))?;
        rows.collect()
    }

    /// How many records wait.
    pub fn waiting(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT count(*) FROM waiting", [], |row| row.get(0))
    }

    /// How many records were lost to make room, since the file was made.
    pub fn lost(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT records FROM lost", [], |row| row.get(0))
    }

    /// Forgets what the database has taken: everything up to and including `id`.
    pub fn taken(&mut self, id: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM waiting WHERE id <= ?1")?.execute([id])?;
        Ok(())
    }

    /// Puts a record aside that the database does not take, with its words.
    pub fn refused(&mut self, waiting: &Waiting, status: u16, answer: &str) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "INSERT INTO refused (lines, status, answer) VALUES (?1, ?2, ?3)",
            params![waiting.lines, status, answer],
        )?;
        transaction.execute("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?1", [REFUSED_MAX])?;
        transaction.execute("DELETE FROM waiting WHERE id = ?1", [waiting.id])?;
        transaction.commit()
    }
}

/// Puts what waits in a broken file into the new one. A record that was sent already and comes up again is the same point.
fn carry_over(connection: &mut Connection, broken: &Path) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for Row { id, values } in rows(broken).unwrap_or_default() {
        if let [Value::Null, Value::Text(lines)] = values.as_slice()
            && lines.ends_with('\n')
        {
            transaction.execute("INSERT OR IGNORE INTO waiting VALUES (?1, ?2)", params![id, lines])?;
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod test {
    use super::*;

    fn ids(spool: &Spool) -> Vec<i64> {
        spool.oldest(100).unwrap().iter().map(|waiting| waiting.id).collect()
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&Disk::Folder(folder.path().to_owned()), 3).unwrap();
        let dropped: usize = (0..5).map(|number| spool.push(&format!("m f={number}\n")).unwrap()).sum();
        assert_eq!((dropped, ids(&spool), spool.lost().unwrap()), (2, vec![3, 4, 5], 2));
    }

    #[test]
    fn what_waits_survives_a_restart_and_numbers_are_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let mut spool = Spool::open(&disk, 10).unwrap();
        spool.push("a f=1\n").unwrap();
        spool.push("b f=1\n").unwrap();
        spool.taken(2).unwrap();
        drop(spool);
        let mut spool = Spool::open(&disk, 10).unwrap();
        spool.push("c f=1\n").unwrap();
        assert_eq!(spool.oldest(9).unwrap(), vec![Waiting { id: 3, lines: "c f=1\n".into() }]);
    }

    #[test]
    fn a_refused_record_is_kept_with_the_words_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&Disk::Folder(folder.path().to_owned()), 10).unwrap();
        spool.push("bad\n").unwrap();
        spool.push("good f=1\n").unwrap();
        let bad = spool.oldest(1).unwrap().remove(0);
        spool.refused(&bad, 400, "missing fields").unwrap();
        let kept: (String, u16, String) = spool
            .connection
            .query_row("SELECT lines, status, answer FROM refused", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!((kept, ids(&spool)), (("bad\n".into(), 400, "missing fields".into()), vec![2]));
    }
}
