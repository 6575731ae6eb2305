//! One step of the simulated house.
//!
//! Example: 2 kW of sun, 0.5 kW of household, 1 kW of compute, a heat pump at rest: 0.5 kW are too much. The battery takes them.

use crate::decision::{BatteryMode, HeatPumpMode};
use crate::house::battery::{Bounds, Cells};
use crate::house::compute_heat::{Warm, Ways};
use crate::house::connection;
use crate::house::heat_pump::{self, HeatPump};
use crate::house::room::{self, Influence};
use crate::house::rule::{self, Heat};
use crate::house::tank::Tank;
use crate::house::{Around, Controls, Flows, House};
use crate::site::{HeatSource, Site};
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Watts};
use chrono::Timelike;
use std::time::Duration;

/// Slots of a day.
const DAY: usize = 96;
/// A room takes offered surplus up to so many K above its setpoint, where nobody states its upper temperature.
const RAISE: f64 = 1.0;
/// A tank colder than this gives no hot water.
const COLD: f64 = 32.0;

/// What the heat source does in a step, kW.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    heating: f64,
    hot_water: f64,
    cooling: f64,
    into_room: f64,
    into_tank: f64,
    out_of_room: f64,
}

impl House {
    /// Lets `span` pass from `at` on, and says what flowed meanwhile.
    pub fn step(&mut self, at: Timestamp, around: &Around, span: Duration) -> Flows {
        let hours = span.as_secs_f64() / 3600.0;
        if hours <= 0.0 {
            return Flows::default();
        }
        let summer = self.summer(Slot::containing(at), around.outdoor, hours);
        let warm = Warm { room: self.state.room.air, tank: self.state.tank, summer };
        let compute = around.compute.0 / 1000.0;
        let mut ways = match self.controls.heat_route {
            Some(sink) => Ways::chosen(&self.site, &warm, compute, sink),
            None => Ways::own(&self.site, &warm, compute),
        };
        let drawn = self.state.tank.filter(|tank| *tank > COLD).map_or(0.0, |_| around.hot_water.0 / 1000.0);
        let source = self.heat_source(at, around, (&mut ways, summer), (drawn, hours));
        let outside = (self.site.compute.heat_fraction * compute - ways.total()).max(0.0);
        let fan = self.site.compute.reject_share * outside;
        self.thermal(around, (&source, &ways), (drawn, hours), (Slot::containing(at), summer));
        let mut flows = self.electric(around, &source, fan, hours);
        flows.compute_heat = kilowatts(ways.total());
        flows
    }

    /// Whether it is a summer day, with `hours` at `outdoor` in `slot`.
    fn summer(&mut self, slot: Slot, outdoor: Celsius, hours: f64) -> bool {
        let day = &mut self.state.day;
        match day.back_mut().filter(|(last, _, _)| *last == slot) {
            Some((_, mean, seen)) => {
                *mean += (outdoor.0 - *mean) * hours / (*seen + hours);
                *seen += hours;
            }
            None => day.push_back((slot, outdoor.0, hours)),
        }
        if day.len() > DAY {
            day.pop_front();
        }
        let mean = day.iter().map(|(_, mean, _)| mean).sum::<f64>() / day.len() as f64;
        mean > self.site.building.summer_above.0
    }

    fn heat_source(
        &mut self,
        at: Timestamp,
        around: &Around,
        (ways, summer): (&mut Ways, bool),
        (drawn, hours): (f64, f64),
    ) -> Source {
        let Some(pump) = HeatPump::of(&self.site) else { return self.unknown_source(around, ways, summer) };
        let (site, outdoor) = (&self.site, around.outdoor.0);
        let building = self.controls.shifted(site.building);
        let at_room = Heat { room: self.state.room.air, outdoor, summer };
        let slot = Slot::containing(at);
        let hour = at.with_timezone(&site.timezone).hour();
        let tank = Tank::of(site).zip(self.state.tank);
        let ruled = tank.map_or(0.0, |(_, now)| self.state.switches.hot_water(&building, now, slot, hour));
        let needed = needed(site, building.thermostat.setpoint, around, summer);
        let cop = pump.cop_room(outdoor);
        let asked = rule::asked(&building, &at_room, needed, ways.room, 1.0);
        let heating = rule::heating(&pump, asked, cop, pump.power_max - ruled);
        let cooling = site.building.cooling.map_or(0.0, |cooling| {
            let left = pump.power_max - ruled - heating;
            self.state.switches.cooling(&cooling, at_room, pump.map.power_min.0 / 1000.0, left)
        });
        let own = Source { heating, hot_water: ruled, cooling, ..Source::default() };
        let mut source = self.powered(&pump, self.steered(&pump, own, tank));
        if let Some((tank, now)) = tank {
            let cop = pump.cop_tank(site.building.hot_water.sink, now, outdoor);
            let takes = tank.takes(now, drawn - ways.tank, hours).min(tank.coil_max);
            source.hot_water = source.hot_water.min(takes / cop);
            source.into_tank = source.hot_water * cop;
        }
        // Heat on the source side raises the COP; what the evaporator does not take goes outside.
        let cop = pump.cop_with_source(pump.flow(outdoor), outdoor, source.heating, ways.source);
        source.into_room = source.heating * cop;
        ways.source = ways.source.min((cop - 1.0).max(0.0) * source.heating);
        source.out_of_room = site.building.cooling.map_or(0.0, |c| source.cooling * heat_pump::eer(&c, outdoor));
        source
    }

    /// A house whose heating nobody names is warm all the same, and none of it is counted.
    fn unknown_source(&self, around: &Around, ways: &Ways, summer: bool) -> Source {
        let at = Heat { room: self.state.room.air, outdoor: around.outdoor.0, summer };
        let building = self.site.building;
        let needed = needed(&self.site, building.thermostat.setpoint, around, summer);
        let asked = rule::asked(&building, &at, needed, ways.room, 1.0);
        Source { into_room: asked.max(0.0), ..Source::default() }
    }

    /// What the heat pump's controls make of its own rule: blocked, or raised to what is offered as far as tank and room take it.
    fn steered(&self, pump: &HeatPump, own: Source, tank: Option<(Tank, f64)>) -> Source {
        let offered = match self.controls.heat_pump {
            HeatPumpMode::Block => return Source::default(),
            HeatPumpMode::Normal => self.controls.offered.0 / 1000.0,
            HeatPumpMode::Boost | HeatPumpMode::Force => pump.power_max,
        };
        let more = offered.min(pump.power_max) - own.heating - own.hot_water - own.cooling;
        if offered < pump.map.power_min.0 / 1000.0 || more <= 0.0 || own.cooling > 0.0 {
            return own;
        }
        let setpoint = self.site.building.thermostat.setpoint.0;
        let room_max = self.site.room.map_or(setpoint + RAISE, |room| room.high.0);
        match tank {
            Some((tank, now)) if now < tank.max => Source { hot_water: own.hot_water + more, ..own },
            Some(_) | None if self.state.room.air < room_max => Source { heating: own.heating + more, ..own },
            Some(_) | None => own,
        }
    }

    /// What set powers make of it: the tank comes first, then the room. Below half of its least power it is off.
    fn powered(&self, pump: &HeatPump, own: Source) -> Source {
        let Controls { heat_pump, room_power, hot_water_power, cooling_power, .. } = self.controls;
        let set = [room_power, hot_water_power, cooling_power].iter().any(Option::is_some);
        if !set || heat_pump == HeatPumpMode::Block {
            return own;
        }
        let least = pump.map.power_min.0 / 1000.0;
        let mut left = pump.power_max;
        let mut power = |set: Option<Watts>, ruled: f64| {
            let power = set.map_or(ruled, |watts| if watts.0 / 1000.0 < least / 2.0 { 0.0 } else { watts.0 / 1000.0 });
            let power = power.min(left).max(0.0);
            left -= power;
            power
        };
        let hot_water = power(hot_water_power, own.hot_water);
        let heating = power(room_power, own.heating);
        Source { hot_water, heating, cooling: power(cooling_power, own.cooling), ..own }
    }

    fn thermal(
        &mut self,
        around: &Around,
        (source, ways): (&Source, &Ways),
        (drawn, hours): (f64, f64),
        (slot, summer): (Slot, bool),
    ) {
        let fabric = room::fabric(&self.site);
        let gains = room::gains(&fabric, around.household.0 / 1000.0, around.sun, summer);
        let pumped = source.into_room - source.out_of_room;
        let on = Influence::of(&fabric, (around.outdoor.0, summer), (pumped, ways.room), gains);
        self.state.room = self.state.room.after(&fabric, on, hours);
        if let Some((tank, now)) = Tank::of(&self.site).zip(self.state.tank) {
            let after = tank.after(now, source.into_tank + ways.tank, drawn, hours);
            self.state.tank = Some(after);
            self.state.switches.warmed(&self.site.building, slot, (now, after), hours);
        }
    }

    fn electric(&mut self, around: &Around, source: &Source, fan: f64, hours: f64) -> Flows {
        let electric = source.heating + source.hot_water + source.cooling;
        let (pumped, fuel) = match self.site.displaced {
            Some(HeatSource::HeatPump { .. } | HeatSource::Electric) => (electric, 0.0),
            Some(HeatSource::Gas { efficiency, .. }) => (0.0, electric / efficiency.max(0.1)),
            None => (0.0, 0.0),
        };
        let peak = self.site.pv.map_or(0.0, |pv| pv.peak.0 / 1000.0);
        let offered = (around.pv.0 / 1000.0).max(0.0);
        let sun = offered.min(peak * self.controls.pv_limit.clamp(0.0, 1.0));
        let needs = (around.household + around.compute).0 / 1000.0 + pumped + fan;
        let power = self.battery(needs - sun, hours);
        let cap = self.site.grid.export_limit.map(|cap| cap.0 / 1000.0);
        let exchange = connection::exchange(needs - sun - power, cap, around.export_pays);
        Flows {
            grid: kilowatts(exchange.import - exchange.export),
            pv: kilowatts(sun - exchange.curtailed),
            curtailed: kilowatts(offered - sun + exchange.curtailed),
            battery: kilowatts(power),
            household: around.household,
            heat_pump: kilowatts(pumped),
            hot_water: if pumped > 0.0 { kilowatts(source.hot_water) } else { Watts::ZERO },
            cooling: kilowatts(source.cooling),
            heat: kilowatts(source.into_room + source.into_tank),
            fuel: kilowatts(fuel),
            compute: around.compute,
            compute_heat: Watts::ZERO,
            fan: kilowatts(fan),
        }
    }

    /// Power of the battery where the house lacks `lacking` kW; what is stored passes on.
    fn battery(&mut self, lacking: f64, hours: f64) -> f64 {
        let Some(battery) = self.site.battery else { return 0.0 };
        let cells = Cells::of(&battery);
        let Controls { charge_power, charge_limit, discharge_limit, .. } = self.controls;
        let charges = if charge_power > Watts::ZERO { charge_power.0 / 1000.0 } else { cells.charge };
        let most = match self.controls.battery {
            BatteryMode::Normal => discharge_limit.clamp(0.0, 1.0) * cells.discharge,
            BatteryMode::Hold => 0.0,
            BatteryMode::Charge => -charges,
        };
        let bounds = Bounds { least: -charge_limit.clamp(0.0, 1.0) * cells.charge, most };
        let (power, stored) = cells.step(self.state.stored, lacking, bounds, hours);
        self.state.stored = stored;
        power
    }
}

/// Losses at the setpoint less gains, kW.
fn needed(site: &Site, setpoint: Celsius, around: &Around, summer: bool) -> f64 {
    let fabric = room::fabric(site);
    let gains = room::gains(&fabric, around.household.0 / 1000.0, around.sun, summer);
    room::loss(&fabric) * (setpoint - around.outdoor).0 - gains
}

fn kilowatts(power: f64) -> Watts {
    Watts(power * 1000.0)
}
