//! The way of compute's heat: the one that takes most of it as planned, out of the house where room or tank are too warm for it.
//!
//! A way is kept for some minutes: valves and fans are slow, and a loop needs a while to be warm.

use crate::act::devices::pump::unset;
use crate::decision::{HeatSink, Setting};
use crate::plan::HeatRoute;
use crate::reason::Reason;
use crate::site::{ControlRange, Site};
use crate::time::Moment;
use crate::value::situation::Situation;
use crate::value::thermal::Temperatures;
use std::time::Duration;

/// Least time on a way.
const LEAST: Duration = Duration::from_secs(300);
/// Above its upper temperature by so much a room takes no heat, in K.
const WARM: f64 = 0.5;

/// What is remembered of the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Way {
    taken: Option<(HeatSink, Moment)>,
}

impl Way {
    /// The way in this cycle, for a device that knows these words; `None`: the house's own.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, range: &ControlRange) -> (Option<HeatSink>, Reason) {
        let Some(route) = situation.intended().and_then(|house| house.route) else {
            self.taken = None;
            return (None, unset(situation, true));
        };
        let knows = |sink: HeatSink| range.words.know(Setting::ComputeHeatRoute(Some(sink)));
        let mut sink = best(route);
        let full = !takes(situation.site, &situation.temperatures, sink);
        if full && knows(HeatSink::Outside) {
            sink = HeatSink::Outside;
        }
        let now = situation.moment;
        match self.taken {
            Some((before, since)) if before != sink && !full && now.since(since) < LEAST => sink = before,
            Some((before, _)) if before == sink => {}
            Some(_) | None => self.taken = Some((sink, now)),
        }
        let reason = match sink {
            HeatSink::Outside if full => Reason::TooHot,
            HeatSink::Outside => Reason::Idle,
            HeatSink::Room | HeatSink::Tank | HeatSink::HeatPumpSource => Reason::HeatDemand,
        };
        (Some(sink).filter(|sink| knows(*sink)), reason)
    }
}

/// The way that takes most.
fn best(route: HeatRoute) -> HeatSink {
    let HeatRoute { room, tank, source } = route;
    let outside = 1.0 - room - tank - source;
    let ways = [(room, HeatSink::Room), (tank, HeatSink::Tank), (source, HeatSink::HeatPumpSource)];
    ways.into_iter().fold((outside, HeatSink::Outside), |best, way| if way.0 >= best.0 { way } else { best }).1
}

/// Whether `sink` is not too warm for more.
fn takes(site: &Site, temperatures: &Temperatures, sink: HeatSink) -> bool {
    let (comfort, limit) = (site.building.comfort, site.building.hot_water.max);
    match sink {
        HeatSink::Room => {
            let high = comfort.room_high.max(comfort.room_high_summer).0 + WARM;
            temperatures.room.is_none_or(|room| room.0 < high)
        }
        HeatSink::Tank => {
            temperatures.tank.is_none_or(|tank| tank < limit.max(site.tank.map_or(limit, |tank| tank.high)))
        }
        HeatSink::HeatPumpSource | HeatSink::Outside => true,
    }
}
