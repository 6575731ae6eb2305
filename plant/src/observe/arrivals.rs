//! Work that arrives: what waits more than before, beyond what was served since.

use crate::time::Slot;
use crate::units::KilowattHours;
use crate::work::{Backlog, Receipt};
use std::collections::BTreeMap;

/// Arrivals that are not in the books yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    /// Tokens that waited when the queue was heard last; `None` before. What waits then did not arrive now.
    waited: Option<u64>,
    /// Tokens that were served since.
    served: u64,
    /// Tokens that left the queue beyond what was served: what a job takes is an estimate, and its receipts said less before.
    ahead: f64,
    /// What arrived, by slot.
    arrived: BTreeMap<Slot, KilowattHours>,
}

impl Arrivals {
    /// Takes in what waits in `slot`. Work that is gone without having been served was given up.
    pub(crate) fn hear(&mut self, backlog: &Backlog, tokens_per_kwh: f64, slot: Slot) {
        let served = std::mem::take(&mut self.served) as f64;
        let Some(before) = self.waited.replace(backlog.tokens) else { return };
        let more = backlog.tokens as f64 + served - before as f64 - self.ahead;
        self.ahead = (-more).clamp(0.0, served.max(self.ahead));
        if more > 0.0 {
            let work = KilowattHours(more / tokens_per_kwh.max(1.0));
            *self.arrived.entry(slot).or_insert(KilowattHours::ZERO) += work;
        }
    }

    /// Takes in work that was done.
    pub(crate) fn serve(&mut self, receipt: &Receipt) {
        if !receipt.interactive {
            self.served = self.served.saturating_add(receipt.tokens_in).saturating_add(receipt.tokens_out);
        }
    }

    /// What arrived in `slot` and before it; it is taken once.
    pub(crate) fn take(&mut self, slot: Slot) -> KilowattHours {
        let later = self.arrived.split_off(&slot.plus(1));
        std::mem::replace(&mut self.arrived, later).into_values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_has_arrived_and_what_was_served_arrived_too() {
        let mut arrivals = Arrivals::default();
        let mut hear = |tokens, served, slot| {
            arrivals.serve(&Receipt { tokens_out: served, ..Receipt::default() });
            arrivals.hear(&Backlog { tokens, ..Backlog::default() }, 1000.0, Slot(slot));
            arrivals.take(Slot(slot)).0
        };
        // What waits at the start did not arrive now.
        assert_eq!(hear(5000, 0, 1), 0.0);
        assert_eq!(hear(7000, 0, 2), 2.0);
        // As much came as was served.
        assert_eq!(hear(7000, 500, 3), 0.5);
        // A job is given up.
        assert_eq!(hear(4000, 0, 4), 0.0);
        assert_eq!(hear(5000, 0, 5), 1.0);
        // A job leaves the queue when it is done, and its receipts come before: the next one's are not counted again.
        assert_eq!((hear(5000, 500, 6), hear(4000, 500, 7)), (0.5, 0.0));
        assert_eq!((hear(4000, 500, 8), hear(3000, 500, 9), hear(3500, 0, 10)), (0.0, 0.0, 0.0));
    }

    #[test]
    fn an_arrival_is_booked_in_its_own_slot() {
        let mut arrivals = Arrivals::default();
        let backlog = |tokens| Backlog { tokens, ..Backlog::default() };
        [(0, 1), (1000, 1), (3000, 2)].iter().for_each(|(tokens, slot)| {
            arrivals.hear(&backlog(*tokens), 1000.0, Slot(*slot));
        });
        assert_eq!([arrivals.take(Slot(1)).0, arrivals.take(Slot(1)).0, arrivals.take(Slot(2)).0], [1.0, 0.0, 2.0]);
    }
}
