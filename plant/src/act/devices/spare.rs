//! What compute leaves over for the heat pump: what the house would give away if the heat pump drew only its base load.
//!
//! Terms: the *residual* is what the meter shows as given away, less what the battery gives and what compute is about to take: its budget, and the surplus that it
//! waits to start on. The
//! *base load* of the heat pump is what it drew by itself before anything was offered; what it draws beyond that, it *takes* of
//! the surplus. Residual and what is taken add up to what is left over, whatever the heat pump does with it.
//!
//! Example: 2500 W are offered, the heat pump went from 400 to 1900 W, the meter shows 900 W of export: 900 + (1900 - 400) = 2400 W are
//! left over.
//!
//! The meter of the heat pump may be a minute older than the grid's, and the heat pump obeys within minutes. Until it has settled it
//! takes something between what its meter last said and what it may take, and what is left over lies between two numbers: offers
//! grow by the least and shrink by the most of it. Where it has no meter, or a silent one, it takes something between nothing and all
//! that it may.
//!
//! While the grid pays for taking power, all that the fuse lets through is left over.

use crate::act::devices::negative;
use crate::act::limits::FUSE_MARGIN;
use crate::observe::draw::Span;
use crate::observe::flows::Flows;
use crate::point::Point;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use std::time::Duration;

/// Time constant of the residual in seconds: a kettle's thermostat and a meter that is late by some seconds do not show.
const SMOOTHING: f64 = 20.0;
/// How long a heat pump may take to draw what it may: those that modulate ramp over some minutes.
const SETTLED: Duration = Duration::from_secs(300);

/// What is left over, and what of it the heat pump takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftOver {
    /// What is left over.
    pub power: Span,
    /// What the heat pump takes of it; where no meter says so, the most that it can: what it may take, less what flows to the grid.
    pub taken: Watts,
    /// Whether a meter says so.
    pub metered: bool,
}

/// What the heat pump may take, and since when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// The most that it may take; zero where nothing is offered.
    pub power: Watts,
    /// Since when.
    pub since: Moment,
}

/// What is remembered of the surplus.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spare {
    residual: Option<Watts>,
    base: Watts,
    last: Option<Moment>,
}

impl Spare {
    /// What is left over once compute has taken what it claims.
    pub(super) fn left_over(
        &mut self,
        situation: &Situation<'_>,
        bus: Flows,
        claimed: Watts,
        allowed: Allowed,
    ) -> LeftOver {
        let residual = self.smooth(situation.moment, residual(situation, bus, claimed));
        let drawn = situation.image.get(Point::HeatPumpPower).fresh().map(|drawn| Watts(drawn).positive());
        let Some(drawn) = drawn else {
            let power = Span { least: residual, most: residual + allowed.power };
            let taken = (allowed.power - (-bus.grid).positive()).positive();
            return LeftOver { power, taken, metered: false };
        };
        let offered = allowed.power > Watts::ZERO;
        self.base = if offered { self.base.min(drawn) } else { drawn };
        let taken = drawn - self.base;
        let read = situation.image.taken.get(&Point::HeatPumpPower).copied().unwrap_or_default();
        let settled = read >= allowed.since.after(SETTLED);
        let (least, most) = if settled { (taken, taken) } else { (taken.min(allowed.power), taken.max(allowed.power)) };
        LeftOver { power: Span { least: residual + least, most: residual + most }, taken, metered: true }
    }

    /// Nothing is known of it any more.
    pub(super) fn forget(&mut self) {
        (self.residual, self.last) = (None, None);
    }

    fn smooth(&mut self, now: Moment, residual: Watts) -> Watts {
        let span = self.last.map_or(Duration::ZERO, |last| now.since(last)).as_secs_f64();
        let before = self.residual.unwrap_or(residual);
        let smooth = before + (residual - before) * (span / (span + SMOOTHING));
        (self.residual, self.last) = (Some(smooth), Some(now));
        smooth
    }
}

/// What the house gives away once compute draws what it claims; while the grid pays, what the fuse still lets through.
fn residual(situation: &Situation<'_>, bus: Flows, claimed: Watts) -> Watts {
    let drew = situation.compute_when(Point::GridPower).map_or(bus.compute, |drew| drew.least);
    let pending = (claimed - drew).positive();
    if negative(situation) {
        return situation.site.grid.import_limit * (1.0 - FUSE_MARGIN) - bus.grid - pending;
    }
    -bus.grid - bus.discharge() - pending
}
