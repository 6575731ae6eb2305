//! The house of a request in the numbers of a program: kW, kWh, °C, EUR and h.

use crate::decision::Control;
use crate::house::battery::Cells;
use crate::house::heat_pump::HeatPump;
use crate::house::tank::Tank;
use crate::plan::{PlanRequest, Warmth};
use crate::point::Role;
use crate::site::building::{Comfort, Thermostat};
use crate::site::capability::{Capability, HeatPumpCapability, Pace};
use crate::site::{HeatSink, HeatSource, Site};
use crate::time::elapsed;
use crate::units::Watts;
use crate::value::revenue::Demand;

/// What can be planned of a house.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The battery, where there is one whose charge is known.
    pub battery: Option<Battery>,
    /// The compute box.
    pub compute: Compute,
    /// The source of heat, where there is one.
    pub heater: Option<Heater>,
    /// The rooms, where they are measured.
    pub room: Option<Room>,
    /// The tank, where it is measured and the heat pump can be set for it.
    pub tank: Option<Store>,
    /// The most that the connection takes.
    pub import_max: f64,
    /// The most that it gives.
    pub export_max: f64,
    /// What a kilowatt-hour of work pays that waits.
    pub rate: f64,
    /// What one pays that can always be had.
    pub standing: f64,
}

/// The battery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Battery {
    /// The battery by its numbers.
    pub cells: Cells,
    /// What it holds now.
    pub stored: f64,
    /// What a kilowatt-hour taken out wears off.
    pub wear: f64,
    /// Whether it can be kept from giving.
    pub steered: bool,
    /// The most that it can be made to charge from the grid.
    pub from_grid: f64,
}

impl Battery {
    /// What a kilowatt-hour taken out costs, where one in it is worth `stored`.
    pub(super) fn taken_out(&self, stored: f64) -> f64 {
        stored / self.cells.one_way + self.wear
    }
}

/// The compute box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compute {
    /// Power with nothing to do.
    pub idle: f64,
    /// Least power.
    pub min: f64,
    /// Greatest power.
    pub max: f64,
    /// Heat for each kW that can be led somewhere.
    pub heat: f64,
    /// Heat for each kW that warms the room wherever the rest goes.
    pub leak: f64,
    /// What rejecting a kW of heat takes.
    pub fan: f64,
    /// What a start costs.
    pub start: f64,
    /// Hours that it stays on once it is, and off.
    pub min_on: f64,
    pub min_off: f64,
    /// The most it may take from the grid, while the grid operator dims it.
    pub dimmed: Option<f64>,
    /// Hours that it has to stay on still.
    pub bound_on: f64,
    /// Whether it runs.
    pub on: bool,
    /// The ways its heat can go.
    pub ways: Ways,
}

/// Where compute's heat can go, beside outside.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ways {
    /// Into the rooms.
    pub room: bool,
    /// Into the tank, kW for each K by which the loop is warmer.
    pub tank: Option<f64>,
    /// Into the heat pump's source side.
    pub source: bool,
    /// The warmest loop.
    pub loop_max: f64,
    /// Whether the way can be chosen; else it is the own rule's.
    pub chosen: bool,
}

/// The source of heat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heater {
    /// Its efficiency by its temperatures.
    pub pump: HeatPump,
    /// What a kilowatt-hour of fuel costs; `None` for one that runs on the house's power.
    pub fuel: Option<f64>,
    /// Least power at which it runs.
    pub min: f64,
    /// Greatest power.
    pub max: f64,
    /// Hours that it stays on, or off, once it is.
    pub holds: f64,
    /// The most it can be set to, or raised to, for the rooms; `None`: that is its own rule's.
    pub for_room: Option<f64>,
    /// The same for the tank.
    pub for_tank: Option<f64>,
    /// The same for cooling.
    pub cools: Option<f64>,
}

/// The rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The building, its mass, and how well the COP's formula fits.
    pub warmth: Warmth,
    /// The air now.
    pub air: f64,
    /// The comfort band.
    pub band: Band,
    /// What holds it by itself.
    pub thermostat: Thermostat,
}

/// What the owner wants of the rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// The least temperature.
    pub low: f64,
    /// The greatest in the heating season.
    pub high: f64,
    /// The greatest in summer.
    pub high_summer: f64,
    /// What an hour of a kelvin below is worth.
    pub cold: f64,
    /// What one above is worth.
    pub warm: f64,
}

/// The tank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Store {
    /// Its numbers.
    pub tank: Tank,
    /// Its temperature now.
    pub now: f64,
    /// About what it is in the hours ahead: what its heat pump and its exchanger are counted with.
    pub around: f64,
    /// The least temperature at which hot water is warm enough.
    pub low: f64,
    /// What an hour of a kelvin below is worth.
    pub cold: f64,
    /// What it is heated to against legionella.
    pub hot: f64,
}

/// A heat pump left to its own rule holds its set point to within so much, K.
const OWN_RULE_K: f64 = 0.1;
/// Forecasts miss the room by a twentieth of a kelvin in the heating season, and by twice that where the sun warms it.
const ROOM_MARGIN_K: f64 = 0.05;
const ROOM_MARGIN_ABOVE_K: f64 = 0.1;
/// A tank is used between so many K around its least temperature.
const TANK_RANGE_K: [f64; 2] = [0.0, 13.0];

/// Against legionella a tank is heated by so much more than it has to be, K.
const HOTTER_K: f64 = 2.0;
/// A heat pump whose least power is above this share of its greatest is switched rather than modulated: inverter machines go down to a
/// third or less.
const SWITCHED: f64 = 0.5;

impl Heater {
    /// Whether it is on or off, with little or nothing between.
    pub(super) fn switched(&self) -> bool {
        self.min > SWITCHED * self.max && (self.for_room.is_some() || self.for_tank.is_some())
    }

    /// Whether any of what it does can be set.
    pub(super) fn steered(&self) -> bool {
        self.for_room.is_some() || self.for_tank.is_some() || self.cools.is_some()
    }
}

impl Home {
    /// The house of `request`.
    pub(super) fn of(request: &PlanRequest) -> Self {
        let site = &request.site;
        let demand = Demand::of(&request.backlog, &site.work, request.tokens_per_kwh);
        let capability = Capability::of(site);
        let heater = heater(site, &capability);
        let room = heater.and_then(|_| room(request, &capability));
        let tank = heater.and_then(|_| tank(request, &capability));
        Self {
            battery: battery(request, &capability),
            compute: compute(request, &capability),
            heater: heater.filter(|_| room.is_some() || tank.is_some()),
            room,
            tank,
            import_max: site.grid.import_limit.0 / 1000.0,
            export_max: site.grid.export_limit.map_or(f64::INFINITY, |limit| limit.0 / 1000.0),
            rate: demand.rate.0,
            standing: demand.standing.0,
        }
    }
}

fn battery(request: &PlanRequest, capability: &Capability) -> Option<Battery> {
    let (battery, soc) = (request.site.battery?, request.soc?);
    let cells = Cells::of(&battery);
    Some(Battery {
        cells,
        stored: cells.stored(soc).clamp(0.0, cells.capacity),
        wear: battery.wear.0,
        steered: capability.battery.hold,
        from_grid: capability.battery.charge_max.0 / 1000.0,
    })
}

fn compute(request: &PlanRequest, capability: &Capability) -> Compute {
    let (site, compute) = (&request.site, &request.site.compute);
    let ran = request.running_since.map(|since| elapsed(since, request.at));
    let leak = site.building.compute_heat.leak.min(compute.heat_fraction);
    let max = compute.max.min(request.power_limit).positive().0 / 1000.0;
    Compute {
        idle: compute.idle.0 / 1000.0,
        min: (compute.min.0 / 1000.0).min(max),
        max,
        heat: compute.heat_fraction - leak,
        leak,
        fan: compute.reject_share,
        start: compute.start_cost_eur,
        min_on: compute.min_on.as_secs_f64() / 3600.0,
        min_off: compute.min_off.as_secs_f64() / 3600.0,
        dimmed: request.grid_dimming.map(|most| most.positive().0 / 1000.0),
        bound_on: ran.map_or(0.0, |ran| compute.min_on.saturating_sub(ran).as_secs_f64() / 3600.0),
        on: ran.is_some(),
        ways: ways(site, capability),
    }
}

fn ways(site: &Site, capability: &Capability) -> Ways {
    let rule = site.building.compute_heat;
    let chosen = !capability.routes.is_empty();
    let open = |sink: HeatSink| if chosen { capability.routes.contains(&sink) } else { site.compute.heat_into == sink };
    let tank = open(HeatSink::Tank) || !chosen && rule.tank_below.is_some();
    Ways {
        room: open(HeatSink::Room),
        tank: tank.then_some(rule.exchanger_kw_per_k),
        source: open(HeatSink::HeatPumpSource),
        loop_max: rule.loop_max.0,
        chosen,
    }
}

fn heater(site: &Site, capability: &Capability) -> Option<Heater> {
    let pump = HeatPump::of(site)?;
    let fuel = match site.displaced? {
        HeatSource::Gas { price, efficiency } => Some(price.0 / efficiency.max(0.1)),
        HeatSource::HeatPump { .. } | HeatSource::Electric => None,
    };
    let whole = pump.power_max;
    let within = |most: Option<Watts>| most.map(|most| (most.0 / 1000.0).min(whole));
    let (for_room, for_tank, cools) = match capability.heat_pump {
        HeatPumpCapability::Own => (None, None, None),
        HeatPumpCapability::Offer { .. } => (Some(whole), None, None),
        HeatPumpCapability::Shift { room, tank } => (room.map(|_| whole), tank.map(|_| whole), None),
        HeatPumpCapability::Power { room, tank, cooling } => (within(room), within(tank), within(cooling)),
    };
    let min = (pump.map.power_min.0 / 1000.0).min(pump.power_max);
    Some(Heater { pump, fuel, min, max: pump.power_max, holds: holds(capability), for_room, for_tank, cools })
}

/// Hours between two settings of the heat pump, h.
fn holds(capability: &Capability) -> f64 {
    let pace = |(control, pace): (&Control, &Pace)| (control.role() == Role::HeatPump).then_some(pace.min_interval);
    let longest = capability.pace.iter().filter_map(pace).max().unwrap_or_default();
    longest.as_secs_f64() / 3600.0
}

fn room(request: &PlanRequest, capability: &Capability) -> Option<Room> {
    let (air, warmth) = (request.room?, request.warmth?);
    let building = &request.site.building;
    let Comfort { room_low, room_high, room_high_summer, cold_eur_per_kh, warm_eur_per_kh, .. } = building.comfort;
    let set = building.thermostat.setpoint.0;
    let (low, high) = match capability.heat_pump {
        HeatPumpCapability::Power { room: Some(_), .. } => (room_low.0 + ROOM_MARGIN_K, room_high.0),
        HeatPumpCapability::Shift { room: Some((down, up)), .. } => {
            ((set + down.0).max(room_low.0) + ROOM_MARGIN_K, (set + up.0).min(room_high.0))
        }
        HeatPumpCapability::Own
        | HeatPumpCapability::Offer { .. }
        | HeatPumpCapability::Shift { room: None, .. }
        | HeatPumpCapability::Power { room: None, .. } => (set - OWN_RULE_K, room_high.0),
    };
    let below = |high: f64| (high - ROOM_MARGIN_ABOVE_K).max(low);
    let band = Band {
        low,
        high: below(high),
        high_summer: below(room_high_summer.0),
        cold: cold_eur_per_kh,
        warm: warm_eur_per_kh,
    };
    Some(Room { warmth, air: air.0, band, thermostat: building.thermostat })
}

/// The tank, where the heat pump can be set for it or compute heats it. One that follows its own two points is held above the lower.
fn tank(request: &PlanRequest, capability: &Capability) -> Option<Store> {
    let steered = match capability.heat_pump {
        HeatPumpCapability::Power { tank, .. } => tank.is_some(),
        HeatPumpCapability::Shift { tank, .. } => tank.is_some(),
        HeatPumpCapability::Own | HeatPumpCapability::Offer { .. } => false,
    };
    let heated = ways(&request.site, capability).tank.is_some();
    let (tank, now) = (Tank::of(&request.site).filter(|_| steered || heated)?, request.tank?.0);
    let building = &request.site.building;
    let Comfort { tank_low, tank_eur_per_kh, .. } = building.comfort;
    let low = if steered { tank_low.0 } else { building.hot_water.on_below.0 };
    let [least, most] = TANK_RANGE_K.map(|beyond| low + beyond);
    let hot = building.legionella.map_or(low, |programme| programme.temperature.0 + HOTTER_K);
    let around = now.clamp(least, most);
    Some(Store { tank, now, around, low, cold: tank_eur_per_kh, hot })
}
