//! Minimum times, in every mode: once on, compute stays on for `min_on`, once off, it stays off for `min_off`.
//!
//! What a limit forbids is not forced by the minimum time on; an answer that somebody waits for does not oblige to it, and like a
//! boost and a deadline does not wait for the minimum time off. Except where compute's own power was too much, for the fuse, the grid
//! operator or an island: it would be started into that limit every second. An engine that loads has not stopped.

use super::Passage;
use crate::act::dispatch::Wanted;
use crate::reason::Reason;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use crate::work::WorkerState;

/// Since when compute is on or off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) on_since: Option<Moment>,
    off_since: Option<Moment>,
    /// Whether its own power was too much.
    too_much: bool,
    /// Whether the minimum time on binds.
    obliged: bool,
}

impl Times {
    pub(super) fn guard(&self, situation: &Situation<'_>, wanted: &Wanted, passage: &mut Passage) {
        let compute = &situation.site.compute;
        let now = situation.moment;
        let stays_on = self.on_since.filter(|since| self.obliged && now.since(*since) < compute.min_on);
        if stays_on.is_some() && passage.ceiling >= compute.min {
            passage.raise(Reason::MinOnTime, compute.min);
        }
        let stays_off =
            self.off_since.filter(|since| (self.too_much || !wanted.at_once) && now.since(*since) < compute.min_off);
        if stays_off.is_some() {
            passage.lower(Reason::MinOffTime, Watts::ZERO);
        }
    }

    /// Takes note of what came of it.
    pub(super) fn note(&mut self, situation: &Situation<'_>, passage: &Passage, wanted: &Wanted) {
        let power = passage.power;
        let brief = wanted.reason == Reason::Interactive;
        if power > Watts::ZERO {
            self.obliged = if self.on_since.is_none() { !brief } else { self.obliged || !brief };
            self.off_since = None;
            self.on_since.get_or_insert(situation.moment);
        } else if self.on_since.take().is_some() && situation.worker != WorkerState::Starting {
            self.off_since = Some(situation.moment);
            let last = passage.hits.last().map(|hit| hit.reason);
            self.too_much = matches!(last, Some(Reason::FuseLimit | Reason::GridDimmed | Reason::Island));
        }
    }
}
