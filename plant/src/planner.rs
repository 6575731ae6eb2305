//! Plans the slots ahead: what a kilowatt-hour of compute costs and brings in each of them, and so how much of it to run.
//!
//! Pure: a plan depends on nothing but its request, so the host may compute it anywhere.

use crate::ahead::{Ahead, SlotPrices, look};
use crate::allocate::{self, Taken};
use crate::command::Mode;
use crate::decision::Control;
use crate::plan::{Plan, PlannedSlot};
use crate::site::{Battery, HeatSink, Site};
use crate::thermal::{self, Temperatures};
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

/// Plans the slots ahead. The plan ends where prices can be neither known nor estimated.
pub fn plan(request: &PlanRequest) -> Plan {
    let outlook = Outlook::of(request);
    let mut heating = Heating::of(request, &outlook);
    let mut taken = Vec::new();
    // Heat that the first pass puts into the store is no longer wanted in the second.
    for _ in 0..2 {
        taken = allocate::allocate(request, &outlook, &heating.useful);
        heating = heating.warmed_by(request, &outlook, &taken);
    }
    let with =
        look(&outlook.slots, &outlook.prices, outlook.battery(request), outlook.can_hold, |index| taken[index].compute);
    let rows = outlook.slots.iter().zip(&taken).zip(&outlook.prices).zip(outlook.ahead.iter().zip(&with));
    let slots: Vec<_> = rows
        .map(|(((slot, taken), prices), (without, with))| {
            let soc = request.site.battery.filter(|_| request.soc.is_some());
            PlannedSlot {
                slot: slot.slot,
                start: slot.slot.start(),
                import_price: prices.import,
                export_price: prices.export,
                pv: slot.pv,
                load: slot.load + slot.heat_pump,
                compute: taken.compute,
                floor: taken.floor,
                ceiling: taken.ceiling,
                battery_first: taken.battery_first,
                stored: without.stored,
                heat: taken.heat,
                battery_soc: soc.map(|battery| Percent(with.energy / battery.capacity * 100.0)),
                outdoor: slot.outdoor,
                reason: taken.reason,
                worth: taken.worth,
            }
        })
        .collect();
    let expected_net = slots.iter().map(|slot| slot.compute.over(Slot::LENGTH) * slot.worth.net()).sum();
    Plan { made_at: request.at, slots, expected_net }
}

/// The slots with prices, and the house in them without compute.
#[derive(Debug)]
pub struct Outlook {
    /// What is expected.
    pub slots: Vec<ExpectedSlot>,
    /// What power costs and earns.
    pub prices: Vec<SlotPrices>,
    /// The house without compute.
    pub ahead: Vec<Ahead>,
    /// Whether the battery can be told to hold its energy.
    pub can_hold: bool,
}

impl Outlook {
    fn of(request: &PlanRequest) -> Self {
        let priced =
            |slot: &ExpectedSlot| Some((*slot, SlotPrices { import: slot.import_price?, export: slot.export_price? }));
        let (slots, prices): (Vec<_>, Vec<_>) = request.slots.iter().map_while(priced).unzip();
        let can_hold = request.site.devices.iter().any(|device| device.controls.contains_key(&Control::BatteryMode));
        let mut outlook = Self { slots, prices, ahead: Vec::new(), can_hold };
        outlook.ahead = look(&outlook.slots, &outlook.prices, outlook.battery(request), can_hold, |_| Watts::ZERO);
        outlook
    }

    /// The battery with its charge; one whose charge is unknown is not counted on.
    fn battery<'a>(&self, request: &'a PlanRequest) -> Option<(&'a Battery, Percent)> {
        request.site.battery.as_ref().zip(request.soc)
    }
}

/// Heat that finds a use in each slot.
#[derive(Debug)]
struct Heating {
    useful: Vec<Watts>,
}

impl Heating {
    fn of(request: &PlanRequest, outlook: &Outlook) -> Self {
        Self::with(request, outlook, |_| Watts::ZERO)
    }

    fn warmed_by(&self, request: &PlanRequest, outlook: &Outlook, taken: &[Taken]) -> Self {
        Self::with(request, outlook, |index| taken[index].heat)
    }

    /// The store stays where its own heating holds it, unless compute gives it more than it loses.
    fn with(request: &PlanRequest, outlook: &Outlook, heat: impl Fn(usize) -> Watts) -> Self {
        let site = &request.site;
        let store = thermal::store(site);
        let mut warmed = 0.0;
        let useful = outlook.slots.iter().enumerate().map(|(index, slot)| {
            let temperatures = Temperatures {
                room: request.room.map(|room| Celsius(room.0 + warmed)),
                tank: request.tank.map(|tank| Celsius(tank.0 + warmed)),
                outdoor: slot.outdoor,
                outdoor_mean: request.outdoor_mean,
            };
            let useful = thermal::useful(site, &temperatures, Slot::LENGTH);
            if let Some(store) = store {
                let around = match site.compute.heat_into {
                    HeatSink::Tank => Some(Celsius(20.0)),
                    HeatSink::Room | HeatSink::HeatPumpSource | HeatSink::Outside => slot.outdoor,
                };
                let own = request.room.filter(|_| site.compute.heat_into == HeatSink::Room).or(request.tank);
                let above = own.zip(around).map_or(0.0, |(own, around)| (own.0 + warmed - around.0).max(0.0));
                let gain = (heat(index).0 / 1000.0 - store.loss_kw_per_k * above) * 0.25;
                warmed = (warmed + gain / store.capacity_kwh_per_k.max(1e-3)).max(0.0);
            }
            useful
        });
        Self { useful: useful.collect() }
    }
}
