//! A battery that cannot be set is planned as it behaves, not as one would wish.

use super::plan_test::{DULL, Hour, plan, request};
use plant::decision::Control;
use plant::plan::PlanRequest;
use plant::units::{Percent, Watts};
use std::sync::Arc;

/// The same house, in which nobody can set the battery.
fn left_alone(mut request: PlanRequest) -> PlanRequest {
    let site = Arc::make_mut(&mut request.site);
    let set = [Control::BatteryMode, Control::BatteryChargePower, Control::BatteryChargeLimit];
    site.devices[0].controls.retain(|control, _| !set.contains(control));
    request
}

#[test]
fn it_is_empty_when_the_dear_morning_comes() {
    let night = request(|hour| match hour {
        6..10 => Hour { import: 0.60, outdoor: 18.0, ..DULL },
        _ => Hour { outdoor: 18.0, ..DULL },
    });
    let at_six = |request: &PlanRequest| plan(request).slots[23].battery_soc.unwrap();
    assert!(at_six(&night) > Percent(25.0), "what can be held waits for the morning: {}", at_six(&night));
    let alone = left_alone(night);
    assert!(at_six(&alone) < Percent(8.0), "{}", at_six(&alone));
    assert!(plan(&alone).slots.iter().all(|slot| slot.house.unwrap().battery.is_none()));
}

#[test]
fn work_at_night_is_charged_with_what_it_takes_out_of_it() {
    // The grid has power for 0.10, the work pays 0.15, and what is stored saves 0.60 in an hour.
    let night = request(|hour| match hour {
        0 => Hour { import: 0.10, outdoor: 18.0, ..DULL },
        1..5 => Hour { import: 0.60, load: 900.0, outdoor: 18.0, ..DULL },
        _ => Hour { outdoor: 18.0, ..DULL },
    });
    let night = PlanRequest { room: None, tank: None, ..night };
    let first = |request: &PlanRequest| plan(request).slots[0].compute;
    assert!(first(&night) > Watts(4000.0), "a battery that can be held is held meanwhile");
    assert_eq!(first(&left_alone(night)), Watts::ZERO);
}

#[test]
fn it_takes_the_morning_sun_however_much_that_would_earn() {
    let morning = request(|hour| match hour {
        6..12 => Hour { pv: 3000.0, export: 0.29, outdoor: 18.0, ..DULL },
        12..16 => Hour { pv: 4000.0, export: 0.02, outdoor: 18.0, ..DULL },
        _ => Hour { outdoor: 18.0, ..DULL },
    });
    let sold = |request: &PlanRequest| {
        let planned = plan(request);
        planned.slots[24..32].iter().filter(|slot| slot.house.unwrap().grid < Watts(-100.0)).count()
    };
    assert_eq!((sold(&morning), sold(&left_alone(morning.clone()))), (8, 0));
}
