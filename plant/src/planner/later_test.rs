//! What was sent before happens first.

use super::*;
use crate::command::Mode;
use crate::plan::{BatteryIntent, HeatPumpIntent, HeatRoute, MarginalValues, Warmth};
use crate::reason::{Reason, Worth};
use crate::site::building::Fabric;
use crate::site::{HeatSource, Store};
use crate::test_site::{at, site};
use crate::time::{Slot, Timestamp};
use crate::units::{Eur, EurPerKwh};
use crate::work::Due;
use std::sync::Arc;

fn start() -> Timestamp {
    at("2026-01-10T12:00:00Z")
}

/// Slots of 3 kW of sun, 0.4 kW of household and nothing else, from noon on.
fn request(site: Site) -> PlanRequest {
    let slot = |ahead| ExpectedSlot {
        slot: Slot::containing(start()).plus(ahead),
        import_price: Some(EurPerKwh(0.3)),
        export_price: Some(EurPerKwh(0.08)),
        estimated_from: None,
        pv: Some(Watts(3000.0)),
        load: Some(Watts(400.0)),
        heat_pump: Some(Watts::ZERO),
        outdoor: Some(Celsius(0.0)),
        carbon: None,
        pv_spread: Watts::ZERO,
        load_spread: Watts::ZERO,
        irradiance: Some(0.0),
        hot_water: Some(Watts::ZERO),
        hot_water_margin: [0.0; 3],
        summer: false,
    };
    PlanRequest {
        at: start() + chrono::TimeDelta::seconds(20),
        site: Arc::new(site),
        mode: Mode::Auto,
        boost: None,
        power_limit: Watts(1000.0),
        grid_dimming: None,
        slots: (0..8).map(slot).collect(),
        soc: Some(Percent(50.0)),
        room: Some(Celsius(21.0)),
        tank: None,
        outdoor_mean: Some(Celsius(0.0)),
        running_since: None,
        backlog: Backlog::default(),
        tokens_per_kwh: 1e6,
        warmth: None,
        arrivals: Vec::new(),
        disinfected: None,
        before: None,
    }
}

/// What was sent for a slot.
fn sent(floor: f64, ceiling: f64, battery_first: bool, house: Option<HouseIntent>) -> PlannedSlot {
    PlannedSlot {
        slot: Slot::containing(start()),
        start: start(),
        import_price: None,
        export_price: EurPerKwh(0.08),
        estimated_from: None,
        pv: None,
        load: None,
        compute: Watts(floor),
        floor: Watts(floor),
        ceiling: Watts(ceiling),
        battery_first,
        stored: EurPerKwh::ZERO,
        heat: Watts::ZERO,
        battery_soc: None,
        outdoor: None,
        reason: Reason::Surplus,
        worth: Worth::default(),
        pv_spread: Watts::ZERO,
        load_spread: Watts::ZERO,
        house,
    }
}

fn intent(battery: BatteryIntent, heat_pump: HeatPumpIntent) -> HouseIntent {
    HouseIntent {
        battery: Some(battery),
        battery_reason: Reason::OwnRule,
        heat_pump: Some(heat_pump),
        heat_pump_reason: Reason::OwnRule,
        route: Some(HeatRoute { room: 1.0, ..HeatRoute::default() }),
        battery_power: Watts::ZERO,
        grid: Watts::ZERO,
        heat_pump_power: Watts::ZERO,
        curtailed: Watts::ZERO,
        room: Some(Celsius(20.9)),
        tank: Some(Celsius(49.5)),
        values: MarginalValues::default(),
        cost: Eur::ZERO,
        cost_without: None,
        stores_without: None,
    }
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
}

fn soc(request: &PlanRequest) -> f64 {
    request.soc.unwrap().0
}

#[test]
fn nothing_under_way_changes_nothing() {
    let request = request(site());
    assert_eq!(later(&request, &[]), request);
}

#[test]
fn each_answer_under_way_is_a_slot() {
    let request = request(site());
    let moved = later(&request, &[sent(0.0, 0.0, false, None), sent(0.0, 0.0, false, None)]);
    assert_eq!(moved.at, start() + chrono::TimeDelta::seconds(1800));
    assert_eq!(moved.slots, request.slots[2..]);
    // 2.6 kW of surplus into 10 kWh at 0.9 there and back.
    near(soc(&moved), 50.0 + 2.0 * 2.6 * 0.25 * 0.9_f64.sqrt() * 10.0);
    // One slot is always left to plan.
    assert_eq!(later(&request, &vec![sent(0.0, 0.0, false, None); 20]).slots.len(), 1);
}

#[test]
fn compute_follows_the_surplus_within_its_bounds_before_or_after_the_battery() {
    let one_way = 0.9_f64.sqrt();
    let rows = [
        // floor, ceiling, battery first -> compute runs, what the battery takes in kW
        (0.0, 1000.0, false, true, 1.6),
        (0.0, 1000.0, true, false, 2.6),
        (1000.0, 1000.0, true, true, 1.6),
        (300.0, 1000.0, true, true, 2.3),
        (0.0, 100.0, false, false, 2.6),
    ];
    for (floor, ceiling, battery_first, runs, taken) in rows {
        let moved = later(&request(site()), &[sent(floor, ceiling, battery_first, None)]);
        assert_eq!(moved.running_since, runs.then_some(start()), "{floor} {ceiling} {battery_first}");
        near(soc(&moved), 50.0 + taken * 0.25 * one_way * 10.0);
    }
    // What the battery cannot take is left to compute: 5 kW at most.
    let mut sunny = request(site());
    sunny.slots[0].pv = Some(Watts(6400.0));
    let moved = later(&sunny, &[sent(0.0, 1000.0, true, None)]);
    assert!(moved.running_since.is_some());
    near(soc(&moved), 50.0 + 5.0 * 0.25 * one_way * 10.0);
    // It has been running, and goes on.
    let mut running = request(site());
    running.running_since = Some(at("2026-01-10T10:00:00Z"));
    assert_eq!(later(&running, &[sent(500.0, 500.0, false, None)]).running_since, running.running_since);
    assert_eq!(later(&running, &[sent(0.0, 0.0, false, None)]).running_since, None);
}

#[test]
fn the_battery_keeps_within_what_it_was_set_to() {
    let battery = |charge_min: f64, charge_max: Option<f64>, discharge_max: Option<f64>| BatteryIntent {
        charge_min: Watts(charge_min),
        charge_max: charge_max.map(Watts),
        discharge_max: discharge_max.map(Watts),
    };
    let one_way = 0.9_f64.sqrt();
    let rows = [
        // PV in W, the battery's bounds -> change of what is stored, kW
        (0.0, battery(0.0, None, None), -0.4 / one_way),
        (0.0, battery(0.0, None, Some(0.0)), 0.0),
        (0.0, battery(0.0, None, Some(100.0)), -0.1 / one_way),
        (0.0, battery(2000.0, None, None), 2.0 * one_way),
        (3000.0, battery(0.0, Some(0.0), None), 0.0),
        (3000.0, battery(0.0, Some(1000.0), None), one_way),
    ];
    for (pv, battery, change) in rows {
        let mut request = request(site());
        request.slots[0].pv = Some(Watts(pv));
        let moved = later(&request, &[sent(0.0, 0.0, false, Some(intent(battery, HeatPumpIntent::default())))]);
        near(soc(&moved), 50.0 + change * 0.25 * 10.0);
    }
}

#[test]
fn work_that_is_done_meanwhile_no_longer_waits() {
    let mut site = site();
    site.work.standing = EurPerKwh::ZERO;
    let mut request = request(site);
    let due = |hours: i64, tokens| Due { at: start() + chrono::TimeDelta::hours(hours), tokens };
    request.backlog = Backlog {
        interactive: 1,
        jobs: 2,
        tokens: 400_000,
        value: Eur(0.2),
        due: vec![due(2, 200_000), due(5, 100_000)],
    };
    // 1 kW for a quarter hour does 250,000 of them.
    let moved = later(&request, &[sent(1000.0, 1000.0, false, None)]);
    assert_eq!((moved.backlog.tokens, moved.backlog.jobs), (150_000, 2));
    assert_eq!(moved.backlog.due, [due(5, 50_000)]);
    near(moved.backlog.value.0, 0.075);
    // No more is done than waits.
    let moved = later(&request, &vec![sent(1000.0, 1000.0, false, None); 3]);
    assert_eq!(moved.backlog, Backlog { interactive: 1, ..Backlog::default() });
    assert_eq!(moved.running_since, None);
}

#[test]
fn room_and_mass_follow_the_heat_that_was_sent_and_without_a_model_the_plan() {
    let fabric = Fabric {
        air_kwh_per_k: 2.0,
        mass_kwh_per_k: 10.0,
        coupling_kw_per_k: 1.5,
        envelope_kw_per_k: 0.12,
        ventilation_winter_kw_per_k: 0.06,
        ventilation_summer_kw_per_k: 0.3,
        gain_kw: 0.0,
        gain_of_household: 0.0,
        gain_of_sun_m2: 0.0,
        summer_shade: 1.0,
        heat_pump_to_air: 0.5,
        compute_to_air: 0.5,
    };
    let mut warm = request(site());
    warm.warmth = Some(Warmth { fabric, mass: Celsius(21.0), cop_scale: 1.0 });
    let heated = |power: f64| {
        let pump = HeatPumpIntent { room: Some(Watts(power)), ..HeatPumpIntent::default() };
        later(&warm, &[sent(0.0, 0.0, false, Some(intent(BatteryIntent::default(), pump)))])
    };
    let (cold, hot) = (heated(0.0), heated(2000.0));
    let energy = |moved: &PlanRequest| 2.0 * moved.room.unwrap().0 + 10.0 * moved.warmth.unwrap().mass.0;
    let Some(HeatSource::HeatPump { .. }) = warm.site.displaced else { panic!("{:?}", warm.site.displaced) };
    let cop = HeatPump::of(&warm.site).unwrap().cop_room(0.0);
    // All of its heat is in the house, but for what the warmer house loses of it.
    let given = energy(&hot) - energy(&cold);
    assert!((given - 2.0 * 0.25 * cop).abs() < 0.01, "{given} of {}", 2.0 * 0.25 * cop);
    // The house without it loses 0.18 kW/K at 21 K.
    let lost = 12.0 * 21.0 - energy(&cold);
    assert!((lost - 0.18 * 21.0 * 0.25).abs() < 0.01, "{lost}");
    // Without a model of the house the plan is believed.
    let moved = later(
        &request(site()),
        &[sent(0.0, 0.0, false, Some(intent(BatteryIntent::default(), HeatPumpIntent::default())))],
    );
    assert_eq!(moved.room, Some(Celsius(20.9)));
    assert_eq!(later(&request(site()), &[sent(0.0, 0.0, false, None)]).room, Some(Celsius(21.0)));
}

#[test]
fn the_tank_follows_what_is_drawn_and_what_it_was_given() {
    let mut site = site();
    site.tank = Some(Store { capacity_kwh_per_k: 0.35, loss_kw_per_k: 0.0, low: Celsius(45.0), high: Celsius(60.0) });
    let mut request = request(site);
    request.tank = Some(Celsius(50.0));
    request.slots[0].hot_water = Some(Watts(1400.0));
    let pump = HeatPumpIntent { tank: Some(Watts(1000.0)), ..HeatPumpIntent::default() };
    let house = Some(intent(BatteryIntent::default(), pump));
    let cop = HeatPump::of(&request.site).unwrap().cop_tank(request.site.building.hot_water.sink, 50.0, 0.0);
    let moved = later(&request, &[sent(0.0, 0.0, false, house)]);
    near(moved.tank.unwrap().0, 50.0 + (cop - 1.4) * 0.25 / 0.35);
    // What is drawn is not known: the plan is believed.
    request.slots[0].hot_water = None;
    assert_eq!(later(&request, &[sent(0.0, 0.0, false, house)]).tank, Some(Celsius(49.5)));
}

#[test]
fn where_sun_or_household_are_not_known_the_battery_stays_and_compute_does_what_was_planned() {
    let mut request = request(site());
    request.slots[0].pv = None;
    let moved = later(&request, &[sent(500.0, 1000.0, false, None)]);
    near(soc(&moved), 50.0);
    assert_eq!(moved.running_since, Some(start()));
}
