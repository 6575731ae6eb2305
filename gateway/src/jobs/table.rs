//! The tables of `jobs.db`: the jobs, and what was delivered and is not yet in the books.

use super::{Job, JobStatus};
use crate::store::{Durability, Row as Found, Shape, rows};
use chrono::DateTime;
use plant::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The database of the jobs. Times are milliseconds since 1970, so that they sort. Its table of jobs is that of version 0.1.0, which
/// states version 0 and reads this file as its own; version 2 has the deliveries beside it.
pub(super) const SHAPE: Shape = Shape {
    file: "jobs.db",
    version: 2,
    durability: Durability::Full,
    busy: Duration::from_secs(5),
    alone: false,
    tables: &[JOBS, DELIVERIES],
};
const JOBS: &str = "
        CREATE TABLE IF NOT EXISTS job (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            request TEXT NOT NULL,
            status TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            tokens_estimate INTEGER NOT NULL,
            value REAL NOT NULL,
            deadline INTEGER,
            submitted_at INTEGER NOT NULL,
            started_at INTEGER,
            finished_at INTEGER,
            result TEXT,
            error TEXT,
            tokens_in INTEGER NOT NULL DEFAULT 0,
            tokens_out INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX IF NOT EXISTS job_status ON job (status, deadline);";
const DELIVERIES: &str = "
        CREATE TABLE IF NOT EXISTS delivery (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            journal TEXT NOT NULL,
            job INTEGER NOT NULL,
            expert TEXT NOT NULL,
            price REAL NOT NULL,
            delivered_at INTEGER NOT NULL
        ) STRICT;";
/// Where a row has its attempts.
const ATTEMPTS: usize = 3;
/// Where it has the moment of its end.
const FINISHED: usize = 9;
/// How many columns it has.
const WIDTH: usize = 14;
/// How many a delivery has.
const DELIVERY_WIDTH: usize = 6;

/// Reads every job: one that cannot be read shall not be lost in silence.
pub(super) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM job"))?;
    let jobs = statement.query_map([], |row| job_of(row).map(drop))?;
    jobs.collect()
}

/// Puts the jobs and the deliveries into their tables that can be read page by page in a broken file and are not there; returns how
/// many jobs. A delivery that was forgotten already is known to the books by its place.
///
/// # Errors
/// The table cannot be written.
pub(super) fn carry_over(connection: &mut Connection, broken: &Path) -> rusqlite::Result<usize> {
    let mut jobs: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    let mut deliveries: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for Found { id, values } in rows(broken).unwrap_or_default() {
        // Of an older copy of a page comes an older state of its jobs: the one that came further is the newer one.
        let further = |known: &Vec<Value>| progress(&values) > progress(known);
        if values.len() == WIDTH && jobs.get(&id).is_none_or(further) {
            jobs.insert(id, values);
        } else if values.len() == DELIVERY_WIDTH {
            deliveries.insert(id, values);
        }
    }
    let transaction = connection.transaction()?;
    let mut count = 0;
    for (id, mut values) in jobs {
        values[0] = Value::Integer(id);
        let row = "INSERT OR IGNORE INTO job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let added = transaction.execute(row, params_from_iter(values)).unwrap_or(0);
        let query = format!("SELECT {COLUMNS} FROM job WHERE id = ?1");
        if added == 1 && transaction.query_row(&query, [id], job_of).is_err() {
            transaction.execute("DELETE FROM job WHERE id = ?1", [id])?;
        } else {
            count += added;
        }
    }
    for (sequence, mut values) in deliveries {
        values[0] = Value::Integer(sequence);
        // What is not of the columns' kinds is no delivery.
        let row = "INSERT OR IGNORE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let _ = transaction.execute(row, params_from_iter(values));
    }
    transaction.commit()?;
    Ok(count)
}

/// How far a job has come: whether it has ended, and how often it was tried.
fn progress(values: &[Value]) -> (bool, i64) {
    let ended = values.get(FINISHED).is_some_and(|at| *at != Value::Null);
    let attempts = if let Some(Value::Integer(attempts)) = values.get(ATTEMPTS) { *attempts } else { 0 };
    (ended, attempts)
}

/// The columns that [`job_of`] reads, in its order.
pub(super) const COLUMNS: &str = "id, request, status, attempts, tokens_estimate, submitted_at, started_at, finished_at, \
                                  result, error, tokens_in, tokens_out, value";

pub(super) fn job_of(row: &Row<'_>) -> rusqlite::Result<Job> {
    let text: String = row.get(1)?;
    let mut request: super::JobRequest = serde_json::from_str(&text).map_err(|error| unreadable(1, error))?;
    request.value = Some(plant::units::Eur(row.get(12)?));
    let status: String = row.get(2)?;
    let status = JobStatus::ALL.into_iter().find(|known| known.name() == status);
    Ok(Job {
        id: row.get(0)?,
        request,
        status: status.ok_or_else(|| unreadable(2, std::io::Error::other("unknown status")))?,
        attempts: row.get(3)?,
        tokens_estimate: count(row.get(4)?),
        submitted_at: moment(row.get(5)?),
        started_at: row.get::<_, Option<i64>>(6)?.map(moment),
        finished_at: row.get::<_, Option<i64>>(7)?.map(moment),
        result: row.get(8)?,
        error: row.get(9)?,
        tokens_in: count(row.get(10)?),
        tokens_out: count(row.get(11)?),
    })
}

pub(super) fn moment(milliseconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// SQLite counts with a sign; ours never go below zero.
pub(super) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A count as SQLite stores it.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
