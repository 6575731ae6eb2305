//! Dimming by the grid operator (German EnWG section 14a): what the controllable loads together draw from the *grid* is limited. Own
//! power is free.
//!
//! Terms: a load is *controllable* where the site counts it in: compute, the heat pump with its cooling, charging of the battery, the
//! wallbox. Everything else is the household, which own power serves first. *Generation* is PV and what the battery gives.
//!
//! ```text
//! net draw  = controllable loads - generation beyond the household, at least 0        net draw <= limit
//! one load <= limit - the other controllable loads + what generation leaves of them
//! ```
//!
//! What generation leaves follows from the meter at the connection: the others less the residual load, with neither the load in
//! question. With 8000 W exported it is 8000 W, with the household importing nothing.
//!
//! And when an input says nothing? A load that is not metered, or whose meter is silent, draws the most that it can. Generation that is
//! not known is none. A relay that is silent dims.
//!
//! Meters err, by up to 1 % and a step of 10 W each: what the others draw and what generation leaves count as the worse of what they
//! may be.
//!
//! Example: 4200 W are left, the heat pump takes 3000 W, the household 500 W, the sun gives 1500 W: the meter shows 2000 W. Of the
//! sun 1000 W serve the heat pump, so 4200 - 3000 + 1000 = 2200 W stay for compute, less 80 W that the meters may err by.

use crate::image::{Image, Known};
use crate::point::{Point, Role};
use crate::site::{HeatSource, Site};
use crate::units::Watts;
use crate::value::situation::Situation;

/// What a meter may err by, as a share of what it shows: that of class 1.
const METER_ERROR: f64 = 0.01;
/// Meters show power in steps of up to this much.
const METER_STEP: Watts = Watts(10.0);

/// The limit in force, the strictest of what was commanded and what a relay says; `None` while nobody dims.
pub(crate) fn in_force(site: &Site, image: &Image, commanded: Option<Watts>) -> Option<Watts> {
    let relay = image.points.get(&Point::GridDimmed);
    let dimmed = relay.is_some_and(|known| known.fresh().is_none_or(|value| value > 0.0));
    let by_relay = dimmed.then_some(site.grid.dimming.limit);
    commanded.into_iter().chain(by_relay).reduce(Watts::min)
}

/// The most that compute may draw while the grid operator dims; `None` where it may draw what it likes.
pub(crate) fn for_compute(situation: &Situation<'_>) -> Option<Watts> {
    let limit = in_force(situation.site, situation.image, situation.commands.grid_dimming)
        .filter(|_| situation.site.grid.dimming.compute)?;
    let others = heat_pump(situation) + battery(situation) + wallbox(situation);
    Some(left(situation, limit, others, situation.residual))
}

/// The most that the heat pump may draw beside a compute `budget` while the grid operator dims; `None` where it may draw what it
/// likes.
pub(crate) fn for_heat_pump(situation: &Situation<'_>, budget: Watts) -> Option<Watts> {
    let dimming = &situation.site.grid.dimming;
    let limit =
        in_force(situation.site, situation.image, situation.commands.grid_dimming).filter(|_| dimming.heat_pump)?;
    let compute = if dimming.compute { budget } else { Watts::ZERO };
    let drawn = situation.image.get(Point::HeatPumpPower).fresh().map_or(Watts::ZERO, Watts).positive();
    let residual = situation.residual.map(|residual| residual - drawn + budget);
    Some(left(situation, limit, compute + battery(situation) + wallbox(situation), residual))
}

/// The most that the battery may charge with from the grid beside a compute `budget` while the grid operator dims; `None` where it may
/// take what it likes.
pub(crate) fn for_battery(situation: &Situation<'_>, budget: Watts) -> Option<Watts> {
    let dimming = &situation.site.grid.dimming;
    let limit =
        in_force(situation.site, situation.image, situation.commands.grid_dimming).filter(|_| dimming.battery)?;
    let compute = if dimming.compute { budget } else { Watts::ZERO };
    let charging = situation.image.get(Point::BatteryPower).fresh().map_or(Watts::ZERO, |power| Watts(-power));
    let residual = situation.residual.map(|residual| residual - charging + budget);
    let own = situation.image.get(Point::PvPower).fresh().map_or(Watts::ZERO, Watts).positive();
    let others = compute + heat_pump(situation) + wallbox(situation);
    Some(left(situation, limit, others, residual).min(limit + own))
}

/// What the limit leaves to one load beside `others`; `residual` is what the meter would show without that load.
fn left(situation: &Situation<'_>, limit: Watts, others: Watts, residual: Option<Watts>) -> Watts {
    let free = residual.map_or(Watts::ZERO, |residual| others - residual);
    let own = free.positive().min(generation(situation));
    (limit - margin(situation, others, own) - others + own).positive()
}

/// What the meters may err by: those of the other loads, and where own power counts those of the connection and of compute.
fn margin(situation: &Situation<'_>, others: Watts, own: Watts) -> Watts {
    let err = |power: Watts| power.abs() * METER_ERROR + METER_STEP;
    let grid = situation.image.get(Point::GridPower).fresh().map_or(Watts::ZERO, Watts);
    let compute = situation.compute_when(Point::GridPower).map_or(Watts::ZERO, |drawn| drawn.most);
    let loads = if others > Watts::ZERO { err(others) } else { Watts::ZERO };
    loads + if own > Watts::ZERO { err(grid) + err(compute) } else { Watts::ZERO }
}

/// PV and what the battery gives, as far as they are known.
fn generation(situation: &Situation<'_>) -> Watts {
    let power = |point| situation.image.get(point).fresh().map_or(Watts::ZERO, Watts).positive();
    power(Point::PvPower) + power(Point::BatteryPower)
}

fn heat_pump(situation: &Situation<'_>) -> Watts {
    let site = situation.site;
    if !site.grid.dimming.heat_pump {
        return Watts::ZERO;
    }
    let most = match site.displaced {
        Some(HeatSource::HeatPump { power_max, .. }) => Some(power_max),
        // Nobody says what it takes: whatever the connection gives.
        Some(HeatSource::Gas { .. } | HeatSource::Electric) | None => {
            has(site, Role::HeatPump).then_some(site.grid.import_limit)
        }
    };
    drawn(situation, Point::HeatPumpPower, 1.0, most)
}

/// Charging of the battery.
fn battery(situation: &Situation<'_>) -> Watts {
    if !situation.site.grid.dimming.battery {
        return Watts::ZERO;
    }
    drawn(situation, Point::BatteryPower, -1.0, situation.site.battery.map(|battery| battery.charge_max))
}

fn wallbox(situation: &Situation<'_>) -> Watts {
    let site = situation.site;
    if !site.grid.dimming.wallbox {
        return Watts::ZERO;
    }
    let unnamed = || has(site, Role::Wallbox).then_some(site.grid.import_limit);
    drawn(situation, Point::WallboxPower, 1.0, site.wallbox.map(|wallbox| wallbox.max).or_else(unnamed))
}

/// What a load draws that `point` meters, with `sign` as consumption; the `most` that it can where that is not known.
fn drawn(situation: &Situation<'_>, point: Point, sign: f64, most: Option<Watts>) -> Watts {
    match situation.image.get(point) {
        Known::Fresh { value } => Watts(sign * value).positive(),
        Known::Stale { .. } | Known::Missing => most.unwrap_or_default(),
    }
}

/// Whether a device of the site reads or sets something of `role`.
fn has(site: &Site, role: Role) -> bool {
    site.devices.iter().any(|device| {
        let read = device.points.iter().any(|point| point.role() == role);
        read || device.controls.keys().any(|control| control.role() == role)
    })
}
