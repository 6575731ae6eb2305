//! Repetition: a value that stays the same to the last digit while everything it has to answer moves.
//!
//! A healthy meter may repeat itself for long: a battery whose management allows 2500 W charges with exactly that, a control holds the
//! grid at +50 W, an inverter holds it at the feed-in cap. Then something else moves in its place: the grid beside the battery, the
//! battery beside the grid, PV under the cap. Stuck is only what repeats while compute, heat pump, wallbox and PV together move and
//! nobody moves in its place.
//!
//! Term: the *partner* of the grid is the battery, and the other way round. Movement is taken between means of 20 s; the partner may
//! show its own some of them earlier or later.
//!
//! Example: the grid shows 1234.5 W for three minutes, the inverter sleeps, compute starts with 900 W and the battery rests: stuck.

use crate::observe::judgement::look::Look;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Length of a mean.
const MEAN: Duration = Duration::from_secs(20);
/// How many means later a partner that is late shows its answer; the same earlier, where the mover is late. A minute.
const LATE: usize = 3;
/// The others have to move by this much, in W; and by a fifth of what the meter shows.
const MOVED: f64 = 500.0;
const MOVED_SHARE: f64 = 0.2;
/// A partner that moves by this share of it answers.
const ANSWERED: f64 = 0.4;
/// Readings of the same value that are more than chance.
const READINGS: u32 = 8;
/// Means that are remembered: an hour. Who is stuck for longer is known to be.
const REMEMBERED: usize = 180;

/// What a meter has shown since its value last changed.
#[derive(Clone, Debug)]
pub(super) struct Repetition {
    patience: Duration,
    /// A value that a control of the inverter holds, which nobody sees move where PV is unknown.
    capped: Option<f64>,
    seen: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    value: f64,
    since: Moment,
    readings: u32,
    read: Moment,
    known: [bool; 3],
    mean: Mean,
    /// Means of what has to be answered, and of the partner.
    means: VecDeque<(f64, f64)>,
}

#[derive(Clone, Copy, Debug)]
struct Mean {
    began: Moment,
    net: f64,
    partner: f64,
    count: f64,
}

impl Repetition {
    /// A meter that may be silent for `patience`, and is at rest at `capped`.
    pub(super) fn new(patience: Duration, capped: Option<f64>) -> Self {
        Self { patience, capped, seen: None }
    }

    /// Takes in that the meter showed `value` at `read`, and its partner `partner`; since when it has been stuck.
    pub(super) fn observe(&mut self, look: &Look, (value, read): (f64, Moment), partner: f64) -> Option<Moment> {
        let now = look.at;
        let fresh = Mean { began: now, net: 0.0, partner: 0.0, count: 0.0 };
        let same = |seen: &&mut Seen| seen.value.to_bits() == value.to_bits() && seen.known == look.known;
        let seen = match self.seen.as_mut().filter(same) {
            Some(seen) => seen,
            None => self.seen.insert(Seen {
                value,
                since: now,
                readings: 0,
                read,
                known: look.known,
                mean: fresh,
                // What moves just after the value stood still counts from here.
                means: VecDeque::from([(look.net(), partner)]),
            }),
        };
        if seen.readings == 0 || read > seen.read {
            (seen.readings, seen.read) = (seen.readings.saturating_add(1), read);
        }
        if now.since(seen.mean.began) >= MEAN && seen.mean.count > 0.0 {
            seen.means.push_back((seen.mean.net / seen.mean.count, seen.mean.partner / seen.mean.count));
            if seen.means.len() > REMEMBERED {
                seen.means.pop_front();
            }
            seen.mean = fresh;
        }
        seen.mean.net += look.net();
        seen.mean.partner += partner;
        seen.mean.count += 1.0;
        let held = look.pv.is_none()
            && self.capped.is_some_and(|capped| (value - capped).abs() <= 20.0_f64.max(0.02 * capped.abs()));
        let waited = now.since(seen.since) >= self.patience && seen.readings >= READINGS;
        (waited && !held && seen.unanswered()).then_some(seen.since)
    }
}

impl Seen {
    /// Whether the others moved, and nobody moved in the meter's place.
    fn unanswered(&self) -> bool {
        let nets = || self.means.iter().map(|(net, _)| *net);
        let (low, high) = (nets().fold(f64::MAX, f64::min), nets().fold(f64::MIN, f64::max));
        if high - low <= MOVED.max(MOVED_SHARE * self.value.abs()) {
            return false;
        }
        self.answered_moves() < ANSWERED && self.answered_levels() < ANSWERED
    }

    /// The share of each move that the partner answered near it. A kettle at another moment does not count; in a slow ramp any other
    /// load counts more.
    fn answered_moves(&self) -> f64 {
        let moves = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            self.means.iter().zip(self.means.iter().skip(1)).map(|(before, after)| of(after) - of(before)).collect()
        };
        let (net, partner) = (moves(|mean| mean.0), moves(|mean| mean.1));
        let answered = net.iter().enumerate().map(|(number, net)| {
            let near = partner.iter().take(number + LATE + 1).skip(number.saturating_sub(LATE));
            net * near.sum::<f64>()
        });
        answered.sum::<f64>() / net.iter().map(|net| net * net).sum::<f64>()
    }

    /// The share in which the partner's level follows: it sees slow ramps.
    fn answered_levels(&self) -> f64 {
        let count = self.means.len() as f64;
        let middle = |of: fn(&(f64, f64)) -> f64| self.means.iter().map(of).sum::<f64>() / count;
        let (net, partner) = (middle(|mean| mean.0), middle(|mean| mean.1));
        let (mut common, mut own) = (0.0, 0.0);
        for mean in &self.means {
            common += (mean.0 - net) * (mean.1 - partner);
            own += (mean.0 - net).powi(2);
        }
        common / own
    }
}
