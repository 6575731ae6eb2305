//! The work: what it pays, and what arrives and waits: what each lot of it must be done by. The house says how much waits; what arrived is the difference.

use super::hello::{Node, Scenario};
use plant::time::Timestamp;
use plant::units::{Eur, EurPerKwh, KilowattHours};
use plant::work::{Backlog, Due};
use std::collections::VecDeque;

/// Less work than this is none, in kWh: what rounding leaves.
const NONE: f64 = 1e-9;

/// What the work pays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    /// For a kilowatt-hour.
    pub work: EurPerKwh,
    /// The temperature of compute's loop above which it pays less, and how much less for each kelvin.
    pub loop_min_c: f64,
    pub loss_per_k: f64,
}

impl Rates {
    /// What a kilowatt-hour pays while the loop is at `loop_c`.
    pub(super) fn at(self, loop_c: Option<f64>) -> EurPerKwh {
        let above = loop_c.map_or(0.0, |loop_c| (loop_c - self.loop_min_c).max(0.0));
        self.work * (1.0 - self.loss_per_k * above).max(0.0)
    }
}

/// The work.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    waits: chrono::TimeDelta,
    rate: EurPerKwh,
    tokens_per_kwh: f64,
    /// When each lot arrived, and what is left of it; the oldest first.
    lots: VecDeque<(Timestamp, KilowattHours)>,
}

impl Queue {
    /// The empty queue of `node`; `None` where there is always work.
    pub(super) fn new(node: &Node, scenario: Scenario, tokens_per_kwh: f64) -> Option<Self> {
        match scenario {
            Scenario::Market => None,
            Scenario::Queue => Some(Self {
                waits: chrono::TimeDelta::seconds((node.queue_deadline_h * 3600.0) as i64),
                rate: EurPerKwh(node.queue_revenue_eur_kwh),
                tokens_per_kwh,
                lots: VecDeque::new(),
            }),
        }
    }

    /// Work of `done` ran, the oldest first.
    pub(super) fn serve(&mut self, mut done: KilowattHours) {
        while let Some((_, lot)) = self.lots.front_mut()
            && done.0 > NONE
        {
            let part = done.min(*lot);
            *lot -= part;
            done -= part;
            if lot.0 <= NONE {
                self.lots.pop_front();
            }
        }
    }

    /// At `now` so much waits: what was here too long is gone, what is more has just arrived.
    pub(super) fn hear(&mut self, waiting: KilowattHours, now: Timestamp) {
        while self.lots.front().is_some_and(|(arrived, _)| now - *arrived >= self.waits) {
            self.lots.pop_front();
        }
        let known: KilowattHours = self.lots.iter().map(|(_, lot)| *lot).sum();
        if (waiting - known).0 > NONE {
            self.lots.push_back((now, waiting - known));
        } else {
            // Less waits than was known: the oldest is done.
            self.serve(known - waiting);
        }
    }

    /// What waits, as the core knows it.
    pub(super) fn backlog(&self) -> Backlog {
        let tokens = |lot: KilowattHours| (lot.0 * self.tokens_per_kwh).round() as u64;
        let waiting: KilowattHours = self.lots.iter().map(|(_, lot)| *lot).sum();
        Backlog {
            interactive: 0,
            jobs: u32::try_from(self.lots.len()).unwrap_or(u32::MAX),
            tokens: tokens(waiting),
            value: Eur(waiting.0 * self.rate.0),
            due: self.lots.iter().map(|(at, lot)| Due { at: *at + self.waits, tokens: tokens(*lot) }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_too_long_is_gone_and_what_is_more_has_arrived() {
        let at = |hours: i64| Timestamp::UNIX_EPOCH + chrono::TimeDelta::hours(hours);
        let mut queue = Queue {
            waits: chrono::TimeDelta::hours(24),
            rate: EurPerKwh(0.3),
            tokens_per_kwh: 1e6,
            lots: VecDeque::new(),
        };
        queue.hear(KilowattHours(2.0), at(0));
        queue.serve(KilowattHours(0.5));
        queue.hear(KilowattHours(2.5), at(10));
        let backlog = queue.backlog();
        assert_eq!((backlog.jobs, backlog.tokens), (2, 2_500_000));
        assert_eq!(backlog.due[0], Due { at: at(24), tokens: 1_500_000 });
        assert_eq!(backlog.due[1], Due { at: at(34), tokens: 1_000_000 });
        assert!((backlog.value.0 - 0.75).abs() < 1e-12);
        // The first is gone after a day; nothing else arrived.
        queue.hear(KilowattHours(1.0), at(24));
        assert_eq!(queue.backlog().due, [Due { at: at(34), tokens: 1_000_000 }]);
        queue.hear(KilowattHours(0.0), at(25));
        assert_eq!(queue.backlog(), Backlog::default());
    }
}
