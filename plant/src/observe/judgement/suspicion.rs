//! Suspicion of one meter, by evidence of two kinds: what contradicts it, and how it answers.
//!
//! ```text
//!            a contradiction, and wrong answers or none for long
//!   trusted -----------------------------------> suspected
//!           <-----------------------------------
//!            no contradiction for 15, 30, 60 min .. 4 h, or two right answers more than wrong ones
//! ```
//!
//! A right answer counts +1, up to three, a wrong one -2. Neither kind condemns alone: a kettle may be switched off just when compute starts, and a
//! house below zero may lack a source in the configuration. Only what cannot be by any lateness needs no answer.
//!
//! A suspicion stays when compute rests and nothing is left to see. A meter that is trusted again and contradicts again waits twice
//! as long, so a turned clamp costs some minutes of compute now and then. After a day of health the pause is as short as at first. A
//! restart forgets: whoever corrects a sign in the configuration restarts.

use crate::observe::judgement::BELIEVED;
use crate::observe::judgement::steps::Answer;
use crate::time::Moment;
use std::time::Duration;

/// What a right and a wrong answer count: a meter that is turned is seldom right by chance, and more often than a sound one is wrong.
const RIGHT: i8 = 1;
pub(super) const WRONG: i8 = -2;
/// The most that answers count.
const MOST: (i8, i8) = (-4, 3);
/// The first pause without contradiction until the meter is trusted again.
const PAUSE: Duration = Duration::from_secs(900);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(4 * 3600);
/// Health for so long makes the pause short again.
const HEALTH: Duration = Duration::from_secs(86_400);

/// What is held against a meter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    answers: i8,
    since: Option<Moment>,
    /// The last evidence.
    last: Moment,
    pause: Duration,
}

impl Default for Suspicion {
    fn default() -> Self {
        Self { answers: 0, since: None, last: Moment::default(), pause: PAUSE }
    }
}

impl Suspicion {
    /// Since when the meter is suspected.
    pub(super) fn since(&self) -> Option<Moment> {
        self.since
    }

    /// Whether it has been suspected before, not long ago.
    pub(super) fn is_repeated(&self) -> bool {
        self.pause > PAUSE
    }

    /// What right and wrong answers count together.
    pub(super) fn answers(&self) -> i8 {
        self.answers
    }

    /// Takes an answer.
    pub(super) fn hear(&mut self, answer: Answer) {
        let step = if answer == Answer::Right { RIGHT } else { WRONG };
        self.answers = (self.answers + step).clamp(MOST.0, MOST.1);
        if self.answers >= BELIEVED {
            self.since = None;
        }
    }

    /// There is evidence that condemns.
    pub(super) fn accuse(&mut self, now: Moment) {
        self.since = self.since.or(Some(now));
        self.last = now;
    }

    /// Time passes.
    pub(super) fn pass(&mut self, now: Moment) {
        let span = now.since(self.last);
        if self.since.is_some() && span >= self.pause {
            (self.since, self.answers, self.last) = (None, 0, now);
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        } else if self.since.is_none() && span >= HEALTH {
            self.pause = PAUSE;
        }
    }
}
