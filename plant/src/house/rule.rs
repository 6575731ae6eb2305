//! The own rules of heat pump and tank.
//!
//! ```text
//! hot water   on below its limit, off above the other; the programme against legionella on top; before the room
//! room        (losses at the setpoint - gains + gain * (setpoint - room) - compute's heat) / COP, between the least and the greatest power
//! cooling     on above its limit on summer days, off below the other
//! ```
//!
//! Example: 2 kW of losses, 0.5 kW of gains, 3 kW/K, 0.1 K too cold, 1 kW of compute's heat: (2 - 0.5 + 0.3 - 1) = 0.8 kW of heat, at
//! COP 4 0.2 kW: less than half of the least 0.5 kW, so it stays off.

use crate::house::heat_pump::{self, HeatPump};
use crate::site::building::{Building, Cooling, Legionella};
use crate::time::Slot;
use serde::{Deserialize, Serialize};

/// The programme heats the tank by so much more than it has to, so that it stays there.
const LEGIONELLA_MARGIN: f64 = 1.5;

/// What the two-point rules remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Switches {
    /// The tank is heated.
    pub hot_water: bool,
    /// The programme against legionella runs.
    pub legionella: bool,
    /// When the tank was last hot for long enough; `None` before the first time that anybody looked.
    pub disinfected: Option<Slot>,
    /// Hours for which it has been.
    pub hot_for: f64,
    /// The room is cooled.
    pub cooling: bool,
}

impl Switches {
    /// Electric power into the tank at `tank` °C in `slot`, which begins in `hour` of the local day.
    pub(crate) fn hot_water(&mut self, building: &Building, tank: f64, slot: Slot, hour: u32) -> f64 {
        let rule = building.hot_water;
        if tank < rule.on_below.0 {
            self.hot_water = true;
        }
        if tank > rule.off_above.0 {
            self.hot_water = false;
        }
        let programme = building.legionella.is_some_and(|legionella| {
            self.start_programme(&legionella, slot, hour);
            self.legionella && tank < legionella.temperature.0 + LEGIONELLA_MARGIN
        });
        if self.hot_water || programme { rule.power.0 / 1000.0 } else { 0.0 }
    }

    fn start_programme(&mut self, legionella: &Legionella, slot: Slot, hour: u32) {
        let last = *self.disinfected.get_or_insert(slot);
        let since = (slot.0 - last.0) as f64 * Slot::SECONDS as f64;
        if since >= legionella.after.as_secs_f64() && hour == legionella.hour {
            self.legionella = true;
        }
    }

    /// The tank was `from` and is `to` °C `hours` later, at the end of `slot`.
    pub(crate) fn warmed(&mut self, building: &Building, slot: Slot, (from, to): (f64, f64), hours: f64) {
        let Some(legionella) = building.legionella else { return };
        self.hot_for = if from.min(to) >= legionella.temperature.0 - 1e-6 { self.hot_for + hours } else { 0.0 };
        if self.hot_for >= legionella.hold.as_secs_f64() / 3600.0 - 1e-9 {
            self.disinfected = Some(slot.plus(1));
            self.legionella = false;
        }
    }

    /// Electric power for cooling the room at `room` °C, of `left` that the heat pump has.
    pub(crate) fn cooling(&mut self, cooling: &Cooling, at: Heat, power_min: f64, left: f64) -> f64 {
        if at.room > cooling.on_above.0 {
            self.cooling = true;
        }
        if at.room < cooling.off_below.0 || !at.summer {
            self.cooling = false;
        }
        if !self.cooling {
            return 0.0;
        }
        let taken = cooling.gain_kw_per_k * (at.room - cooling.off_below.0) + cooling.base_kw;
        (taken / heat_pump::eer(cooling, at.outdoor)).max(power_min).min(left).max(0.0)
    }
}

/// What the rules of the room look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Heat {
    /// The room, °C.
    pub room: f64,
    /// Outside, °C.
    pub outdoor: f64,
    /// Whether it is a summer day.
    pub summer: bool,
}

/// Heat that the thermostat asks for, kW, where the building needs `needed` at the setpoint and compute gives `compute`; negative
/// where the room is too warm. `scale`: what the COP's formula makes of a kilowatt of heat that the thermostat or compute gives.
pub(crate) fn asked(building: &Building, at: &Heat, needed: f64, compute: f64, scale: f64) -> f64 {
    let thermostat = building.thermostat;
    let below = thermostat.setpoint.0 - at.room;
    if at.summer && thermostat.summer_below_k.is_some_and(|least| below < least) {
        return 0.0;
    }
    needed + scale * (thermostat.gain_kw_per_k * below - compute)
}

/// Electric power for `asked` kW of heat at `cop`, of `left` that the heat pump has beside the tank.
pub(crate) fn heating(pump: &HeatPump, asked: f64, cop: f64, left: f64) -> f64 {
    let least = pump.map.power_min.0 / 1000.0;
    let power = asked / cop;
    let power = if power < least / 2.0 { 0.0 } else { power.max(least) };
    power.min(left).max(0.0)
}
