//! The house signs the newest entry of its books, so that an outsider can tell that they are this house's, and that none of the
//! newest was cut off.
//!
//! A signature is over the number and hash of an entry, and covers all entries before it by the chain. Each closed slot is signed in
//! the transaction that books it; of each day (UTC) the last signature is kept.

use super::{Ledger, LedgerError};
use crate::store::house_key::{HouseKey, Signature};
use plant::entry::Entry;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;

/// The table. It is no wider than the entries' own, and rows are told apart by that.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS signature (
        day TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL,
        PRIMARY KEY (day, key)) STRICT;";

/// The entries that a key has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// The public half of the key, as 64 hexadecimal digits.
    pub key: String,
    /// All entries up to this one are covered.
    pub up_to: u64,
    /// How many of its signatures fit.
    pub signatures: u64,
}

impl Ledger {
    /// The public half of the house's key, as 64 hexadecimal digits; `None` where these books are only read.
    pub fn key(&self) -> Option<String> {
        self.key.as_ref().map(HouseKey::public)
    }

    /// The newest signature.
    pub fn newest_signature(&self) -> Result<Option<Signature>, LedgerError> {
        let found = self.reader().map(|reader| signatures(&reader, "ORDER BY sequence DESC LIMIT 1"))?;
        Ok(found.map_err(|source| self.sqlite(source))?.into_iter().next())
    }

    /// Takes over those signatures of a broken file whose entries are here as they were signed.
    pub(super) fn carry_over(&self, signatures: &[(String, Signature)]) -> Result<(), LedgerError> {
        let mut writer = self.lock();
        let mut carry = || -> rusqlite::Result<()> {
            let transaction = writer.transaction()?;
            for (day, one) in signatures {
                let found = "SELECT EXISTS (SELECT 1 FROM entry WHERE hash = ?1)";
                if one.fits() && transaction.query_row(found, [&one.hash], |row| row.get(0))? {
                    keep(&transaction, day, one)?;
                }
            }
            transaction.commit()
        };
        carry().map_err(|source| self.sqlite(source))
    }

    /// Every signature, the oldest first.
    pub(super) fn signatures(&self) -> Result<Vec<Signature>, LedgerError> {
        let found = self.reader().map(|reader| signatures(&reader, "ORDER BY sequence"))?;
        found.map_err(|source| self.sqlite(source))
    }

    /// What of earlier keys stands in the books, where the house's key is none of them.
    pub(super) fn lost_key(&self) -> Option<String> {
        let (own, newest) = (self.key()?, self.newest_signature().ok()??);
        (newest.key != own).then(|| {
            format!(
                "The books were signed with the key {} up to entry {}, which is not in the data folder any more; from there on \
                 they are signed with {own}. The older signatures hold all the same. Where you have a backup of ledger.key, put \
                 it in its place and start again",
                newest.key, newest.sequence
            )
        })
    }
}

/// Signs an entry, in place of the earlier one of its day.
pub(super) fn sign(key: &HouseKey, transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    keep(transaction, &entry.booked_at.date_naive().to_string(), &key.sign(entry))
}

/// Keeps a signature of a `day`.
fn keep(transaction: &Transaction<'_>, day: &str, signature: &Signature) -> rusqlite::Result<()> {
    let Signature { sequence, hash, key, signature } = signature;
    transaction.prepare_cached("INSERT OR REPLACE INTO signature VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        day,
        key,
        i64::try_from(*sequence).unwrap_or(i64::MAX),
        hash,
        signature
    ])?;
    Ok(())
}

fn signatures(connection: &Connection, which: &str) -> rusqlite::Result<Vec<Signature>> {
    if !connection.table_exists(None, "signature")? {
        return Ok(Vec::new());
    }
    let query = format!("SELECT sequence, hash, key, signature FROM signature {which}");
    let mut statement = connection.prepare(&query)?;
    let rows = statement.query_map([], |row| {
        let sequence = super::unsigned(row.get(0)?);
        Ok(Signature { sequence, hash: row.get(1)?, key: row.get(2)?, signature: row.get(3)? })
    })?;
    rows.collect()
}
