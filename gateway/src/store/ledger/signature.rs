//! The house signs the newest entry of its books, so that an outsider can tell that they are this house's, and that none of the
//! newest was cut off.
//!
//! Terms. The *key* is an Ed25519 pair that the house makes once; its secret half lies in `ledger.key`, which nobody but HeatMine may
//! read. A *signature* is over the number and hash of an entry, and covers all entries before it by the chain. Each closed slot is
//! signed in the transaction that books it; of each day (UTC) the last signature is kept.
//!
//! ```text
//! heatmine ledger 1
//! <number of the entry>
//! <its hash>
//! ```
//!
//! is what is signed, each line with its line feed. The public half stands beside each signature, so that a lost key does not take the
//! older signatures with it.

use super::{Ledger, LedgerError};
use crate::store::Disk;
use plant::entry::Entry;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use std::io;
use std::sync::Arc;

/// Where the secret half lies.
const FILE: &str = "ledger.key";
/// The table. It is no wider than the entries' own, and rows are told apart by that.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS signature (
        day TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, signature TEXT NOT NULL,
        PRIMARY KEY (day, key)) STRICT;";

/// The house's key.
#[derive(Clone, Debug)]
pub(super) struct HouseKey(Arc<Ed25519KeyPair>);

/// A signature of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// The number of the entry.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
    /// The public half of the key, as 64 hexadecimal digits.
    pub key: String,
    /// The signature, as 128 hexadecimal digits.
    pub signature: String,
}

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

impl HouseKey {
    /// Reads the key, or makes one; says what happened to an earlier one that cannot be read.
    pub(super) fn open(disk: &Disk) -> (Option<Self>, Option<String>) {
        let path = disk.path(FILE);
        let broken = match disk.read(FILE) {
            Ok(Some(bytes)) => match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes) {
                Ok(pair) => return (Some(Self(Arc::new(pair))), None),
                Err(why) => Some(why.to_string()),
            },
            Ok(None) => None,
            // It may be readable again: no other key takes its place.
            Err(error) => {
                return (None, Some(format!("{} cannot be read ({error}): nothing is signed", path.display())));
            }
        };
        let aside = broken.map(|why| {
            let moved =
                disk.set_aside(FILE, &format!("broken-{}", crate::clock::wall_time().format("%Y-%m-%dT%H-%M-%SZ")));
            let moved =
                moved.map_or_else(|error| error.to_string(), |aside| format!("set aside as {}", aside.display()));
            format!("{} was broken ({why}): {moved}. The books are signed with a new key", path.display())
        });
        match Self::make(disk) {
            Ok(key) => (Some(key), aside),
            Err(error) => (None, Some(format!("{} cannot be made ({error}): nothing is signed", path.display()))),
        }
    }

    fn make(disk: &Disk) -> io::Result<Self> {
        let wrong = |why: &str| io::Error::other(why.to_owned());
        let bytes = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| wrong("no source of chance"))?;
        let pair = Ed25519KeyPair::from_pkcs8(bytes.as_ref()).map_err(|why| wrong(&why.to_string()))?;
        disk.replace_secret(FILE, bytes.as_ref())?;
        Ok(Self(Arc::new(pair)))
    }

    /// Its public half, as hexadecimal digits.
    pub(super) fn public(&self) -> String {
        hexadecimal(self.0.public_key().as_ref())
    }

    /// Signs an entry, in place of the earlier one of its day.
    pub(super) fn sign(&self, transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
        let signature = Signature {
            sequence: entry.sequence,
            hash: entry.hash.clone(),
            key: self.public(),
            signature: hexadecimal(self.0.sign(message(entry.sequence, &entry.hash).as_bytes()).as_ref()),
        };
        keep(transaction, &entry.booked_at.date_naive().to_string(), &signature)
    }
}

impl Signature {
    /// Whether its key has made it.
    pub fn fits(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes(&self.key), bytes(&self.signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(message(self.sequence, &self.hash).as_bytes(), &signature).is_ok()
    }
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

fn message(sequence: u64, hash: &str) -> String {
    format!("heatmine ledger 1\n{sequence}\n{hash}\n")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.is_ascii().then_some(digits)?;
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}
