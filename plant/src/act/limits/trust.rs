//! Meters that contradict each other.
//!
//! A grid meter that cannot be right guards no fuse and shows no surplus: compute rests. One that has to prove itself gets the answer to
//! compute at its least power. Where nothing contradicts, but nothing would show it either, that holds only for compute that follows
//! the meter.

use crate::act::dispatch::Wanted;
use crate::act::limits::Passage;
use crate::image::Trust;
use crate::reason::Reason;
use crate::value::situation::Situation;

/// Lets through what the meters can be trusted with.
pub(super) fn guard(situation: &Situation<'_>, wanted: &Wanted, passage: &mut Passage) {
    let follows = matches!(wanted.reason, Reason::Surplus | Reason::Curtailment | Reason::NegativePrice);
    match situation.image.trust {
        Trust::Sound => {}
        Trust::Unproven if !follows => {}
        Trust::Unproven | Trust::Trial => passage.lower(Reason::Implausible, situation.site.compute.min),
        Trust::Contradicted => passage.forbid(Reason::Implausible),
    }
}
