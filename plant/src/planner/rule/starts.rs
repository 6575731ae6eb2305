//! Starts that do not pay for themselves.

use crate::plan::PlanRequest;
use crate::planner::rule::allocate::Taken;
use crate::reason::Reason;
use crate::time::Slot;
use crate::units::{Eur, Watts};

/// Takes back runs on purpose whose gain is less than what a start costs. A promise is kept whatever it costs, and compute
/// that runs already need not start.
pub(super) fn withdraw(request: &PlanRequest, taken: &mut [Taken]) {
    let cost = Eur(request.site.compute.start_cost_eur);
    if cost <= Eur::ZERO {
        return;
    }
    let mut start = 0;
    while start < taken.len() {
        let length = taken[start..].iter().take_while(|slot| runs(slot)).count();
        let run = &mut taken[start..start + length];
        let gain: Eur = run.iter().map(|slot| slot.compute.over(Slot::LENGTH) * slot.worth.net()).sum();
        let obliged = run.iter().any(|slot| matches!(slot.reason, Reason::Deadline | Reason::Boost));
        let goes_on = start == 0 && request.running_since.is_some();
        if gain < cost && !obliged && !goes_on {
            run.iter_mut().for_each(rest);
        }
        start += length.max(1);
    }
}

fn runs(slot: &Taken) -> bool {
    slot.compute > Watts::ZERO
}

/// Surplus stays welcome: how much of it there will be is known only when it is there.
fn rest(slot: &mut Taken) {
    slot.reason = Reason::Idle;
    (slot.compute, slot.floor, slot.heat) = (Watts::ZERO, Watts::ZERO, Watts::ZERO);
}
