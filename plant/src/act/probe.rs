//! The probe for power that the feed-in cap holds back: at the cap the inverter throttles, and how far no meter shows. Compute takes
//! a little more than is seen, and more again while the export stays at the cap.
//!
//! Example: 7000 W of a cap of 7000 W are exported, compute draws nothing; a box of 1000 W takes 7000 - 6860 + 100 = 240 W.

use crate::units::Watts;
use crate::value::situation::{AT_CAP, Situation};

/// How much of compute's greatest power a probe takes beyond what is seen.
const STEP: f64 = 0.1;

/// The compute power that probes for curtailed power; `None` where nothing is held back, or nobody would use it.
pub(super) fn probe(situation: &Situation<'_>) -> Option<Watts> {
    let limit = situation.site.grid.export_limit.filter(|limit| *limit > Watts::ZERO)?;
    let bus = situation.bus.filter(|_| situation.at_cap() && situation.demand.any())?;
    Some(bus.compute + (-bus.grid - limit * AT_CAP) + situation.site.compute.max * STEP)
}
