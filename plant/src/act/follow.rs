//! Following: compute's power on surplus, from one reading of the grid to the next.
//!
//! What a reading shows is acted on once. Less is done at once: what is drawn beyond the surplus is bought. More is done when a second
//! reading says it too, or when PV has risen by half of it at least: one reading may be a kettle that stopped, or have been taken
//! while the battery moved. Small corrections wait for the second reading either way, so that noise moves nothing.
//!
//! ```text
//!   readings of the surplus   800   800  3800  3800  1000  1000 W
//!   compute                   800   800   800  3800  1000  1000 W
//! ```
//!
//! The surplus is that of `observe/bus.rs`, in which compute's own way to its power is already allowed for; so a whole step can be
//! taken at once without swinging.

use crate::point::Point;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;

/// Dead band, as a share of the greatest power: nearer than this, power is there. One percent of a box is less than its meter's error.
pub(super) const DEAD_BAND: f64 = 0.01;
/// Up to this share of the greatest power a correction is small: some times what meters of a house are apart by noise.
const SMALL: f64 = 0.04;

/// What following remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Follower {
    power: Option<Watts>,
    /// The reading of the grid that asked for a change first.
    asked: Option<(Moment, Change)>,
    last: Option<Sighting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    More,
    Less,
}

/// What a reading of the grid showed.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    at: Moment,
    target: Watts,
    pv: Option<Watts>,
}

impl Follower {
    /// The power that follows `target`, what surplus and plan leave compute this second.
    pub(super) fn follow(&mut self, situation: &Situation<'_>, target: Watts) -> Watts {
        let at = situation.image.taken.get(&Point::GridPower).copied().unwrap_or(situation.moment);
        let sighting = Sighting { at, target, pv: situation.bus.and_then(|bus| bus.pv) };
        let max = situation.site.compute.max;
        // A surplus that has lasted long enough to start on has been seen.
        let power = self.power.unwrap_or(target);
        let next = self.next(power, &sighting, max);
        if next == target {
            self.asked = None;
        }
        if self.last.is_none_or(|last| last.at < at) {
            self.last = Some(sighting);
        }
        self.power = Some(next);
        next
    }

    fn next(&mut self, power: Watts, sighting: &Sighting, max: Watts) -> Watts {
        let gap = sighting.target - power;
        if gap.abs() <= max * DEAD_BAND {
            self.asked = None;
            return power;
        }
        let change = if gap > Watts::ZERO { Change::More } else { Change::Less };
        let large = gap.abs() > max * SMALL;
        let at_once = large && (change == Change::Less || self.agrees(sighting));
        match self.asked {
            Some((at, asked)) if asked == change && at < sighting.at => sighting.target,
            Some((_, asked)) if asked == change && !at_once => power,
            Some(_) | None if at_once => sighting.target,
            Some(_) | None => {
                self.asked = Some((sighting.at, change));
                power
            }
        }
    }

    /// Whether PV has risen with the surplus since the reading before.
    fn agrees(&self, sighting: &Sighting) -> bool {
        let risen = |last: &Sighting| Some((sighting.target - last.target, sighting.pv? - last.pv?));
        let last = self.last.filter(|last| last.at < sighting.at);
        last.as_ref().and_then(risen).is_some_and(|(more, pv)| more > Watts::ZERO && pv >= more * 0.5)
    }
}
