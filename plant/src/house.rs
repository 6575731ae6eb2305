//! The house by its physics and its own rules: battery, heat pump, room, tank and the connection to the grid.
//!
//! The baseline (the house without compute) and the simulated house are both made of these parts. Inside, powers are kW, energies kWh,
//! temperatures °C, times hours, as plain numbers: formulas read like those of their sources.
//!
//! ```text
//!   sun -> PV --+                        +--> household --> room (gains)
//!   grid <----->+--- house bus ----------+--> heat pump --> room or tank, or out of the room (cooling)
//!   battery <-->+                        +--> compute ----> tank, room, the heat pump's source side, outside (fan)
//! ```
//!
//! Invariant: grid + PV + battery = household + heat pump + compute + fan in every step, because grid power is what is left over, and
//! what may not be exported is curtailed.

/// The battery under self-consumption.
pub(crate) mod battery;
/// Where compute's heat goes by itself.
pub(crate) mod compute_heat;
/// The connection to the grid: its cap, and what is not paid for.
pub(crate) mod connection;
/// The heat pump's COP.
pub(crate) mod heat_pump;
/// The room: two stores of heat.
pub(crate) mod room;
/// The own rules of heat pump and tank.
pub(crate) mod rule;
/// The tank.
pub(crate) mod tank;

/// What its controls are set to.
mod controls;
/// The house as one step: what flows, and what comes of it.
mod step;

pub use controls::Controls;

use crate::house::room::Warmth;
use crate::house::rule::Switches;
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Celsius, KilowattHours, Watts};
use std::collections::VecDeque;

/// A tank before its first hour.
const TANK_AT_START: f64 = 50.0;

/// A house that lives by its physics and its own rules, with compute in it.
#[derive(Clone, Debug)]
pub struct House {
    site: Site,
    state: State,
    /// What its controls are set to.
    pub controls: Controls,
}

/// What happens around the house in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Around {
    /// What the sun offers on the roof.
    pub pv: Watts,
    /// Sun on the ground, W/m2.
    pub sun: f64,
    /// Air outside.
    pub outdoor: Celsius,
    /// The household's own consumption.
    pub household: Watts,
    /// Heat drawn as hot water.
    pub hot_water: Watts,
    /// The compute box.
    pub compute: Watts,
    /// Whether export is paid for; where it is not, the inverter curtails.
    pub export_pays: bool,
}

/// The powers of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flows {
    /// Import +, export -.
    pub grid: Watts,
    /// PV after curtailment.
    pub pv: Watts,
    /// Sun that stayed on the roof.
    pub curtailed: Watts,
    /// Discharge +, charge -.
    pub battery: Watts,
    /// The household.
    pub household: Watts,
    /// The heat pump, or an electric heater.
    pub heat_pump: Watts,
    /// Of it for the tank.
    pub hot_water: Watts,
    /// Of it for cooling.
    pub cooling: Watts,
    /// Heat of the heat pump, the heater or the boiler into room and tank.
    pub heat: Watts,
    /// Fuel that the boiler burns.
    pub fuel: Watts,
    /// The compute box.
    pub compute: Watts,
    /// Compute's heat that room, tank or heat pump took.
    pub compute_heat: Watts,
    /// The fan that blows the rest of it out.
    pub fan: Watts,
}

impl Flows {
    /// What the bus lacks; zero up to rounding.
    pub fn imbalance(&self) -> Watts {
        self.grid + self.pv + self.battery - self.household - self.heat_pump - self.compute - self.fan
    }
}

/// The house at one moment.
#[derive(Clone, Debug)]
struct State {
    stored: f64,
    room: Warmth,
    tank: Option<f64>,
    switches: Switches,
    /// Means outside of the last day's slots, the newest with its time in hours.
    day: VecDeque<(Slot, f64, f64)>,
}

impl House {
    /// The house of `site` on an evening of its life: battery half full, room at the thermostat's setpoint.
    pub fn new(site: &Site) -> Self {
        let setpoint = site.building.thermostat.setpoint.0;
        let state = State {
            stored: site.battery.map_or(0.0, |battery| battery.capacity.0 / 2.0),
            room: Warmth { air: setpoint, mass: setpoint },
            tank: site.tank.map(|_| TANK_AT_START),
            switches: Switches::default(),
            day: VecDeque::new(),
        };
        Self { site: site.clone(), state, controls: Controls::default() }
    }

    /// The house of `site` as it stands: `stored` kWh in the battery, rooms and tank as warm as these.
    pub(crate) fn standing(site: &Site, stored: f64, room: Warmth, tank: Option<f64>) -> Self {
        let mut house = Self::new(site);
        (house.state.stored, house.state.room) = (stored, room);
        house.state.tank = house.state.tank.zip(tank).map(|(_, tank)| tank);
        house
    }

    /// Energy in the battery.
    pub fn stored(&self) -> KilowattHours {
        KilowattHours(self.state.stored)
    }

    /// The room.
    pub fn room(&self) -> Celsius {
        Celsius(self.state.room.air)
    }

    /// The tank, where there is one.
    pub fn tank(&self) -> Option<Celsius> {
        self.state.tank.map(Celsius)
    }
}
