//! A plan in force yields only to one that gains more than two cents.

use super::plan_test::{DULL, Hour, plan, request};
use plant::decision::BatteryMode;
use plant::plan::{Plan, PlanRequest};
use plant::units::EurPerKwh;
use std::sync::Arc;

/// A battery that holds what it has for the evening, when power costs `evening`; now it costs `now`.
fn day(now: f64, evening: f64) -> PlanRequest {
    request(|hour| match hour {
        0 => Hour { import: now, ..DULL },
        6..10 => Hour { import: evening, load: 900.0, ..DULL },
        _ => DULL,
    })
}

fn battery(plan: &Plan) -> BatteryMode {
    plan.slots[0].house.unwrap().battery.unwrap().mode()
}

#[test]
fn a_plan_in_force_stands_where_another_gains_little_and_yields_where_it_gains_much() {
    let before = Arc::new(plan(&day(0.30, 0.40)));
    assert_eq!(battery(&before), BatteryMode::Hold);
    let little = day(0.37, 0.36);
    assert_eq!(battery(&plan(&little)), BatteryMode::Normal, "alone it would give now");
    let held = plan(&PlanRequest { before: Some(before.clone()), ..little });
    assert_eq!(battery(&held), BatteryMode::Hold, "0.4 kW for a quarter hour at 0.07 EUR/kWh are less than two cents");
    let much = PlanRequest { before: Some(before), ..day(2.0, 0.36) };
    assert_eq!(battery(&plan(&much)), BatteryMode::Normal);
}

#[test]
fn prices_that_tremble_do_not_turn_the_house_to_and_fro() {
    let trembling = |step: usize| {
        let by = if step.is_multiple_of(2) { 0.002 } else { -0.002 };
        let mut request = request(|_| Hour { import: 0.30, outdoor: 12.0, ..DULL });
        request.slots.iter_mut().take(4).for_each(|slot| slot.import_price = Some(EurPerKwh(0.30 + by)));
        request
    };
    let turns = |calm: bool| {
        let (mut before, mut turns) = (None::<Arc<Plan>>, 0);
        for step in 0..12 {
            let next = Arc::new(plan(&PlanRequest { before: before.clone().filter(|_| calm), ..trembling(step) }));
            turns += usize::from(before.is_some_and(|before| modes(&before) != modes(&next)));
            before = Some(next);
        }
        turns
    };
    assert_eq!((turns(false), turns(true)), (11, 0));
}

/// Whether the battery gives, and what the heat pump heats.
fn modes(plan: &Plan) -> (BatteryMode, [bool; 2]) {
    let pump = plan.slots[0].house.unwrap().heat_pump.unwrap();
    (battery(plan), [pump.room, pump.tank].map(|part| part.unwrap().0 > 50.0))
}
