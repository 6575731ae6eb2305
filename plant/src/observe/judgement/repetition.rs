//! Repetition: a value that stays the same to the last digit while everything it has to answer moves.
//!
//! A healthy meter may repeat itself for long: a battery whose management allows 2500 W charges with exactly that, a control holds the
//! grid at +50 W, an inverter holds it at the feed-in cap. Then something else moves in its place: the grid beside the battery, the
//! battery beside the grid, PV under the cap. Stuck is only what repeats while compute, heat pump, wallbox and PV together move and
//! nobody moves in its place.
//!
//! Term: the *partner* of the grid is the battery, and the other way round. Partner and compute together have to follow what nobody
//! here moves: PV, heat pump and wallbox. Compute itself follows the house's load, and so does not tell who moves with whom; but a
//! grid that repeats itself while compute moves and the battery does not would need a house that moves by as much the other way, to
//! the last digit. Movement is taken between means of 20 s; the partner may show its own some of them earlier or later.
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
/// So many standard deviations are more than chance.
const CERTAIN: f64 = 3.0;
/// A partner that moves by less than this share of what the others move by rests.
const ALONE: f64 = 0.2;
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
    /// A value that a control of the inverter holds.
    capped: Option<f64>,
    alone: bool,
    seen: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    value: f64,
    since: Moment,
    readings: u32,
    read: Moment,
    known: [bool; 3],
    sum: Powers,
    count: f64,
    began: Moment,
    means: VecDeque<Powers>,
}

/// Powers of one moment, or their means.
#[derive(Clone, Copy, Debug, Default)]
struct Powers {
    /// Heat pump and wallbox less PV: nobody here moves them.
    others: f64,
    /// The same with compute.
    net: f64,
    /// The partner less compute: what has to follow the others.
    answer: f64,
    /// The partner.
    partner: f64,
}

impl Repetition {
    /// A meter that may repeat itself for `patience`, and is at rest at `capped`. `alone` says whether its partner is the only one that
    /// can move in its place.
    pub(super) fn new(patience: Duration, capped: Option<f64>, alone: bool) -> Self {
        Self { patience, capped, alone, seen: None }
    }

    /// Takes in that the meter showed `value` at `read`, and its partner `partner`; since when it has been stuck.
    pub(super) fn observe(&mut self, look: &Look, (value, read): (f64, Moment), partner: f64) -> Option<Moment> {
        let now = look.at;
        let others = look.net() - look.compute_middle();
        let powers = Powers { others, net: others + look.shown, answer: partner - look.shown, partner };
        let same = |seen: &&mut Seen| seen.value.to_bits() == value.to_bits() && seen.known == look.known;
        let seen = match self.seen.as_mut().filter(same) {
            Some(seen) => seen,
            None => self.seen.insert(Seen {
                value,
                since: now,
                readings: 0,
                read,
                known: look.known,
                sum: Powers::default(),
                count: 0.0,
                began: now,
                // What moves just after the value stood still counts from here.
                means: VecDeque::from([powers]),
            }),
        };
        if seen.readings == 0 || read > seen.read {
            (seen.readings, seen.read) = (seen.readings.saturating_add(1), read);
        }
        seen.add(now, powers);
        let held = self.capped.is_some_and(|capped| (value - capped).abs() <= HELD.max(HELD_SHARE * capped.abs()));
        let waited = now.since(seen.since) >= self.patience && seen.readings >= READINGS;
        let alone = self.alone && seen.alone();
        (waited && !held && (alone || seen.unanswered())).then_some(seen.since)
    }
}

impl Seen {
    fn add(&mut self, now: Moment, powers: Powers) {
        if now.since(self.began) >= MEAN && self.count > 0.0 {
            let Powers { others, net, answer, partner } = self.sum;
            let of = |sum: f64| sum / self.count;
            self.means.push_back(Powers { others: of(others), net: of(net), answer: of(answer), partner: of(partner) });
            if self.means.len() > REMEMBERED {
                self.means.pop_front();
            }
            (self.sum, self.count, self.began) = (Powers::default(), 0.0, now);
        }
        self.sum.others += powers.others;
        self.sum.net += powers.net;
        self.sum.answer += powers.answer;
        self.sum.partner += powers.partner;
        self.count += 1.0;
    }

    /// How far something moved.
    fn range(&self, of: fn(&Powers) -> f64) -> f64 {
        let values = || self.means.iter().map(of);
        values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min)
    }

    fn moved(&self, of: fn(&Powers) -> f64) -> bool {
        self.range(of) > MOVED.max(MOVED_SHARE * self.value.abs())
    }

    /// Whether everything moved but the meter and its partner.
    fn alone(&self) -> bool {
        self.moved(|powers| powers.net) && self.range(|powers| powers.partner) < ALONE * self.range(|powers| powers.net)
    }

    /// Whether the others moved, and nobody moved in the meter's place.
    fn unanswered(&self) -> bool {
        self.moved(|powers| powers.others) && self.moves_unanswered() && self.answered_levels() < ANSWERED
    }

    /// Whether too little of each move of the others was answered near it. A kettle at another moment does not count, and a house that
    /// moves more than the others may have hidden the answer: what is missing has to stand out of its moves. In a slow ramp any
    /// other load counts more.
    fn moves_unanswered(&self) -> bool {
        let moves = |of: fn(&Powers) -> f64| -> Vec<f64> {
            self.means.iter().zip(self.means.iter().skip(1)).map(|(before, after)| of(after) - of(before)).collect()
        };
        let (others, answers) = (moves(|powers| powers.others), moves(|powers| powers.answer));
        let near = |number: usize| -> f64 {
            answers.iter().take(number + LATE + 1).skip(number.saturating_sub(LATE)).sum::<f64>()
        };
        let answered: f64 = others.iter().enumerate().map(|(number, moved)| moved * near(number)).sum();
        let moved: f64 = others.iter().map(|moved| moved * moved).sum();
        let share = answered / moved;
        let house = others.iter().zip(&answers).map(|(moved, answer)| (answer - share.clamp(0.0, 1.0) * moved).powi(2));
        let terms = (2 * LATE + 1) as f64;
        let uncertain = (terms * house.sum::<f64>() / others.len() as f64 / moved).sqrt();
        share < ANSWERED && 1.0 - share > CERTAIN * uncertain
    }

    /// The share in which the level of the answer follows: it sees slow ramps.
    fn answered_levels(&self) -> f64 {
        let middle = |of: fn(&Powers) -> f64| self.means.iter().map(of).sum::<f64>() / self.means.len() as f64;
        let (others, answer) = (middle(|powers| powers.others), middle(|powers| powers.answer));
        let (mut common, mut own) = (0.0, 0.0);
        for powers in &self.means {
            common += (powers.others - others) * (powers.answer - answer);
            own += (powers.others - others).powi(2);
        }
        common / own
    }
}
