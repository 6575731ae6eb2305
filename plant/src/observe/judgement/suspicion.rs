//! Suspicion of one meter: grows with each answer that goes the wrong way, and stays when there is nothing left to see.
//!
//! ```text
//!            a wrong answer            another one, or impossible at once
//!   trusted ----------------> on trial -----------------------------------> suspected
//!           <----------------          <-----------------------------------
//!            a right answer             after 15, 30, 60 min .. a day, or two right answers to others' steps
//! ```
//!
//! Suspected, a meter that answers rightly to an own step, the stop of compute for one, is trusted again at once.
//!
//! On trial compute draws no more than its least power; lowering it there, or starting at it, is the step that brings the
//! answer. Suspected, it rests. So a turned meter costs one start at the least power now and then, at growing intervals, and one
//! that was turned back is trusted again without a restart. A restart forgets: whoever corrects a sign in the configuration
//! restarts.
//!
//! Credit: each right answer to an own step adds one, up to three; a wrong one takes two. A house that has answered rightly three
//! times has to answer wrongly twice to be put on trial: a kettle may be switched off just when compute starts.

use crate::observe::judgement::steps::Answer;
use crate::time::Moment;
use std::time::Duration;

/// The most credit.
const CREDIT: i8 = 3;
/// What a wrong answer takes.
const WRONG: i8 = 2;
/// With this credit or less a meter is suspected.
const SUSPECTED: i8 = -3;
/// The first pause until the next trial.
const PAUSE: Duration = Duration::from_secs(900);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(86_400);

/// How long a trial lasts that brings no answer while what cannot be still shows.
const TRIAL: Duration = Duration::from_secs(600);

/// What is held against a meter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    credit: i8,
    since: Option<Moment>,
    pause: Duration,
    others: u8,
    /// When it was suspected or tried last.
    last: Moment,
    /// When it answered wrongly last, and not rightly since.
    wronged: Option<Moment>,
}

impl Default for Suspicion {
    fn default() -> Self {
        Self { credit: 0, since: None, pause: PAUSE, others: 0, last: Moment::default(), wronged: None }
    }
}

impl Suspicion {
    /// Since when the meter is suspected.
    pub(super) fn since(&self) -> Option<Moment> {
        self.since
    }

    /// Whether it has to show that it answers rightly.
    pub(super) fn on_trial(&self) -> bool {
        self.since.is_none() && self.credit < 0
    }

    /// Whether it has answered rightly.
    pub(super) fn proven(&self) -> bool {
        self.since.is_none() && self.credit > 0
    }

    /// Takes an answer to a step of our own.
    pub(super) fn answer(&mut self, answer: Answer, now: Moment) {
        match answer {
            Answer::Right => {
                (self.since, self.wronged) = (None, None);
                self.credit = if self.credit < 0 { 1 } else { (self.credit + 1).min(CREDIT) };
            }
            Answer::Turned => {
                self.credit = (self.credit - WRONG).max(SUSPECTED);
                self.wronged = Some(now);
                if self.credit <= SUSPECTED {
                    self.suspect(now);
                }
            }
        }
    }

    /// Takes an answer to a step of others: alone it condemns nobody, and two right ones lead to a new trial.
    pub(super) fn hear(&mut self, answer: Answer, now: Moment) {
        self.others = if answer == Answer::Right { (self.others + 1).min(2) } else { 0 };
        if self.since.is_some() && self.others >= 2 {
            self.retry(now);
        }
    }

    /// What cannot be is shown.
    pub(super) fn suspect(&mut self, now: Moment) {
        self.credit = SUSPECTED;
        if self.since.is_none() {
            (self.since, self.last) = (Some(now), now);
            self.others = 0;
        }
    }

    /// Time passes: a trial that began with a wrong answer and brings no other for `patience` ends, and stopping compute is the next
    /// step; after the pause comes the next trial; one that brings no answer ends where `impossible` still shows. After a
    /// day of health the pause is as short as at first.
    pub(super) fn pass(&mut self, now: Moment, impossible: bool, patience: Duration) {
        let unanswered = self.wronged.is_some_and(|wronged| now.since(wronged) >= patience);
        if self.on_trial() && unanswered {
            self.suspect(now);
        }
        let span = now.since(self.last);
        if self.since.is_some() && span >= self.pause {
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.retry(now);
        } else if impossible && self.since.is_none() && self.credit <= 0 && span >= TRIAL {
            self.suspect(now);
        } else if self.credit >= CREDIT && span >= PAUSE_MAX {
            self.pause = PAUSE;
        }
    }

    fn retry(&mut self, now: Moment) {
        (self.since, self.last, self.wronged) = (None, now, None);
        self.credit = -WRONG;
    }
}
