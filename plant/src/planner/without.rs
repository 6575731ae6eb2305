//! What the slots ahead would cost without compute: the same house under its own rules, in the same sun and at the same prices.

use crate::house::battery::Cells;
use crate::house::room::Warmth;
use crate::house::{Around, House};
use crate::plan::{ExpectedSlot, PlanRequest};
use crate::site::HeatSource;
use crate::time::Slot;
use crate::units::{Celsius, Eur, EurPerKwh, Watts};
use std::sync::Arc;

/// What each of the first `count` slots would cost; empty where the rooms are not known, on which the heat pump's power depends.
pub(super) fn costs(request: &PlanRequest, count: usize) -> Vec<Eur> {
    let (Some(room), Some(warmth)) = (request.room, request.warmth) else { return Vec::new() };
    let mut site = request.site.clone();
    Arc::make_mut(&mut site).building.fabric = Some(warmth.fabric);
    let stored = site.battery.zip(request.soc).map_or(0.0, |(battery, soc)| Cells::of(&battery).stored(soc));
    let rooms = Warmth { air: room.0, mass: warmth.mass.0 };
    let mut house = House::standing(&site, stored, rooms, request.tank.map(|tank| tank.0));
    let fuel = match site.displaced {
        Some(HeatSource::Gas { price, .. }) => price,
        Some(HeatSource::HeatPump { .. } | HeatSource::Electric) | None => EurPerKwh::ZERO,
    };
    request.slots[..count].iter().map(|slot| cost(&mut house, slot, fuel)).collect()
}

fn cost(house: &mut House, slot: &ExpectedSlot, fuel: EurPerKwh) -> Eur {
    let (buy, sell) = (slot.import_price.unwrap_or_default(), slot.export_price.unwrap_or_default());
    let around = Around {
        pv: slot.pv.unwrap_or_default(),
        sun: slot.irradiance.unwrap_or_default(),
        outdoor: slot.outdoor.unwrap_or(Celsius::ZERO),
        household: slot.load.unwrap_or_default(),
        hot_water: slot.hot_water.unwrap_or_default(),
        compute: Watts::ZERO,
        export_pays: sell > EurPerKwh::ZERO,
    };
    let flows = house.step(slot.slot.start(), &around, Slot::LENGTH);
    let (import, export) = (flows.grid.positive().over(Slot::LENGTH), (-flows.grid).positive().over(Slot::LENGTH));
    import * buy + flows.fuel.over(Slot::LENGTH) * fuel - export * sell
}
