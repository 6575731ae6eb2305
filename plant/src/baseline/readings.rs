//! Readings of a slot in kW and °C, each where it is known or was lately.

use crate::baseline::{Passed, REMEMBERED};
use crate::house::compute_heat::{Warm, Ways};
use crate::point::Point;
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Celsius, Percent, Watts};
use crate::value::thermal::OUTDOOR_UNKNOWN;
use chrono::Timelike;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Slots of a day.
const DAY: usize = 96;
/// Sun on the ground, W/m2, for a roof that yields all of its peak power.
const SUN_AT_PEAK: f64 = 1000.0;

/// The newest readings of what moves slowly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remembered {
    room: Option<(Slot, Celsius)>,
    tank: Option<(Slot, Celsius)>,
    outdoor: Option<(Slot, Celsius)>,
    /// Means outside of the last day's slots.
    day: VecDeque<f64>,
}

/// What a slot of the real house was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Readings {
    /// The slot.
    pub slot: Slot,
    /// The local hour in which it begins.
    pub hour: u32,
    /// Whether a device measures the heat pump.
    pub metered: bool,
    /// The heat pump, kW.
    pub heat_pump: Option<f64>,
    /// Of it for the tank, kW.
    pub hot_water: Option<f64>,
    /// The household, kW; `None` where unknown.
    pub household: Option<f64>,
    /// Sun on the ground, W/m2; `None` where nothing shows it.
    pub sun: Option<f64>,
    /// Outside.
    pub outdoor: f64,
    /// Whether the thermometers of outside and room were read in this slot.
    pub fresh: bool,
    /// The room at the slot's start.
    pub room: f64,
    /// The tank at its start and at its end; `None` where unknown.
    pub tank: (Option<f64>, Option<f64>),
    /// Whether it is a summer day.
    pub summer: bool,
    /// Compute's heat.
    pub ways: Ways,
    /// Whether the heat pump was set to cool.
    pub cools: bool,
    /// The fan that blows compute's heat out, kW.
    pub fan: f64,
    /// Whether the heat pump ran under its own rule.
    pub own_rule: bool,
    /// The battery, kW, discharge positive.
    pub battery: Option<f64>,
    /// Its state of charge at the start and at the end, in %.
    pub soc: Option<(f64, f64)>,
}

impl Readings {
    /// Those of `passed`, and of `remembered` where it says nothing.
    pub(super) fn of(site: &Site, passed: &Passed, remembered: &mut Remembered) -> Self {
        let kw = |watts: Option<Watts>| watts.map(|watts| watts.0 / 1000.0);
        let slot = passed.slot;
        let fresh = passed.room.0.is_some() && passed.outdoor.is_some();
        let outdoor = lately(&mut remembered.outdoor, slot, passed.outdoor, passed.outdoor);
        let room = lately(&mut remembered.room, slot, passed.room.0, passed.room.1);
        let tank = lately(&mut remembered.tank, slot, passed.tank.0, passed.tank.1);
        let outdoor = outdoor.unwrap_or_else(|| mean(&remembered.day).map_or(OUTDOOR_UNKNOWN, Celsius)).0;
        remembered.day.push_back(outdoor);
        if remembered.day.len() > DAY {
            remembered.day.pop_front();
        }
        let summer = mean(&remembered.day).is_some_and(|mean| mean > site.building.summer_above.0);
        let room = room.unwrap_or(site.building.thermostat.setpoint).0;
        let tank = (tank.map(|tank| tank.0), passed.tank.1.or(tank).map(|tank| tank.0));
        let mut readings = Self {
            slot,
            hour: slot.start().with_timezone(&site.timezone).hour(),
            metered: site.offers(Point::HeatPumpPower),
            heat_pump: kw(passed.heat_pump),
            hot_water: kw(passed.hot_water),
            household: kw(passed.load),
            sun: passed.sun.or_else(|| by_roof(site, passed.pv)),
            outdoor,
            fresh,
            room,
            tank,
            summer,
            ways: Ways::default(),
            cools: passed.cools,
            fan: 0.0,
            own_rule: passed.own_rule,
            battery: kw(passed.battery),
            soc: soc(passed.soc),
        };
        let compute = kw(passed.compute).unwrap_or(0.0);
        readings.ways = match passed.route {
            Some(route) => {
                let shares = Ways { room: route.room, tank: route.tank, source: route.source };
                Ways::shared(site, tank.0, compute, shares)
            }
            None => Ways::own(site, &Warm { room, tank: tank.0, summer }, compute),
        };
        let outside = (site.compute.heat_fraction * compute - readings.ways.total()).max(0.0);
        readings.fan = site.compute.reject_share * outside;
        readings
    }
}

/// The value at the start of `slot`, or the last that is not too old; remembers the one at its end.
fn lately(
    last: &mut Option<(Slot, Celsius)>,
    slot: Slot,
    start: Option<Celsius>,
    end: Option<Celsius>,
) -> Option<Celsius> {
    let held = last.filter(|(at, _)| (0..=REMEMBERED).contains(&(slot.0 - at.0))).map(|(_, value)| value);
    if let Some(newest) = end.or(start) {
        *last = Some((slot, newest));
    }
    start.or(held)
}

fn mean(values: &VecDeque<f64>) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sun by the roof, where no device measures it.
fn by_roof(site: &Site, pv: Option<Watts>) -> Option<f64> {
    let peak = site.pv?.peak.0;
    (peak > 0.0).then_some(pv?.0.max(0.0) / peak * SUN_AT_PEAK)
}

fn soc((from, to): (Option<Percent>, Option<Percent>)) -> Option<(f64, f64)> {
    Some((from?.0, to?.0))
}
