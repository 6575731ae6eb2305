//! What the devices are to do now: modes and bounds from the plan's marginal values, not watts from its forecast.
//!
//! The plan expects a cloudless quarter hour and gets one with clouds. A battery that is set to 2.1 kW then buys what the sun does not bring;
//! one that only goes first does not. So what is worth more decides who goes first, and what is dearer than the grid's power is held:
//!
//! ```text
//! compute's kWh  = its work + its heat                       follows the surplus where export earns less
//! charging       = value of stored energy * efficiency       goes before compute where it is worth more
//! discharging    = value of stored energy / efficiency + wear   held where the grid's power is cheaper
//! ```

use crate::plan::{BatteryIntent, HeatPumpIntent, HeatRoute};
use crate::planner::expected::Expected;
use crate::planner::found::{Flows, Found, Margins};
use crate::planner::home::{Battery, Heater, Home};
use crate::units::Watts;

/// Less power than this does not flow, kW.
pub(super) const FLOW: f64 = 0.05;
/// Prices within this are the same, EUR/kWh.
pub(super) const SAME: f64 = 0.003;
/// Of its greatest power, so much leaves no room to follow the sun.
pub(super) const SATURATED: f64 = 0.9;
/// The battery that shares the surplus with compute takes so much more than planned.
const SPLIT: f64 = 1.3;
const SPLIT_KW: f64 = 0.2;
/// Work that waits is not followed beyond so much of what is planned.
const TRACK: f64 = 1.2;
/// A room warmer than so many K below its upper limit takes no more heat.
const NEARLY_WARM: f64 = 0.2;

/// What compute is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ComputeIntent {
    /// It runs at least at this, kW.
    pub floor: f64,
    /// It follows the surplus up to this.
    pub ceiling: f64,
    /// Whether the battery comes first.
    pub battery_first: bool,
}

/// The first node of a plan, and what decides on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present<'a> {
    pub home: &'a Home,
    pub expected: &'a Expected,
    pub flows: Flows,
    pub margins: Margins,
    /// Power that is needed for what is due, kW.
    pub needed: f64,
    /// Whether work waits that is all there is to do.
    pub queued: bool,
}

impl<'a> Present<'a> {
    /// What `found` begins with.
    pub(super) fn of(found: &Found<'a, '_>, needed: f64) -> Self {
        let model = found.model;
        Self {
            home: model.home,
            expected: &model.expected[0],
            flows: found.flows(0),
            margins: found.margins(0),
            needed,
            queued: model.home.standing <= 0.0,
        }
    }

    /// What `flows` and `margins` of a later node make of it.
    pub(super) fn later(found: &Found<'a, '_>, node: usize, flows: Flows, margins: Margins) -> Self {
        let model = found.model;
        Self { home: model.home, expected: &model.expected[node], flows, margins, needed: 0.0, queued: false }
    }

    fn imports(&self) -> bool {
        self.flows.import > FLOW
    }

    /// What a kilowatt-hour on its way into the battery is worth, and what one taken out costs.
    fn stored(&self, battery: &Battery) -> (f64, f64) {
        (self.margins.stored * battery.cells.one_way, battery.taken_out(self.margins.stored))
    }

    /// What compute is to do, before its starts are looked at; running at `running` kW counts as running.
    pub(super) fn compute(&self, running: f64) -> ComputeIntent {
        let compute = &self.home.compute;
        let (planned, value) = (self.flows.compute, self.margins.compute);
        let gives = self.flows.discharge > FLOW;
        let mut floor = if planned > running && (self.imports() || gives) { planned.max(compute.min) } else { 0.0 };
        let mut ceiling = if self.expected.sell < value - 1e-4 { compute.max } else { 0.0 };
        let mut battery_first = false;
        if let Some(battery) = &self.home.battery {
            let (charging, discharging) = self.stored(battery);
            battery_first = charging > value + SAME || self.shares(battery);
            if floor > 0.0 && !self.imports() && gives && discharging > value + SAME {
                floor = 0.0;
            }
        }
        floor = floor.max(self.needed);
        if self.queued && ceiling > 0.0 {
            let follows = planned > FLOW || compute.on;
            ceiling = if follows { (planned * TRACK).max(compute.min).max(floor).min(compute.max) } else { 0.0 };
        }
        ComputeIntent { floor, ceiling: ceiling.max(floor), battery_first }
    }

    /// Whether the battery is planned to charge from the surplus beside compute that has room to follow.
    fn shares(&self, battery: &Battery) -> bool {
        let charges = self.flows.charge > FLOW && !self.imports();
        charges && self.flows.compute <= SATURATED * self.home.compute.max && battery.steered
    }

    /// What the battery is to do; `None` where it cannot be set.
    pub(super) fn battery(&self) -> Option<BatteryIntent> {
        let battery = self.home.battery.as_ref().filter(|battery| battery.steered)?;
        let (charging, discharging) = self.stored(battery);
        let Flows { charge, discharge, compute, .. } = self.flows;
        let (buy, sell) = (self.expected.buy, self.expected.sell);
        let mut intent = BatteryIntent::default();
        // Beyond what the connection bears nothing is held back.
        let bears = self.expected.load - self.expected.pv <= self.home.import_max;
        if battery.from_grid > 0.0 && charge > FLOW && self.imports() && charging >= buy - SAME {
            intent.charge_min = kilowatts(charge);
        } else if bears && (discharging > buy + SAME || discharge < FLOW && self.imports() && discharging > buy - SAME)
        {
            intent.discharge_max = Some(Watts::ZERO);
        } else if bears && discharge > FLOW && self.imports() && discharging > buy - SAME {
            intent.discharge_max = Some(kilowatts(discharge));
        }
        let full = self.flows.stored > battery.cells.capacity - FLOW;
        if charging < sell - SAME && charge <= FLOW && !full {
            intent.charge_max = Some(Watts::ZERO);
        } else if self.shares(battery) && charging <= self.margins.compute + SAME && compute >= FLOW {
            intent.charge_max = Some(kilowatts(charge * SPLIT + SPLIT_KW));
        }
        Some(intent)
    }

    /// What the heat pump is to do; `None` where it cannot be set.
    pub(super) fn heat_pump(&self) -> Option<HeatPumpIntent> {
        let heater = self.home.heater.filter(Heater::steered)?;
        let Flows { heating, hot_water, cooling, .. } = self.flows;
        let full = self.home.tank.is_some_and(|store| store.now > store.tank.max - FLOW);
        let hot_water = if full { 0.0 } else { hot_water.max(0.0) };
        let fits = (heater.max / (heating + hot_water + cooling).max(1e-9)).min(1.0);
        // Never both at once: the smaller of the two is what scenarios and rounding leave.
        let (heating, cooling) = if heating >= cooling { (heating, 0.0) } else { (0.0, cooling) };
        let power = |power: f64| kilowatts(if power < 1e-3 { 0.0 } else { power * fits });
        Some(HeatPumpIntent {
            room: self.home.room.filter(|_| heater.for_room.is_some()).map(|_| power(heating)),
            tank: self.home.tank.filter(|_| heater.for_tank.is_some()).map(|_| power(hot_water)),
            cooling: self.home.room.filter(|_| heater.cools.is_some()).map(|_| power(cooling)),
        })
    }

    /// Where compute's heat goes; `None` where it goes by its own rule.
    pub(super) fn route(&self) -> Option<HeatRoute> {
        let ways = self.home.compute.ways;
        if !ways.chosen {
            return None;
        }
        let heat = self.flows.compute * self.home.compute.heat;
        if heat > 1e-6 {
            let part = |way: f64| (way / heat).clamp(0.0, 1.0);
            let route = HeatRoute {
                room: part(self.flows.to_room),
                tank: part(self.flows.to_tank),
                source: part(self.flows.to_source),
            };
            return Some(self.filled(route));
        }
        // Where none was planned: the best way for what the sun may bring.
        let room = self.home.room.is_some_and(|room| self.takes(&room)) && self.margins.room > 0.002;
        let tank = ways.tank.is_some() && self.margins.tank > self.margins.room.max(0.002);
        Some(HeatRoute { room: share(room && !tank), tank: share(tank), source: 0.0 })
    }

    /// What would go outside goes into the room instead, while that has any use for it.
    fn filled(&self, route: HeatRoute) -> HeatRoute {
        let used = route.room + route.tank + route.source;
        let partly = route.room > 0.001 && self.margins.room > SAME;
        HeatRoute { room: if partly { route.room + (1.0 - used).max(0.0) } else { route.room }, ..route }
    }

    fn takes(&self, room: &crate::planner::home::Room) -> bool {
        let high = if self.expected.summer { room.band.high_summer } else { room.band.high };
        room.air < high - NEARLY_WARM
    }
}

fn share(whole: bool) -> f64 {
    if whole { 1.0 } else { 0.0 }
}

/// So many kW.
pub(super) fn kilowatts(power: f64) -> Watts {
    Watts(power * 1000.0)
}
