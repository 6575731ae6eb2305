//! House time. Everybody in the gateway asks this clock and no other what time it is.
//!
//! House time is an anchor and what has passed since. In a demo it runs faster than the wall's clock: at speed 60 a wake-up due in
//! 30 s of the house is half a second away. In a real house it goes as fast as the machine's steady clock, which also counts sleep,
//! and follows the machine's clock on the wall: within seconds silently, further only when that is believed ([`judge`]).
//!
//! ```text
//!   machine's wall --ahead by 1 s--> house time is slewed, 50 ms a second
//!                  --ahead by 40 days--> doubted --right again--> nothing has happened
//!                                          +--lasted, or the network agrees--> believed: the host sends ClockSet first of all
//! ```
//!
//! What lasts is counted on tokio's clock, as all waiting in the gateway is: a test that pauses it moves a demo's house time and
//! every timer together, and an hour passes as fast as it is computed.
//!
//! Invariant: house time goes back only where [`Clock::look`] says so.

mod judge;
mod machine;

#[cfg(test)]
pub(crate) use machine::Bench;

use chrono::{DateTime, TimeDelta};
use judge::{Judge, Sight, Verdict};
use machine::{Machine, ThisMachine};
use plant::time::Timestamp;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// House time. Clones show the same time.
#[derive(Clone)]
pub struct Clock {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    state: Mutex<State>,
    /// How often the clock was set.
    steps: watch::Sender<u32>,
}

/// What passes the time.
enum Source {
    Virtual { since: Instant, speed: f64 },
    Machine(Box<dyn Machine>),
}

struct State {
    /// House time, and what had passed when it was that.
    anchor: (Timestamp, Duration),
    judge: Judge,
}

impl Clock {
    /// The machine's own clock.
    pub fn real() -> Self {
        Self::of(Box::new(ThisMachine))
    }

    /// The clock of a machine that a test sets.
    #[cfg(test)]
    pub(crate) fn on(bench: Bench) -> Self {
        Self::of(Box::new(bench))
    }

    fn of(machine: Box<dyn Machine>) -> Self {
        let (wall, passed) = (machine.wall(), machine.passed());
        Self::new(Source::Machine(machine), (wall, passed))
    }

    /// A clock that shows `start` now and runs `speed` times as fast as the wall's.
    pub fn sped(start: Timestamp, speed: f64) -> Self {
        Self::new(Source::Virtual { since: Instant::now(), speed }, (start, Duration::ZERO))
    }

    fn new(source: Source, anchor: (Timestamp, Duration)) -> Self {
        let state = Mutex::new(State { anchor, judge: Judge::new(anchor.1) });
        Self { inner: Arc::new(Inner { source, state, steps: watch::Sender::new(0) }) }
    }

    /// The time in the house.
    pub fn now(&self) -> Timestamp {
        let passed = self.inner.source.passed();
        self.state().house(passed, self.speed())
    }

    /// House seconds in a wall second.
    pub fn speed(&self) -> f64 {
        match &self.inner.source {
            Source::Virtual { speed, .. } => *speed,
            Source::Machine(_) => 1.0,
        }
    }

    /// How long the wall's clock takes until the house's shows `at`; zero where it has passed.
    pub fn wall_until(&self, at: Timestamp) -> Duration {
        plant::time::elapsed(self.now(), at).div_f64(self.speed())
    }

    /// Looks at the machine's clock and follows it. Where it was set, and that is believed: by how much house time was set with it.
    pub fn look(&self) -> Option<TimeDelta> {
        let Source::Machine(machine) = &self.inner.source else { return None };
        let mut state = self.state();
        let (sight, house) = state.sight(machine.as_ref());
        match state.judge.verdict(&sight) {
            Verdict::Follow(by) => {
                state.anchor = (house + by, sight.passed);
                None
            }
            Verdict::Doubt => None,
            Verdict::Set => {
                state.anchor = (sight.wall, sight.passed);
                drop(state);
                self.inner.steps.send_modify(|steps| *steps = steps.wrapping_add(1));
                Some(sight.ahead)
            }
        }
    }

    /// Before anything is decided: why the machine's clock is not believed, where the newest entry of the books is `newest`. There is
    /// nothing yet that a step could disturb, so each is followed.
    pub fn doubt_at_start(&self, newest: Option<Timestamp>) -> Option<String> {
        let Source::Machine(machine) = &self.inner.source else { return None };
        let mut state = self.state();
        let (sight, _) = state.sight(machine.as_ref());
        state.anchor = (sight.wall, sight.passed);
        state.judge.doubt_at_start(&sight, newest)
    }

    /// Why the house does not follow the machine's clock, in words for its owner.
    pub fn doubt(&self) -> Option<String> {
        let Source::Machine(machine) = &self.inner.source else { return None };
        let state = self.state();
        let (sight, house) = state.sight(machine.as_ref());
        state.judge.doubt(&sight, house)
    }

    /// Whether nothing speaks against the time, so that what is over by it may be dropped for good.
    pub fn is_sure(&self) -> bool {
        let Source::Machine(machine) = &self.inner.source else { return true };
        let state = self.state();
        let (sight, _) = state.sight(machine.as_ref());
        state.judge.is_sure(&sight)
    }

    /// A server elsewhere says what time it is, in the `Date` of its answer.
    pub fn hear(&self, date: &str) {
        if let Ok(date) = DateTime::parse_from_rfc2822(date) {
            let passed = self.inner.source.passed();
            self.state().judge.hear(date.to_utc(), passed);
        }
    }

    /// Changes whenever the clock was set.
    pub fn steps(&self) -> watch::Receiver<u32> {
        self.inner.steps.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn passed(&self) -> Duration {
        match self {
            Source::Virtual { since, .. } => since.elapsed(),
            Source::Machine(machine) => machine.passed(),
        }
    }
}

impl State {
    fn house(&self, passed: Duration, speed: f64) -> Timestamp {
        let (house, at) = self.anchor;
        let since = TimeDelta::from_std(passed.saturating_sub(at).mul_f64(speed)).unwrap_or(TimeDelta::MAX);
        house.checked_add_signed(since).unwrap_or(Timestamp::MAX_UTC)
    }

    /// What the machine shows, and house time beside it.
    fn sight(&self, machine: &dyn Machine) -> (Sight, Timestamp) {
        let (wall, passed) = (machine.wall(), machine.passed());
        let house = self.house(passed, 1.0);
        let since = passed.saturating_sub(self.anchor.1);
        (Sight { wall, passed, since, ahead: wall - house, synchronised: machine.is_synchronised() }, house)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// The wall's time, for what belongs to the machine and not to the house (file names, receipts of the worker).
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time of day")]
pub fn wall_time() -> Timestamp {
    chrono::Utc::now()
}

#[cfg(test)]
#[path = "clock/clock_test.rs"]
mod tests;
