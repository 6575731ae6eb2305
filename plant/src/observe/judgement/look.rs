//! One look at the powers on the bus, as the meters show them together.

use crate::image::Image;
use crate::observe::draw::{Draw, Span};
use crate::point::Point;
use crate::site::Site;
use crate::time::Moment;
use std::time::Duration;

/// An inverter that showed less than this, in W, when it fell silent is asleep.
const ASLEEP_BELOW: f64 = 50.0;
/// The longest night that an inverter sleeps through: midwinter in the south of Scandinavia.
const NIGHT: Duration = Duration::from_secs(18 * 3600);

/// The powers of one cycle, in W. A role that the site lacks moves none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// When.
    pub at: Moment,
    /// When the grid meter was read.
    pub read: Moment,
    /// Import +, export -.
    pub grid: f64,
    /// Discharge +, charge -.
    pub battery: f64,
    /// PV; zero while the inverter sleeps, `None` where nobody knows.
    pub pv: Option<f64>,
    /// Heat pump and wallbox, as far as they are known.
    pub consumers: f64,
    /// What compute draws.
    pub compute: Span,
    /// What its meter shows; zero where it is silent.
    pub shown: f64,
    /// Whether a car feeds the house.
    pub feeding: bool,
    /// Which of PV, heat pump, wallbox and compute are known.
    pub known: [bool; 4],
}

impl Look {
    /// What the bus serves beyond the house, less PV: what grid and battery follow.
    pub(super) fn net(&self) -> f64 {
        self.compute_middle() + self.consumers - self.pv.unwrap_or(0.0)
    }

    /// The middle of what compute may draw.
    pub(super) fn compute_middle(&self) -> f64 {
        f64::midpoint(self.compute.least.0, self.compute.most.0)
    }
}

/// Looks at images, and knows whether the inverter sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Eye {
    pv: Option<(f64, Moment)>,
}

impl Eye {
    /// What the meters of `image` show; `None` where grid or battery are not known.
    pub(super) fn look(&mut self, site: &Site, image: &Image, draw: &Draw) -> Option<Look> {
        let known = |point| match image.points.get(&point) {
            Some(known) => known.fresh(),
            None => Some(0.0),
        };
        let sun = known(Point::PvPower);
        if let (Some(pv), true) = (sun, image.points.contains_key(&Point::PvPower)) {
            self.pv = Some((pv, image.moment));
        }
        let asleep =
            self.pv.is_some_and(|(pv, seen)| pv < ASLEEP_BELOW && image.moment.since(seen) < NIGHT).then_some(0.0);
        // A roof that no device reads.
        let unread = site.pv.is_some() && !image.points.contains_key(&Point::PvPower);
        let pv = if unread { None } else { sun.map(f64::abs).or(asleep) };
        let compute = draw.at(image.moment, &site.compute);
        let shown = image.get(Point::ComputePower).fresh();
        let (heat_pump, wallbox) = (known(Point::HeatPumpPower), known(Point::WallboxPower));
        Some(Look {
            at: image.moment,
            read: image.taken.get(&Point::GridPower).copied()?,
            grid: image.get(Point::GridPower).fresh()?,
            battery: known(Point::BatteryPower)?,
            pv,
            consumers: heat_pump.unwrap_or(0.0) + wallbox.unwrap_or(0.0),
            compute,
            shown: shown.unwrap_or(0.0),
            feeding: wallbox.is_some_and(|power| power < -ASLEEP_BELOW),
            known: [pv.is_some(), heat_pump.is_some(), wallbox.is_some(), shown.is_some()],
        })
    }
}
