//! Quarter-hour slots of UTC time: the grain of prices, plans and books.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment in UTC. Local time exists only where a person reads it.
pub type Timestamp = DateTime<Utc>;

/// A 15-minute slot, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub i64);

impl Slot {
    /// Seconds in a slot.
    pub const SECONDS: i64 = 900;
    /// The length of a slot.
    pub const LENGTH: Duration = Duration::from_secs(Self::SECONDS as u64);

    /// The slot that contains `at`.
    pub fn containing(at: Timestamp) -> Self {
        Self(at.timestamp().div_euclid(Self::SECONDS))
    }

    /// The slot's first moment.
    pub fn start(self) -> Timestamp {
        DateTime::from_timestamp(self.0.saturating_mul(Self::SECONDS), 0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The first moment after the slot.
    pub fn end(self) -> Timestamp {
        self.plus(1).start()
    }

    /// The slot `count` slots later.
    pub fn plus(self, count: i64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

/// The time from `earlier` to `later`; zero where the clock has jumped back.
pub fn elapsed(earlier: Timestamp, later: Timestamp) -> Duration {
    (later - earlier).to_std().unwrap_or(Duration::ZERO)
}
