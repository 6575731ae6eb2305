//! The fuses of the phases, where the owner names them: one phase may be full while the sum is far from its limit.
//!
//! Terms: a box on several phases shares its power evenly among them. One whose phase is not named may be on any: the fullest counts.
//! A phase is read as a current, or as a power. While its power says that it gives, it is read as that power: a current has no
//! direction, and what flows to and fro in it (reactive current) frees nothing for compute.
//!
//! And when a phase says nothing? Where a meter has read it and is silent, compute stops. Where none has, everything that the house
//! consumes may be on it: the residual load and what PV and battery deliver, as much as they can where that is not known.
//!
//! Example: 3 x 25 A at 230 V, of which 2 % are left alone: 5635 W a phase. L1 carries 20 A, 4600 W, none of them compute: 1035 W stay for a
//! box on L1, and 5635 W for one on L2.

use super::{FUSE_MARGIN, Passage};
use crate::image::Known;
use crate::observe::draw::Span;
use crate::observe::residual_load::ResidualLoad;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::Phase;
use crate::units::Watts;
use crate::value::situation::Situation;
use std::collections::BTreeMap;

/// Every phase.
const ALL: [Phase; 3] = [Phase::L1, Phase::L2, Phase::L3];

/// What each phase carries without compute.
#[derive(Clone, Debug, Default)]
pub(super) struct PhaseLoads(BTreeMap<Phase, ResidualLoad>);

impl PhaseLoads {
    pub(super) fn guard(&mut self, situation: &Situation<'_>, passage: &mut Passage) {
        let Some(phases) = &situation.site.grid.phases else { return };
        let fuse = Watts(phases.limit_a * phases.voltage);
        let named = !phases.compute.is_empty();
        let share = if named { 1.0 / phases.compute.len() as f64 } else { 1.0 };
        for phase in ALL.into_iter().filter(|phase| !named || phases.compute.contains(phase)) {
            match self.load(situation, (phase, share), (fuse, phases.voltage)) {
                Some(load) => passage.lower(Reason::FuseLimit, (fuse * (1.0 - FUSE_MARGIN) - load) / share),
                None => passage.forbid(Reason::StaleData),
            }
        }
    }

    /// What `phase` carries without compute, which draws `share` of its power there.
    fn load(
        &mut self,
        situation: &Situation<'_>,
        (phase, share): (Phase, f64),
        (fuse, voltage): (Watts, f64),
    ) -> Option<Watts> {
        let (power, current) = points(phase);
        let read = |point| situation.image.points.contains_key(&point);
        if !read(power) && !read(current) {
            return consumption(situation);
        }
        let former = self.0.remove(&phase);
        let (power, point) = shown(situation, voltage, (power, current))?;
        let Span { least, most } = situation.compute_when(point)?;
        let compute = Span { least: least * share, most: most * share };
        let load = ResidualLoad::observe(former, (power, fuse), compute);
        self.0.insert(phase, load);
        Some(load.0)
    }
}

/// What a meter shows of a phase, and the point that says it.
fn shown(situation: &Situation<'_>, voltage: f64, (power, current): (Point, Point)) -> Option<(Watts, Point)> {
    let fresh = |point| situation.image.get(point).fresh();
    let by_power = fresh(power).map(|shown| (Watts(shown), power));
    let by_current = fresh(current).map(|amperes| (Watts(amperes.abs() * voltage), current));
    by_power.filter(|(shown, _)| *shown < Watts::ZERO).or(by_current).or(by_power)
}

/// Everything that the house may consume beside compute; `None` where that has no bound.
fn consumption(situation: &Situation<'_>) -> Option<Watts> {
    let site = situation.site;
    let delivered = |point, most: Option<Watts>| match situation.image.points.get(&point) {
        Some(Known::Fresh { value }) => Some(Watts(*value).positive()),
        Some(Known::Stale { .. } | Known::Missing) => most,
        None => Some(most.unwrap_or_default()),
    };
    let pv = delivered(Point::PvPower, site.pv.map(|pv| pv.peak))?;
    let battery = delivered(Point::BatteryPower, site.battery.map(|battery| battery.discharge_max))?;
    Some(situation.residual? + pv + battery)
}

fn points(phase: Phase) -> (Point, Point) {
    match phase {
        Phase::L1 => (Point::GridPowerL1, Point::GridCurrentL1),
        Phase::L2 => (Point::GridPowerL2, Point::GridCurrentL2),
        Phase::L3 => (Point::GridPowerL3, Point::GridCurrentL3),
    }
}
