//! Plans for the whole house, made up: what battery, heat pump and compute's heat are set to, and what has the last word over it.

use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Control, HeatPumpMode, HeatSink, Setpoint, Setting};
use crate::event::Event;
use crate::plan::{BatteryIntent, HeatPumpIntent, HeatRoute, HouseIntent, MarginalValues, Plan, PlannedSlot};
use crate::point::Point;
use crate::reason::{Reason, Worth};
use crate::rule_test::Bench;
use crate::site::{ControlRange, Price, Site, Store, Words};
use crate::test_site::site;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, Eur, EurPerKwh, Kelvins, Percent, Watts};
use chrono::TimeDelta;
use proptest::prelude::*;

/// A house whose owner lists every control.
pub(crate) fn steered() -> Site {
    let mut site = site();
    site.work.standing = EurPerKwh::ZERO;
    site.tank =
        Some(Store { capacity_kwh_per_k: 0.35, loss_kw_per_k: 0.0025, low: Celsius(45.0), high: Celsius(60.0) });
    let range = |min, max, words: &[&str]| ControlRange {
        min,
        max,
        words: words.iter().copied().collect::<Words>(),
        ..ControlRange::default()
    };
    let pump = &mut site.devices[0];
    pump.points.insert(Point::TankTemperature);
    pump.controls.extend([
        (Control::HeatPumpRoomPower, range(0.0, 3000.0, &[])),
        (Control::HeatPumpHotWaterPower, range(0.0, 3000.0, &[])),
        (Control::HeatPumpCoolingPower, range(0.0, 2000.0, &[])),
        (Control::HeatPumpRoomShift, range(-3.0, 3.0, &[])),
        (Control::HeatPumpHotWaterShift, range(-10.0, 12.0, &[])),
        (Control::ComputeHeatRoute, range(0.0, 0.0, &["normal", "room", "tank", "outside"])),
    ]);
    let inverter = &mut site.devices[1];
    inverter.controls.extend([
        (Control::BatteryMode, range(0.0, 0.0, &["normal", "hold", "charge"])),
        (Control::BatteryChargePower, range(0.0, 5000.0, &[])),
        (Control::BatteryChargeLimit, range(0.0, 100.0, &[])),
        (Control::BatteryDischargeLimit, range(0.0, 100.0, &[])),
    ]);
    site
}

pub(crate) fn nothing() -> HouseIntent {
    HouseIntent {
        battery: Some(BatteryIntent::default()),
        battery_reason: Reason::OwnRule,
        heat_pump: Some(HeatPumpIntent::default()),
        heat_pump_reason: Reason::OwnRule,
        route: None,
        battery_power: Watts::ZERO,
        grid: Watts::ZERO,
        heat_pump_power: Watts::ZERO,
        curtailed: Watts::ZERO,
        room: None,
        tank: None,
        values: MarginalValues::default(),
        cost: Eur(0.0),
        cost_without: None,
        stores_without: None,
    }
}

pub(crate) fn slot(at: Timestamp, house: Option<HouseIntent>) -> PlannedSlot {
    let slot = Slot::containing(at);
    PlannedSlot {
        slot,
        start: slot.start(),
        import_price: Some(EurPerKwh(0.30)),
        export_price: EurPerKwh(0.08),
        estimated_from: None,
        pv: None,
        load: None,
        compute: Watts::ZERO,
        floor: Watts::ZERO,
        ceiling: Watts::ZERO,
        battery_first: false,
        stored: EurPerKwh(0.25),
        heat: Watts::ZERO,
        battery_soc: None,
        outdoor: None,
        reason: Reason::Idle,
        worth: Worth::default(),
        pv_spread: Watts::ZERO,
        load_spread: Watts::ZERO,
        house,
    }
}

/// A plant in `mode` that has this plan for the next two hours, and whose plan nobody replaces.
pub(crate) fn following(site: Site, mode: Mode, house: HouseIntent) -> Bench {
    let mut bench = Bench::new(site);
    bench.seen.push(("heat pump", Point::TankTemperature, 50.0));
    bench.give(Event::Command(Command::SetMode(mode)));
    let slots = (0..8).map(|ahead| slot(bench.now + TimeDelta::minutes(15 * ahead), Some(house))).collect();
    let plan = Plan { made_at: bench.now, mode, slots, expected_net: Eur(0.0) };
    bench.give(Event::Plan(Box::new(plan)));
    bench
}

fn set(bench: &mut Bench, seconds: u32) -> Vec<Setpoint> {
    (0..seconds).map(|_| bench.wake().0.decision.settings).last().unwrap()
}

pub(crate) fn of(settings: &[Setpoint], control: Control) -> (Setting, Reason) {
    let found = settings.iter().find(|setpoint| setpoint.setting.control() == control).unwrap();
    (found.setting, found.reason)
}

pub(crate) fn battery(intent: BatteryIntent, reason: Reason) -> HouseIntent {
    HouseIntent { battery: Some(intent), battery_reason: reason, ..nothing() }
}

pub(crate) const CHARGE: BatteryIntent =
    BatteryIntent { charge_min: Watts(3000.0), charge_max: None, discharge_max: None };
pub(crate) const HOLD: BatteryIntent =
    BatteryIntent { charge_min: Watts::ZERO, charge_max: None, discharge_max: Some(Watts::ZERO) };
const KEEP_ROOM: BatteryIntent =
    BatteryIntent { charge_min: Watts::ZERO, charge_max: Some(Watts::ZERO), discharge_max: None };

#[test]
fn the_battery_does_what_is_planned_for_it() {
    let own = |reason| (Setting::BatteryMode(BatteryMode::Normal), reason);
    let rows = [
        (BatteryIntent::default(), Reason::OwnRule, own(Reason::OwnRule), 0.0, 100.0, 100.0),
        (
            CHARGE,
            Reason::GridCharge,
            (Setting::BatteryMode(BatteryMode::Charge), Reason::GridCharge),
            3000.0,
            100.0,
            100.0,
        ),
        (HOLD, Reason::HoldForLater, (Setting::BatteryMode(BatteryMode::Hold), Reason::HoldForLater), 0.0, 100.0, 0.0),
        (KEEP_ROOM, Reason::KeepRoom, own(Reason::OwnRule), 0.0, 0.0, 100.0),
        (
            BatteryIntent {
                charge_max: Some(Watts(1000.0)),
                discharge_max: Some(Watts(2500.0)),
                ..BatteryIntent::default()
            },
            Reason::OwnRule,
            own(Reason::OwnRule),
            0.0,
            20.0,
            50.0,
        ),
    ];
    for (intent, reason, mode, charge, charges, gives) in rows {
        let settings = set(&mut following(steered(), Mode::Auto, battery(intent, reason)), 5);
        assert_eq!(of(&settings, Control::BatteryMode), mode, "{intent:?}");
        assert_eq!(
            of(&settings, Control::BatteryChargePower).0,
            Setting::BatteryChargePower(Watts(charge)),
            "{intent:?}"
        );
        assert_eq!(
            of(&settings, Control::BatteryChargeLimit).0,
            Setting::BatteryChargeLimit(Percent(charges)),
            "{intent:?}"
        );
        assert_eq!(
            of(&settings, Control::BatteryDischargeLimit).0,
            Setting::BatteryDischargeLimit(Percent(gives)),
            "{intent:?}"
        );
    }
    let settings = set(&mut following(steered(), Mode::Auto, battery(KEEP_ROOM, Reason::KeepRoom)), 5);
    assert_eq!(of(&settings, Control::BatteryChargeLimit).1, Reason::KeepRoom);
}

#[test]
fn charging_from_the_grid_leaves_the_fuse_and_the_grid_operator_the_last_word() {
    // The fuse of 17 kW less 2 %: 16,660 W. The meter shows what the house takes, of it the battery.
    let rows = [
        // grid, battery, dimmed to -> charged with, in steps of 50 W
        (300.0, 0.0, None, 3000.0),
        (14_360.0, 0.0, None, 2300.0),
        (16_660.0, -2300.0, None, 2300.0),
        (17_160.0, -2300.0, None, 1800.0),
        (16_600.0, 0.0, None, 0.0),
        (300.0, 0.0, Some(4200.0), 3000.0),
        (300.0, 0.0, Some(2000.0), 2000.0),
        (300.0, 0.0, Some(0.0), 0.0),
    ];
    for (grid, power, dimmed, charged) in rows {
        let mut bench = following(steered(), Mode::Auto, battery(CHARGE, Reason::GridCharge));
        bench.give(Event::Command(Command::GridDimming(dimmed.map(Watts))));
        bench.see(Point::GridPower, grid);
        bench.see(Point::BatteryPower, power);
        let settings = set(&mut bench, 3);
        let row = format!("{grid} {power} {dimmed:?}");
        assert_eq!(of(&settings, Control::BatteryChargePower).0, Setting::BatteryChargePower(Watts(charged)), "{row}");
        let (mode, reason) = of(&settings, Control::BatteryMode);
        match charged > 0.0 {
            true => {
                assert_eq!((mode, reason), (Setting::BatteryMode(BatteryMode::Charge), Reason::GridCharge), "{row}")
            }
            false => {
                assert_eq!(mode, Setting::BatteryMode(BatteryMode::Hold), "{row}: what may not be bought is not given");
                assert_eq!(reason, if dimmed.is_some() { Reason::GridDimmed } else { Reason::FuseLimit }, "{row}");
            }
        }
    }
}

#[test]
fn a_kettle_takes_from_the_charging_at_once_and_gives_back_a_minute_later() {
    let mut bench = following(steered(), Mode::Auto, battery(CHARGE, Reason::GridCharge));
    let charge = |bench: &mut Bench, seconds| of(&set(bench, seconds), Control::BatteryChargePower).0;
    assert_eq!(charge(&mut bench, 5), Setting::BatteryChargePower(Watts(3000.0)));
    bench.see(Point::BatteryPower, -3000.0);
    bench.see(Point::GridPower, 17_700.0);
    let lowered = charge(&mut bench, 2);
    assert_eq!(lowered, Setting::BatteryChargePower(Watts(1950.0)));
    bench.see(Point::BatteryPower, -1950.0);
    bench.see(Point::GridPower, 10_000.0);
    assert_eq!(charge(&mut bench, 30), lowered);
    assert_eq!(charge(&mut bench, 60), Setting::BatteryChargePower(Watts(3000.0)));
}

#[test]
fn nothing_is_bought_blindly() {
    for lost in [Point::GridPower, Point::BatterySoc, Point::BatteryPower] {
        let mut bench = following(steered(), Mode::Auto, battery(CHARGE, Reason::GridCharge));
        assert_eq!(of(&set(&mut bench, 5), Control::BatteryMode).0, Setting::BatteryMode(BatteryMode::Charge));
        bench.lose(lost);
        let settings = set(&mut bench, 3);
        assert!(settings.iter().all(|setpoint| setpoint.setting.is_safe()), "{lost}: {settings:?}");
        assert_eq!(of(&settings, Control::BatteryMode).1, Reason::StaleData, "{lost}");
    }
    // The price of this slot is not published: what is planned to be bought is at least not given.
    let mut site = steered();
    site.tariff.import = Price::spot(EurPerKwh(0.15), 0.19);
    let settings = set(&mut following(site, Mode::Auto, battery(CHARGE, Reason::GridCharge)), 5);
    assert_eq!(of(&settings, Control::BatteryMode).0, Setting::BatteryMode(BatteryMode::Hold));
    assert!(of(&settings, Control::BatteryChargePower).0.is_safe());
}

#[test]
fn a_battery_at_its_reserve_holds_and_one_that_is_in_the_way_of_curtailed_sun_does_not() {
    let mut bench = following(steered(), Mode::Auto, battery(BatteryIntent::default(), Reason::OwnRule));
    bench.see(Point::BatterySoc, 10.0);
    let mode = |bench: &mut Bench, seconds| of(&set(bench, seconds), Control::BatteryMode);
    assert_eq!(mode(&mut bench, 3), (Setting::BatteryMode(BatteryMode::Hold), Reason::BatteryReserve));
    bench.see(Point::BatterySoc, 11.0);
    assert_eq!(mode(&mut bench, 300).0, Setting::BatteryMode(BatteryMode::Hold));
    bench.see(Point::BatterySoc, 13.0);
    assert_eq!(mode(&mut bench, 3).0, Setting::BatteryMode(BatteryMode::Normal));

    let mut bench = following(steered(), Mode::Auto, battery(KEEP_ROOM, Reason::KeepRoom));
    let limit = |bench: &mut Bench, seconds| of(&set(bench, seconds), Control::BatteryChargeLimit).0;
    bench.see(Point::PvPower, 8000.0);
    bench.see(Point::GridPower, -5000.0);
    assert_eq!(limit(&mut bench, 5), Setting::BatteryChargeLimit(Percent(0.0)));
    bench.see(Point::GridPower, -7000.0);
    assert_eq!(limit(&mut bench, 5), Setting::BatteryChargeLimit(Percent(100.0)));
}

#[test]
fn a_device_does_what_comes_nearest() {
    let rows: [(&[&str], bool, BatteryIntent, BatteryMode); 5] = [
        (&["normal", "hold"], false, CHARGE, BatteryMode::Hold),
        // It charges with 5000 W, whatever is planned.
        (&["normal", "hold", "charge"], false, CHARGE, BatteryMode::Charge),
        (
            &["normal", "hold", "charge"],
            false,
            BatteryIntent { charge_min: Watts(1000.0), ..CHARGE },
            BatteryMode::Hold,
        ),
        (&["normal", "hold"], false, BatteryIntent { discharge_max: Some(Watts(200.0)), ..HOLD }, BatteryMode::Hold),
        (&["normal", "hold"], true, BatteryIntent { discharge_max: Some(Watts(200.0)), ..HOLD }, BatteryMode::Normal),
    ];
    for (words, limits, intent, mode) in rows {
        let mut site = steered();
        let controls = &mut site.devices[1].controls;
        controls.get_mut(&Control::BatteryMode).unwrap().words = words.iter().copied().collect();
        controls.remove(&Control::BatteryChargePower);
        if !limits {
            controls.remove(&Control::BatteryDischargeLimit);
        }
        let settings = set(&mut following(site, Mode::Auto, battery(intent, Reason::HoldForLater)), 5);
        assert_eq!(of(&settings, Control::BatteryMode).0, Setting::BatteryMode(mode), "{words:?} {intent:?}");
    }
}

pub(crate) fn heat(intent: HeatPumpIntent, reason: Reason, room: f64, tank: f64) -> HouseIntent {
    HouseIntent {
        heat_pump: Some(intent),
        heat_pump_reason: reason,
        room: Some(Celsius(room)),
        tank: Some(Celsius(tank)),
        ..nothing()
    }
}

pub(crate) const fn watts(room: f64, tank: f64) -> HeatPumpIntent {
    HeatPumpIntent { room: Some(Watts(room)), tank: Some(Watts(tank)), cooling: None }
}

#[test]
fn the_heat_pump_gets_its_power_or_a_set_point_that_comes_to_the_same() {
    // The room at 21.0, the tank at 50.0; own set points of 20.5 and 47 to 53. The slot has just begun.
    let rows = [
        // intent, room and tank at the slot's end -> shift of the room, of the tank
        (HeatPumpIntent::default(), 21.0, 50.0, 0.0, 0.0),
        // Resting in a room at 21.0: below it. The tank would not start, and would go on up to 53: 50 - 53 - 0.5.
        (watts(0.0, 0.0), 20.9, 49.5, -0.5, -3.5),
        // Heating by 0.2 K in a quarter hour: 0.7 K, and what moves the air.
        (watts(2000.0, 0.0), 21.2, 49.5, 1.0, -3.5),
        // Up to the range.
        (watts(3000.0, 0.0), 24.0, 49.5, 3.0, -3.5),
        // From 50 to 56: above 53 by 3, and it must start: on below 47 + 3.5 = 50.5.
        (watts(0.0, 2000.0), 20.9, 56.0, -0.5, 3.5),
        // Against legionella.
        (watts(0.0, 2000.0), 20.9, 62.0, -0.5, 9.5),
    ];
    for (intent, room, tank, room_shift, tank_shift) in rows {
        let house = heat(intent, Reason::Preheat, room, tank);
        let settings = set(&mut following(steered(), Mode::Auto, house), 3);
        let row = format!("{intent:?} {room} {tank}");
        assert_eq!(of(&settings, Control::HeatPumpRoomPower).0, Setting::HeatPumpRoomPower(intent.room), "{row}");
        assert_eq!(
            of(&settings, Control::HeatPumpHotWaterPower).0,
            Setting::HeatPumpHotWaterPower(intent.tank),
            "{row}"
        );
        assert_eq!(
            of(&settings, Control::HeatPumpRoomShift).0,
            Setting::HeatPumpRoomShift(Kelvins(room_shift)),
            "{row}"
        );
        assert_eq!(
            of(&settings, Control::HeatPumpHotWaterShift).0,
            Setting::HeatPumpHotWaterShift(Kelvins(tank_shift)),
            "{row}"
        );
    }
}

#[test]
fn a_set_point_is_set_once_a_slot() {
    let house = heat(watts(2000.0, 0.0), Reason::Preheat, 21.2, 49.5);
    let mut bench = following(steered(), Mode::Auto, house);
    let mut found = Vec::new();
    for second in 0..890 {
        bench.see(Point::RoomTemperature, 21.0 + f64::from(second % 3) * 0.1);
        let setting = of(&set(&mut bench, 1), Control::HeatPumpRoomShift).0;
        if found.last() != Some(&setting) {
            found.push(setting);
        }
    }
    assert_eq!(found, [Setting::HeatPumpRoomShift(Kelvins(1.0))]);
}

#[test]
fn the_own_rule_takes_over_where_it_is_cold_and_where_thermometers_are_silent() {
    let resting = heat(watts(0.0, 0.0), Reason::HoldForLater, 20.9, 49.5);
    let rows = [
        // room, tank -> room's power and why, tank's
        (19.6, 50.0, Some(0.0), Some(0.0), Reason::HoldForLater),
        (19.4, 50.0, None, Some(0.0), Reason::Comfort),
        (21.0, 41.0, Some(0.0), Some(0.0), Reason::HoldForLater),
        (21.0, 39.0, Some(0.0), None, Reason::HoldForLater),
        (27.0, 50.0, Some(0.0), Some(0.0), Reason::TooHot),
    ];
    for (room, tank, of_room, of_tank, why) in rows {
        let mut bench = following(steered(), Mode::Auto, resting);
        bench.see(Point::RoomTemperature, room);
        bench.see(Point::TankTemperature, tank);
        let settings = set(&mut bench, 3);
        let room_power = of(&settings, Control::HeatPumpRoomPower);
        assert_eq!(room_power, (Setting::HeatPumpRoomPower(of_room.map(Watts)), why), "{room} {tank}");
        let tank_power = of(&settings, Control::HeatPumpHotWaterPower).0;
        assert_eq!(tank_power, Setting::HeatPumpHotWaterPower(of_tank.map(Watts)), "{room} {tank}");
    }
    let mut bench = following(steered(), Mode::Auto, resting);
    set(&mut bench, 3);
    bench.lose(Point::RoomTemperature);
    let settings = set(&mut bench, 3);
    assert_eq!(of(&settings, Control::HeatPumpRoomPower), (Setting::HeatPumpRoomPower(None), Reason::StaleData));
    assert!(of(&settings, Control::HeatPumpRoomShift).0.is_safe());
    assert_eq!(of(&settings, Control::HeatPumpHotWaterPower).0, Setting::HeatPumpHotWaterPower(Some(Watts::ZERO)));
}

#[test]
fn a_full_connection_takes_from_the_rooms_before_the_tank() {
    let house = heat(watts(1500.0, 1500.0), Reason::Preheat, 21.2, 51.0);
    let rows = [
        // grid, of it the heat pump, dimmed to -> rooms, tank
        (3300.0, 3000.0, None, 1500.0, 1500.0),
        (17_660.0, 3000.0, None, 500.0, 1500.0),
        (19_160.0, 3000.0, None, 0.0, 500.0),
        (3300.0, 3000.0, Some(2000.0), 500.0, 1500.0),
        (3300.0, 3000.0, Some(0.0), 0.0, 0.0),
    ];
    for (grid, drawn, dimmed, room, tank) in rows {
        let mut bench = following(steered(), Mode::Auto, house);
        bench.give(Event::Command(Command::GridDimming(dimmed.map(Watts))));
        bench.see(Point::GridPower, grid);
        bench.see(Point::HeatPumpPower, drawn);
        let settings = set(&mut bench, 3);
        let row = format!("{grid} {dimmed:?}");
        assert_eq!(of(&settings, Control::HeatPumpRoomPower).0, Setting::HeatPumpRoomPower(Some(Watts(room))), "{row}");
        let hot_water = Setting::HeatPumpHotWaterPower(Some(Watts(tank)));
        assert_eq!(of(&settings, Control::HeatPumpHotWaterPower).0, hot_water, "{row}");
    }
}

/// The same house with a heat pump that can only be offered power.
fn offered() -> Site {
    let mut site = steered();
    site.devices[0].controls.retain(|control, _| matches!(control, Control::HeatPumpMode | Control::HeatPumpSurplus));
    site
}

#[test]
fn what_is_planned_is_offered_whoever_makes_it() {
    let offer = |house: HouseIntent, grid: f64| {
        let mut bench = following(offered(), Mode::Auto, house);
        bench.see(Point::GridPower, grid);
        bench.see(Point::PvPower, (300.0 - grid).max(0.0));
        let settings = set(&mut bench, 130);
        (of(&settings, Control::HeatPumpSurplus), of(&settings, Control::HeatPumpMode))
    };
    let safe = (Setting::HeatPumpSurplus(Watts::ZERO), Setting::HeatPumpMode(HeatPumpMode::Normal));
    let settings = |((offer, _), (mode, _)): ((Setting, Reason), (Setting, Reason))| (offer, mode);
    // From the grid, because heat is cheaper now than later.
    let preheat = heat(watts(1500.0, 500.0), Reason::Preheat, 21.5, 50.0);
    let (surplus, mode) = offer(preheat, 300.0);
    assert_eq!(surplus, (Setting::HeatPumpSurplus(Watts(2000.0)), Reason::Preheat));
    assert_eq!(mode, (Setting::HeatPumpMode(HeatPumpMode::Boost), Reason::Preheat));
    assert_eq!(settings(offer(preheat, 17_000.0)), safe, "above the fuse nothing is offered");
    // Its own rule says nothing of offers.
    assert_eq!(settings(offer(heat(watts(1500.0, 0.0), Reason::Comfort, 21.0, 50.0), 300.0)), safe);
    let left_over = settings(offer(nothing(), -3000.0));
    let HouseIntent { values, .. } = nothing();
    assert_eq!(values, MarginalValues::default());
    assert_eq!(left_over, safe, "heat that is worth nothing leaves the surplus to the grid");
    let worth = MarginalValues { room: EurPerKwh(0.03), ..MarginalValues::default() };
    let wanted = HouseIntent { values: worth, ..nothing() };
    let (surplus, _) = settings(offer(wanted, -3000.0));
    assert!(matches!(surplus, Setting::HeatPumpSurplus(watts) if watts >= Watts(1500.0)), "{surplus:?}");
}

#[test]
fn computes_heat_goes_the_way_that_takes_most_of_it() {
    let rows = [
        (HeatRoute { room: 0.7, tank: 0.2, source: 0.0 }, 21.0, Some(HeatSink::Room)),
        (HeatRoute { room: 0.2, tank: 0.7, source: 0.0 }, 21.0, Some(HeatSink::Tank)),
        (HeatRoute { room: 0.2, tank: 0.2, source: 0.0 }, 21.0, Some(HeatSink::Outside)),
        (HeatRoute { room: 0.9, tank: 0.0, source: 0.0 }, 27.0, Some(HeatSink::Outside)),
        // Its device does not know that way.
        (HeatRoute { room: 0.0, tank: 0.0, source: 1.0 }, 21.0, None),
    ];
    for (route, room, sink) in rows {
        let mut bench = following(steered(), Mode::Auto, HouseIntent { route: Some(route), ..nothing() });
        bench.see(Point::RoomTemperature, room);
        assert_eq!(of(&set(&mut bench, 3), Control::ComputeHeatRoute).0, Setting::ComputeHeatRoute(sink), "{route:?}");
    }
    assert!(of(&set(&mut following(steered(), Mode::Auto, nothing()), 3), Control::ComputeHeatRoute).0.is_safe());
}

#[test]
fn only_auto_and_eco_follow_the_plan() {
    let house = HouseIntent {
        battery: Some(CHARGE),
        route: Some(HeatRoute { room: 1.0, tank: 0.0, source: 0.0 }),
        ..heat(watts(2000.0, 500.0), Reason::Preheat, 21.5, 52.0)
    };
    for mode in Mode::ALL {
        let settings = set(&mut following(steered(), mode, house), 130);
        let follows = matches!(mode, Mode::Auto | Mode::Eco);
        for control in [
            Control::BatteryMode,
            Control::BatteryChargePower,
            Control::HeatPumpRoomPower,
            Control::HeatPumpRoomShift,
            Control::ComputeHeatRoute,
        ] {
            let (setting, reason) = of(&settings, control);
            assert_eq!(setting.is_safe(), !follows, "{mode} {control}: {setting:?}");
            assert_eq!(reason == Reason::Off, mode == Mode::Off, "{mode} {control}: {reason}");
        }
        // What is set is not offered as well.
        assert!(of(&settings, Control::HeatPumpSurplus).0.is_safe(), "{mode}");
    }
}

fn some_watts() -> impl Strategy<Value = Option<Watts>> {
    proptest::option::of((0.0..9000.0).prop_map(Watts))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_planned_and_read_no_setpoint_leaves_its_range(
        mode in 0..Mode::ALL.len(),
        (charge, charge_max, discharge_max) in (0.0..9000.0, some_watts(), some_watts()),
        (room, tank, cooling) in (some_watts(), some_watts(), some_watts()),
        (then, hot) in (10.0..30.0, 20.0..70.0),
        readings in proptest::collection::vec((-8000.0..20_000.0, -5000.0..5000.0, 0.0..100.0, 15.0..30.0, 20.0..70.0), 1..6),
        (limit, reason) in (proptest::option::of(0.0..6000.0), 0..Reason::ALL.len()),
    ) {
        let mode = Mode::ALL[mode];
        let house = HouseIntent {
            battery: Some(BatteryIntent { charge_min: Watts(charge), charge_max, discharge_max }),
            route: Some(HeatRoute { room: 0.4, tank: 0.4, source: 0.1 }),
            ..heat(HeatPumpIntent { room, tank, cooling }, Reason::ALL[reason], then, hot)
        };
        let mut bench = following(steered(), mode, house);
        bench.give(Event::Command(Command::GridDimming(limit.map(Watts))));
        let site = steered();
        for (grid, battery, soc, warm, hot) in readings {
            for (point, value) in [
                (Point::GridPower, grid), (Point::BatteryPower, battery), (Point::BatterySoc, soc),
                (Point::RoomTemperature, warm), (Point::TankTemperature, hot),
            ] {
                bench.see(point, value);
            }
            for settings in (0..40).map(|_| bench.wake().0.decision.settings) {
                for Setpoint { device, setting, .. } in &settings {
                    let controls = site.devices.iter().find(|found| found.id == *device).map(|found| &found.controls);
                    let range = controls.and_then(|controls| controls.get(&setting.control()));
                    if let (Some(range), Some(number)) = (range, setting.number()) {
                        prop_assert!(number.is_finite());
                        prop_assert!(setting.is_safe() || (range.min..=range.max).contains(&number), "{:?}", setting);
                    }
                }
                let (set, _) = of(&settings, Control::BatteryMode);
                let charging = !of(&settings, Control::BatteryChargePower).0.is_safe();
                prop_assert_eq!(charging, set == Setting::BatteryMode(BatteryMode::Charge), "hold and charge never together");
                if matches!(mode, Mode::Off | Mode::Heat) {
                    prop_assert!(settings.iter().all(|setpoint| setpoint.setting.is_safe() || setpoint.device.0 == "worker"));
                }
                if let (Some(limit), Setting::BatteryChargePower(power)) = (limit, of(&settings, Control::BatteryChargePower).0) {
                    prop_assert!(power.0 <= limit + 1e-6, "without sun the operator's limit bounds charging");
                }
            }
        }
    }
}
