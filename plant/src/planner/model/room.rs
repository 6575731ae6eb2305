//! The rooms: two stores of heat, and the comfort band.

use super::{Model, TERMINAL_COP, TERMINAL_USE};
use crate::house::room::{Influence, Warmth};
use crate::planner::expected::Expected;
use crate::planner::home::{Heater, Room};
use crate::site::building::Fabric;
use std::collections::BTreeMap;

/// Temperatures stay above this, °C: no bound for any house.
const COLDEST: f64 = -273.15;
/// The own rule of a thermostat makes up for half a kelvin at once.
const OWN_RULE_K: f64 = 0.5;

/// What a kW of heat does to air and mass within a node, K.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::planner) struct Warming {
    /// Of the heat pump.
    pub pump: Warmth,
    /// Of compute, led into the room.
    pub compute: Warmth,
}

/// How air and mass answer within a node: to themselves and to what acts on them.
#[derive(Clone, Copy, Debug)]
struct Response {
    air: Warmth,
    mass: Warmth,
    outdoor: Warmth,
    to_air: Warmth,
    to_mass: Warmth,
}

impl Response {
    fn of(fabric: &Fabric, hours: f64, summer: bool) -> Self {
        let nothing = Influence { outdoor: 0.0, to_air: 0.0, to_mass: 0.0, summer };
        let still = Warmth::default();
        Self {
            air: Warmth { air: 1.0, mass: 0.0 }.after(fabric, nothing, hours),
            mass: Warmth { air: 0.0, mass: 1.0 }.after(fabric, nothing, hours),
            outdoor: still.after(fabric, Influence { outdoor: 1.0, ..nothing }, hours),
            to_air: still.after(fabric, Influence { to_air: 1.0, ..nothing }, hours),
            to_mass: still.after(fabric, Influence { to_mass: 1.0, ..nothing }, hours),
        }
    }

    /// What a kW does of which `share` goes into the air.
    fn heat(&self, share: f64) -> Warmth {
        Warmth {
            air: share * self.to_air.air + (1.0 - share) * self.to_mass.air,
            mass: share * self.to_air.mass + (1.0 - share) * self.to_mass.mass,
        }
    }
}

impl Room {
    /// The most that the thermostat's own rule lets the heat pump draw, kW: what the building loses at the set point, and half a kelvin.
    pub(in crate::planner) fn own_power(&self, expected: &Expected) -> f64 {
        let fabric = &self.warmth.fabric;
        let losses = crate::house::room::loss(fabric) * (self.thermostat.setpoint.0 - expected.outdoor);
        let asked = losses - expected.gains + self.thermostat.gain_kw_per_k * OWN_RULE_K;
        (asked / expected.cop_room).max(0.0)
    }
}

impl Model<'_> {
    /// Air and mass, and the kelvins outside the band.
    pub(super) fn rooms(&mut self, worth: f64) {
        let Some(room) = self.home.room else { return };
        let (nodes, expected) = (self.nodes, self.expected);
        let fabric = &room.warmth.fabric;
        let heating_season = |node: usize| !expected[node].summer;
        let heat = self.home.heater.and_then(|heater| heater.fuel).unwrap_or(worth / TERMINAL_COP) * TERMINAL_USE;
        let left = |node: usize, capacity: f64| {
            if heating_season(node) { nodes.terminal(node, capacity * heat) } else { 0.0 }
        };
        let bounds = [COLDEST, f64::INFINITY];
        let air = self.quantity(|node| (left(node, fabric.air_kwh_per_k), bounds));
        let mass = self.quantity(|node| (left(node, fabric.mass_kwh_per_k), bounds));
        let cold = self.quantity(|node| (nodes.hourly(node, room.band.cold), [0.0, f64::INFINITY]));
        let warm = self.quantity(|node| (nodes.hourly(node, room.band.warm), [0.0, f64::INFINITY]));
        (self.columns.air, self.columns.mass) = (air, mass);
        let mut responses = BTreeMap::new();
        for (node, at) in nodes.all.iter().enumerate() {
            let summer = expected[node].summer;
            let key = ((at.hours * 3600.0).round() as i64, summer);
            let response = *responses.entry(key).or_insert_with(|| Response::of(fabric, at.hours, summer));
            if node == 0 {
                self.warming = Warming {
                    pump: response.heat(fabric.heat_pump_to_air),
                    compute: response.heat(fabric.compute_to_air),
                };
            }
            self.warm_up(node, &room, &response);
            let high = if expected[node].summer_through { room.band.high_summer } else { room.band.high };
            let air = self.columns.air[node];
            self.program.row([(air, 1.0), (cold[node], 1.0)], [room.band.low, f64::INFINITY]);
            self.program.row([(air, 1.0), (warm[node], -1.0)], [f64::NEG_INFINITY, high]);
        }
        (self.columns.cold, self.columns.warm) = (cold, warm);
    }

    /// Air and mass at the end of a node.
    fn warm_up(&mut self, node: usize, room: &Room, response: &Response) {
        let (at, expected, home) = (self.nodes.all[node], &self.expected[node], self.home);
        let fabric = &room.warmth.fabric;
        let (pump, compute) = (response.heat(fabric.heat_pump_to_air), response.heat(fabric.compute_to_air));
        let gains = response.heat(0.5);
        let source = home.heater.map_or(0.0, |heater| source_bonus(&heater, expected));
        let pick = |of: Warmth, air: bool| if air { of.air } else { of.mass };
        for is_air in [true, false] {
            let own = if is_air { &self.columns.air } else { &self.columns.mass };
            let (pump, compute) = (pick(pump, is_air), pick(compute, is_air));
            let mut terms = vec![
                (own[node], 1.0),
                (self.columns.to_room[node], -compute),
                (self.columns.compute[node], -compute * home.compute.leak),
            ];
            if home.heater.is_some() {
                terms.push((self.columns.heating[node], -pump * expected.cop_room));
                terms.push((self.columns.to_source[node], -pump * source));
                terms.push((self.columns.cooling[node], pump * expected.eer));
            }
            let mut right = pick(response.outdoor, is_air) * expected.outdoor + pick(gains, is_air) * expected.gains;
            match at.before {
                Some(before) => terms.extend([
                    (self.columns.air[before], -pick(response.air, is_air)),
                    (self.columns.mass[before], -pick(response.mass, is_air)),
                ]),
                None => {
                    right += pick(response.air, is_air) * room.air;
                    right += pick(response.mass, is_air) * room.warmth.mass.0;
                }
            }
            let row = self.program.row(terms, [right, right]);
            let rows = if is_air { &mut self.rows.air } else { &mut self.rows.mass };
            rows.push(row);
        }
    }
}

/// Heat that the heat pump gives more for each kW of compute's on its source side, at the same electric power.
fn source_bonus(heater: &Heater, expected: &Expected) -> f64 {
    let flow = heater.pump.flow(expected.outdoor);
    let (alone, with) = (
        heater.pump.cop_with_source(flow, expected.outdoor, 1.0, 0.0),
        heater.pump.cop_with_source(flow, expected.outdoor, 1.0, 1.0),
    );
    (with - alone).max(0.0)
}
