//! The heat of a quarter hour that has passed, by the house's formulas and what was read of it.

use crate::history::Quarter;
use crate::house::compute_heat::{Warm, Ways};
use crate::house::heat_pump::{HeatPump, eer};
use crate::house::tank::Tank;
use crate::site::Site;
use crate::units::Watts;

/// A tank that warms by more than this is heated, kW.
const WARMS: f64 = 0.3;

/// Where the slot began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Before {
    /// The room, °C; `None` where unknown.
    pub room: Option<f64>,
    /// The tank, °C; `None` where unknown.
    pub tank: Option<f64>,
    /// Air outside in the slot.
    pub outdoor: f64,
    /// Whether it is a summer slot.
    pub summer: bool,
}

/// Heat by where it went, kW; `None` where nothing shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heat {
    /// Of the heat pump into the rooms; below zero, cooling.
    pub pumped: Option<f64>,
    /// Of the heat pump into the tank.
    pub pumped_to_tank: Option<f64>,
    /// Of compute.
    pub compute: Option<Ways>,
}

impl Heat {
    /// The heat of `quarter`.
    pub(super) fn of(site: &Site, quarter: &Quarter, before: &Before) -> Self {
        let compute = quarter.compute.map(|compute| ways(site, quarter, before, compute.0 / 1000.0));
        let power = power(site, quarter, before, compute);
        let Some(pump) = HeatPump::of(site) else {
            return Self { pumped: None, pumped_to_tank: None, compute };
        };
        let pumped = power.map(|Power { room, .. }| {
            let cools = cools(site, quarter, before);
            let source = compute.map_or(0.0, |ways| ways.source);
            let cop = pump.cop_with_source(pump.flow(before.outdoor), before.outdoor, room, source);
            cools.map_or(cop * room, |efficiency| -efficiency * room)
        });
        let pumped_to_tank = power.and_then(|Power { tank, .. }| {
            let cop = pump.cop_tank(site.building.hot_water.sink, before.tank?, before.outdoor);
            Some(tank? * cop)
        });
        Self { pumped, pumped_to_tank, compute }
    }
}

/// Electric power of the heat pump, kW.
#[derive(Clone, Copy, Debug)]
struct Power {
    room: f64,
    /// `None` where the tank alone says how much it was.
    tank: Option<f64>,
}

/// What the heat pump took for rooms and tank; `None` where no device measures it.
fn power(site: &Site, quarter: &Quarter, before: &Before, compute: Option<Ways>) -> Option<Power> {
    let kilowatts = |power: Watts| power.0 / 1000.0;
    let total = kilowatts(quarter.heat_pump?);
    if let Some(tank) = quarter.hot_water.map(kilowatts) {
        return Some(Power { room: (total - tank).max(0.0), tank: Some(tank) });
    }
    let Some(((tank, from), to)) = Tank::of(site).zip(before.tank).zip(quarter.tank) else {
        return Some(Power { room: total, tank: Some(0.0) });
    };
    let warmed = (to.0 - from) * tank.capacity * 4.0 - compute.map_or(0.0, |ways| ways.tank);
    let pump = HeatPump::of(site)?;
    if warmed < WARMS || total <= 0.0 {
        return Some(Power { room: total, tank: Some(0.0) });
    }
    let cop = pump.cop_tank(site.building.hot_water.sink, from, before.outdoor);
    Some(Power { room: (total - warmed / cop).max(0.0), tank: None })
}

/// The efficiency of cooling where the heat pump cools.
fn cools(site: &Site, quarter: &Quarter, before: &Before) -> Option<f64> {
    let cooling = site.building.cooling?;
    let middle = f64::midpoint(site.building.thermostat.setpoint.0, cooling.off_below.0);
    let warm = before.summer && before.room.is_some_and(|room| room > middle);
    (quarter.cools || warm).then(|| eer(&cooling, before.outdoor))
}

/// Where the heat of `compute` kW went: as planned, else by its own rule.
fn ways(site: &Site, quarter: &Quarter, before: &Before, compute: f64) -> Ways {
    let Some(route) = quarter.route else {
        let warm = Warm {
            room: before.room.unwrap_or(site.building.thermostat.setpoint.0),
            tank: before.tank,
            summer: before.summer,
        };
        return Ways::own(site, &warm, compute);
    };
    let shares = Ways { room: route.room, tank: route.tank, source: route.source };
    Ways::shared(site, before.tank, compute, shares)
}
