//! The name of a journal of deliveries.

use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;

/// A name that no other journal has: 64 bits of chance.
pub(super) fn random_name() -> Arc<str> {
    let mut bytes = [0; 8];
    // Without a source of chance nothing else of the program works, either.
    let _ = SystemRandom::new().fill(&mut bytes);
    format!("jobs-{:016x}", u64::from_be_bytes(bytes)).into()
}
