//! Whether what was set still stands, and what follows where it does not.
//!
//! - *look*: the registers that were set are read and compared: once in [`LOOK`], before each renewal, and when the device is back
//!   after it was away.
//! - *fall*: the device holds again what it held before, as after a restart or at the end of its own revert time. The value is
//!   written again, [`FALLS_AN_HOUR`] times an hour and [`FALLS_A_DAY`] a day.
//! - *somebody else's*: a third value, which is neither ours nor the one found before: an app, another program. It is left alone.
//! - *away*: the device did not answer for a while. It is looked at again as soon as it answers, every [`AGAIN`] until then.
//! - *rest*: for [`REST`], or until the day is over that had too many falls, nothing is written, and what was wanted counts as not
//!   taken.

use std::time::Duration;
use tokio::time::Instant;

/// How often what was set is compared with what the device holds: within a minute, its answer included.
pub(super) const LOOK: Duration = Duration::from_secs(45);
/// How soon a device is looked at again that did not answer a look.
const AGAIN: Duration = Duration::from_secs(5);
/// A device that falls back more often within an hour is left alone.
pub(super) const FALLS_AN_HOUR: usize = 3;
/// The same within a day: its memory wears out, and somebody may mean it.
pub(super) const FALLS_A_DAY: usize = 6;
/// How long a control is left alone after that, and to whoever else has set it.
pub(super) const REST: Duration = HOUR;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// What was set.
    Stands,
    /// Nothing: the device did not answer.
    Unread,
    /// Something else.
    Changed {
        /// What, in words for a person.
        what: String,
        /// Whether it is neither ours nor what was found before.
        foreign: bool,
    },
}

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    looked_at: Option<Instant>,
    /// The device was away since.
    away: bool,
    falls: Vec<Instant>,
    rest: Option<(Instant, String)>,
}

impl Standing {
    /// The value was written and, where that is possible, read again.
    pub(super) fn written(&mut self, now: Instant) {
        (self.looked_at, self.away) = (Some(now), false);
    }

    /// The device is back after it was away.
    pub(super) fn back(&mut self) {
        (self.away, self.looked_at) = (true, None);
    }

    /// Whether a look is due; one is before a renewal where none was since the last write.
    pub(super) fn due(&self, renewal: bool, written_at: Option<Instant>, now: Instant) -> bool {
        let since = |time| self.looked_at.is_none_or(|at| now.duration_since(at) >= time);
        (self.away && since(AGAIN)) || since(LOOK) || (renewal && self.looked_at <= written_at)
    }

    /// Takes note of a look; returns why the value is not written again, where it is not.
    pub(super) fn looked(&mut self, look: &Look, now: Instant) -> Option<String> {
        self.looked_at = Some(now);
        if *look == Look::Unread {
            return None;
        }
        let away = std::mem::take(&mut self.away);
        let Look::Changed { what, foreign } = look else { return None };
        // What a device holds after a restart is its own, whatever it is.
        if *foreign && !away {
            return Some(self.yields(what, now));
        }
        self.falls.retain(|at| now.duration_since(*at) < DAY);
        let in_the_hour = self.falls.iter().filter(|at| now.duration_since(**at) < HOUR).count();
        let (times, time) = match self.falls.first() {
            Some(first) if self.falls.len() >= FALLS_A_DAY => (FALLS_A_DAY, DAY - now.duration_since(*first)),
            _ if in_the_hour >= FALLS_AN_HOUR => (FALLS_AN_HOUR, REST),
            _ => {
                self.falls.push(now);
                return None;
            }
        };
        Some(self.rest(format!("it did not keep what it was set to {times} times and more ({what})"), time, now))
    }

    /// Leaves the control to somebody else, who has set it; returns the words for it.
    pub(super) fn yields(&mut self, what: &str, now: Instant) -> String {
        self.rest(format!("somebody else has set it: {what}"), REST, now)
    }

    /// Whether the control is left alone now.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.rest.as_ref().is_some_and(|(until, _)| now < *until)
    }

    /// Ends a rest whose time is over; whether there was one.
    pub(super) fn wakes(&mut self, now: Instant) -> bool {
        self.rest.take_if(|(until, _)| now >= *until).is_some()
    }

    /// The words for it.
    pub(super) fn why(&self) -> Option<&str> {
        self.rest.as_ref().map(|(_, why)| why.as_str())
    }

    fn rest(&mut self, why: String, time: Duration, now: Instant) -> String {
        let why = format!("{why}; it is left alone for {} minutes", time.as_secs().div_ceil(60));
        self.rest = Some((now + time, why.clone()));
        why
    }
}
