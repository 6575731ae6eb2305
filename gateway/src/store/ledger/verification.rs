//! The check of the books: every entry follows the one before it, and what was signed is there as it was signed.
//!
//! The entries are read a thousand at a time and never twice, so that nobody who writes or reads beside waits: what is appended
//! meanwhile is checked at the end.

use super::{Ledger, LedgerError, Signed};
use plant::entry::{Booking, Entry, Head};
use plant::ledger;
use std::collections::BTreeMap;

/// Entries that are read at once.
const CHUNK: usize = 1000;

/// What a verification has seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Entries whose hash and predecessor are right.
    pub entries: u64,
    /// Receipts among them.
    pub receipts: u64,
    /// Closed slots among them.
    pub slots: u64,
    /// Closed days among them.
    pub days: u64,
    /// The newest link.
    pub head: Head,
    /// Which entries are signed, and with which keys; the key that signed last at the end.
    pub signed: Vec<Signed>,
}

impl Ledger {
    /// Walks the whole chain; `progress` hears how many entries it has seen.
    ///
    /// # Errors
    /// The chain does not hold, an entry that was signed is missing or another one, or the ledger cannot be read.
    pub fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Verified, LedgerError> {
        let mut verified =
            Verified { entries: 0, receipts: 0, slots: 0, days: 0, head: Head::default(), signed: Vec::new() };
        let signatures = self.signatures()?;
        let mut signed: BTreeMap<u64, String> = signatures.iter().map(|one| (one.sequence, one.hash.clone())).collect();
        loop {
            let entries = self.after(verified.head.sequence, CHUNK)?;
            for entry in &entries {
                self.take(&mut verified, entry)?;
                if signed.remove(&entry.sequence).is_some_and(|hash| hash != entry.hash) {
                    return Err(
                        self.broken(entry.sequence, format!("entry {} is not the one that was signed", entry.sequence))
                    );
                }
                progress(verified.entries);
            }
            if entries.len() < CHUNK {
                break;
            }
        }
        if let Some((sequence, _)) = signed.pop_first() {
            let head = verified.head.sequence;
            let why = format!(
                "the newest entries are missing: entry {sequence} was signed, and entry {head} is the last one"
            );
            return Err(self.broken(head + 1, why));
        }
        for one in signatures {
            if !one.fits() {
                let why = format!("the signature of entry {} is not of the key {}", one.sequence, one.key);
                return Err(self.broken(one.sequence, why));
            }
            match verified.signed.iter_mut().find(|signed| signed.key == one.key) {
                Some(signed) => (signed.up_to, signed.signatures) = (one.sequence, signed.signatures + 1),
                None => verified.signed.push(Signed { key: one.key, up_to: one.sequence, signatures: 1 }),
            }
        }
        verified.signed.sort_by_key(|signed| signed.up_to);
        Ok(verified)
    }

    fn take(&self, verified: &mut Verified, entry: &Entry) -> Result<(), LedgerError> {
        let broken = |why: String| self.broken(entry.sequence, why);
        verified.head = ledger::verify(&verified.head, entry).map_err(|why| broken(why.to_string()))?;
        match ledger::booking(entry).map_err(|why| broken(why.to_string()))? {
            Booking::Receipt(_) => verified.receipts += 1,
            Booking::Slot(_) => verified.slots += 1,
            Booking::Day(_) => verified.days += 1,
        }
        verified.entries += 1;
        Ok(())
    }
}
