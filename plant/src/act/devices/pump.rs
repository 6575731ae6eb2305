//! The heat pump as planned: by the power itself where a device takes it, by a shift of its set points where it takes that. What can
//! only be offered to it, `offer` and `boost` offer.
//!
//! A set point is shifted to where the heat pump's own thermostat does what the plan has in mind: it heats with its losses and `gain`
//! times what the room lacks, so for a room that is to go from `now` to `then` within `h` hours
//!
//! ```text
//! shift = then - set point + air * (then - now) / h / (losses + gain)       in steps of half a kelvin, once a slot
//! ```
//!
//! Where the plan rests, the set point lies so far below the room that the thermostat does, where it heats above it; a tank that is to be heated begins below its
//! lower set point. Example: a set point of 20.5 °C, 1.8 kWh/K of air, losses and gain of 3.2 kW/K: from 20.6 to 20.9 °C in a quarter hour
//! takes 0.4 + 1.8 * 0.3 / 0.25 / 3.2 = 1.1 K, so 1 K.
//!
//! Its own rule takes over where thermometers are silent, where the room is a kelvin too cold, or half of one while the plan
//! rests, and where the tank is five too cold. In a room or a tank that is too warm it rests. Once it runs, or rests, it does so for ten
//! minutes, whatever plans come meanwhile. Fuse and grid operator come before all of it.

use crate::act::limits::FUSE_MARGIN;
use crate::command::Mode;
use crate::house::room;
use crate::plan::{HeatPumpIntent, HouseIntent};
use crate::point::Point;
use crate::reason::Reason;
use crate::time::{Moment, Slot};
use crate::units::{Celsius, Kelvins, Watts};
use crate::value::dimming;
use crate::value::situation::Situation;
use crate::value::thermal::OUTDOOR_UNKNOWN;
use std::time::Duration;

/// Steps of a shift, in K: what room controls resolve.
const STEP: f64 = 0.5;
/// So much beyond what it reads a thermostat surely switches, in K.
const SURELY: f64 = 0.5;
/// Below the comfort band by so much the own rule takes over: a room while the plan rests, a room, a tank, in K.
const COLD_RESTING: f64 = 0.5;
const COLD: f64 = 1.0;
const COLD_TANK: f64 = 5.0;
/// Above it by so much nothing more is heated, in K.
const WARM: f64 = 0.5;
/// Shortest time for which a shift is reckoned: what is left of a slot says nothing in its last minutes.
const SHORTEST: Duration = Duration::from_secs(600);
/// Least time in which it runs, and rests, whatever plans come meanwhile: compressors are made for three starts an hour.
const LEAST: Duration = Duration::from_secs(600);
/// Power is raised this long after the connection has lowered it.
const RAISES: Duration = Duration::from_secs(120);
/// Less power than this is none: no compressor runs on it.
const RUNS: Watts = Watts(100.0);

/// What one task of the heat pump is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    /// Electric power; `None`: its own rule.
    pub power: Option<Watts>,
    /// Shift of the set point.
    pub shift: Kelvins,
    /// Why.
    pub reason: Reason,
}

impl Part {
    const fn own(reason: Reason) -> Self {
        Self { power: None, shift: Kelvins::ZERO, reason }
    }
}

/// What the heat pump is set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parts {
    pub room: Part,
    pub tank: Part,
    pub cooling: Part,
}

impl Parts {
    fn all(&self) -> [Part; 3] {
        [self.room, self.tank, self.cooling]
    }

    /// Whether it is set to run.
    fn runs(&self) -> bool {
        self.all().iter().any(|part| part.power.is_some_and(|power| power >= RUNS))
    }
}

/// What is remembered of the heat pump.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pump {
    room: Shifted,
    tank: Shifted,
    /// Whether the own rule has taken over.
    cold_room: bool,
    cold_tank: bool,
    /// What it was set to, and since when it runs or rests.
    turned: Option<(Parts, Moment)>,
    /// What the connection leaves, and since when it would be more.
    cap: Option<Watts>,
    more: Option<Moment>,
}

/// A shift, and for which plan it was reckoned.
#[derive(Clone, Copy, Debug, Default)]
struct Shifted {
    shift: f64,
    basis: Option<(Slot, i64, bool)>,
}

impl Pump {
    /// What the heat pump is set to in this cycle, beside a compute budget.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, budget: Watts) -> Parts {
        let Some((house, intent)) = planned(situation) else {
            *self = Self::default();
            let own = Part::own(unset(situation, true));
            return Parts { room: own, tank: own, cooling: own };
        };
        let room = self.room(situation, house, intent);
        let tank = self.tank(situation, house, intent);
        let warm = situation.temperatures.room.is_some();
        let cooling = intent.cooling.filter(|_| warm).map_or(Part::own(Reason::OwnRule), |power| Part {
            power: Some(power),
            ..Part::own(house.heat_pump_reason)
        });
        let parts = self.calm(situation.moment, Parts { room, tank, cooling });
        self.within(situation, budget, parts)
    }

    /// What it was set to before, where `parts` would turn it on or off too soon. What guards rooms and tank does not wait.
    fn calm(&mut self, now: Moment, parts: Parts) -> Parts {
        let guards = |part: &Part| matches!(part.reason, Reason::TooHot | Reason::StaleData);
        let guarded = self.cold_room || self.cold_tank || parts.all().iter().any(guards);
        let (before, since) = self.turned.unwrap_or((parts, now));
        let turns = before.runs() != parts.runs();
        if turns && !guarded && now.since(since) < LEAST {
            return before;
        }
        self.turned = Some((parts, if turns { now } else { since }));
        parts
    }

    fn room(&mut self, situation: &Situation<'_>, house: &HouseIntent, intent: HeatPumpIntent) -> Part {
        let Some(power) = intent.room else { return Part::own(Reason::OwnRule) };
        let Some(now) = situation.temperatures.room else { return Part::own(Reason::StaleData) };
        let comfort = situation.site.building.comfort;
        let rests = power < RUNS;
        let below = comfort.room_low.0 - now.0;
        let cold = below > if rests { COLD_RESTING } else { COLD };
        self.cold_room = cold || (self.cold_room && below > 0.0);
        if self.cold_room {
            return Part::own(Reason::Comfort);
        }
        if now.0 > comfort.room_high.max(comfort.room_high_summer).0 + WARM {
            return self.resting_room(situation, now);
        }
        let then = house.room.unwrap_or(now);
        let basis = (slot(situation), (then.0 * 20.0).round() as i64, rests);
        if self.room.basis != Some(basis) {
            self.room = Shifted { shift: room_shift(situation, (now, then), rests), basis: Some(basis) };
        }
        Part { power: Some(power), shift: Kelvins(self.room.shift), reason: reason(house, rests) }
    }

    fn resting_room(&self, situation: &Situation<'_>, now: Celsius) -> Part {
        let shift = stepped(now.0 - SURELY - situation.site.building.thermostat.setpoint.0).min(0.0);
        Part { power: Some(Watts::ZERO), shift: Kelvins(shift), reason: Reason::TooHot }
    }

    fn tank(&mut self, situation: &Situation<'_>, house: &HouseIntent, intent: HeatPumpIntent) -> Part {
        let Some(power) = intent.tank else { return Part::own(Reason::OwnRule) };
        let Some(now) = situation.temperatures.tank else { return Part::own(Reason::StaleData) };
        let building = &situation.site.building;
        let below = building.comfort.tank_low.0 - now.0;
        self.cold_tank = below > COLD_TANK || (self.cold_tank && below > 0.0);
        if self.cold_tank {
            return Part::own(Reason::Comfort);
        }
        let hottest = building.legionella.map_or(building.hot_water.max, |rule| rule.temperature + Celsius(2.0));
        let rests = power < RUNS || now > building.hot_water.max.max(hottest);
        let then = house.tank.unwrap_or(now);
        let basis = (slot(situation), (then.0 * 2.0).round() as i64, rests);
        if self.tank.basis != Some(basis) {
            self.tank = Shifted { shift: tank_shift(situation, (now, then), rests), basis: Some(basis) };
        }
        let power = if rests { Watts::ZERO } else { power };
        Part { power: Some(power), shift: Kelvins(self.tank.shift), reason: reason(house, rests) }
    }

    /// No more than the connection and the grid operator leave: the rooms give way first, then cooling, then the tank.
    fn within(&mut self, situation: &Situation<'_>, budget: Watts, parts: Parts) -> Parts {
        let Some((cap, limit)) = self.cap(situation, budget) else { return parts };
        let mut left = cap;
        let mut part = |part: Part| match part.power {
            Some(power) if power > left => {
                let power = if left < RUNS { Watts::ZERO } else { left };
                left = Watts::ZERO;
                // A set point cannot be bounded in watts: it is not raised.
                Part { power: Some(power), shift: part.shift.min(Kelvins::ZERO), reason: limit }
            }
            Some(power) => {
                left -= power;
                part
            }
            None => part,
        };
        let tank = part(parts.tank);
        let cooling = part(parts.cooling);
        Parts { tank, cooling, room: part(parts.room) }
    }

    /// What connection and grid operator leave to the heat pump; `None` where that is more than enough.
    fn cap(&mut self, situation: &Situation<'_>, budget: Watts) -> Option<(Watts, Reason)> {
        let bus = situation.bus?;
        let free = situation.site.grid.import_limit * (1.0 - FUSE_MARGIN) - bus.grid;
        // One without a meter is stopped where the connection is full, and takes what it likes else.
        let fuse = match bus.heat_pump.filter(|_| situation.site.offers(Point::HeatPumpPower)) {
            Some(drawn) => Some((drawn + free - (budget - bus.compute).positive()).positive()),
            None => (free < Watts::ZERO).then_some(Watts::ZERO),
        };
        let dimmed = dimming::for_heat_pump(situation, budget);
        let least = match (fuse, dimmed) {
            (Some(fuse), Some(dimmed)) if dimmed < fuse => (Some(dimmed), Reason::GridDimmed),
            (None, Some(dimmed)) => (Some(dimmed), Reason::GridDimmed),
            (fuse, _) => (fuse, Reason::FuseLimit),
        };
        let now = situation.moment;
        let (possible, limit) = (least.0.unwrap_or(Watts(f64::INFINITY)), least.1);
        match self.cap {
            Some(cap) if possible > cap => {
                let more = *self.more.get_or_insert(now);
                if now.since(more) >= RAISES {
                    (self.cap, self.more) = (Some(possible), None);
                }
            }
            Some(_) | None => (self.cap, self.more) = (Some(possible), None),
        }
        self.cap.filter(|cap| cap.0.is_finite()).map(|cap| (cap, limit))
    }
}

/// The plan's intention for the heat pump; `None` where there is none, the mode follows no plan, or the grid is not known.
pub(super) fn planned<'a>(situation: &Situation<'a>) -> Option<(&'a HouseIntent, HeatPumpIntent)> {
    let house = situation.intended()?;
    situation.bus?;
    Some((house, house.heat_pump?))
}

/// Why a device that nothing was planned for is under its own control, where what else it depends on is `known` or not.
pub(super) fn unset(situation: &Situation<'_>, known: bool) -> Reason {
    match situation.mode() {
        Mode::Off => Reason::Off,
        Mode::Auto | Mode::Eco | Mode::Surplus | Mode::Heat | Mode::Boost if situation.bus.is_none() || !known => {
            Reason::StaleData
        }
        Mode::Auto | Mode::Eco | Mode::Surplus | Mode::Heat | Mode::Boost => Reason::Unset,
    }
}

/// Why a task is set, which may rest while another is what the plan is about.
fn reason(house: &HouseIntent, rests: bool) -> Reason {
    const HEATS: [Reason; 7] = [
        Reason::Preheat,
        Reason::Legionella,
        Reason::Comfort,
        Reason::Surplus,
        Reason::Curtailment,
        Reason::NegativePrice,
        Reason::CheapPower,
    ];
    if rests && HEATS.contains(&house.heat_pump_reason) { Reason::HoldForLater } else { house.heat_pump_reason }
}

fn slot(situation: &Situation<'_>) -> Slot {
    Slot::containing(situation.now)
}

/// Shift of the rooms' set point that takes them from `now` to `then` until the slot ends.
fn room_shift(situation: &Situation<'_>, (now, then): (Celsius, Celsius), rests: bool) -> f64 {
    let building = &situation.site.building;
    let fabric = room::fabric(situation.site);
    let setpoint = building.thermostat.setpoint.0;
    let losses = room::loss(&fabric);
    let response = fabric.air_kwh_per_k / (losses + building.thermostat.gain_kw_per_k).max(0.1);
    let left = (slot(situation).plus(1).start() - situation.now).to_std().unwrap_or_default().max(SHORTEST);
    if rests {
        // A thermostat that knows what the building loses heats a room that is warm enough, too.
        let outdoor = situation.temperatures.outdoor.unwrap_or(OUTDOOR_UNKNOWN);
        let lost = losses * (now - outdoor).0 / (losses + building.thermostat.gain_kw_per_k).max(0.1);
        return ((now.0 - setpoint - lost.max(SURELY)) / STEP).floor().min(0.0) * STEP;
    }
    let shift = then.0 - setpoint + response * (then - now).0 / (left.as_secs_f64() / 3600.0);
    stepped(shift.max(now.0 - setpoint))
}

/// Shift of the tank's set points that has it heated to `then`, or leaves it alone.
fn tank_shift(situation: &Situation<'_>, (now, then): (Celsius, Celsius), rests: bool) -> f64 {
    let rule = situation.site.building.hot_water;
    if rests {
        // Below the lower one it would start, below the upper one it would go on.
        let quiet = (now - rule.off_above).0.min((now - rule.on_below).0) - SURELY;
        return stepped(quiet.min(0.0));
    }
    stepped((then - rule.off_above).0.max((now - rule.on_below).0) + SURELY)
}

fn stepped(shift: f64) -> f64 {
    (shift / STEP).round() * STEP
}
