//! The machine's monotonic time: how long native work takes, and when a pause is over.
//!
//! Power is energy over time, so the engine has to measure its own work. Nothing here is a date: the wall clock comes
//! in from outside, as `WallClock`.

use std::time::Instant;

/// Milliseconds since 1970-01-01 UTC, read by whoever starts the worker.
pub type WallClock = fn() -> i64;

/// A moment on the machine's monotonic time.
#[expect(clippy::disallowed_methods, reason = "the engine measures its own work; dates come in as WallClock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
