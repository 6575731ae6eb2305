//! The queue of deferrable jobs: a database of its own, so that a restart loses no job and the books are never held up
//! by one.
//!
//! Terms. A job is *queued*, *running*, or at its end; an *attempt* is one time that it is started; the *backlog* is
//! what is queued or running, as the core plans with it.
//!
//! The order is earliest deadline first. A job without a deadline counts as due a day after it was handed in, so that
//! what is always urgent does not starve it; among equals what pays most per token goes first, then the oldest. Example
//! at 12 o'clock: A is due at 18:00, B was handed in yesterday at 15:00 without a deadline, C is due tomorrow. B counts
//! as due at 15:00 and runs first, then A, then C. If A has not begun by 18:00 it expires.
//!
//! A job that fails is tried again, up to the limit of attempts. An attempt that ended because there was no power or no
//! worker does not count.

use super::table::{self, COLUMNS, count, job_of, moment, stored};
use super::{Job, JobRequest, JobStatus, QueueError, TEXT_MAX, TITLE_MAX, TOKENS_MAX, VALUE_MAX};
use crate::store::{Condition, Disk, Opened};
use plant::time::Timestamp;
use plant::units::Eur;
use plant::work::{Backlog, Due};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Jobs that have come to their end are kept up to this number.
const ENDED_MAX: u32 = 1000;
/// Deadlines that are kept apart: those of two days, by quarter hours.
const DUE_MAX: u32 = 192;
/// Characters that make a token, roughly, before the expert has counted them.
const CHARACTERS_PER_TOKEN: u64 = 4;
/// A job without a deadline takes its turn as if it had one this long after it was handed in, ms: what is always urgent
/// must not hold it up for ever.
const TURN_MS: i64 = 24 * 3_600_000;

/// What the queue holds its jobs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The most jobs that may wait.
    pub queue_max: u32,
    /// How often a job is tried.
    pub attempts: u32,
    /// What a million prompt tokens pay.
    pub eur_per_mtok_in: f64,
    /// What a million generated tokens pay.
    pub eur_per_mtok_out: f64,
}

impl Limits {
    /// What so many tokens pay by the price list.
    pub(super) fn listed(&self, tokens_in: u64, tokens_out: u64) -> Eur {
        Eur((tokens_in as f64 * self.eur_per_mtok_in + tokens_out as f64 * self.eur_per_mtok_out) / 1e6)
    }
}

/// The queue. Clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    connection: Arc<Mutex<Connection>>,
    backlog: watch::Sender<Backlog>,
    pub(super) limits: Limits,
    /// The name of the journal of deliveries that this opening writes.
    pub(super) journal: Arc<str>,
    path: Arc<str>,
    found: Option<Arc<str>>,
    new: bool,
}

impl Queue {
    /// Opens or creates the file. A broken one is set aside, and its jobs that can be read go over. What was running when the
    /// gateway ended waits again.
    pub fn open(disk: &Disk, limits: Limits) -> Result<Self, QueueError> {
        let name: Arc<str> = disk.path(table::SHAPE.file).display().to_string().into();
        let failed = |source| QueueError::Sqlite { path: name.to_string(), source };
        let Opened { mut connection, condition, .. } = table::SHAPE.open(disk, table::probe).map_err(failed)?;
        let mut found = condition.words();
        if let (Condition::Broken { aside, .. }, Some(words)) = (&condition, &mut found) {
            let jobs = table::carry_over(&mut connection, aside).map_err(failed)?;
            *words += &format!(". {jobs} of its jobs could be read and are carried over");
        }
        let (found, new) = (found.map(Arc::from), matches!(condition, Condition::Nothing));
        let again = "UPDATE job SET status = 'queued', attempts = max(attempts - 1, 0) WHERE status = 'running'";
        connection.execute(again, []).map_err(failed)?;
        let backlog = watch::Sender::new(Backlog::default());
        let (connection, journal) = (Arc::new(Mutex::new(connection)), super::journal::random_name());
        let queue = Self { connection, backlog, limits, journal, path: name, found, new };
        queue.announce()?;
        Ok(queue)
    }

    /// Whether there was no file, or an empty one.
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// In what state the file was found, for a person; nothing where all is well.
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// Takes over the jobs of a broken file that was set aside; returns how many were not there.
    pub(crate) fn carry_over(&self, broken: &Path) -> Result<usize, QueueError> {
        let count = table::carry_over(&mut self.lock(), broken).map_err(|source| self.sqlite(source))?;
        self.announce()?;
        Ok(count)
    }

    /// What waits or runs, to be watched. Queries are not counted here.
    pub fn changed(&self) -> watch::Receiver<Backlog> {
        self.backlog.subscribe()
    }

    /// What waits or runs.
    pub fn backlog(&self) -> Backlog {
        self.backlog.borrow().clone()
    }

    /// Hands in a job.
    pub fn submit(&self, request: &JobRequest, now: Timestamp) -> Result<Job, QueueError> {
        check(request, now)?;
        if self.backlog().jobs >= self.limits.queue_max {
            return Err(QueueError::Full { max: self.limits.queue_max });
        }
        let characters: usize = request.messages.iter().map(|message| message.content.chars().count()).sum();
        let tokens_in = (characters as u64).div_ceil(CHARACTERS_PER_TOKEN);
        let tokens_out = u64::from(request.max_tokens);
        let value = request.value.unwrap_or_else(|| self.limits.listed(tokens_in, tokens_out));
        let text = serde_json::to_string(request)
            .map_err(|error| QueueError::Invalid { field: "messages", expected: error.to_string() })?;
        let id = {
            let connection = self.lock();
            connection
                .execute(
                    "INSERT INTO job (request, status, tokens_estimate, value, deadline, submitted_at)
                     VALUES (?1, 'queued', ?2, ?3, ?4, ?5)",
                    params![
                        text,
                        stored(tokens_in + tokens_out),
                        value.0,
                        request.deadline.map(|at| at.timestamp_millis()),
                        now.timestamp_millis()
                    ],
                )
                .map_err(|source| self.sqlite(source))?;
            connection.last_insert_rowid()
        };
        self.announce()?;
        self.get(id)
    }

    /// The newest jobs, the newest first; a row that has rotted is left out.
    pub fn list(&self, limit: u32) -> Result<Vec<Job>, QueueError> {
        let connection = self.lock();
        let query = format!("SELECT {COLUMNS} FROM job ORDER BY id DESC LIMIT ?1");
        let read = || -> rusqlite::Result<Vec<Job>> {
            let mut statement = connection.prepare_cached(&query)?;
            let mut rows = statement.query([limit])?;
            let mut jobs = Vec::new();
            while let Some(row) = rows.next()? {
                jobs.extend(job_of(row).ok());
            }
            Ok(jobs)
        };
        read().map_err(|source| self.sqlite(source))
    }

    /// One job.
    pub fn get(&self, id: i64) -> Result<Job, QueueError> {
        let connection = self.lock();
        let query = format!("SELECT {COLUMNS} FROM job WHERE id = ?1");
        let found = connection.query_row(&query, [id], job_of).optional().map_err(|source| self.sqlite(source))?;
        found.ok_or(QueueError::NotFound(id))
    }

    /// Takes a job back; one that runs is stopped.
    pub fn cancel(&self, id: i64, now: Timestamp) -> Result<Job, QueueError> {
        let changed = self.execute(
            "UPDATE job SET status = 'cancelled', finished_at = ?2 WHERE id = ?1 AND status IN ('queued', 'running')",
            params![id, now.timestamp_millis()],
        )?;
        let job = self.get(id)?;
        if changed == 0 { Err(QueueError::Over { id, status: job.status }) } else { Ok(job) }
    }

    /// Starts the next job: the nearest deadline first (a job without one counts as due a day after it was handed in),
    /// then what pays most per token, then the oldest. One whose deadline has passed waits for [`Queue::expire`].
    pub fn next(&self, now: Timestamp) -> Result<Option<Job>, QueueError> {
        let id = {
            let connection = self.lock();
            let started: rusqlite::Result<Option<i64>> = connection
                .query_row(
                    "UPDATE job SET status = 'running', attempts = attempts + 1, started_at = ?1 WHERE id = (
                        SELECT id FROM job WHERE status = 'queued' AND coalesce(deadline > ?1, true)
                        ORDER BY coalesce(deadline, submitted_at + ?2), value / max(tokens_estimate, 1) DESC, id LIMIT 1
                     ) RETURNING id",
                    [now.timestamp_millis(), TURN_MS],
                    |row| row.get(0),
                )
                .optional();
            started.map_err(|source| self.sqlite(source))?
        };
        self.announce()?;
        id.map(|id| self.get(id)).transpose()
    }

    /// An attempt failed. The job waits for another one where it has any left and `again` holds.
    pub fn fail(&self, id: i64, why: &str, again: bool, now: Timestamp) -> Result<(), QueueError> {
        let attempts = if again { self.limits.attempts } else { 0 };
        self.execute(
            "UPDATE job SET error = ?2, status = iif(attempts < ?3, 'queued', 'failed'),
                            finished_at = iif(attempts < ?3, NULL, ?4)
             WHERE id = ?1 AND status = 'running'",
            params![id, why, attempts, now.timestamp_millis()],
        )?;
        self.prune()
    }

    /// A running job goes back to the queue through no fault of its own; the attempt does not count.
    pub fn put_back(&self, id: i64) -> Result<(), QueueError> {
        self.execute(
            "UPDATE job SET status = 'queued', attempts = max(attempts - 1, 0) WHERE id = ?1 AND status = 'running'",
            params![id],
        )?;
        Ok(())
    }

    /// Ends what waited beyond its deadline, for good: `now` must be a time that nobody doubts.
    pub fn expire(&self, now: Timestamp) -> Result<usize, QueueError> {
        self.execute(
            "UPDATE job SET status = 'expired', finished_at = ?1 WHERE status = 'queued' AND deadline <= ?1",
            params![now.timestamp_millis()],
        )
    }

    fn execute(&self, statement: &str, values: impl rusqlite::Params) -> Result<usize, QueueError> {
        let changed = self.lock().execute(statement, values).map_err(|source| self.sqlite(source))?;
        if changed > 0 {
            self.announce()?;
        }
        Ok(changed)
    }

    pub(super) fn prune(&self) -> Result<(), QueueError> {
        let ended = "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE status NOT IN ('queued', 'running')
                     ORDER BY id DESC LIMIT -1 OFFSET ?1)";
        self.lock().execute(ended, [ENDED_MAX]).map_err(|source| self.sqlite(source))?;
        Ok(())
    }

    /// Shows the watchers what waits or runs.
    pub(super) fn announce(&self) -> Result<(), QueueError> {
        let backlog = waiting(&self.lock()).map_err(|source| self.sqlite(source))?;
        self.backlog.send_replace(backlog);
        Ok(())
    }

    /// Whether a job is still to be served.
    pub(super) fn is_running(&self, id: i64) -> bool {
        self.get(id).is_ok_and(|job| job.status == JobStatus::Running)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // Every statement is complete in itself: a thread that died holding the lock left nothing half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sqlite(&self, source: rusqlite::Error) -> QueueError {
        QueueError::Sqlite { path: self.path.to_string(), source }
    }
}

/// What waits or runs; jobs that are due in the same quarter hour are due at its first deadline.
fn waiting(connection: &Connection) -> rusqlite::Result<Backlog> {
    let mut sums = connection.prepare_cached(
        "SELECT count(*), coalesce(sum(tokens_estimate), 0), coalesce(sum(value), 0.0) FROM job
         WHERE status IN ('queued', 'running')",
    )?;
    let mut due = connection.prepare_cached(
        "SELECT min(deadline), sum(tokens_estimate) FROM job
         WHERE status IN ('queued', 'running') AND deadline IS NOT NULL GROUP BY deadline / 900000 ORDER BY 1 LIMIT ?1",
    )?;
    let due = due.query_map([DUE_MAX], |row| Ok(Due { at: moment(row.get(0)?), tokens: count(row.get(1)?) }))?;
    let due = due.collect::<rusqlite::Result<Vec<Due>>>()?;
    let (jobs, tokens, value) = sums.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Backlog { interactive: 0, jobs, tokens: count(tokens), value: Eur(value), due })
}

fn check(request: &JobRequest, now: Timestamp) -> Result<(), QueueError> {
    let invalid = |field, expected: String| Err(QueueError::Invalid { field, expected });
    let title = request.title.chars().count();
    if title == 0 || title > TITLE_MAX {
        return invalid("title", format!("has {title} characters; expected 1 to {TITLE_MAX}"));
    }
    let text: usize = request.messages.iter().map(|message| message.content.len()).sum();
    if text == 0 || text > TEXT_MAX {
        return invalid("messages", format!("have {text} bytes of text; expected 1 to {TEXT_MAX}"));
    }
    let strange = request.messages.iter().find(|message| !matches!(&*message.role, "system" | "user" | "assistant"));
    if let Some(message) = strange {
        return invalid("messages", format!("role is '{}'; expected system, user or assistant", message.role));
    }
    if request.max_tokens == 0 || request.max_tokens > TOKENS_MAX {
        return invalid("max_tokens", format!("is {}; expected 1 to {TOKENS_MAX}", request.max_tokens));
    }
    if let Some(deadline) = request.deadline.filter(|deadline| *deadline <= now) {
        return invalid("deadline", format!("is {deadline}; expected a time to come"));
    }
    match request.value {
        Some(value) if !(0.0..=VALUE_MAX).contains(&value.0) => {
            invalid("value", format!("is {}; expected 0 to {VALUE_MAX}", value.0))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
#[path = "queue_test.rs"]
mod tests;
