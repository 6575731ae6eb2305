//! What of a broken ledger can be read, and where its chain breaks.
//!
//! Example: 812 entries are in `ledger.db`, and the page with entries 401 to 403 holds noise. Entries 1 to 400 are *whole*: each
//! follows the one before it. 401 to 403 are missing. 404 to 812 can be read and fit together, but nothing proves any more
//! what came before them.

use super::house_key::Signature;
use super::pages::{Row, rows};
use plant::entry::{Entry, Head};
use plant::ledger;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The entries that could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recovered {
    /// Each in its place, in order; where a number had several, the one that continues the chain.
    pub entries: Vec<Entry>,
    /// The signatures, with their days.
    pub signatures: Vec<(String, Signature)>,
    /// How many of them, from the first on, make a chain without a break.
    chained: usize,
    /// What is wrong with the first that does not continue the chain.
    breaks: Option<String>,
}

impl Recovered {
    /// Reads a file page by page.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let mut found: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        let mut signatures = Vec::new();
        for row in rows(path)? {
            match (signature_of(&row), entry_of(row)) {
                (_, Some(entry)) => found.entry(entry.sequence).or_default().push(entry),
                (Some(signature), None) => signatures.push(signature),
                (None, None) => {}
            }
        }
        let (mut entries, mut head) = (Vec::new(), Head::default());
        let (mut chained, mut breaks) = (0, None);
        for candidates in found.into_values() {
            let fitting = candidates.iter().find_map(|entry| Some((entry, ledger::verify(&head, entry).ok()?)));
            let (entry, next) = match (fitting, candidates.first()) {
                (Some((entry, next)), _) => (entry, next),
                (None, Some(entry)) => {
                    breaks = breaks.or_else(|| ledger::verify(&head, entry).err().map(|broken| broken.to_string()));
                    (entry, Head { sequence: entry.sequence, hash: entry.hash.clone() })
                }
                (None, None) => continue,
            };
            head = next;
            if breaks.is_none() && ledger::booking(entry).is_ok() {
                chained += 1;
            }
            entries.push(entry.clone());
        }
        Ok(Self { entries, signatures, chained, breaks })
    }

    /// The entries from the first on that make a chain without a break.
    pub(crate) fn whole(&self) -> &[Entry] {
        self.entries.get(..self.chained).unwrap_or_default()
    }

    /// What of it went over into the new ledger, for a person.
    pub(crate) fn words(&self) -> String {
        let whole = match self.chained {
            0 => "No entry of it makes a chain from the first on".to_owned(),
            1 => "Entry 1 of it is whole and is carried over".to_owned(),
            count => format!("Entries 1 to {count} of it are whole and are carried over"),
        };
        match (&self.breaks, self.entries.last()) {
            (Some(why), Some(last)) => {
                let later = self.entries.len() - self.chained;
                format!(
                    "{whole}; then {why}. {later} later ones, up to entry {}, can still be read in it",
                    last.sequence
                )
            }
            (None, _) | (_, None) => whole,
        }
    }

    /// The first and last number of each run of entries that follow each other, all of them as they were booked.
    pub(crate) fn runs(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut head: Option<Head> = None;
        for entry in &self.entries {
            let before = Head { sequence: entry.sequence.saturating_sub(1), hash: entry.previous.clone() };
            let follows = head.as_ref() == Some(&before);
            head = ledger::verify(&before, entry).ok();
            match runs.last_mut() {
                Some(run) if follows && head.is_some() => run.1 = entry.sequence,
                Some(_) | None if head.is_some() => runs.push((entry.sequence, entry.sequence)),
                Some(_) | None => {}
            }
        }
        runs
    }

    /// What is wrong with the first entry that does not continue the chain.
    pub(crate) fn breaks(&self) -> Option<&str> {
        self.breaks.as_deref()
    }

    /// The entries that continue a chain which ends with `head`.
    pub(crate) fn after(&self, head: &Head) -> &[Entry] {
        let first = self.entries.partition_point(|entry| entry.sequence <= head.sequence);
        let (mut head, mut end) = (head.clone(), first);
        while let Some(next) = self.entries.get(end).and_then(|entry| ledger::verify(&head, entry).ok()) {
            (head, end) = (next, end + 1);
        }
        self.entries.get(first..end).unwrap_or_default()
    }
}

/// The entry in a row of seven columns, as the ledger's table has them.
fn entry_of(row: Row) -> Option<Entry> {
    let [_, Value::Text(booked_at), Value::Text(_), _, Value::Text(body), Value::Text(previous), Value::Text(hash)] =
        <[Value; 7]>::try_from(row.values).ok()?
    else {
        return None;
    };
    let sequence = u64::try_from(row.id).ok()?;
    Some(Entry { sequence, booked_at: booked_at.parse().ok()?, body, previous, hash })
}

/// The signature in a row of five columns, with its day.
fn signature_of(row: &Row) -> Option<(String, Signature)> {
    let [Value::Text(day), Value::Text(key), Value::Integer(sequence), Value::Text(hash), Value::Text(signature)] =
        row.values.as_slice()
    else {
        return None;
    };
    let sequence = u64::try_from(*sequence).ok()?;
    Some((day.clone(), Signature { sequence, hash: hash.clone(), key: key.clone(), signature: signature.clone() }))
}
