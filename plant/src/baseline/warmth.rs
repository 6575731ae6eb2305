//! Heat pump, room and tank of the baseline, by what they differ from the real ones.

use crate::baseline::HOURS;
use crate::baseline::learnt::{Causes, Learnt};
use crate::baseline::readings::Readings;
use crate::house::heat_pump::{self, HeatPump};
use crate::house::room::{self, Influence, Warmth};
use crate::house::rule::{self, Heat, Switches};
use crate::house::tank::Tank;
use crate::knowing::Fitted;
use crate::site::building::Fabric;
use crate::site::{HeatSource, Site};
use serde::{Deserialize, Serialize};

/// A heat pump that takes less stands, kW.
const STANDS: f64 = 0.02;
/// A power within this share of a limit is at it.
const AT_LIMIT: f64 = 0.02;
/// Two tanks that are so near each other are heated at the same time, K.
const SAME_TANK: f64 = 0.3;
/// Two rooms that are so near each other are cooled at the same time, K.
const SAME_ROOM: f64 = 0.03;
/// Heat into the tank below this is none, kW.
const NO_HEAT: f64 = 1e-3;
/// The COP's formula is never surer than this: it leaves out icing, part load and the pump of the circuit.
const COP_DEVIATION_MIN: f64 = 0.05;
/// A household whose power is unknown counts as this much for its gains, kW: 3500 kWh a year.
const TYPICAL_HOUSEHOLD: f64 = 0.4;
/// Weight of a slot in the mean of a day.
const MORE_WEIGHT: f64 = 1.0 / 96.0;
/// A tank that warms by more than this is heated, kW.
const WARMS: f64 = 0.3;

/// What the baseline's heat differs by, and what its rules remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Warm {
    /// The real room less the baseline's, K.
    pub room: Warmth,
    /// The real tank less the baseline's, K.
    pub tank: f64,
    switches: Switches,
    /// Whether the real tank was heated in the last slot.
    heated: bool,
    /// What the baseline's heat pump took more for the room than the real one, a mean over about a day, kW: what a plan moves from one
    /// hour to another is not in it.
    more: f64,
}

/// What the baseline's heat source does in a slot, kW.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct HeatPumps {
    /// Its electricity.
    pub electric: f64,
    /// Of it for the tank.
    pub hot_water: f64,
    /// What comes to the household's power: all of it, or what the real one did not take where that is part of the household.
    pub added: f64,
    /// Heat of the boiler beyond the real one's.
    pub boiler_heat: f64,
    /// One standard deviation of its electricity.
    pub spread: f64,
}

/// Power of a heat pump, kW electric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Power {
    /// Into the room.
    heating: f64,
    /// Out of the room.
    cooling: f64,
    /// Into the tank.
    hot_water: f64,
}

impl Power {
    fn total(&self) -> f64 {
        self.heating + self.cooling + self.hot_water
    }
}

/// The heat pump of a slot with what its efficiency depends on.
#[derive(Clone, Copy, Debug)]
struct Running<'a> {
    site: &'a Site,
    readings: &'a Readings,
    pump: HeatPump,
    /// COP into the room without compute's heat on the source side.
    cop: f64,
    /// What that COP's formula makes of a real kilowatt of heat.
    scale: f64,
    fabric: Fabric,
    /// What the history shows of the building, where the pump itself shows nothing.
    building: Option<&'a Fitted>,
}

impl Warm {
    /// The same room and tank as the real ones.
    pub(super) fn return_to_real(&mut self) {
        (self.room, self.tank) = (Warmth::default(), 0.0);
        self.switches.hot_water = self.heated;
    }

    /// `slots` pass of which nothing is known: what differs dies away.
    pub(super) fn elapse(&mut self, site: &Site, slots: i64) {
        let hours = slots as f64 * HOURS;
        let alone = Influence { outdoor: 0.0, to_air: 0.0, to_mass: 0.0, summer: false };
        self.room = self.room.after(&room::fabric(site), alone, hours);
        if let Some(tank) = Tank::of(site) {
            self.tank = tank.difference_after(self.tank, 0.0, hours);
        }
    }

    /// Passes a slot.
    pub(super) fn pass(
        &mut self,
        site: &Site,
        readings: &Readings,
        (learnt, building): (&mut Learnt, Option<&Fitted>),
    ) -> HeatPumps {
        let Some(pump) = HeatPump::of(site) else {
            let electric = readings.heat_pump.unwrap_or(0.0);
            return HeatPumps { electric, added: electric, ..HeatPumps::default() };
        };
        let building = building.filter(|_| site.building.fabric.is_none() && !(readings.own_rule && learnt.has_seen()));
        let scale = match (site.building.fabric, building) {
            (Some(_), _) => 1.0,
            (None, Some(building)) => 1.0 / building.cop_scale,
            (None, None) => learnt.scale(),
        };
        let fabric = building.map_or_else(|| room::fabric(site), |building| building.fabric);
        let running = Running { site, readings, pump, cop: pump.cop_room(readings.outdoor), scale, fabric, building };
        let metered = readings.heat_pump.map(|power| running.split(power));
        let needed = running.needed(metered, learnt);
        let real = metered.unwrap_or_else(|| self.estimated(&running, &needed));
        let hot_water = self.hot_water(&running, real);
        let heating =
            rule::heating(&pump, running.asked(&needed, self.room.air, 0.0), running.cop, pump.power_max - hot_water);
        let left = (pump.power_max - hot_water - heating).max(0.0);
        let cooling = self.cooling(&running, real, left);
        let here = Power { heating, cooling, hot_water };
        self.room_passes(&running, real, here);
        self.heated = real.hot_water > STANDS;
        self.more += (here.heating - real.heating - self.more) * MORE_WEIGHT;
        let spread = running.spread((here.heating - real.heating, self.more), &needed, learnt);
        HeatPumps { spread, ..running.come_to(real, here) }
    }

    /// What a heat pump that nobody measures did: its rule in the real room; the tank says when it was heated.
    fn estimated(&self, running: &Running<'_>, needed: &Needed) -> Power {
        let readings = running.readings;
        let hot_water = running.by_tank(running.pump.power_max);
        let asked = running.asked(needed, 0.0, readings.ways.room);
        let heating = rule::heating(&running.pump, asked, running.cop, running.pump.power_max - hot_water);
        Power { heating, cooling: 0.0, hot_water }
    }

    /// Electric power into the baseline's tank; the tank's difference passes on.
    fn hot_water(&mut self, running: &Running<'_>, real: Power) -> f64 {
        let Running { site, readings, pump, .. } = *running;
        let Some((tank, really)) = Tank::of(site).zip(readings.tank.0) else { return real.hot_water };
        let sink = site.building.hot_water.sink;
        let now = really - self.tank;
        let same = readings.own_rule && self.tank.abs() < SAME_TANK && readings.ways.tank < NO_HEAT;
        let ruled = self.switches.hot_water(&site.building, now, readings.slot, readings.hour);
        let cop = pump.cop_tank(sink, now, readings.outdoor);
        let power = if same {
            self.switches.hot_water = real.hot_water > STANDS;
            real.hot_water
        } else {
            ruled.min(pump.power_max).min(tank.coil_max / cop).min(tank.takes(now, 0.0, HOURS) / cop)
        };
        let given = (real.hot_water * pump.cop_tank(sink, really, readings.outdoor)).min(tank.coil_max);
        self.tank = tank.difference_after(self.tank, given + readings.ways.tank - power * cop, HOURS);
        let after = readings.tank.1.unwrap_or(really) - self.tank;
        self.switches.warmed(&site.building, readings.slot, (now, after), HOURS);
        power
    }

    fn cooling(&mut self, running: &Running<'_>, real: Power, left: f64) -> f64 {
        let Running { site, readings, pump, .. } = *running;
        let Some(cooling) = site.building.cooling else { return 0.0 };
        let at = Heat { room: readings.room - self.room.air, outdoor: readings.outdoor, summer: readings.summer };
        let ruled = self.switches.cooling(&cooling, at, pump.map.power_min.0 / 1000.0, left);
        if readings.own_rule && self.room.air.abs() < SAME_ROOM {
            self.switches.cooling = real.cooling > STANDS;
            return real.cooling;
        }
        ruled
    }

    /// The room's difference passes on.
    fn room_passes(&mut self, running: &Running<'_>, real: Power, here: Power) {
        let Running { site, readings, cop, scale, fabric, .. } = *running;
        let eer = site.building.cooling.map_or(0.0, |cooling| heat_pump::eer(&cooling, readings.outdoor));
        let heated = (real.heating * running.cop_really(real) - here.heating * cop) / scale;
        let pumped = heated - eer * (real.cooling - here.cooling);
        let compute = readings.ways.room;
        let into_air = fabric.heat_pump_to_air * pumped + fabric.compute_to_air * compute;
        let on =
            Influence { outdoor: 0.0, to_air: into_air, to_mass: pumped + compute - into_air, summer: readings.summer };
        self.room = self.room.after(&fabric, on, HOURS);
    }
}

/// Heat that the building needs at the setpoint, by the COP's formula, kW.
#[derive(Clone, Copy, Debug)]
struct Needed {
    heat: f64,
    /// One standard deviation of it.
    deviation: f64,
}

impl Running<'_> {
    /// The real power by what it was for.
    fn split(&self, power: f64) -> Power {
        let Self { site, readings, .. } = self;
        let hot_water = readings.hot_water.unwrap_or_else(|| self.by_tank(power)).min(power);
        let rest = (power - hot_water).max(0.0);
        let setpoint = site.building.thermostat.setpoint.0;
        let cools = site.building.cooling.is_some_and(|cooling| {
            let warm = readings.summer && readings.room > f64::midpoint(setpoint, cooling.off_below.0);
            readings.cools || warm
        });
        if cools {
            Power { heating: 0.0, cooling: rest, hot_water }
        } else {
            Power { heating: rest, cooling: 0.0, hot_water }
        }
    }

    /// Of `power`, what warmed the tank, where only the tank's thermometer says it.
    fn by_tank(&self, power: f64) -> f64 {
        let Some(tank) = Tank::of(self.site) else { return 0.0 };
        let (Some(from), Some(to)) = self.readings.tank else { return 0.0 };
        let heat = (to - from) * tank.capacity / HOURS - self.readings.ways.tank;
        if heat < WARMS {
            return 0.0;
        }
        let cop = self.pump.cop_tank(self.site.building.hot_water.sink, from, self.readings.outdoor);
        (heat / cop).min(power)
    }

    fn cop_really(&self, real: Power) -> f64 {
        let Self { readings, pump, .. } = self;
        let total = (real.heating + real.hot_water).max(1e-6);
        let source = readings.ways.source * real.heating / total;
        pump.cop_with_source(pump.flow(readings.outdoor), readings.outdoor, real.heating, source)
    }

    /// Heat that the thermostat asks for in a room colder than the real one by `difference`, with `compute` kW of compute's heat.
    fn asked(&self, needed: &Needed, difference: f64, compute: f64) -> f64 {
        let heat = Heat {
            room: self.readings.room - difference,
            outdoor: self.readings.outdoor,
            summer: self.readings.summer,
        };
        rule::asked(&self.site.building, &heat, needed.heat, compute, self.scale)
    }

    /// What is needed, as the weather says and the real heat pump shows; learns from it.
    fn needed(&self, metered: Option<Power>, learnt: &mut Learnt) -> Needed {
        let Self { site, readings, pump, cop, scale, fabric, building } = *self;
        let thermostat = site.building.thermostat;
        let sun = readings.sun.unwrap_or(0.0) / 1000.0;
        let causes = Causes {
            below: thermostat.setpoint.0 - readings.outdoor,
            household: readings.household.unwrap_or(TYPICAL_HOUSEHOLD),
            sun,
            compute: readings.ways.room,
            thermostat: thermostat.gain_kw_per_k * (thermostat.setpoint.0 - readings.room),
        };
        let offset = causes.thermostat - causes.compute;
        let by_fabric = || {
            let gains = room::gains(&fabric, causes.household, sun * 1000.0, readings.summer);
            scale * (room::loss(&fabric) * causes.below - gains)
        };
        let (expected, deviation) = match (site.building.fabric, building) {
            (Some(_), _) => (by_fabric(), 0.0),
            (None, Some(building)) => {
                (by_fabric(), building.loss_deviation * scale * room::loss(&fabric) * causes.below.abs())
            }
            (None, None) => (learnt.needed(&causes), learnt.heat_deviation()),
        };
        let Some(real) = metered.filter(|real| readings.own_rule && real.cooling < STANDS) else {
            return Needed { heat: expected, deviation };
        };
        let idle = site
            .building
            .thermostat
            .summer_below_k
            .is_some_and(|least| readings.summer && thermostat.setpoint.0 - readings.room < least);
        if idle {
            return Needed { heat: expected, deviation };
        }
        let (least, left) = (pump.map.power_min.0 / 1000.0, pump.power_max - real.hot_water);
        let shown = real.heating * self.cop_really(real);
        let between = real.heating > least * (1.0 + AT_LIMIT) && real.heating < left * (1.0 - AT_LIMIT);
        let seen = readings.fresh && readings.household.is_some() && readings.sun.is_some();
        if between {
            if learnt.steady(readings.slot) && seen {
                learnt.observe(&causes, shown);
            }
            return Needed { heat: shown - scale * offset, deviation: 0.0 };
        }
        // Half of the least power is where it starts; a hair beside it, so that the rule finds the same again.
        let starts = least / 2.0 * cop;
        let (low, high) = if real.heating < STANDS {
            (f64::NEG_INFINITY, starts * (1.0 - AT_LIMIT))
        } else if real.heating <= least * (1.0 + AT_LIMIT) {
            (shown.min(starts * (1.0 + AT_LIMIT)), shown)
        } else {
            (shown, f64::INFINITY)
        };
        let asked = expected + scale * offset;
        let bound = asked.max(low).min(high);
        // At a limit the pump shows on which side of it the need lies: only the other side teaches.
        if seen && !readings.summer && (asked < low || asked > high) {
            learnt.observe(&causes, bound);
        }
        Needed { heat: bound - scale * offset, deviation }
    }

    /// One standard deviation of the baseline's electricity, where its heat pump takes `changed` kW more than the real one, and `more` as
    /// a mean. Where a plan steers the real one, the room's difference brings back what is needed more or less than was reckoned, all but
    /// the losses of a room that is so much warmer or colder.
    fn spread(&self, (changed, more): (f64, f64), needed: &Needed, learnt: &Learnt) -> f64 {
        if self.site.building.fabric.is_some() {
            return 0.0;
        }
        if let Some(building) = self.building {
            let (loss, gain) = (room::loss(&building.fabric), self.site.building.thermostat.gain_kw_per_k);
            let left = loss / (loss + gain).max(1e-6);
            return more.abs() * building.cop_deviation.max(COP_DEVIATION_MIN) + needed.deviation * left / self.cop;
        }
        if changed.abs() < STANDS {
            return 0.0;
        }
        changed.abs() * learnt.scale_deviation().max(COP_DEVIATION_MIN) + needed.deviation / self.cop
    }

    /// What the slot comes to, as the real heat pump and the baseline's ran, but for its spread.
    fn come_to(&self, real: Power, here: Power) -> HeatPumps {
        let (total, really) = (here.total(), real.total());
        let boiler = matches!(self.site.displaced, Some(HeatSource::Gas { .. }));
        if boiler {
            return HeatPumps { boiler_heat: total - really, ..HeatPumps::default() };
        }
        if self.readings.metered {
            return HeatPumps { electric: total, hot_water: here.hot_water, added: total, ..HeatPumps::default() };
        }
        let more = total - really;
        let hot_water = here.hot_water - real.hot_water;
        HeatPumps { electric: more, hot_water, added: more, ..HeatPumps::default() }
    }
}
