//! The key of the house, an Ed25519 pair that it makes once, and the signatures made with it.
//!
//! The secret half lies in `ledger.key`, which nobody but HeatMine may read. What is signed is
//!
//! ```text
//! heatmine ledger 1
//! <number of the entry>
//! <its hash>
//! ```
//!
//! each line with its line feed. The public half stands beside each signature, so that a lost key does not take the older signatures
//! with it.

use super::Disk;
use plant::entry::Entry;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::Serialize;
use std::io;
use std::sync::Arc;

/// Where the secret half lies.
const FILE: &str = "ledger.key";

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

    /// Signs an entry.
    pub(super) fn sign(&self, entry: &Entry) -> Signature {
        Signature {
            sequence: entry.sequence,
            hash: entry.hash.clone(),
            key: self.public(),
            signature: hexadecimal(self.0.sign(message(entry.sequence, &entry.hash).as_bytes()).as_ref()),
        }
    }
}

impl Signature {
    /// Whether its key has made it.
    pub fn fits(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes(&self.key), bytes(&self.signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(message(self.sequence, &self.hash).as_bytes(), &signature).is_ok()
    }
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
