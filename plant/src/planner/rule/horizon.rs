//! The horizon of a plan: the slots ahead, their prices, and the house in them without compute.

use crate::decision::Control;
use crate::plan::{ExpectedSlot, PlanRequest};
use crate::planner::rule::projection::{Ahead, SlotPrices, look};
use crate::site::Battery;
use crate::units::{Percent, Watts};
use crate::value::situation::PRICE_UNKNOWN;

/// The slots ahead, their prices, and the house in them without compute.
#[derive(Debug)]
pub(super) struct Horizon {
    /// What is expected.
    pub slots: Vec<ExpectedSlot>,
    /// What power costs and earns in each; `None` where nobody knows what it earns: nothing is planned in such a slot.
    pub prices: Vec<Option<SlotPrices>>,
    /// The house without compute.
    pub ahead: Vec<Ahead>,
    /// Whether the battery can hold its energy when asked.
    pub can_hold: bool,
}

impl Horizon {
    /// The horizon of `request`. Following the sun needs no price of import, so one that is missing is assumed to be dear.
    pub(super) fn of(request: &PlanRequest) -> Self {
        let slots = request.slots.clone();
        let priced = |slot: &ExpectedSlot| {
            let import = slot.import_price.unwrap_or(request.site.currency.roughly(PRICE_UNKNOWN));
            Some(SlotPrices { import, said: slot.import_price.is_some(), export: slot.export_price? })
        };
        let prices = slots.iter().map(priced).collect();
        let can_hold = request.site.controls(Control::BatteryMode);
        let mut horizon = Self { slots, prices, ahead: Vec::new(), can_hold };
        horizon.ahead = look(&horizon.slots, &horizon.prices, horizon.battery(request), can_hold, |_| Watts::ZERO);
        horizon
    }

    /// The battery with its charge; one whose charge is unknown is not counted on.
    pub(super) fn battery<'a>(&self, request: &'a PlanRequest) -> Option<(&'a Battery, Percent)> {
        request.site.battery.as_ref().zip(request.soc)
    }
}
