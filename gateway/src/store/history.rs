//! The history on disk: a row for each quarter hour of the last 400 days, from which the time ahead is expected.
//!
//! Terms. The history *stands* at an entry of the ledger: it has every closed slot up to that one. It is a copy and can be made anew
//! from the ledger at any time, so that nothing of it stops a start: what is beyond its stand is read from the ledger, and where the
//! ledger is another one, or the rows are of another form, or one of them cannot be read, all of them are made anew. Only slots are read
//! for that, however many receipts lie between them. Slots that the ledger does not know, as after damage to it, stay.
//!
//! Example: the power fails at 10:20. `ledger.db` ends with the slot of 10:00, entry 263,001; the newest row of `history.db` is that of
//! 09:45, and it stands at entry 262,988. The start reads one slot and is whole again. Had `history.db` rotted, it would be set aside,
//! and 38,400 slots be read.

use super::BUSY;
use super::disk::{Disk, Durability};
use super::ledger::{Ledger, LedgerError};
use super::pages::rows;
use super::shape::{Condition, Opened, Shape};
use plant::entry::{Booking, Entry, Head, SlotAccount};
use plant::history::Quarter;
use plant::ledger;
use plant::site::Site;
use plant::time::{Slot, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use std::path::Path;

/// Quarter hours that are kept: 400 days, so that each season is known from the year before.
pub(super) const KEPT: i64 = 400 * 96;
/// Of what lies beyond, a slot takes these along when it is written: a wrong clock costs no more than a day.
const PRUNED: i64 = 96;
/// The form of the rows; those of another form are made anew from the ledger.
const FORM: i64 = 1;
/// Its database.
pub(crate) const FILE: &str = "history.db";
const SHAPE: Shape = Shape {
    file: FILE,
    version: 1,
    // What a power cut takes is in the ledger.
    durability: Durability::Normal,
    busy: BUSY,
    alone: false,
    tables: &["
        CREATE TABLE IF NOT EXISTS quarter (slot INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS stand (
            id INTEGER PRIMARY KEY CHECK (id = 1), form INTEGER NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;"],
};

/// `history.db`, and what could not be written into it yet.
#[derive(Debug)]
pub struct History {
    /// The file; `None` where it cannot be opened: the next start reads the ledger.
    connection: Option<Connection>,
    waiting: Vec<(Option<Quarter>, Head)>,
    failing: bool,
    condition: Condition,
    /// Why there is no file, or it could not be read.
    trouble: Option<String>,
}

/// What a start finds.
#[derive(Debug)]
pub struct FoundHistory {
    /// Where it goes on.
    pub history: History,
    /// Its rows, in the sequence of their slots.
    pub quarters: Vec<Quarter>,
}

impl History {
    /// Opens or creates the file and brings it up to the newest slot of `ledger`. Rows of what is ahead of `now`, as a wrong clock leaves
    /// them, and of what is long past are not among those that are found.
    pub fn open(disk: &Disk, site: &Site, ledger: &Ledger, now: Timestamp) -> FoundHistory {
        let mut history = Self::begin(disk);
        let mut quarters = history.caught_up(site, ledger).unwrap_or_else(|error| {
            history.connection = None;
            history.trouble.get_or_insert(format!("{FILE} cannot be read or written ({error})"));
            booked(site, ledger, 0).unwrap_or_default()
        });
        let now = Slot::containing(now);
        quarters.retain(|slot, _| (now.plus(-KEPT)..=now).contains(slot));
        FoundHistory { history, quarters: quarters.into_values().collect() }
    }

    /// Opens or creates the file, and leaves it where it stands.
    pub(crate) fn begin(disk: &Disk) -> Self {
        let (connection, condition, trouble) = match SHAPE.open(disk, |connection| stand(connection).map(drop)) {
            Ok(Opened { connection, condition, .. }) => (Some(connection), condition, None),
            Err(error) => (None, Condition::Whole, Some(format!("{FILE} cannot be opened ({error})"))),
        };
        Self { connection, waiting: Vec::new(), failing: false, condition, trouble }
    }

    /// In what state the file was found, for a person; nothing where all is well.
    pub fn found(&self) -> Option<String> {
        let words = self.condition.words().map(|words| format!("{words}. Its rows are made anew from the books"));
        words.or_else(|| {
            Some(format!("{}. Its rows are made anew from the books at each start", self.trouble.as_ref()?))
        })
    }

    /// Writes the row of a closed slot that entry `head` books. What cannot be written is tried again with the next one.
    pub fn keep(&mut self, site: &Site, account: &SlotAccount, head: Head) {
        let Some(connection) = &mut self.connection else { return };
        self.waiting.push((Quarter::of(site, account), head));
        match write(connection, &self.waiting) {
            Ok(()) => {
                self.waiting.clear();
                self.failing = false;
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!(%error, "{FILE} cannot be written; trying again with the next quarter hour");
                }
                self.failing = true;
            }
        }
    }

    /// Takes over the rows of a broken file for slots that this one has not; how many.
    pub(crate) fn carry_over(&mut self, broken: &Path) -> anyhow::Result<usize> {
        let Some(connection) = &mut self.connection else { return Ok(0) };
        let transaction = connection.transaction()?;
        let mut count = 0;
        for row in rows(broken)? {
            let [_, Value::Text(body)] = row.values.as_slice() else { continue };
            let whole = serde_json::from_str(body).is_ok_and(|quarter: Quarter| quarter.slot.0 == row.id);
            if whole {
                count += transaction.execute("INSERT OR IGNORE INTO quarter VALUES (?1, ?2)", params![row.id, body])?;
            }
        }
        prune(&transaction)?;
        transaction.commit()?;
        Ok(count)
    }

    /// The rows, once all that the ledger holds beyond them is there.
    fn caught_up(&mut self, site: &Site, ledger: &Ledger) -> anyhow::Result<BTreeMap<Slot, Quarter>> {
        let Some(connection) = &mut self.connection else { return Ok(booked(site, ledger, 0)?) };
        let head = ledger.head()?;
        let (mut quarters, unreadable) = read(connection)?;
        let since = match stand(connection)? {
            Some((FORM, stands)) if unreadable.is_empty() && ledger.holds(&stands)? => stands.sequence,
            Some(_) | None => 0,
        };
        if since == head.sequence && since > 0 {
            return Ok(quarters);
        }
        let missing = booked(site, ledger, since)?;
        let transaction = connection.transaction()?;
        for slot in &unreadable {
            transaction.execute("DELETE FROM quarter WHERE slot = ?1", [slot])?;
        }
        for quarter in missing.values() {
            insert(&transaction, quarter)?;
        }
        remember(&transaction, &head)?;
        prune(&transaction)?;
        transaction.commit()?;
        quarters.extend(missing);
        Ok(quarters)
    }
}

/// The rows of the slots that the ledger books after entry `since`, no more than are kept; of two for a slot the newer one.
fn booked(site: &Site, ledger: &Ledger, since: u64) -> Result<BTreeMap<Slot, Quarter>, LedgerError> {
    let mut quarters = BTreeMap::new();
    let most = usize::try_from(KEPT).unwrap_or(usize::MAX);
    ledger.newest_slots(since, most, |entry: &Entry| {
        if let Ok(Booking::Slot(account)) = ledger::booking(entry)
            && let Some(quarter) = Quarter::of(site, &account)
        {
            quarters.entry(quarter.slot).or_insert(quarter);
        }
    })?;
    Ok(quarters)
}

/// The rows, and the slots of those that cannot be read.
fn read(connection: &Connection) -> rusqlite::Result<(BTreeMap<Slot, Quarter>, Vec<i64>)> {
    let mut statement = connection.prepare("SELECT slot, body FROM quarter ORDER BY slot")?;
    let mut rows = statement.query([])?;
    let (mut quarters, mut unreadable) = (BTreeMap::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (slot, body) = (row.get(0)?, row.get_ref(1)?.as_bytes().unwrap_or_default());
        match serde_json::from_slice::<Quarter>(body) {
            Ok(quarter) if quarter.slot.0 == slot => drop(quarters.insert(quarter.slot, quarter)),
            Ok(_) | Err(_) => unreadable.push(slot),
        }
    }
    Ok((quarters, unreadable))
}

fn stand(connection: &Connection) -> rusqlite::Result<Option<(i64, Head)>> {
    if !connection.table_exists(None, "stand")? {
        return Ok(None);
    }
    let row = connection.query_row("SELECT form, sequence, hash FROM stand", [], |row| {
        let sequence: i64 = row.get(1)?;
        Ok((row.get(0)?, Head { sequence: u64::try_from(sequence).unwrap_or(0), hash: row.get(2)? }))
    });
    row.optional()
}

fn write(connection: &mut Connection, waiting: &[(Option<Quarter>, Head)]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (quarter, _) in waiting {
        if let Some(quarter) = quarter {
            insert(&transaction, quarter)?;
            let last = quarter.slot.0.saturating_sub(KEPT);
            transaction
                .prepare_cached("DELETE FROM quarter WHERE slot BETWEEN ?1 AND ?2")?
                .execute([last.saturating_sub(PRUNED), last])?;
        }
    }
    if let Some((_, head)) = waiting.last() {
        remember(&transaction, head)?;
    }
    transaction.commit()
}

fn insert(transaction: &Transaction<'_>, quarter: &Quarter) -> rusqlite::Result<()> {
    let body = body(quarter).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    transaction
        .prepare_cached("INSERT OR REPLACE INTO quarter VALUES (?1, ?2)")?
        .execute(params![quarter.slot.0, body])?;
    Ok(())
}

/// A row as JSON; what is not known is left out, so that a start reads half as much.
fn body(quarter: &Quarter) -> serde_json::Result<String> {
    let mut body = serde_json::to_value(quarter)?;
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Ok(body.to_string())
}

fn remember(transaction: &Transaction<'_>, head: &Head) -> rusqlite::Result<()> {
    let sequence = i64::try_from(head.sequence).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO stand VALUES (1, ?1, ?2, ?3)")?
        .execute(params![FORM, sequence, head.hash])?;
    Ok(())
}

/// Leaves the newest rows.
fn prune(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let beyond = "DELETE FROM quarter WHERE slot <= (SELECT slot FROM quarter ORDER BY slot DESC LIMIT 1 OFFSET ?1)";
    transaction.execute(beyond, [KEPT])?;
    Ok(())
}

#[cfg(test)]
#[path = "history_test.rs"]
mod tests;
