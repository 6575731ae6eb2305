//! The air outside: of the last day, and of the slots ahead.

use super::days::{Column, Days, PER_DAY, QUARTERS};
use crate::history::Quarter;
use crate::time::Slot;
use std::collections::VecDeque;

/// Slots in which the last error of the weather service fades.
const SERVICE_FADES: f64 = 32.0;
/// Slots in which the difference from yesterday fades.
const YESTERDAY_FADES: f64 = 96.0;
/// Slots for which a silent thermometer counts as where it was: two hours.
const REMEMBERED: i64 = 8;
/// Days back in which a slot is looked for that was read.
const DAYS_BACK: i64 = 3;

/// The temperatures of the last day's slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Trailing(VecDeque<(Slot, f64)>);

impl Trailing {
    /// Takes in `quarter`; the air in it, as read, as it was lately, or as the weather service had expected it.
    pub(super) fn pass(&mut self, quarter: &Quarter) -> Option<f64> {
        let slot = quarter.slot;
        if let Some(outdoor) = quarter.outdoor {
            self.0.push_back((slot, outdoor.0));
        }
        while self.0.front().is_some_and(|(read, _)| slot.0 - read.0 >= QUARTERS) {
            self.0.pop_front();
        }
        let lately = self.0.back().filter(|(read, _)| slot.0 - read.0 <= REMEMBERED).map(|(_, outdoor)| *outdoor);
        lately.or(quarter.expected_outdoor.map(|outdoor| outdoor.0))
    }

    /// Their mean; `None` where there are none.
    pub(super) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.0.iter().map(|(_, outdoor)| outdoor).sum();
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// Moves on by a slot of which `outdoor` is expected.
    pub(super) fn follow(&mut self, outdoor: Option<f64>) {
        let Some((newest, last)) = self.0.back().copied() else {
            self.0.extend(outdoor.map(|outdoor| (Slot(0), outdoor)));
            return;
        };
        self.0.push_back((newest.plus(1), outdoor.unwrap_or(last)));
        if self.0.len() > PER_DAY {
            self.0.pop_front();
        }
    }
}

/// The air now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Air {
    /// Its temperature.
    now: Option<f64>,
    /// By how much it is warmer than yesterday.
    than_yesterday: f64,
    /// By how much it is warmer than the weather service had expected.
    than_expected: f64,
}

impl Air {
    /// The air before `from`, where `present` is what a thermometer shows.
    pub(super) fn now(days: &Days, trailing: &Trailing, from: Slot, present: Option<f64>) -> Self {
        let before = from.plus(-1);
        let last = days.get(Column::Outdoor, before);
        let warmer = |than: Option<f64>| last.zip(than).map_or(0.0, |(last, than)| last - than);
        Self {
            now: present.or(last).or_else(|| trailing.0.back().map(|(_, outdoor)| *outdoor)),
            than_yesterday: warmer(days.get(Column::Outdoor, before.plus(-QUARTERS))),
            than_expected: warmer(days.get(Column::ExpectedOutdoor, before)),
        }
    }

    /// The air in `slot`, seen from `from`, where the weather service expects `service`.
    pub(super) fn expect(&self, days: &Days, (from, slot): (Slot, Slot), service: Option<f64>) -> Option<f64> {
        let ahead = (slot.0 - from.0) as f64;
        if let Some(service) = service {
            return Some(service + self.than_expected * (-ahead / SERVICE_FADES).exp());
        }
        let back = (slot.0 - from.0) / QUARTERS + 1;
        let mut before = (back..back + DAYS_BACK).map(|days| slot.plus(-days * QUARTERS));
        let like = before.find_map(|slot| days.get(Column::Outdoor, slot));
        like.map(|like| like + self.than_yesterday * (-ahead / YESTERDAY_FADES).exp()).or(self.now)
    }
}
