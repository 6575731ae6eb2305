//! The connection: the fuse of the sum, and dimming by the grid operator.
//!
//! And when an input says nothing? Without the grid's power compute stops before this is asked; see `dimming` for the loads.

use super::{FUSE_MARGIN, Passage};
use crate::reason::Reason;
use crate::value::dimming;
use crate::value::situation::Situation;

pub(super) fn guard(situation: &Situation<'_>, passage: &mut Passage) {
    if let Some(residual) = situation.residual {
        passage.lower(Reason::FuseLimit, situation.site.grid.import_limit * (1.0 - FUSE_MARGIN) - residual);
    }
    if let Some(limit) = dimming::for_compute(situation) {
        passage.lower(Reason::GridDimmed, limit);
    }
}
