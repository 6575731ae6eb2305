//! A battery and a heat pump that do not do as they are told: what the plan counted on is not there, and what flows is what counts.

use crate::command::Mode;
use crate::decision::{BatteryMode, Control, Outcome, Setpoint, Setting};
use crate::event::Event;
use crate::plan::{Plan, PlannedSlot};
use crate::planned_test::{CHARGE, HOLD, battery, following, heat, of, slot, steered, watts};
use crate::point::{DeviceId, Point};
use crate::reason::Reason;
use crate::rule_test::Bench;
use crate::units::{Eur, EurPerKwh, Watts};

/// A house that plans compute at its full power beside a battery that holds, or charges.
fn computing(bench: &mut Bench) {
    let house = bench.plant.plan().unwrap().slots[0].house;
    let planned = PlannedSlot {
        floor: Watts(1000.0),
        ceiling: Watts(1000.0),
        reason: Reason::CheapPower,
        ..slot(bench.now, house)
    };
    let plan = Plan { made_at: bench.now, mode: Mode::Auto, slots: vec![planned], expected_net: Eur(0.0) };
    bench.give(Event::Plan(Box::new(plan)));
}

fn answers(bench: &mut Bench, device: &str, setting: Setting, error: Option<&str>) {
    let setpoint = Setpoint { device: DeviceId(device.into()), setting, reason: Reason::HoldForLater };
    bench.give(Event::Outcome(Box::new(Outcome { setpoint, error: error.map(str::to_owned) })));
}

#[test]
fn compute_is_not_fed_from_a_battery_that_does_not_hold() {
    // What a kilowatt-hour pays, and whether the battery keeps what it is set to -> compute.
    let rows = [(0.35, None, 1000.0), (0.35, Some("it did not keep what it was set to"), 1000.0)];
    let dear = [(0.15, None, 1000.0), (0.15, Some("it did not keep what it was set to"), 0.0)];
    for (pays, error, budget) in rows.into_iter().chain(dear) {
        let mut site = steered();
        site.work.standing = EurPerKwh(pays);
        site.displaced = None;
        let mut bench = following(site, Mode::Auto, battery(HOLD, Reason::HoldForLater));
        computing(&mut bench);
        answers(&mut bench, "inverter", Setting::BatteryMode(BatteryMode::Hold), error);
        bench.see(Point::BatteryPower, 1300.0);
        bench.see(Point::GridPower, 0.0);
        assert_eq!(bench.settled(5).0, budget, "{pays} {error:?}");
        let (record, _) = bench.wake();
        let shown: Vec<_> = record.devices.iter().filter_map(|device| device.error.as_deref()).collect();
        assert_eq!(shown, error.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_battery_that_charges_with_more_than_it_is_told_leaves_the_fuse_whole() {
    let mut bench = following(steered(), Mode::Auto, battery(CHARGE, Reason::GridCharge));
    let charge = |bench: &mut Bench| of(&bench.wake().0.decision.settings, Control::BatteryChargePower).0;
    assert_eq!(charge(&mut bench), Setting::BatteryChargePower(Watts(3000.0)));
    // Told 3000 W it takes 5000 W, and the oven is on: 17,700 W flow, 16,660 W may.
    bench.see(Point::BatteryPower, -5000.0);
    bench.see(Point::GridPower, 19_700.0);
    let Setting::BatteryChargePower(told) = charge(&mut bench) else { panic!("it charges") };
    assert!(told <= Watts(1960.0), "{told}");
    // It goes on with 5000 W: nothing is left to it.
    bench.see(Point::GridPower, 22_000.0);
    assert!(of(&bench.wake().0.decision.settings, Control::BatteryChargePower).0.is_safe());
}

#[test]
fn a_heat_pump_that_rests_though_it_is_told_to_run_takes_nothing_from_the_others() {
    let mut site = steered();
    site.work.standing = EurPerKwh(0.50);
    let mut bench = following(site, Mode::Auto, heat(watts(3000.0, 0.0), Reason::Preheat, 21.5, 50.0));
    bench.see(Point::HeatPumpPower, 0.0);
    bench.see(Point::PvPower, 1500.0);
    bench.see(Point::GridPower, -1200.0);
    computing(&mut bench);
    let (budget, _) = bench.settled(200);
    assert_eq!(budget, 1000.0, "what it does not take is there for compute");
    let settings = bench.wake().0.decision.settings;
    assert_eq!(of(&settings, Control::HeatPumpRoomPower).0, Setting::HeatPumpRoomPower(Some(Watts(3000.0))));
}

#[test]
fn a_heat_pump_that_runs_though_it_is_told_to_rest_is_counted_at_the_fuse() {
    let mut site = steered();
    site.work.standing = EurPerKwh(0.50);
    let mut bench = following(site, Mode::Auto, heat(watts(0.0, 0.0), Reason::HoldForLater, 20.9, 50.0));
    bench.see(Point::HeatPumpPower, 3000.0);
    bench.see(Point::GridPower, 16_400.0);
    computing(&mut bench);
    assert_eq!(bench.settled(5), (260.0, Reason::FuseLimit), "16,660 W less what flows");
}
