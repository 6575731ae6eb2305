//! Repetition: a value that stays the same to the last digit while everything it has to answer moves.
//!
//! A healthy meter may repeat itself for long: a battery rests for hours, or charges with exactly the 2500 W that its management
//! allows; a control holds the grid at +50 W, an inverter holds it at the feed-in cap. So a grid meter near zero or at the cap and a battery
//! at rest are never stuck. Stuck is what repeats itself while others move and nobody moves in its place.
//!
//! For the grid: compute, heat pump, wallbox and PV together moved, and the battery did not. No house moves against them to the
//! last digit. Means of 20 s are compared, and a move counts when it is so old that the latest meter has shown its answer, and not
//! so early that it may be the late sight of a move before the value stood still. Compute's own moves are none of these where its
//! budget had been the same for long. For the battery: its state of charge does not follow (`charge`); what the house takes hides any other answer.
//!
//! Example: the grid shows 1234.5 W for three minutes, the inverter sleeps, compute started with 900 W and the battery rests: stuck.

use crate::observe::judgement::look::Look;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Length of a mean.
const MEAN: Duration = Duration::from_secs(20);
/// A move is answered within this time, and the pause between two readings: the latest meter, and the box on its way.
const ANSWERED: Duration = Duration::from_secs(80);
/// A budget that has been the same for so long has been obeyed, and its draw read.
const SETTLED: Duration = Duration::from_secs(180);
/// The others have to move by this much, in W; and by a fifth of what the meter shows.
const MOVED: f64 = 500.0;
const MOVED_SHARE: f64 = 0.2;
/// Who moves by less than this share of it does not move in its place.
const RESTS: f64 = 0.2;
/// This near a cap, in W and as a share of it, the inverter holds the meter.
const HELD: f64 = 20.0;
const HELD_SHARE: f64 = 0.02;
/// Readings of the same value that are more than chance.
const READINGS: u32 = 8;
/// Means that are remembered: an hour. Who is stuck for longer is known to be.
const REMEMBERED: usize = 180;

/// What a meter has shown since its value last changed.
#[derive(Clone, Debug)]
pub(super) struct Repetition {
    patience: Duration,
    /// Nearer to zero than this, in W, it may stay for ever.
    resting: f64,
    /// A value that a control of the inverter holds.
    capped: Option<f64>,
    seen: Option<Seen>,
}

/// What moved, and what may have moved in the meter's place, in W.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moves {
    /// What the meter has to answer, compute in it.
    pub others: f64,
    /// What compute draws.
    pub own: f64,
    /// What may move in its place.
    pub instead: f64,
}

#[derive(Clone, Debug)]
struct Seen {
    value: f64,
    since: Moment,
    readings: u32,
    read: Moment,
    /// Whether compute's budget had been the same for long when the value stood still.
    settled: bool,
    known: [bool; 4],
    sum: Moves,
    count: f64,
    began: Moment,
    means: VecDeque<Moves>,
}

impl Repetition {
    /// A meter that may repeat itself for `patience`, nearer to zero than `resting` and at `capped` for ever.
    pub(super) fn new(patience: Duration, resting: f64, capped: Option<f64>) -> Self {
        Self { patience, resting, capped, seen: None }
    }

    /// Takes in that the meter showed `value` at `read`, and what moved; since when it has shown the same, where that is long.
    /// Compute's budget has been the same for `settled`.
    pub(super) fn observe(
        &mut self,
        look: &Look,
        (value, read): (f64, Moment),
        moves: Moves,
        settled: Duration,
    ) -> Option<Moment> {
        let held = self.capped.is_some_and(|capped| (value - capped).abs() <= HELD.max(HELD_SHARE * capped.abs()));
        if held || value.abs() < self.resting {
            self.seen = None;
            return None;
        }
        let now = look.at;
        let same = |seen: &&mut Seen| seen.value.to_bits() == value.to_bits() && seen.known == look.known;
        let seen = match self.seen.as_mut().filter(same) {
            Some(seen) => seen,
            None => self.seen.insert(Seen {
                value,
                since: now,
                readings: 0,
                read,
                settled: settled >= SETTLED,
                known: look.known,
                sum: Moves::default(),
                count: 0.0,
                began: now,
                // What moves just after the value stood still counts from here.
                means: VecDeque::from([moves]),
            }),
        };
        if seen.readings == 0 || read > seen.read {
            (seen.readings, seen.read) = (seen.readings.saturating_add(1), read);
        }
        seen.add(now, moves);
        let waited = now.since(seen.since) >= self.patience && seen.readings >= READINGS;
        waited.then_some(seen.since)
    }

    /// Whether the others moved, and nobody in the meter's place; meters are read at least every `pace`.
    pub(super) fn is_alone(&self, pace: Duration) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.is_alone(pace))
    }
}

impl Seen {
    fn add(&mut self, now: Moment, moves: Moves) {
        if now.since(self.began) >= MEAN && self.count > 0.0 {
            let of = |sum: f64| sum / self.count;
            let Moves { others, own, instead } = self.sum;
            self.means.push_back(Moves { others: of(others), own: of(own), instead: of(instead) });
            if self.means.len() > REMEMBERED {
                self.means.pop_front();
            }
            (self.sum, self.count, self.began) = (Moves::default(), 0.0, now);
        }
        self.sum.others += moves.others;
        self.sum.own += moves.own;
        self.sum.instead += moves.instead;
        self.count += 1.0;
    }

    fn is_alone(&self, pace: Duration) -> bool {
        let answer = (ANSWERED + pace).as_secs().div_ceil(MEAN.as_secs()) as usize;
        let old = self.means.len().saturating_sub(answer);
        let moved = |of: fn(&Moves) -> f64, from: usize| range(self.means.iter().take(old).skip(from).map(of));
        let others = moved(|moves| moves.others, answer);
        let own = if self.settled { moved(|moves| moves.own, 0).min(moved(|moves| moves.others, 0)) } else { 0.0 };
        let most = others.max(own);
        most > MOVED.max(MOVED_SHARE * self.value.abs())
            && range(self.means.iter().map(|moves| moves.instead)) < RESTS * most
    }
}

/// From the least to the greatest of `values`.
fn range(values: impl Iterator<Item = f64>) -> f64 {
    let (least, greatest) =
        values.fold((f64::MAX, f64::MIN), |(least, greatest), value| (least.min(value), greatest.max(value)));
    greatest - least
}
