//! What a plan says of itself with the real solver: why the heat pump runs, what the house costs, and what the same would cost without.

use super::plan_test::{DULL, Hour, plan, request};
use plant::plan::{Plan, PlanRequest, PlannedSlot};
use plant::reason::Reason;
use plant::site::HeatSource;
use plant::units::{Celsius, Eur, EurPerKwh, Watts};
use plant::work::Backlog;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The reasons of the heat pump's slots in hours `from..to` in which it takes more than 100 W.
fn reasons(plan: &Plan, from: usize, to: usize) -> BTreeSet<Reason> {
    let houses = plan.slots[from * 4..to * 4].iter().filter_map(|slot| slot.house);
    houses.filter(|house| house.heat_pump_power > Watts(100.0)).map(|house| house.heat_pump_reason).collect()
}

/// The rooms alone, in a house without compute.
fn rooms(hour: impl Fn(usize) -> Hour) -> PlanRequest {
    let mut request = request(hour);
    let site = Arc::make_mut(&mut request.site);
    (site.tank, site.work.standing) = (None, EurPerKwh::ZERO);
    request
}

#[test]
fn heat_that_is_bought_ahead_is_not_called_needed() {
    let planned = plan(&rooms(|hour| if (4..6).contains(&hour) { Hour { import: 0.05, ..DULL } } else { DULL }));
    assert_eq!(reasons(&planned, 4, 6), [Reason::Preheat].into());
    // The night before lives on what is just enough.
    assert_eq!(reasons(&planned, 0, 3), [Reason::Comfort].into());
}

#[test]
fn the_tank_is_heated_ahead_too() {
    let mut request = request(|hour| if (4..6).contains(&hour) { Hour { import: 0.05, ..DULL } } else { DULL });
    (request.room, request.warmth) = (None, None);
    let planned = plan(&request);
    assert!(planned.slots[23].house.unwrap().tank.unwrap() > Celsius(52.0));
    assert!(reasons(&planned, 4, 6).contains(&Reason::Preheat), "{:?}", reasons(&planned, 4, 6));
}

#[test]
fn heat_from_the_sun_is_the_suns() {
    let sunny = |hour: usize| if (9..16).contains(&hour) { Hour { pv: 9000.0, ..DULL } } else { DULL };
    let mut request = rooms(sunny);
    request.slots.iter_mut().for_each(|slot| slot.pv_spread = Watts::ZERO);
    let planned = plan(&request);
    assert!(reasons(&planned, 10, 14).contains(&Reason::Surplus), "{:?}", reasons(&planned, 10, 14));
    request.slots.iter_mut().for_each(|slot| slot.export_price = Some(EurPerKwh::ZERO));
    let unpaid = plan(&request);
    assert!(reasons(&unpaid, 10, 14).contains(&Reason::Curtailment), "{:?}", reasons(&unpaid, 10, 14));
}

/// What grid and feed-in of a slot come to.
fn metered(slot: &PlannedSlot) -> Eur {
    let grid = slot.house.unwrap().grid;
    let price = if grid > Watts::ZERO { slot.import_price.unwrap() } else { slot.export_price };
    grid.over(plant::time::Slot::LENGTH) * price
}

#[test]
fn work_that_waits_is_counted_with_what_it_pays() {
    let mut request = request(|hour| Hour { import: 0.20 + 0.02 * (hour % 6) as f64, ..DULL });
    Arc::make_mut(&mut request.site).work.standing = EurPerKwh::ZERO;
    // 8 kWh that pay 0.90 EUR each: more than they cost at any hour, so that all of them are done.
    request.backlog = Backlog { jobs: 1, tokens: 8_000_000, value: Eur(7.2), ..Backlog::default() };
    let planned = plan(&request);
    let houses = || planned.slots.iter().filter_map(|slot| slot.house);
    let paid = planned.slots.iter().map(metered).sum::<Eur>() - houses().map(|house| house.cost).sum::<Eur>();
    assert!((paid.0 - 7.2).abs() < 0.02, "{paid}");
    assert!((planned.expected_net + houses().map(|house| house.cost).sum::<Eur>()).abs() < Eur(1e-9));
}

#[test]
fn a_boilers_fuel_is_a_cost_and_no_load() {
    let mut request = request(|_| DULL);
    let site = Arc::make_mut(&mut request.site);
    site.displaced = Some(HeatSource::Gas { price: EurPerKwh(0.11), efficiency: 0.9 });
    (site.work.standing, site.compute.heat_into) = (EurPerKwh::ZERO, plant::site::HeatSink::Room);
    site.devices[0].controls.clear();
    let planned = plan(&request);
    let houses = || planned.slots.iter().filter_map(|slot| slot.house);
    assert_eq!(houses().count(), planned.slots.len());
    assert!(planned.slots.iter().all(|slot| slot.load == Some(Watts(400.0))), "{:?}", planned.slots[4]);
    assert!(houses().all(|house| house.heat_pump_power == Watts::ZERO));
    let (cost, without) =
        (houses().map(|house| house.cost).sum::<Eur>(), houses().filter_map(|house| house.cost_without).sum::<Eur>());
    // 36 hours at 5 °C: about 2 kW of heat.
    assert!(cost > Eur(8.0), "the gas is paid: {cost}");
    assert!((cost - without).abs() < without * 0.15, "nothing can be planned of it: {cost} {without}");
}

#[test]
fn a_cost_without_the_plan_stands_beside_what_it_leaves() {
    let planned = plan(&request(|hour| match hour {
        2..4 => Hour { import: 0.05, ..DULL },
        6..10 => Hour { import: 0.60, ..DULL },
        _ => DULL,
    }));
    let charged = planned.slots[15].house.unwrap();
    let (soc, own) = (planned.slots[15].battery_soc.unwrap(), charged.stores_without.unwrap());
    assert!(soc.0 > own.soc.unwrap().0 + 20.0, "{soc} {own:?}");
    assert!(charged.room.unwrap() > own.room.unwrap() && own.tank.is_some(), "{charged:?}");
    let mut blind = request(|_| DULL);
    (blind.room, blind.warmth) = (None, None);
    let house = plan(&blind).slots[0].house.unwrap();
    assert_eq!((house.cost_without, house.stores_without), (None, None));
}
