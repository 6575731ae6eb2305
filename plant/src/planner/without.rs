//! What the slots ahead would cost without compute and plan, and what the stores would hold: the same house under its own rules, in the
//! same sun and at the same prices.
//!
//! A single slot in which a battery is charged costs more than one in which it is not. So each cost stands beside what it leaves in the
//! stores: 0.05 EUR with 80 % in the battery are no less than 0.03 EUR with 60 %.

use crate::house::battery::Cells;
use crate::house::room::Warmth;
use crate::house::{Around, House};
use crate::plan::{ExpectedSlot, PlanRequest, Stores};
use crate::site::HeatSource;
use crate::time::Slot;
use crate::units::{Celsius, Eur, EurPerKwh, Percent, Watts};
use std::sync::Arc;

/// What each of the first `count` slots would cost, and the stores at its end; empty where the rooms are not known, on which the heat
/// pump's power depends.
pub(super) fn costs(request: &PlanRequest, count: usize) -> Vec<(Eur, Stores)> {
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
    let step = |slot: &ExpectedSlot| (cost(&mut house, slot, fuel), stores(&house, request));
    request.slots[..count].iter().map(step).collect()
}

/// What of the stores is known of a house that began with what `request` says.
fn stores(house: &House, request: &PlanRequest) -> Stores {
    let soc = |capacity: f64| Percent(house.stored().0 / capacity.max(1e-9) * 100.0);
    Stores {
        soc: request.site.battery.filter(|_| request.soc.is_some()).map(|battery| soc(battery.capacity.0)),
        room: Some(house.room()),
        tank: house.tank().filter(|_| request.tank.is_some()),
    }
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
