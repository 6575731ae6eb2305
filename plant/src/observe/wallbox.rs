//! A wallbox that follows the surplus too, by itself or through evcc. It looks at the same meter every half minute, waits a minute before
//! it starts and three before it stops, and draws 1400 or 4100 W at least. Compute is much quicker: who comes first is up to compute.
//!
//! *Compute first*: what the wallbox draws is surplus that compute may have, since it gives way. Compute takes it in slices, so that the
//! house imports no more than a slice while the wallbox makes up its mind. A wallbox that has not given way after five minutes of import
//! charges on purpose: it counts as house for a quarter of an hour.
//!
//! *Wallbox first*: compute takes what the meter leaves, and shows the wallbox what it could have. At rest that is what it needs to
//! start, for five minutes; charging, it is one step more. What it does not take is compute's until it is shown again, later and later.
//!
//! ```text
//!             the surplus is large enough, the pause is over
//!   hidden ----------------------------------------------------> shown, longer when it takes some
//!          <----------------------------------------------------
//!             it took nothing: a pause of 15, 30, 45 min; charging, of 5 min
//! ```
//!
//! Example: 5000 W of surplus, all of it compute's; a wallbox of 1400 W at rest that comes first. Compute goes back to 3460 W for five
//! minutes, the wallbox sees 1540 W of export and starts with 1400. Compute leaves 700 W more, the wallbox takes them half a minute
//! later, and so on until compute has less than its least power, or the wallbox its greatest.
//!
//! A wallbox whose meter is silent is neither: what it draws is seen by the meter of the grid, and nothing is lent or shown.

use crate::observe::flows::Flows;
use crate::site::{Compute, Wallbox};
use crate::time::Moment;
use crate::units::Watts;
use std::time::Duration;

/// A wallbox that draws less is at rest: its electronics take some watts.
const RESTING: Watts = Watts(100.0);
/// A slice, as a share of compute's greatest power beyond its least: small, so that little is imported meanwhile, and large enough to
/// start on.
const SLICE: f64 = 0.1;
/// How long a wallbox may take to give way: evcc's three minutes, two of its cycles, and a meter that is late.
const GIVES_WAY: Duration = Duration::from_secs(300);
/// How long one that does not give way counts as house: as long as a person waits who wants the car full soon.
const ON_PURPOSE: Duration = Duration::from_secs(900);
/// It has changed its mind when its power changes by this: an ampere on one phase is 230 W.
const MOVED: Watts = Watts(200.0);
/// What a wallbox at rest is shown, as a share of what it needs: its own meter has an error.
const SHOWN: f64 = 1.1;
/// What one that charges is shown beyond what it draws: an ampere on three phases.
const STEP: Watts = Watts(700.0);
/// From this share of its greatest power on it takes no more.
const FULL: f64 = 0.95;
/// How long something is shown: compute stops within two minutes, evcc starts within two more.
const SHOWING: Duration = Duration::from_secs(300);
/// The pause after something was shown to a wallbox at rest for nothing, and the longest it grows to: in sum compute loses a tenth.
const PAUSE: [Duration; 2] = [Duration::from_secs(900), Duration::from_secs(2700)];
/// The same for one that charges, which is shown less.
const PAUSE_CHARGING: Duration = Duration::from_secs(300);

/// What compute gets from the wallbox, or leaves to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallboxShare {
    /// What compute may have beyond what the meter shows; negative where it leaves something to the wallbox.
    pub power: Watts,
    /// Since when the wallbox draws about the same while it should give way, or while something is shown to it.
    since: Option<(Moment, Watts)>,
    /// Until when nothing is lent or shown.
    until: Moment,
    pause: Duration,
}

impl Default for WallboxShare {
    fn default() -> Self {
        Self { power: Watts::ZERO, since: None, until: Moment::default(), pause: PAUSE[0] }
    }
}

impl WallboxShare {
    /// Takes note of the bus at `now`, where the wallbox draws `drawn`.
    pub(crate) fn observe(&mut self, now: Moment, flows: Flows, drawn: Option<Watts>, site: (&Wallbox, &Compute)) {
        let (wallbox, compute) = site;
        self.power = match drawn {
            None => Watts::ZERO,
            Some(drawn) if wallbox.before_compute => -self.left(now, flows, drawn, wallbox),
            Some(drawn) => self.lent(now, flows, drawn, compute),
        };
    }

    /// What compute may have of the wallbox's power.
    fn lent(&mut self, now: Moment, flows: Flows, drawn: Watts, compute: &Compute) -> Watts {
        if drawn <= RESTING || now < self.until {
            self.since = None;
            return Watts::ZERO;
        }
        let slice = compute.min + compute.max * SLICE;
        let waits = flows.grid > slice * 0.5 && flows.compute > RESTING;
        let (since, at) = self.since.filter(|_| waits).unwrap_or((now, drawn));
        self.since = Some(if drawn < at - MOVED { (now, drawn) } else { (since, at) });
        if waits && now.since(since) >= GIVES_WAY {
            (self.since, self.until) = (None, now.after(ON_PURPOSE));
            return Watts::ZERO;
        }
        slice.min(drawn)
    }

    /// What compute leaves to the wallbox.
    fn left(&mut self, now: Moment, flows: Flows, drawn: Watts, wallbox: &Wallbox) -> Watts {
        let resting = drawn <= RESTING;
        let shown = if resting { wallbox.min * SHOWN } else { STEP };
        let possible = if resting { flows.surplus() >= shown } else { drawn < wallbox.max * FULL };
        if !possible || now < self.until {
            self.since = None;
            return Watts::ZERO;
        }
        let (since, at) = self.since.unwrap_or((now, drawn));
        self.since = Some((since, at));
        if (drawn - at).abs() > MOVED {
            // It took some, or it needs less: what it does next is seen from here.
            (self.since, self.pause) = (Some((now, drawn)), PAUSE[0]);
        } else if now.since(since) >= SHOWING {
            self.until = now.after(if resting { self.pause } else { PAUSE_CHARGING });
            if resting {
                self.pause = (self.pause + PAUSE[0]).min(PAUSE[1]);
            }
        }
        shown
    }
}
