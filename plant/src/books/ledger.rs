//! The ledger: a hash chain of entries. Sealing an entry, opening it, checking its link to the one before it.
//!
//! ```text
//!   0000.. <--previous-- entry 1 <--previous-- entry 2 <--previous-- entry 3 = head
//! ```
//!
//! Example: entry 2 books the slot of 12:00. Its hash is the SHA-256 of the hash of entry 1, `2`, its time and its body, line by line.
//! Whoever changes a digit of its body breaks its own hash; whoever seals it anew breaks the link of entry 3.

use crate::entry::{Booking, Entry, Head};
use crate::time::Timestamp;
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The form of the bodies that are sealed here. Those of version 0.1.0 state none: they are of the first.
pub const VERSION: u32 = 2;

/// A body that states its version.
#[derive(Serialize)]
struct Stated<'a> {
    version: u32,
    #[serde(flatten)]
    booking: &'a Booking,
}

/// The version that a body states.
#[derive(Deserialize)]
struct Version {
    #[serde(default = "first")]
    version: u32,
}

fn first() -> u32 {
    1
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The number does not follow the one before it.
    Sequence {
        /// The number that was due.
        expected: u64,
        /// The number it bears.
        found: u64,
    },
    /// It names another predecessor than the one before it.
    Previous {
        /// The entry.
        sequence: u64,
    },
    /// Its contents do not have its hash: it was changed after it was booked.
    Hash {
        /// The entry.
        sequence: u64,
    },
    /// Its body is not a booking.
    Body {
        /// The entry.
        sequence: u64,
        /// What the parser said.
        why: String,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Sequence { expected, found } => {
                write!(f, "entry {expected} is missing: entry {found} stands in its place")
            }
            Broken::Previous { sequence } => write!(f, "entry {sequence} does not continue the entry before it"),
            Broken::Hash { sequence } => write!(f, "entry {sequence} was changed after it was booked"),
            Broken::Body { sequence, why } => write!(f, "entry {sequence} is not a booking: {why}"),
        }
    }
}

impl std::error::Error for Broken {}

/// The entry that books `booking` after `head`.
#[expect(
    clippy::expect_used,
    reason = "a booking is plain structs with string keys; serialising it has no failing case"
)]
pub fn seal(head: &Head, booked_at: Timestamp, booking: &Booking) -> Entry {
    let body = serde_json::to_string(&Stated { version: VERSION, booking }).expect("a booking is JSON");
    let sequence = head.sequence.saturating_add(1);
    let hash = hash(&head.hash, sequence, booked_at, &body);
    Entry { sequence, booked_at, body, previous: head.hash.clone(), hash }
}

/// Checks that `entry` continues `head` unchanged; the head after it.
///
/// # Errors
/// It does not follow `head`, or was changed after it was booked.
pub fn verify(head: &Head, entry: &Entry) -> Result<Head, Broken> {
    let expected = head.sequence.saturating_add(1);
    if entry.sequence != expected {
        return Err(Broken::Sequence { expected, found: entry.sequence });
    }
    if entry.previous != head.hash {
        return Err(Broken::Previous { sequence: entry.sequence });
    }
    if entry.hash != hash(&entry.previous, entry.sequence, entry.booked_at, &entry.body) {
        return Err(Broken::Hash { sequence: entry.sequence });
    }
    Ok(Head { sequence: entry.sequence, hash: entry.hash.clone() })
}

/// What `entry` books, whatever version sealed it. What a person's own questions were worth is no revenue: the first version
/// booked it as one.
///
/// # Errors
/// Its body is not a booking, or of a newer version.
pub fn booking(entry: &Entry) -> Result<Booking, Broken> {
    let broken = |why: String| Broken::Body { sequence: entry.sequence, why };
    let version = version(&entry.body).map_err(|error| broken(error.to_string()))?;
    if version > VERSION {
        return Err(broken(format!(
            "it is of version {version}, which a newer HeatMine wrote; this one knows {VERSION}"
        )));
    }
    let mut booking = serde_json::from_str(&entry.body).map_err(|error| broken(error.to_string()))?;
    if version < VERSION
        && let Booking::Receipt(booked) = &mut booking
        && booked.receipt.interactive
    {
        booked.receipt.worth = std::mem::take(&mut booked.receipt.price);
    }
    Ok(booking)
}

fn version(body: &str) -> serde_json::Result<u32> {
    // What is sealed here begins with it.
    if body.starts_with("{\"version\":2,") {
        return Ok(VERSION);
    }
    Ok(serde_json::from_str::<Version>(body)?.version)
}

fn hash(previous: &str, sequence: u64, booked_at: Timestamp, body: &str) -> String {
    let booked_at = booked_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let digest = Sha256::digest(format!("{previous}\n{sequence}\n{booked_at}\n{body}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::SlotAccount;
    use crate::time::Slot;

    fn chain(length: i64) -> Vec<Entry> {
        let mut head = Head::default();
        (0..length)
            .map(|number| {
                let slot = Slot(1_900_000 + number);
                let entry = seal(&head, slot.end(), &Booking::Slot(Box::new(SlotAccount::new(slot))));
                head = verify(&head, &entry).unwrap();
                entry
            })
            .collect()
    }

    fn broken_at(entries: &[Entry]) -> Option<Broken> {
        let mut head = Head::default();
        entries.iter().find_map(|entry| match verify(&head, entry) {
            Ok(next) => {
                head = next;
                None
            }
            Err(broken) => Some(broken),
        })
    }

    #[test]
    fn a_chain_verifies_and_opens() {
        let entries = chain(5);
        assert_eq!(broken_at(&entries), None);
        assert_eq!(booking(&entries[3]).unwrap(), Booking::Slot(Box::new(SlotAccount::new(Slot(1_900_003)))));
    }

    #[test]
    fn every_change_is_found() {
        let mut changed = chain(5);
        changed[2].body = changed[2].body.replace("\"observed_s\":0.0", "\"observed_s\":1.0");
        assert_eq!(broken_at(&changed), Some(Broken::Hash { sequence: 3 }));

        let mut late = chain(5);
        late[1].booked_at += chrono::TimeDelta::milliseconds(1);
        assert_eq!(broken_at(&late), Some(Broken::Hash { sequence: 2 }));

        let mut missing = chain(5);
        missing.remove(1);
        assert_eq!(broken_at(&missing), Some(Broken::Sequence { expected: 2, found: 3 }));

        let mut forged = chain(5);
        forged[0] = seal(&Head::default(), Slot(7).end(), &Booking::Slot(Box::new(SlotAccount::new(Slot(7)))));
        assert_eq!(broken_at(&forged), Some(Broken::Previous { sequence: 2 }));
    }
}
