//! What the planner is asked, and what it intends for the slots ahead: bounds for the fast loop, not fixed watts.

use crate::command::Mode;
use crate::reason::{Reason, Worth};
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Eur, EurPerKwh, Percent, Watts};
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
    /// The three numbers of the slot, for compute at its expected power.
    pub worth: Worth,
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
