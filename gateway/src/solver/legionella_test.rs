//! The weekly run against legionella is never lost (evcc 31375: it was, for weeks, where somebody else steered the hot water): however
//! prices move from plan to plan, the tank is measured hot within a week, for long enough, and then is left alone.

use super::Solver;
use super::plan_test::{DULL, request};
use plant::plan::PlanRequest;
use plant::reason::Reason;
use plant::site::HeatSource;
use plant::site::building::Legionella;
use plant::time::Slot;
use plant::units::{Celsius, EurPerKwh, Watts};
use std::sync::Arc;
use std::time::Duration;

/// What has to be reached, and by how many readings in a row: two quarter hours lie between three.
const HOT: f64 = 60.0;
const READINGS: usize = 3;

/// A house whose tank was last hot `days` ago.
fn due(days: Option<f64>) -> PlanRequest {
    let mut request = request(|_| DULL);
    let building = &mut Arc::make_mut(&mut request.site).building;
    (building.legionella, building.hot_water.max) = (Some(Legionella::default()), Celsius(70.0));
    request.tank = Some(Celsius(49.0));
    request.disinfected = days.map(|days| request.at - chrono::TimeDelta::minutes((days * 1440.0) as i64));
    request
}

/// What became of a tank in some quarter hours, each planned anew and passed as planned.
#[derive(Debug, Default)]
struct Lived {
    /// Its temperatures.
    tank: Vec<f64>,
    /// The slots after which it had been hot for long enough.
    hot: Vec<usize>,
    /// The slots in which it was heated for that.
    reasons: usize,
}

/// Lives for `slots` slots; `price` says what an hour ahead costs, as it is known in a slot.
fn lived(mut request: PlanRequest, slots: usize, price: impl Fn(usize, usize) -> f64) -> Lived {
    let (mut solver, mut lived, mut streak) = (Solver::default(), Lived::default(), 0);
    for now in 0..slots {
        for (ahead, slot) in request.slots.iter_mut().enumerate() {
            slot.import_price = Some(EurPerKwh(price(now, ahead / 4)));
        }
        let planned = solver.plan(&request);
        let house = planned.slots[0].house.expect("it is planned whole");
        lived.reasons += usize::from(house.heat_pump_reason == Reason::Legionella);
        let mut next = plant::later(&request, &planned.slots[..1]);
        let last = *next.slots.last().unwrap();
        next.slots.push(plant::plan::ExpectedSlot { slot: last.slot.plus(1), ..last });
        let tank = next.tank.unwrap().0;
        streak = if tank >= HOT { streak + 1 } else { 0 };
        if streak == READINGS {
            lived.hot.push(now);
        }
        if streak >= READINGS {
            next.disinfected = Some(next.at);
        }
        lived.tank.push(tank);
        next.before = Some(Arc::new(planned));
        request = next;
    }
    assert_eq!(request.slots[0].slot, Slot::containing(request.at));
    lived
}

#[test]
fn it_comes_within_the_week_whatever_the_prices_say_next() {
    type Price = fn(usize, usize) -> f64;
    let rows: [(&str, Price); 5] = [
        ("always the same", |_, _| 0.30),
        ("later is always cheaper", |_, hour| 0.60 - 0.01 * hour as f64),
        ("the next hour is always the cheapest", |_, hour| if hour == 1 { 0.05 } else { 0.60 }),
        ("another hour is cheap in each plan", |now, hour| if hour % 7 == now % 7 { 0.10 } else { 0.50 }),
        ("they fall below zero and come back", |now, hour| if (now / 4 + hour) % 24 < 3 { -0.10 } else { 0.40 }),
    ];
    // 5.6 days ago: 33 hours and a half are left; never seen: as soon as it is cheap, in a day and a half at most.
    for (days, within) in [(Some(5.6), 134), (None, 144)] {
        for (what, price) in rows {
            let lived = lived(due(days), within + 12, price);
            let first = lived.hot.first().copied();
            assert!(first.is_some_and(|first| first < within), "{what}, {days:?}: {lived:?}");
            // Done is done: it is not heated for that again.
            assert!((1..24).contains(&lived.reasons), "{what}, {days:?}: {lived:?}");
        }
    }
}

#[test]
fn what_is_overdue_begins_at_once_and_what_is_not_due_waits() {
    let dear = |_: usize, hour: usize| if hour < 12 { 0.80 } else { 0.10 };
    let overdue = lived(due(Some(9.0)), 24, dear);
    assert!(overdue.hot.first().is_some_and(|slot| *slot < 16), "{overdue:?}");
    let fresh = lived(due(Some(2.0)), 24, dear);
    assert!(fresh.hot.is_empty() && fresh.reasons == 0, "{fresh:?}");
}

#[test]
fn a_weak_heat_pump_begins_in_time() {
    let mut request = due(Some(5.6));
    let pump = HeatSource::HeatPump { carnot: 0.4, flow: Celsius(38.0), power_max: Watts(700.0) };
    Arc::make_mut(&mut request.site).displaced = Some(pump);
    let lived = lived(request, 144, |_, hour| 0.60 - 0.01 * hour as f64);
    assert!(lived.hot.first().is_some_and(|slot| *slot < 134), "{lived:?}");
}

/// A tank that nobody uses hotter than 60 °C, which is what it has to be: one that ends at 59.9 °C is heated for ever, and in vain.
#[test]
fn a_tank_that_is_used_up_to_that_temperature_gets_hotter_for_it() {
    let mut request = due(None);
    Arc::make_mut(&mut request.site).building.hot_water.max = Celsius(HOT);
    let planned = Solver::default().plan(&request);
    let hot = planned.slots.iter().filter(|slot| slot.house.unwrap().tank.unwrap().0 > HOT + 1.0).count();
    assert!((2..12).contains(&hot), "{hot} slots");
}

/// Who asks for it every third day has it every third day, and who asks for every other week not every week.
#[test]
fn the_owner_says_how_often() {
    let planned = |every: u64, days: f64| {
        let mut request = due(Some(days));
        let programme = Legionella { after: Duration::from_secs(every * 86_400), ..Legionella::default() };
        Arc::make_mut(&mut request.site).building.legionella = Some(programme);
        let hot = |slot: &plant::plan::PlannedSlot| slot.house.unwrap().tank.unwrap().0 > HOT;
        Solver::default().plan(&request).slots.iter().any(hot)
    };
    assert_eq!([planned(3, 1.0), planned(3, 2.5), planned(14, 8.0), planned(14, 13.0)], [false, true, false, true]);
}
