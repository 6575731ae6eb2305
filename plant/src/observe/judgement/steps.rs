//! Steps: what the grid meter answers when compute draws more or less.
//!
//! When compute takes 900 W more and the battery rests, the grid delivers 900 W more, whatever the house does at other times. A meter
//! that then shows 900 W less counts the wrong way. Where the battery delivers it, the grid meter has no answer.
//!
//! A *step* lies between two *quiet* stretches: in each of them nothing drifts by more than a fifth of the step. A meter that
//! shows late is not quiet, or shows no answer yet; so is a house that changes at the same moment. Neither is an answer. And a step
//! stands alone: what moved half a minute before may show only now.
//!
//! Example: compute 0 W and grid -479 W for 6 s; ten seconds later 300 W and -779 W for 6 s. The answer is -300 / 300 = -1: turned.

use crate::observe::judgement::look::Look;
use crate::time::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// The least step that is looked at, in W: a refrigerator takes less.
const LEAST: f64 = 150.0;
/// Compute that draws less than this, in W, rests.
const RESTS: f64 = 80.0;
/// Share of the step that anything may drift in a quiet stretch.
const QUIET: f64 = 0.2;
/// An answer is the step itself to within this share: meters are exact to some percent, and houses are not silent.
const EXACT: f64 = 0.4;
/// The shortest quiet stretch.
const STRETCH: Duration = Duration::from_secs(6);
/// How long a step may take, the slowness of box and meters in it.
const TAKES: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40)];
/// How long nothing else moved before a step: a loop that swings around a late meter shows each answer with the next step.
const ALONE: Duration = Duration::from_secs(30);
/// Looks that a stretch holds at least.
const LOOKS: usize = 4;

/// What a meter showed when the load changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// As much.
    Right,
    /// As much the other way.
    Turned,
}

/// The looks of the last minutes.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    looks: VecDeque<Look>,
    /// From here on nothing has answered yet.
    unanswered: Moment,
}

/// What one stretch shows on average, and by how much it drifts.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    grid: f64,
    battery: f64,
    net: f64,
    compute: f64,
    drift: f64,
}

impl Steps {
    /// Takes `look` in; the meters are read at least every `pace`. The answer to a step,
    /// where one has just shown.
    pub(super) fn observe(&mut self, look: Look, pace: Duration) -> Option<Answer> {
        if self.looks.back().is_some_and(|last| last.known != look.known || last.at >= look.at) {
            self.looks.clear();
        }
        let now = look.at;
        self.looks.push_back(look);
        let stretch = STRETCH.max(pace.mul_f64(1.2));
        let memory = 2 * stretch + TAKES[TAKES.len() - 1] + ALONE.max(pace);
        while self.looks.front().is_some_and(|first| now.since(first.at) > memory) {
            self.looks.pop_front();
        }
        let after = self.stretch(now, stretch)?;
        let found = TAKES.iter().find_map(|takes| {
            let end = now.before(stretch + *takes);
            let before = self.stretch(end, stretch).filter(|_| end.before(stretch) >= self.unanswered)?;
            let alone = self.is_alone(&before, end, ALONE.max(pace), (after.net - before.net).abs());
            // What follows a sun that nobody sees moves with it: only a start or a stop is compute's own.
            let own = look.known[0] || before.compute.min(after.compute) < RESTS;
            answer(&before, &after).filter(|_| alone && own)
        });
        if found.is_some() {
            // Each step answers once.
            self.unanswered = now.before(stretch);
        }
        found
    }

    /// Whether nothing moved so shortly before that a late meter shows its answer only now.
    fn is_alone(&self, before: &Stretch, end: Moment, span: Duration, size: f64) -> bool {
        let mut within = self.looks.iter().filter(|look| look.at > end.before(span) && look.at <= end);
        within.all(|look| (look.net() - before.net).abs() <= EXACT * size)
    }

    /// What the time of `length` until `end` shows; `None` where it was not seen whole.
    fn stretch(&self, end: Moment, length: Duration) -> Option<Stretch> {
        let (start, middle) = (end.before(length), end.before(length / 2));
        if self.looks.front().is_none_or(|first| first.at > start) {
            return None;
        }
        let within = || self.looks.iter().filter(|look| look.at > start && look.at <= end);
        if within().count() < LOOKS {
            return None;
        }
        let drift_of = |of: fn(&Look) -> f64| {
            let half = |late: bool| mean(within().filter(|look| (look.at > middle) == late).map(of));
            Some((half(true)? - half(false)?).abs())
        };
        let open = within().map(|look| look.compute.most.0 - look.compute.least.0).fold(0.0, f64::max);
        let drifts = [drift_of(|look| look.grid)?, drift_of(|look| look.battery)?, drift_of(Look::net)?, open];
        Some(Stretch {
            grid: mean(within().map(|look| look.grid))?,
            battery: mean(within().map(|look| look.battery))?,
            net: mean(within().map(Look::net))?,
            compute: mean(within().map(Look::compute_middle))?,
            drift: drifts.into_iter().fold(0.0, f64::max),
        })
    }
}

fn answer(before: &Stretch, after: &Stretch) -> Option<Answer> {
    let step = after.net - before.net;
    let size = step.abs();
    let own = (after.compute - before.compute - step).abs() <= QUIET * size;
    let rests = (after.battery - before.battery).abs() <= QUIET * size;
    if size < LEAST || before.drift.max(after.drift) > QUIET * size || !own || !rests {
        return None;
    }
    match (after.grid - before.grid) / step {
        along if (along - 1.0).abs() <= EXACT => Some(Answer::Right),
        along if (along + 1.0).abs() <= EXACT => Some(Answer::Turned),
        _ => None,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
