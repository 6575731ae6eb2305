//! The horizon of a plan: the slots with prices, and the house in them without compute.

use crate::decision::Control;
use crate::plan::{ExpectedSlot, PlanRequest};
use crate::planner::projection::{Ahead, SlotPrices, look};
use crate::site::Battery;
use crate::units::{Percent, Watts};

/// The slots with prices, and the house in them without compute.
#[derive(Debug)]
pub(super) struct Horizon {
    /// What is expected.
    pub slots: Vec<ExpectedSlot>,
    /// What power costs and earns.
    pub prices: Vec<SlotPrices>,
    /// The house without compute.
    pub ahead: Vec<Ahead>,
    /// Whether the battery can hold its energy when asked.
    pub can_hold: bool,
}

impl Horizon {
    /// The horizon of `request`; it ends where prices can be neither known nor estimated.
    pub(super) fn of(request: &PlanRequest) -> Self {
        let priced =
            |slot: &ExpectedSlot| Some((*slot, SlotPrices { import: slot.import_price?, export: slot.export_price? }));
        let (slots, prices): (Vec<_>, Vec<_>) = request.slots.iter().map_while(priced).unzip();
        let can_hold = request.site.devices.iter().any(|device| device.controls.contains_key(&Control::BatteryMode));
        let mut horizon = Self { slots, prices, ahead: Vec::new(), can_hold };
        horizon.ahead = look(&horizon.slots, &horizon.prices, horizon.battery(request), can_hold, |_| Watts::ZERO);
        horizon
    }

    /// The battery with its charge; one whose charge is unknown is not counted on.
    pub(super) fn battery<'a>(&self, request: &'a PlanRequest) -> Option<(&'a Battery, Percent)> {
        request.site.battery.as_ref().zip(request.soc)
    }
}
