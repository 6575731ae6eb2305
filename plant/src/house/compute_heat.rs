//! Where compute's heat goes by itself: into the tank while that is cooler than its limit, into the room while that is, out of the house
//! else. Some of it warms the room wherever the rest goes.
//!
//! Example: 2 kW of compute, 97 % of it heat, 6 % leak; the tank at 50 °C takes 0.3 kW/K x (60 - 50) = 3 kW: 1.82 kW go into the tank,
//! 0.12 kW into the room.

use crate::house::tank::Tank;
use crate::site::{HeatSink, Site};

/// Compute's heat by where it goes, kW.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ways {
    /// Into the room.
    pub room: f64,
    /// Into the tank.
    pub tank: f64,
    /// Into the heat pump's source side.
    pub source: f64,
}

/// What decides on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Warm {
    /// The room, °C.
    pub room: f64,
    /// The tank, °C; `None` where unknown.
    pub tank: Option<f64>,
    /// Whether it is a summer day.
    pub summer: bool,
}

impl Ways {
    /// What is used of it.
    pub(crate) fn total(&self) -> f64 {
        self.room + self.tank + self.source
    }

    /// The ways of the heat of `compute` kW.
    pub(crate) fn own(site: &Site, warm: &Warm, compute: f64) -> Self {
        let rule = site.building.compute_heat;
        let leak = rule.leak * compute;
        let heat = (site.compute.heat_fraction - rule.leak).max(0.0) * compute;
        let to_room = |rest: f64| if warm.room < room_below(site, warm.summer) { rest } else { 0.0 };
        let to_tank = to_tank(site, warm, heat, own_limit(site));
        match site.compute.heat_into {
            HeatSink::Room => Self { room: leak + to_room(heat - to_tank), tank: to_tank, source: 0.0 },
            HeatSink::Tank => Self { room: leak, tank: to_tank, source: 0.0 },
            HeatSink::HeatPumpSource => Self { room: leak, tank: 0.0, source: heat },
            HeatSink::Outside => Self { room: leak, tank: 0.0, source: 0.0 },
        }
    }

    /// The ways of the heat of `compute` kW that is sent by `shares` of it; the tank takes what its exchanger does, the rest of its share
    /// goes out of the house.
    pub(crate) fn shared(site: &Site, tank: Option<f64>, compute: f64, shares: Self) -> Self {
        let rule = site.building.compute_heat;
        let leak = rule.leak * compute;
        let heat = (site.compute.heat_fraction - rule.leak).max(0.0) * compute;
        let exchanger = tank.map_or(0.0, |now| rule.exchanger_kw_per_k * (rule.loop_max.0 - now).max(0.0));
        Self {
            room: leak + shares.room * heat,
            tank: (shares.tank * heat).min(exchanger),
            source: shares.source * heat,
        }
    }

    /// The ways of the heat of `compute` kW where somebody sends it into `sink`; what does not fit goes out of the house.
    pub(crate) fn chosen(site: &Site, warm: &Warm, compute: f64, sink: HeatSink) -> Self {
        let leak = site.building.compute_heat.leak * compute;
        let heat = (site.compute.heat_fraction - site.building.compute_heat.leak).max(0.0) * compute;
        let leaks = Self { room: leak, tank: 0.0, source: 0.0 };
        match sink {
            HeatSink::Room => Self { room: leak + heat, ..leaks },
            HeatSink::Tank => Self { tank: to_tank(site, warm, heat, full(site)), ..leaks },
            HeatSink::HeatPumpSource => Self { source: heat, ..leaks },
            HeatSink::Outside => leaks,
        }
    }
}

/// The room takes compute's heat below this.
fn room_below(site: &Site, summer: bool) -> f64 {
    let rule = site.building.compute_heat;
    let never = f64::NEG_INFINITY;
    if summer {
        return rule.room_below_summer.map_or(never, |limit| limit.0);
    }
    rule.room_below_winter.or(site.room.map(|room| room.high)).map_or(never, |limit| limit.0)
}

/// The tank takes compute's heat below this by itself; `None`: never.
fn own_limit(site: &Site) -> Option<f64> {
    let always = full(site).filter(|_| site.compute.heat_into == HeatSink::Tank);
    site.building.compute_heat.tank_below.map(|limit| limit.0).or(always)
}

/// The tank's upper temperature.
fn full(site: &Site) -> Option<f64> {
    Tank::of(site).map(|tank| tank.max)
}

/// What the tank takes of `heat` kW while it is below the limit.
fn to_tank(site: &Site, warm: &Warm, heat: f64, below: Option<f64>) -> f64 {
    let rule = site.building.compute_heat;
    let Some((store, now)) = Tank::of(site).zip(warm.tank) else { return 0.0 };
    let exchanger = rule.exchanger_kw_per_k * (rule.loop_max.0.max(store.max) - now);
    if below.is_some_and(|below| now < below) { heat.min(exchanger.max(0.0)) } else { 0.0 }
}
