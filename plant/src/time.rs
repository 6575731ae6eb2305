//! Quarter-hour slots of UTC time: the grain of prices, plans and books. And the steady clock, for what lasts.

use chrono::{DateTime, TimeDelta, Utc};
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

/// A moment on the house's steady clock, which only goes forward: for everything that lasts. What the clock on the wall is set to
/// does not touch it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The time since `earlier`; zero where that is later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `span` later.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The moment `span` earlier; the first of all where that lies before it.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

/// The steady clock beside the one on the wall.
///
/// Example: the wall shows 10:00:00 and a second later 10:00:01: a second has passed. Set to 11:00:01, it shows another time and
/// nothing has passed; where nobody says that it was set, what it shows more has passed, and what it shows less has not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteadyClock {
    shown: Timestamp,
    moment: Moment,
}

impl SteadyClock {
    /// A clock that begins at `now`, an hour after the first moment of all, so that what was sampled before has one too.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { shown: now, moment: Moment::default().after(Duration::from_secs(3600)) }
    }

    /// The moment at which the wall shows `now`.
    pub(crate) fn pass(&mut self, now: Timestamp) -> Moment {
        self.moment = self.moment.after(elapsed(self.shown, now));
        self.shown = now;
        self.moment
    }

    /// The clock on the wall was set by `by`; nothing has passed.
    pub(crate) fn set(&mut self, by: TimeDelta) {
        self.shown = self.shown.checked_add_signed(by).unwrap_or(self.shown);
    }

    /// The moment at which the wall showed `at`, for what arrived no later than now.
    pub(crate) fn moment_of(&self, at: Timestamp) -> Moment {
        self.moment.before(elapsed(at, self.shown))
    }
}
