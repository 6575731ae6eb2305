//! Whether the machine's clock on the wall is believed.
//!
//! Terms: a *step* is a difference between that clock and house time which no drift makes. It is believed when it has lasted, or when
//! the network confirms it: the kernel counts as synchronised and the step has outlasted a bad answer of a time server, or a server
//! has said in its answer what time it is.
//!
//! Example: at 10:00:00 the wall jumps to 11 June. At 10:00:30 it is right again: nothing has happened. Had it stayed, and nobody on
//! the network said so, it would be 11 June in the house from 10:10:00 on.

use chrono::TimeDelta;
use plant::time::Timestamp;
use std::time::Duration;

/// A difference that is slewed. Chosen: more than a good clock drifts between two corrections, less than anybody waits for.
const SLEWED: TimeDelta = TimeDelta::seconds(3);
/// Of each second that passes, house time may gain or lose this much: 3 s are made up in a minute.
const SLEW: f64 = 0.05;
/// A step that has lasted this long is believed. Chosen: a machine without a clock of its own has found its network and a time server
/// by then, and one that was led astray asks again within about a minute; an owner who sets the clock by hand waits no longer.
const LASTED: Duration = Duration::from_secs(600);
/// What outlasts a bad answer: a step of a machine whose kernel counts as synchronised is believed after this time, and at a start a time
/// long after the last entry, as of a house that was off for a season. Chosen: twice the half minute for which a bad time server or a
/// virtual machine that resumes leads a clock astray.
const OUTLASTS: Duration = Duration::from_secs(60);
/// A server and the machine agree within this: `Date` counts whole seconds, answers take some, and some come out of a cache.
const AGREES: TimeDelta = TimeDelta::seconds(60);
/// A house that was off for longer starts when its time is confirmed.
const AWAY: TimeDelta = TimeDelta::days(30);
/// No machine that runs this version can show an earlier time: it was not released before.
const RELEASED: &str = "2026-11-01T00:00:00Z";
/// The newest entry of the books may be this much ahead at a start: a machine that was down for a moment may be a little slow.
const SLOW: TimeDelta = TimeDelta::seconds(60);

/// What is to be seen of the machine's clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// The clock on the wall.
    pub wall: Timestamp,
    /// The steady clock.
    pub passed: Duration,
    /// What has passed since house time was adjusted last.
    pub since: Duration,
    /// By how much the wall is ahead of house time.
    pub ahead: TimeDelta,
    /// Whether the kernel says that a time server keeps its clock.
    pub synchronised: bool,
}

/// What becomes of house time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// It gains or loses this much.
    Follow(TimeDelta),
    /// It goes on.
    Doubt,
    /// It is what the wall shows.
    Set,
}

/// What is remembered of a step, and of what the network said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    begun: Duration,
    step: Option<Step>,
    /// What a server said, and when.
    heard: Option<(Timestamp, Duration)>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    ahead: TimeDelta,
    seen: Duration,
}

impl Judge {
    /// One that begins after `passed`.
    pub(super) fn new(passed: Duration) -> Self {
        Self { begun: passed, step: None, heard: None }
    }

    /// A server says that it is `date`.
    pub(super) fn hear(&mut self, date: Timestamp, passed: Duration) {
        self.heard = Some((date, passed));
    }

    /// What becomes of house time.
    pub(super) fn verdict(&mut self, sight: &Sight) -> Verdict {
        if sight.ahead.abs() <= SLEWED {
            self.step = None;
            let most = TimeDelta::from_std(sight.since.mul_f64(SLEW)).unwrap_or(SLEWED);
            return Verdict::Follow(sight.ahead.clamp(-most, most));
        }
        let same = self.step.filter(|step| (step.ahead - sight.ahead).abs() <= SLEWED);
        let step = same.unwrap_or(Step { ahead: sight.ahead, seen: sight.passed });
        self.step = Some(step);
        if self.agrees(sight) || lasted(sight, step.seen, LASTED) {
            self.step = None;
            return Verdict::Set;
        }
        Verdict::Doubt
    }

    /// Why a step is not believed yet, where `house` is house time.
    pub(super) fn doubt(&self, sight: &Sight, house: Timestamp) -> Option<String> {
        self.step?;
        let (wall, house) = (words(sight.wall), words(house));
        Some(format!("The machine's clock says {wall}; the house goes on with {house} {UNTIL}."))
    }

    /// Why the time is not believed before anything is decided. The newest entry of the books is `newest`.
    pub(super) fn doubt_at_start(&mut self, sight: &Sight, newest: Option<Timestamp>) -> Option<String> {
        if sight.ahead.abs() > SLEWED {
            self.begun = sight.passed;
        }
        let wall = words(sight.wall);
        let (why, lasts) = match newest {
            Some(newest) if sight.wall < newest - SLOW => (format!("the books go on to {}", words(newest)), LASTED),
            Some(newest) if sight.wall > newest + AWAY => (format!("the books end at {}", words(newest)), OUTLASTS),
            Some(_) | None => {
                let released = RELEASED.parse::<Timestamp>().ok().filter(|released| sight.wall < *released)?;
                (format!("this version is of {}", words(released)), LASTED)
            }
        };
        let believed = self.agrees(sight) || lasted(sight, self.begun, lasts);
        let minutes = lasts.as_secs() / 60;
        (!believed).then(|| {
            format!(
                "The machine's clock says {wall}, but {why}. Nothing is decided or booked until that has lasted for \
                 {minutes} min or the network confirms it, or until the clock is set right."
            )
        })
    }

    /// Whether nothing speaks against the time: no step is doubted, and a machine that came up just now has heard from the network.
    pub(super) fn is_sure(&self, sight: &Sight) -> bool {
        self.step.is_none() && (sight.passed >= LASTED || sight.synchronised || self.agrees(sight))
    }

    fn agrees(&self, sight: &Sight) -> bool {
        self.heard.is_some_and(|(date, heard)| {
            let since = TimeDelta::from_std(sight.passed.saturating_sub(heard)).unwrap_or(TimeDelta::MAX);
            date.checked_add_signed(since).is_some_and(|date| (date - sight.wall).abs() <= AGREES)
        })
    }
}

/// Until when a time is doubted.
const UNTIL: &str = "until that has lasted for 10 minutes or the network confirms it";

fn lasted(sight: &Sight, since: Duration, lasts: Duration) -> bool {
    sight.passed.saturating_sub(since) >= if sight.synchronised { OUTLASTS } else { lasts }
}

fn words(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
