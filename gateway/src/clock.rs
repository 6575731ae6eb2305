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
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> (Bench, Clock) {
        let bench = Bench::new(at("2026-05-02T10:00:00Z"));
        (bench.clone(), Clock::on(bench))
    }

    /// Lets seconds pass, each with a look; by how much the clock was set.
    fn pass(bench: &Bench, clock: &Clock, seconds: u32) -> Vec<TimeDelta> {
        let look = |_| {
            bench.pass(SECOND);
            clock.look()
        };
        (0..seconds).filter_map(look).collect()
    }

    #[test]
    fn a_wrong_clock_for_half_a_minute_is_not_followed() {
        for step in [TimeDelta::days(40), TimeDelta::days(3653), TimeDelta::days(-3653), TimeDelta::minutes(-5)] {
            // A bad time server synchronises the machine, too.
            for synchronised in [false, true] {
                let (bench, clock) = clock();
                bench.synchronise(synchronised);
                bench.step(step);
                assert_eq!(pass(&bench, &clock, 30), []);
                assert_eq!(clock.now(), at("2026-05-02T10:00:30Z"));
                assert!(clock.doubt().unwrap().contains("the house goes on with 2026-05-02 10:00 UTC"), "{step}");
                assert!(!clock.is_sure());
                bench.step(-step);
                assert_eq!(pass(&bench, &clock, 3600), []);
                assert_eq!((clock.now(), clock.doubt()), (at("2026-05-02T11:00:30Z"), None));
                assert!(clock.is_sure());
            }
        }
    }

    #[test]
    fn a_step_is_believed_when_it_has_lasted_or_the_network_agrees() {
        let step = TimeDelta::hours(1);
        let rows: [(bool, Option<&str>, u32); 5] = [
            (false, None, 600),
            (true, None, 60),
            (false, Some("Sat, 02 May 2026 11:00:20 GMT"), 1),
            (false, Some("Sat, 02 May 2026 10:00:00 GMT"), 600),
            (false, Some("yesterday"), 600),
        ];
        for (synchronised, date, seconds) in rows {
            let (bench, clock) = clock();
            let steps = clock.steps();
            date.iter().for_each(|date| clock.hear(date));
            bench.synchronise(synchronised);
            bench.step(step);
            // It is seen at the first look, a second later.
            assert_eq!(pass(&bench, &clock, seconds), [], "{date:?}");
            assert_eq!(
                pass(&bench, &clock, 1),
                if date.is_some() && seconds == 1 { vec![] } else { vec![step] },
                "{date:?}"
            );
            assert!(clock.now() > at("2026-05-02T11:00:00Z") && clock.doubt().is_none());
            assert!(steps.has_changed().unwrap());
        }
    }

    #[test]
    fn a_step_that_changes_begins_to_last_anew() {
        let (bench, clock) = clock();
        for _ in 0..5 {
            bench.step(TimeDelta::hours(1));
            assert_eq!(pass(&bench, &clock, 599), []);
        }
        assert_eq!(pass(&bench, &clock, 3), [TimeDelta::hours(5)]);
    }

    #[test]
    fn sleep_is_no_step() {
        let (bench, clock) = clock();
        bench.pass(Duration::from_secs(8 * 3600));
        assert_eq!((clock.look(), clock.now()), (None, at("2026-05-02T18:00:00Z")));
    }

    #[test]
    fn seconds_are_slewed_and_time_never_goes_back() {
        for ahead in [TimeDelta::seconds(2), TimeDelta::seconds(-2)] {
            let (bench, clock) = clock();
            bench.step(ahead);
            let mut before = clock.now();
            for _ in 0..60 {
                bench.pass(SECOND);
                assert_eq!((clock.look(), clock.doubt()), (None, None));
                let went = clock.now() - before;
                assert!((900..=1100).contains(&went.num_milliseconds()), "{went}");
                before = clock.now();
            }
            assert!((clock.now() - bench.wall()).abs() < TimeDelta::milliseconds(10), "{ahead}");
        }
    }

    #[test]
    fn a_time_at_the_start_that_cannot_be_waits_for_the_network_or_for_a_while() {
        let newest = Some(at("2026-12-01T10:00:00Z"));
        let rows = [
            ("2026-12-01T10:10:00Z", newest, false, 0),
            ("2026-12-30T10:00:00Z", newest, false, 0),
            ("2027-01-15T10:00:00Z", newest, false, 600),
            ("2027-01-15T10:00:00Z", newest, true, 60),
            ("2027-01-15T10:00:00Z", None, false, 0),
            ("2026-12-01T09:00:00Z", newest, false, 600),
            ("2016-01-01T00:00:00Z", None, false, 600),
        ];
        for (wall, newest, synchronised, seconds) in rows {
            let bench = Bench::new(at(wall));
            bench.synchronise(synchronised);
            let clock = Clock::on(bench.clone());
            for second in 0..seconds {
                assert!(clock.doubt_at_start(newest).is_some(), "{wall} {second}");
                bench.pass(SECOND);
            }
            assert_eq!(clock.doubt_at_start(newest), None, "{wall}");
        }
        // The network sets the clock right while the house waits.
        let bench = Bench::new(at("1970-01-01T00:00:05Z"));
        let clock = Clock::on(bench.clone());
        let words = clock.doubt_at_start(newest).unwrap();
        assert!(words.contains("1970-01-01 00:00 UTC") && words.contains("2026-12-01 10:00 UTC"), "{words}");
        bench.step(at("2026-12-01T12:00:00Z") - bench.wall());
        assert_eq!((clock.doubt_at_start(newest), clock.now()), (None, at("2026-12-01T12:00:00Z")));
    }

    #[test]
    fn right_after_the_machine_came_up_the_time_is_sure_once_it_is_synchronised() {
        let (bench, clock) = clock();
        assert!(clock.is_sure(), "a machine that has been up for long");
        bench.boot();
        let clock = Clock::on(bench.clone());
        assert!(!clock.is_sure());
        bench.synchronise(true);
        assert!(clock.is_sure());
        bench.synchronise(false);
        pass(&bench, &clock, 600);
        assert!(clock.is_sure());
    }

    #[test]
    fn the_machine_of_this_test_has_clocks() {
        let clock = Clock::real();
        let (now, wall) = (clock.now(), wall_time());
        assert!((now - wall).abs() < TimeDelta::seconds(5), "{now} {wall}");
        assert_eq!(clock.look(), None);
    }
}
