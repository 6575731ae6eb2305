//! Plans that change their mind every minute, between two that are nearly as good: neither heat pump nor box nor battery does (evcc 25097,
//! 31677, 28516, 29171; Predbat 605, 1793, 667).

use crate::command::Mode;
use crate::decision::{BatteryMode, Control, Setting};
use crate::event::Event;
use crate::plan::{HouseIntent, Plan, PlannedSlot};
use crate::planned_test::{HOLD, battery, following, heat, nothing, of, slot, steered, watts};
use crate::point::Point;
use crate::reason::Reason;
use crate::rule_test::Bench;
use crate::site::Site;
use crate::units::{Eur, EurPerKwh, Watts};
use chrono::TimeDelta;

/// An hour of seconds.
const HOUR: u32 = 3600;

/// What `control` is set to in each second of an hour in which the two plans take turns every minute.
fn torn(site: Site, [one, other]: [PlannedSlot; 2], control: Control) -> Vec<Setting> {
    let mut bench = following(site, Mode::Auto, one.house.unwrap());
    bench.see(Point::BatterySoc, 60.0);
    let second = |number: u32| {
        if number.is_multiple_of(60) {
            let planned = if (number / 60).is_multiple_of(2) { &one } else { &other };
            give(&mut bench, planned);
        }
        of(&bench.wake().0.decision.settings, control).0
    };
    (0..HOUR).map(second).collect()
}

fn give(bench: &mut Bench, planned: &PlannedSlot) {
    let at = |ahead: i64| slot(bench.now + TimeDelta::minutes(15 * ahead), planned.house);
    let slots = (0..8).map(|ahead| PlannedSlot { slot: at(ahead).slot, start: at(ahead).start, ..planned.clone() });
    let plan = Plan { made_at: bench.now, mode: Mode::Auto, slots: slots.collect(), expected_net: Eur(0.0) };
    bench.give(Event::Plan(Box::new(plan)));
}

fn planned(house: HouseIntent) -> PlannedSlot {
    slot(crate::test_site::at("2026-01-10T20:00:00Z"), Some(house))
}

/// The seconds of each span in which `on` stays as it is, but for the first and the last.
fn spans(settings: &[Setting], on: impl Fn(&Setting) -> bool) -> Vec<(bool, usize)> {
    let spans: Vec<(bool, usize)> =
        settings.chunk_by(|a, b| on(a) == on(b)).map(|span| (on(&span[0]), span.len())).collect();
    spans.get(1..spans.len().saturating_sub(1)).unwrap_or_default().to_vec()
}

#[test]
fn a_heat_pump_runs_and_rests_for_ten_minutes_at_least() {
    let heats = planned(heat(watts(1500.0, 0.0), Reason::Preheat, 21.2, 50.0));
    let rests = planned(heat(watts(0.0, 0.0), Reason::HoldForLater, 20.9, 49.5));
    let settings = torn(steered(), [heats.clone(), rests.clone()], Control::HeatPumpRoomPower);
    let runs = |setting: &Setting| *setting == Setting::HeatPumpRoomPower(Some(Watts(1500.0)));
    let spans = spans(&settings, runs);
    assert!(!spans.is_empty() && spans.iter().all(|(_, seconds)| *seconds >= 600), "{spans:?}");
    // Its set points do not go to and fro either.
    let shifts = torn(steered(), [heats, rests], Control::HeatPumpRoomShift);
    let changes = shifts.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!((1..=6).contains(&changes), "{changes}");
}

#[test]
fn what_guards_does_not_wait_for_it() {
    let heats = planned(heat(watts(1500.0, 0.0), Reason::Preheat, 21.2, 50.0));
    let mut bench = following(steered(), Mode::Auto, heats.house.unwrap());
    let power = |bench: &mut Bench| of(&bench.wake().0.decision.settings, Control::HeatPumpRoomPower);
    assert_eq!(power(&mut bench).0, Setting::HeatPumpRoomPower(Some(Watts(1500.0))));
    // A connection that is full, and a room that is too warm.
    bench.see(Point::GridPower, 20_000.0);
    assert_eq!(power(&mut bench), (Setting::HeatPumpRoomPower(Some(Watts::ZERO)), Reason::FuseLimit));
    bench.see(Point::GridPower, 300.0);
    bench.see(Point::RoomTemperature, 27.0);
    assert_eq!(power(&mut bench), (Setting::HeatPumpRoomPower(Some(Watts::ZERO)), Reason::TooHot));
    // One that is too cold while the plan rests.
    let rests = planned(heat(watts(0.0, 0.0), Reason::HoldForLater, 20.9, 49.5));
    give(&mut bench, &rests);
    bench.see(Point::RoomTemperature, 19.4);
    assert_eq!(power(&mut bench), (Setting::HeatPumpRoomPower(None), Reason::Comfort));
}

#[test]
fn a_battery_that_is_held_is_held_for_two_minutes_at_least() {
    let plans = [planned(battery(HOLD, Reason::HoldForLater)), planned(nothing())];
    let settings = torn(steered(), plans, Control::BatteryMode);
    let spans = spans(&settings, |setting| *setting == Setting::BatteryMode(BatteryMode::Hold));
    let held: Vec<usize> = spans.iter().filter(|(held, _)| *held).map(|(_, seconds)| *seconds).collect();
    assert!(!held.is_empty() && held.iter().all(|seconds| *seconds >= 120), "{spans:?}");
}

#[test]
fn a_box_runs_and_rests_for_its_least_times() {
    let mut site = steered();
    site.work.standing = EurPerKwh(0.50);
    let runs =
        PlannedSlot { floor: Watts(1000.0), ceiling: Watts(1000.0), reason: Reason::CheapPower, ..planned(nothing()) };
    let (on, off) = (site.compute.min_on.as_secs() as usize, site.compute.min_off.as_secs() as usize);
    let settings = torn(site, [runs, planned(nothing())], Control::ComputeBudget);
    let spans = spans(&settings, |setting| *setting != Setting::ComputeBudget(Watts::ZERO));
    assert!(spans.len() > 3, "{spans:?}");
    for (running, seconds) in spans {
        assert!(seconds >= if running { on } else { off }, "{running} for {seconds} s");
    }
}
