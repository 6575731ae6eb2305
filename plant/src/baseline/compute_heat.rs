//! Where compute's heat goes, where nobody says it: as the house does it by itself.

use crate::baseline::HeatInto;
use crate::baseline::readings::Readings;
use crate::house::tank::Tank;
use crate::site::{HeatSink, Site};

/// Compute's heat by where it goes, kW.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ways {
    /// Into the room.
    pub room: f64,
    /// Into the tank.
    pub tank: f64,
    /// Into the heat pump's source side.
    pub source: f64,
}

impl Ways {
    /// What is used of it.
    pub(super) fn total(&self) -> f64 {
        self.room + self.tank + self.source
    }
}

/// The ways of the heat of `compute` kW: as `known`, else by the own rule.
pub(super) fn ways(site: &Site, readings: &Readings, compute: f64, known: Option<HeatInto>) -> Ways {
    if let Some(HeatInto { room, tank, source }) = known {
        return Ways { room: room.0 / 1000.0, tank: tank.0 / 1000.0, source: source.0 / 1000.0 };
    }
    let rule = site.building.compute_heat;
    let leak = rule.leak * compute;
    let loop_heat = (site.compute.heat_fraction - rule.leak).max(0.0) * compute;
    let to_room = |rest: f64| if readings.room < room_below(site, readings.summer) { rest } else { 0.0 };
    let to_tank = tank(site, readings, loop_heat);
    match site.compute.heat_into {
        HeatSink::Room => Ways { room: leak + to_room(loop_heat - to_tank), tank: to_tank, source: 0.0 },
        HeatSink::Tank => Ways { room: leak, tank: to_tank, source: 0.0 },
        HeatSink::HeatPumpSource => Ways { room: leak, tank: 0.0, source: loop_heat },
        HeatSink::Outside => Ways { room: leak, tank: 0.0, source: 0.0 },
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

/// What the tank takes of `heat` kW.
fn tank(site: &Site, readings: &Readings, heat: f64) -> f64 {
    let rule = site.building.compute_heat;
    let Some((store, now)) = Tank::of(site).zip(readings.tank.0) else { return 0.0 };
    let always = (site.compute.heat_into == HeatSink::Tank).then_some(store.max);
    let Some(below) = rule.tank_below.map(|limit| limit.0).or(always) else { return 0.0 };
    let exchanger = rule.exchanger_kw_per_k * (rule.loop_max.0.max(store.max) - now);
    if now < below { heat.min(exchanger.max(0.0)) } else { 0.0 }
}
