//! Island operation: the grid is lost, and the inverter carries the house. Compute is off, or follows the surplus where the owner
//! allows it.
//!
//! And when nobody says it? An inverter that has not said yet whether the grid is there, or says that it does not know, counts as an
//! island; one that falls silent counts as what it said last.
//!
//! Example: the sun gives 3000 W, the house takes 500 W, compute 1000 W, the battery takes the other 1500 W. What is left over is 2500 W,
//! and compute may draw no more, boost or not.

use super::Passage;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::Island;
use crate::units::Watts;
use crate::value::situation::Situation;

pub(super) fn guard(situation: &Situation<'_>, passage: &mut Passage) {
    if !is_island(situation) {
        return;
    }
    match situation.site.grid.island {
        Island::Off => passage.forbid(Reason::Island),
        Island::Surplus => {
            let surplus = situation.bus.map_or(Watts::ZERO, |bus| bus.surplus().positive());
            passage.lower(Reason::Island, surplus);
        }
    }
}

/// Whether the grid is lost, or may be.
pub(in crate::act) fn is_island(situation: &Situation<'_>) -> bool {
    let said = situation.image.points.get(&Point::GridIsland);
    said.is_some_and(|known| known.last().is_none_or(|value| value > 0.0))
}
