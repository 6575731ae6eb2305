//! The one table of `jobs.db`.

use super::{Job, JobStatus};
use chrono::DateTime;
use plant::time::Timestamp;
use rusqlite::{Connection, Row};

/// Creates the table. Times are milliseconds since 1970, so that they sort.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS job (
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
        CREATE INDEX IF NOT EXISTS job_status ON job (status, deadline);",
    )
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
