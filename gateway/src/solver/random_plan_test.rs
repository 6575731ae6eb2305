//! Random houses in random weather at random prices, with the real solver: there is always a plan, its numbers are numbers, and it keeps
//! within what devices and owner bear.

use super::Solver;
use house::{hours, made, power, time, warm, work};
use plant::command::Mode;
use plant::plan::{BatteryIntent, ExpectedSlot, HouseIntent, Plan, PlanRequest, PlannedSlot};
use plant::reason::Reason;
use plant::site::capability::{Capability, HeatPumpCapability};
use plant::time::Slot;
use plant::units::{KilowattHours, Percent, Watts};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

/// The houses.
mod house;

/// Rounding and the solver's tolerance, in W; of a share or a percent a thousandth of it.
const NEAR: f64 = 0.1;
/// Less power than this does not flow, for the planner.
const FLOW: Watts = Watts(50.0);
/// Nodes of a quarter hour; later ones have the means of an hour.
const FINE: usize = 16;

/// A house of which so many slots are known is planned whole.
const KNOWN: usize = 8;

type Checked = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_house_has_a_plan_within_its_limits(
        hours in hours(), power in power(), work in work(), warm in warm(), time in time(),
    ) {
        let request = made(&hours, &power, &work, &warm, &time);
        let planned = Solver::default().plan(&request);
        prop_assert!(planned.expected_net.0.is_finite());
        prop_assert_eq!((planned.made_at, planned.mode), (request.at, request.mode));
        in_order(&request, &planned)?;
        for (ahead, slot) in planned.slots.iter().enumerate() {
            numbers(slot)?;
            compute(&request, slot)?;
            stored(&request, &planned, ahead)?;
            if let Some(house) = &slot.house {
                connection(&request, slot, house, ahead)?;
                battery(&request, house, ahead)?;
                heat(&request, house)?;
                balanced(&request, slot, house)?;
            }
        }
        started(&request, &planned)?;
        stays(&request, &planned)?;
    }
}

/// The slots follow each other, the current one first; left out is only where nobody knows what exported power earns.
fn in_order(request: &PlanRequest, planned: &Plan) -> Checked {
    let priced = request.slots.iter().filter(|slot| slot.export_price.is_some()).map(|slot| slot.slot);
    let found: Vec<Slot> = planned.slots.iter().map(|slot| slot.slot).collect();
    let expected: Vec<Slot> = priced.take(found.len()).collect();
    prop_assert_eq!(&found, &expected);
    let whole = planned.slots.iter().filter(|slot| slot.house.is_some()).count();
    prop_assert!(whole == 0 || whole == found.len(), "a plan is whole or by rule");
    let known = request.slots.iter().take_while(|slot| is_known(slot)).count();
    prop_assert!(
        whole > 0 || request.mode != Mode::Auto || known < KNOWN,
        "{known} slots are known and none is planned"
    );
    prop_assert!(found.is_empty() == request.slots.iter().all(|slot| slot.export_price.is_none()));
    Ok(())
}

fn is_known(slot: &ExpectedSlot) -> bool {
    let prices = slot.import_price.is_some() && slot.export_price.is_some();
    let powers = slot.pv.is_some() && slot.load.is_some() && slot.heat_pump.is_some();
    prices && powers && slot.outdoor.is_some()
}

fn numbers(slot: &PlannedSlot) -> Checked {
    let worth = slot.worth;
    let mut numbers = vec![slot.compute.0, slot.floor.0, slot.ceiling.0, slot.heat.0, slot.stored.0, slot.pv_spread.0];
    numbers.extend([worth.revenue.0, worth.heat.0, worth.electricity.0]);
    numbers.extend(slot.battery_soc.map(|soc| soc.0));
    if let Some(house) = &slot.house {
        let values = house.values;
        numbers.extend([house.battery_power.0, house.grid.0, house.heat_pump_power.0, house.curtailed.0, house.cost.0]);
        numbers.extend([values.power.0, values.stored.0, values.room.0, values.tank.0]);
        numbers.extend(house.room.into_iter().chain(house.tank).map(|temperature| temperature.0));
        numbers.extend(house.cost_without.map(|cost| cost.0));
    }
    prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", slot);
    Ok(())
}

fn compute(request: &PlanRequest, slot: &PlannedSlot) -> Checked {
    let most = request.site.compute.max.min(request.power_limit);
    let least = request.site.compute.min.min(most);
    let PlannedSlot { compute, floor, ceiling, .. } = *slot;
    prop_assert!(compute >= Watts(-NEAR) && compute <= most + Watts(NEAR), "{compute} of {most}");
    prop_assert!(floor >= Watts::ZERO && floor <= ceiling && ceiling <= most + Watts(NEAR), "{floor} to {ceiling}");
    prop_assert!(floor <= Watts(NEAR) || floor >= least - Watts(NEAR), "a floor of {floor} below {least}");
    Ok(())
}

/// What the battery holds stays within it, above its reserve or where it was, and moves no faster than the battery can.
fn stored(request: &PlanRequest, planned: &Plan, ahead: usize) -> Checked {
    let Some(cells) = request.site.battery.filter(|_| request.soc.is_some()) else {
        prop_assert_eq!(planned.slots[ahead].battery_soc, None);
        return Ok(());
    };
    let now = request.soc.unwrap_or_default();
    let soc = planned.slots[ahead].battery_soc.unwrap();
    let near = Percent(0.01);
    prop_assert!(soc >= Percent::ZERO - near && soc <= Percent(100.0) + near, "{soc}");
    if planned.slots[ahead].house.is_some() {
        prop_assert!(soc >= cells.reserve.min(now) - near, "{soc} below {} or {now}", cells.reserve);
        let before = ahead.checked_sub(1).map_or(now, |before| planned.slots[before].battery_soc.unwrap());
        let most = cells.charge_max.max(cells.discharge_max / cells.round_trip.sqrt()).over(Slot::LENGTH);
        let moved = KilowattHours((soc - before).0.abs() / 100.0 * cells.capacity.0);
        prop_assert!(moved <= most + KilowattHours(1e-4), "{before} to {soc} in a quarter hour");
    }
    Ok(())
}

fn connection(request: &PlanRequest, slot: &PlannedSlot, house: &HouseIntent, ahead: usize) -> Checked {
    let grid = &request.site.grid;
    // What the house takes by itself nobody can refuse.
    let own = own(request, slot);
    prop_assert!(ahead >= FINE || house.grid <= grid.import_limit.max(own) + Watts(NEAR), "{} of {own}", house.grid);
    prop_assert!(grid.export_limit.is_none_or(|limit| house.grid >= -limit - Watts(NEAR)), "{}", house.grid);
    prop_assert!(house.curtailed >= Watts(-NEAR));
    let unpaid = slot.export_price <= plant::units::EurPerKwh::ZERO;
    prop_assert!(
        ahead >= FINE || !unpaid || house.grid >= -FLOW,
        "{} is given away at {}",
        house.grid,
        slot.export_price
    );
    Ok(())
}

/// The most that the house takes by itself: household, and a heat pump that follows its own rule, under little sun.
fn own(request: &PlanRequest, slot: &PlannedSlot) -> Watts {
    let expected = request.slots.iter().find(|expected| expected.slot == slot.slot).unwrap();
    let heat_pump = expected.heat_pump.unwrap_or_default().max(expected.hot_water.unwrap_or_default());
    expected.load.unwrap() + heat_pump - (expected.pv.unwrap() - expected.pv_spread).positive()
}

fn battery(request: &PlanRequest, house: &HouseIntent, ahead: usize) -> Checked {
    let capability = Capability::of(&request.site).battery;
    let Some(intent) = house.battery else { return Ok(()) };
    let cells = request.site.battery.unwrap();
    let BatteryIntent { charge_min, charge_max, discharge_max } = intent;
    prop_assert!(capability.hold, "one that cannot be held is left alone");
    prop_assert!(charge_min >= Watts::ZERO && charge_min <= cells.charge_max + Watts(NEAR), "{intent:?}");
    prop_assert!(charge_min <= Watts::ZERO || capability.charge || house.grid < Watts::ZERO, "{intent:?}");
    prop_assert!(charge_max.is_none_or(|most| most >= charge_min), "{intent:?}");
    prop_assert!(discharge_max.is_none_or(|most| most >= Watts::ZERO && most <= cells.discharge_max + Watts(NEAR)));
    prop_assert!(charge_min <= Watts::ZERO || discharge_max.is_none(), "it charges and gives: {intent:?}");
    // One that is to charge from the grid does that, and gives nothing meanwhile.
    prop_assert!(
        ahead > 0 || charge_min <= Watts::ZERO || -house.battery_power >= charge_min - FLOW,
        "{intent:?} beside {}",
        house.battery_power
    );
    prop_assert!(house.battery_power >= -cells.charge_max - Watts(NEAR));
    prop_assert!(house.battery_power <= cells.discharge_max + Watts(NEAR));
    Ok(())
}

fn heat(request: &PlanRequest, house: &HouseIntent) -> Checked {
    if let Some(route) = house.route {
        let shares = [route.room, route.tank, route.source];
        prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-6).contains(share)), "{route:?}");
        prop_assert!(shares.iter().sum::<f64>() <= 1.0 + 1e-4, "{route:?}");
    }
    let Some(intent) = house.heat_pump else { return Ok(()) };
    let [room, tank, cooling] = [intent.room, intent.tank, intent.cooling].map(Option::unwrap_or_default);
    prop_assert!([room, tank, cooling].iter().all(|power| *power >= Watts::ZERO), "{intent:?}");
    prop_assert!(room <= Watts::ZERO || cooling <= Watts::ZERO, "it heats and cools: {intent:?}");
    match Capability::of(&request.site).heat_pump {
        HeatPumpCapability::Own => prop_assert!(false, "one that cannot be told is told {intent:?}"),
        HeatPumpCapability::Power { room: most, tank: hot, cooling: cool } => {
            for (power, most) in [(intent.room, most), (intent.tank, hot), (intent.cooling, cool)] {
                prop_assert!(power.is_none_or(|power| power <= most.unwrap_or_default() + Watts(NEAR)), "{intent:?}");
            }
        }
        HeatPumpCapability::Offer { .. } | HeatPumpCapability::Shift { .. } => {}
    }
    if let Some(plant::site::HeatSource::HeatPump { power_max, .. }) = request.site.displaced {
        prop_assert!(room + tank + cooling <= power_max + Watts(NEAR), "{intent:?} of {power_max}");
        prop_assert!(house.heat_pump_power <= power_max + Watts(NEAR), "{} of {power_max}", house.heat_pump_power);
    }
    Ok(())
}

/// What has just started stays on for its least time.
fn started(request: &PlanRequest, planned: &Plan) -> Checked {
    let Some(since) = request.running_since else { return Ok(()) };
    let compute = &request.site.compute;
    let least = compute.min.min(compute.max).min(request.power_limit);
    let until = since + compute.min_on;
    // Where the connection ends it, it stays off for as long as it has to.
    let bound = planned.slots.iter().take_while(|slot| slot.reason != Reason::FuseLimit);
    for slot in bound.filter(|slot| slot.slot.plus(1).start() <= until && slot.house.is_some()) {
        let full = own(request, slot) + least * 2.0 > request.site.grid.import_limit;
        let dims = request.grid_dimming.is_some_and(|dimmed| dimmed < least * 2.0);
        prop_assert!(
            full || dims || slot.compute >= least - Watts(NEAR),
            "{} at {}, on until {until}",
            slot.compute,
            slot.start
        );
    }
    Ok(())
}

/// What comes from roof, grid and battery is what household, heat pump, compute and its fan take.
fn balanced(request: &PlanRequest, slot: &PlannedSlot, house: &HouseIntent) -> Checked {
    let site = &request.site;
    let comes = slot.pv.unwrap() - house.curtailed + house.grid + house.battery_power;
    let leak = site.building.compute_heat.leak.min(site.compute.heat_fraction);
    let rejected = slot.compute * (site.compute.heat_fraction - leak) - slot.heat;
    let goes = slot.load.unwrap() + slot.compute + rejected * site.compute.reject_share;
    prop_assert!((comes - goes).abs() < Watts(1.0), "{comes} come and {goes} go: {slot:?}");
    Ok(())
}

/// Compute is planned at its least power or above, and neither on nor off for shorter than it has to be, unless the connection ends it.
fn stays(request: &PlanRequest, planned: &Plan) -> Checked {
    let compute = &request.site.compute;
    let least = compute.min.min(compute.max).min(request.power_limit);
    if least < Watts(1.0) || planned.slots.iter().any(|slot| slot.house.is_none()) {
        return Ok(());
    }
    let runs = |slot: &PlannedSlot| slot.compute > Watts::ZERO;
    for slot in planned.slots.iter().filter(|slot| runs(slot)) {
        prop_assert!(slot.compute >= least - Watts(NEAR), "{} of {least}", slot.compute);
    }
    let parts: Vec<&[PlannedSlot]> = planned.slots.chunk_by(|a, b| runs(a) == runs(b)).collect();
    // What goes on before the plan begins, or after it ends, may be longer than it says.
    for (part, next) in parts.iter().zip(parts.iter().skip(1)).skip(1) {
        let least = if runs(&part[0]) { compute.min_on } else { compute.min_off };
        let lasts = Slot::LENGTH * u32::try_from(part.len()).unwrap();
        let ends = next[0].reason == Reason::FuseLimit;
        prop_assert!(ends || lasts >= least, "{} slots of {least:?}", part.len());
    }
    Ok(())
}
