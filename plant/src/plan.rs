//! What the planner is asked, and what it intends for the slots ahead: bounds for the fast loop, not fixed watts.

/// A plan in words.
mod words;

pub(crate) use words::short;

use crate::command::Mode;
use crate::decision::BatteryMode;
use crate::reason::{Reason, Worth};
use crate::site::Site;
use crate::site::building::Fabric;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Eur, EurPerKwh, KilowattHours, Percent, Watts};
use crate::work::Backlog;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is known or expected of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedSlot {
    /// The slot.
    pub slot: Slot,
    /// What imported power costs, fees and taxes included; estimated where the price is not yet published, `None` where
    /// there is nothing to estimate it from.
    pub import_price: Option<EurPerKwh>,
    /// What exported power earns; as above.
    pub export_price: Option<EurPerKwh>,
    /// Where a price is estimated: the moment whose published price stands in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_from: Option<Timestamp>,
    /// Expected PV power; `None` where nobody knows.
    pub pv: Option<Watts>,
    /// Expected consumption of the house without compute and heat pump; `None` where nobody knows.
    pub load: Option<Watts>,
    /// Expected consumption of the heat pump, zero where there is none; `None` where nobody knows.
    pub heat_pump: Option<Watts>,
    /// Expected outdoor temperature.
    pub outdoor: Option<Celsius>,
    /// Carbon intensity of grid power in g/kWh.
    pub carbon: Option<f64>,
    /// One standard deviation of `pv`; zero where a feed is believed.
    #[serde(default)]
    pub pv_spread: Watts,
    /// One standard deviation of `load`; zero where a feed is believed.
    #[serde(default)]
    pub load_spread: Watts,
    /// Expected global irradiance in W/m2; `None` where nobody knows.
    #[serde(default)]
    pub irradiance: Option<f64>,
    /// Expected heat drawn from the tank; `None` where nobody knows.
    #[serde(default)]
    pub hot_water: Option<Watts>,
    /// By how many K an unexpected draw of the next three quarter hours cools the tank: exceeded on one day in five, in twelve, in fifty.
    #[serde(default)]
    pub hot_water_margin: [f64; 3],
    /// Whether it is a summer slot: the mean outdoors of the day before is above the building's limit.
    #[serde(default)]
    pub summer: bool,
}

impl ExpectedSlot {
    /// PV less what the house and its heat pump take; `None` where one of them is not known: an unknown load is no surplus.
    pub fn surplus(&self) -> Option<Watts> {
        Some(self.pv? - self.load? - self.heat_pump?)
    }
}

/// Everything a plan depends on, frozen: a plan is a pure function of its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The moment.
    pub at: Timestamp,
    /// What is installed.
    pub site: Arc<Site>,
    /// The mode in force.
    pub mode: Mode,
    /// The mode to return to, and when, while a boost runs.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit of what compute takes from the grid, while it dims.
    pub grid_dimming: Option<Watts>,
    /// The slots ahead, in order and without gaps, the current one first.
    pub slots: Vec<ExpectedSlot>,
    /// The battery's state of charge, where it is known.
    pub soc: Option<Percent>,
    /// Room temperature, where it is known.
    pub room: Option<Celsius>,
    /// Tank temperature, where it is known.
    pub tank: Option<Celsius>,
    /// Mean outdoor temperature of the last day, where it is known: it tells the heating season from summer.
    pub outdoor_mean: Option<Celsius>,
    /// Since when compute runs; `None` while it does not.
    pub running_since: Option<Timestamp>,
    /// Work that waits.
    pub backlog: Backlog,
    /// Tokens that a kilowatt-hour of compute brings.
    pub tokens_per_kwh: f64,
    /// What is known of the house's heat; `None` where its rooms are not measured.
    #[serde(default)]
    pub warmth: Option<Warmth>,
    /// Work that is expected to arrive in each of the next 96 slots beyond what waits; empty where none is.
    #[serde(default)]
    pub arrivals: Vec<KilowattHours>,
    /// When the tank was last hot for long enough against legionella; `None` where there is no programme or it is not known.
    #[serde(default)]
    pub disinfected: Option<Timestamp>,
    /// The plan in force, which yields only to a better one.
    #[serde(default)]
    pub before: Option<Arc<Plan>>,
}

/// What is known of the house's heat beyond its thermometers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warmth {
    /// The building, as stated or as its own history shows it.
    pub fabric: Fabric,
    /// Temperature of its mass.
    pub mass: Celsius,
    /// Its COP beside the one of the formula, 1 where nothing is known.
    pub cop_scale: f64,
}

/// What the battery is to do in a slot: bounds of its own self-consumption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatteryIntent {
    /// It charges with at least this, from the grid where need be.
    pub charge_min: Watts,
    /// It charges with no more than this; `None`: no bound. Zero keeps room.
    pub charge_max: Option<Watts>,
    /// It gives no more than this; `None`: no bound. Zero holds its energy.
    pub discharge_max: Option<Watts>,
}

impl BatteryIntent {
    /// The mode that comes nearest.
    pub fn mode(&self) -> BatteryMode {
        match () {
            () if self.charge_min > Watts::ZERO => BatteryMode::Charge,
            () if self.discharge_max.is_some_and(|most| most <= Watts::ZERO) => BatteryMode::Hold,
            () => BatteryMode::Normal,
        }
    }
}

/// What the heat pump is to do in a slot, as electric power; `None`: its own rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatPumpIntent {
    /// For the rooms.
    pub room: Option<Watts>,
    /// For the tank.
    pub tank: Option<Watts>,
    /// For cooling the rooms.
    pub cooling: Option<Watts>,
}

/// Where compute's heat is to go, as shares of it; what is left goes outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatRoute {
    /// Into the rooms.
    pub room: f64,
    /// Into the tank.
    pub tank: f64,
    /// Into the heat pump's source side.
    pub source: f64,
}

/// What a kilowatt-hour more would be worth at the end of a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MarginalValues {
    /// Of power in the house.
    pub power: EurPerKwh,
    /// Of energy in the battery, before it is taken out.
    pub stored: EurPerKwh,
    /// Of heat in the rooms.
    pub room: EurPerKwh,
    /// Of heat in the tank.
    pub tank: EurPerKwh,
}

/// What a plan intends for battery, heat pump and compute's heat in a slot, and why.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HouseIntent {
    /// The battery; `None` where there is none that can be set.
    pub battery: Option<BatteryIntent>,
    /// Why.
    pub battery_reason: Reason,
    /// The heat pump; `None` where there is none that can be set.
    pub heat_pump: Option<HeatPumpIntent>,
    /// Why.
    pub heat_pump_reason: Reason,
    /// Where compute's heat goes; `None`: by its own rule.
    pub route: Option<HeatRoute>,
    /// Expected battery power, discharge positive.
    pub battery_power: Watts,
    /// Expected grid power, import positive.
    pub grid: Watts,
    /// Expected electric power of the heat pump.
    pub heat_pump_power: Watts,
    /// PV that is expected to be held back.
    pub curtailed: Watts,
    /// Expected room temperature at the slot's end.
    pub room: Option<Celsius>,
    /// Expected tank temperature at the slot's end.
    pub tank: Option<Celsius>,
    /// What more of each store would be worth.
    pub values: MarginalValues,
    /// What the slot costs as planned: the grid's power and fuel, less what is fed in and what the work pays.
    pub cost: Eur,
    /// What it would cost without compute, under the own rules.
    pub cost_without: Option<Eur>,
    /// What the stores would hold then at its end: the two costs are to be read with what each of them leaves there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stores_without: Option<Stores>,
}

/// What the house's stores hold; `None` where there is no such store, or it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stores {
    /// The battery's state of charge.
    pub soc: Option<Percent>,
    /// Room temperature.
    pub room: Option<Celsius>,
    /// Tank temperature.
    pub tank: Option<Celsius>,
}

/// The intention for one slot, with what it was based on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedSlot {
    /// The slot.
    pub slot: Slot,
    /// Its first moment, for readers.
    pub start: Timestamp,
    /// What imported power costs, fees and taxes included; `None` where it can be neither known nor estimated, and nothing is
    /// bought on purpose.
    pub import_price: Option<EurPerKwh>,
    /// What exported power earns.
    pub export_price: EurPerKwh,
    /// Where a price is estimated: the moment whose published price stands in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_from: Option<Timestamp>,
    /// Expected PV power; `None` where nobody knows.
    pub pv: Option<Watts>,
    /// Expected house consumption, heat pump included; `None` where nobody knows.
    pub load: Option<Watts>,
    /// Expected compute power.
    pub compute: Watts,
    /// Compute runs at least at this power, wherever it comes from.
    pub floor: Watts,
    /// Compute follows the real surplus up to this power.
    pub ceiling: Watts,
    /// Whether the battery charges before compute gets the surplus.
    pub battery_first: bool,
    /// What a kilowatt-hour that stays in the battery in this slot will be worth later.
    pub stored: EurPerKwh,
    /// Expected useful heat of compute.
    pub heat: Watts,
    /// Expected state of charge at the slot's end, where there is a battery.
    pub battery_soc: Option<Percent>,
    /// Expected outdoor temperature, where known.
    pub outdoor: Option<Celsius>,
    /// Its reason.
    pub reason: Reason,
    /// The three numbers of the slot: in a plan for the whole house those of a kilowatt-hour more, whose work counts by what it
    /// spares later; else those of compute at its expected power.
    pub worth: Worth,
    /// One standard deviation of the expected PV power; zero where a feed is believed.
    #[serde(default)]
    pub pv_spread: Watts,
    /// One standard deviation of what is expected of the household; zero where a feed is believed.
    #[serde(default)]
    pub load_spread: Watts,
    /// What the rest of the house is to do; `None` in a plan that lays out compute alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub house: Option<HouseIntent>,
}

impl PlannedSlot {
    /// The reason of the floor; a slot that only follows surplus is idle until there is some.
    pub fn reason_when_idle(&self) -> Reason {
        if self.floor > Watts::ZERO { self.reason } else { Reason::Idle }
    }
}

/// The slots ahead, in order, the current one first. A slot in which nobody knows what exported power earns is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When the plan was asked for.
    pub made_at: Timestamp,
    /// The mode it was asked for in; it means nothing in another.
    pub mode: Mode,
    /// The intentions.
    pub slots: Vec<PlannedSlot>,
    /// Net value of all of it.
    pub expected_net: Eur,
}

impl Plan {
    /// The intention for the slot that contains `at`.
    pub fn at(&self, at: Timestamp) -> Option<&PlannedSlot> {
        let slot = Slot::containing(at);
        self.slots.iter().find(|planned| planned.slot == slot)
    }
}
