//! Plans the slots ahead: what a kilowatt-hour of compute costs and brings in each of them, and so how much of it to run.
//!
//! Pure: a plan depends on nothing but its request, so the host may compute it anywhere.

use crate::command::Mode;
use crate::plan::Plan;
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
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
    /// Expected PV power.
    pub pv: Watts,
    /// Expected consumption of the house without compute and heat pump.
    pub load: Watts,
    /// Expected consumption of the heat pump.
    pub heat_pump: Watts,
    /// Expected outdoor temperature.
    pub outdoor: Option<Celsius>,
    /// Carbon intensity of grid power in g/kWh.
    pub carbon: Option<f64>,
}

/// Everything a plan depends on, frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The moment.
    pub at: Timestamp,
    /// What is installed.
    pub site: Arc<Site>,
    /// The owner's standing wish.
    pub mode: Mode,
    /// The mode to return to, and when, while a boost runs.
    pub boost: Option<(Mode, Timestamp)>,
    /// The owner's cap on compute power.
    pub power_limit: Watts,
    /// The grid operator's limit, while it dims.
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

/// Plans the slots ahead.
pub fn plan(request: &PlanRequest) -> Plan {
    Plan { made_at: request.at, slots: Vec::new(), expected_net: crate::units::Eur::ZERO }
}
