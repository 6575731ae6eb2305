//! The baseline beside two simulated houses, one with compute and one without: what it says of the one without must be what that did.

use crate::baseline::{Baseline, BaselineState, Passed, Without};
use crate::decision::BatteryMode;
use crate::history::Quarter;
use crate::house::{Around, Controls, Flows, House};
use crate::knowing::Knowing;
use crate::plan::HeatRoute;
use crate::site::building::{Building, Cooling, HeatCurve, Legionella};
use crate::site::{HeatSink, HeatSource, Site, Store};
use crate::test_site::{self, fabric};
use crate::time::Slot;
use crate::units::*;

/// Midnight of 1 January 2024, UTC.
const JANUARY: Slot = Slot(1_893_408);
const DAY: i64 = 96;

fn site() -> Site {
    let mut site = test_site::site();
    site.displaced = Some(HeatSource::HeatPump { carnot: 0.4, flow: Celsius(38.0), power_max: Watts(3_000.0) });
    site.compute.max = Watts(3_000.0);
    site.room = None;
    site.tank =
        Some(Store { capacity_kwh_per_k: 0.35, loss_kw_per_k: 0.0025, low: Celsius(45.0), high: Celsius(60.0) });
    site.building = Building { fabric: Some(fabric()), ..Building::default() };
    site.building.compute_heat.room_below_winter = Some(Celsius(22.0));
    site
}

/// The weather and household of a slot: cold nights, some sun, an evening peak, a shower in the morning.
fn around(slot: Slot, warmth: f64) -> Around {
    let hour = slot.0.rem_euclid(DAY) as f64 / 4.0;
    let day = slot.0.div_euclid(DAY) as f64;
    let noon = ((hour - 12.0) / 3.0).powi(2);
    let clouds = 0.5 + 0.5 * (day * 1.7).sin();
    let evening = ((hour - 19.0) / 2.0).powi(2);
    Around {
        pv: Watts(6_000.0 * clouds * (-noon).exp()),
        sun: 500.0 * clouds * (-noon).exp(),
        outdoor: Celsius(warmth + 3.0 * (day * 0.9).sin() + 4.0 * (-noon).exp()),
        household: Watts(300.0 + 1_200.0 * (-evening).exp()),
        hot_water: Watts(if (28..32).contains(&slot.0.rem_euclid(DAY)) { 3_000.0 } else { 0.0 }),
        compute: Watts::ZERO,
        export_pays: true,
    }
}

/// Compute that runs around noon and in the evening of two days of three.
fn compute(slot: Slot) -> Watts {
    let quarter = slot.0.rem_euclid(DAY);
    let runs = (40..56).contains(&quarter) || (72..84).contains(&quarter);
    if runs && slot.0.div_euclid(DAY) % 3 > 0 { Watts(2_500.0) } else { Watts::ZERO }
}

/// What a slot of the baseline came to, and of the house that never computed.
#[derive(Debug, Default)]
struct Sums {
    baseline: Without,
    import: f64,
    export: f64,
    heat_pump: f64,
    hot_water: f64,
    real_import: f64,
    spread: f64,
}

struct Play {
    /// What the baseline knows.
    known: Site,
    /// What the houses are.
    site: Site,
    warmth: f64,
    slots: i64,
    baseline: Baseline,
    houses: (House, House),
    /// What the plan sets the devices of the house with compute to.
    steered: fn(Slot) -> Controls,
    knowing: Option<Knowing>,
}

impl Play {
    fn new(site: Site, known: Site) -> Self {
        let baseline = Baseline::new(&known, None);
        let houses = (House::new(&site), House::new(&site));
        let steered = |_| Controls::default();
        Self { known, site, warmth: 0.0, slots: 28 * DAY, baseline, houses, steered, knowing: None }
    }

    fn passed(&mut self, slot: Slot, compute: Watts) -> (Passed, Flows, Flows) {
        let around = Around { compute, ..around(slot, self.warmth) };
        let soc = |house: &House| Some(Percent(100.0 * (house.stored() / KilowattHours(10.0))));
        let house = &mut self.houses.0;
        let (room, tank, charged) = (Some(house.room()), house.tank(), soc(house));
        house.controls = (self.steered)(slot);
        let Controls { room_power, hot_water_power, cooling_power, heat_route, .. } = house.controls;
        let flows = house.step(slot.start(), &around, Slot::LENGTH);
        let metered = self.known.offers(crate::point::Point::HeatPumpPower);
        let passed = Passed {
            sunny: true,
            slot,
            observed: Slot::LENGTH,
            pv: Some(around.pv),
            // What no device measures counts as the household's, the fan that carries heat out too.
            load: Some(flows.household + flows.fan + if metered { Watts::ZERO } else { flows.heat_pump }),
            grid: Some(flows.grid),
            compute: Some(compute),
            route: heat_route.map(|sink| HeatRoute {
                room: if sink == HeatSink::Room { 1.0 } else { 0.0 },
                tank: if sink == HeatSink::Tank { 1.0 } else { 0.0 },
                source: 0.0,
            }),
            cools: cooling_power.is_some_and(|power| power > Watts::ZERO),
            heat_pump: metered.then_some(flows.heat_pump),
            hot_water: metered.then_some(flows.hot_water),
            battery: Some(flows.battery),
            own_rule: room_power.is_none() && hot_water_power.is_none(),
            outdoor: Some(around.outdoor),
            sun: Some(around.sun),
            room: (room, Some(house.room())),
            tank: (tank, house.tank()),
            soc: (charged, soc(house)),
            export_pays: Some(true),
        };
        let without = self.houses.1.step(slot.start(), &Around { compute: Watts::ZERO, ..around }, Slot::LENGTH);
        (passed, flows, without)
    }

    /// The building by its history.
    fn learn(&mut self, passed: &Passed) {
        let Some(knowing) = &mut self.knowing else { return };
        let quarter = Quarter {
            slot: passed.slot,
            load: passed.load,
            heat_pump: passed.heat_pump,
            hot_water: passed.hot_water,
            compute: passed.compute,
            route: passed.route,
            room: passed.room.1,
            tank: passed.tank.1,
            outdoor: passed.outdoor,
            irradiance: passed.sun,
            ..Quarter::default()
        };
        knowing.learn(&self.known, &quarter);
        self.baseline.know(knowing.building());
    }

    fn run(&mut self) -> Sums {
        let mut sums = Sums::default();
        for slot in (0..self.slots).map(|number| JANUARY.plus(number)) {
            let (passed, flows, without) = self.passed(slot, compute(slot));
            let baseline = self.baseline.pass(&self.known, &passed).unwrap();
            self.learn(&passed);
            let kwh = |watts: Watts| watts.over(Slot::LENGTH).0;
            sums.baseline.import += baseline.import;
            sums.baseline.export += baseline.export;
            sums.baseline.heat_pump += baseline.heat_pump;
            sums.baseline.hot_water += baseline.hot_water;
            sums.baseline.fuel += baseline.fuel;
            sums.import += kwh(without.grid.positive());
            sums.export += kwh((-without.grid).positive());
            sums.heat_pump += kwh(without.heat_pump);
            sums.hot_water += kwh(without.hot_water);
            sums.real_import += kwh(flows.grid.positive());
            sums.spread += baseline.spread.0;
        }
        sums
    }
}

#[track_caller]
fn near(what: &str, found: f64, expected: f64, share: f64) {
    assert!((found - expected).abs() <= share * expected.abs() + 0.05, "{what}: {found} kWh, expected {expected}");
}

#[track_caller]
fn compare(sums: &Sums, share: f64) {
    near("import", sums.baseline.import.0, sums.import, share);
    near("export", sums.baseline.export.0, sums.export, share);
    near("heat pump", sums.baseline.heat_pump.0, sums.heat_pump, share);
    near("hot water", sums.baseline.hot_water.0, sums.hot_water, share);
    assert!(sums.real_import > sums.import + 100.0, "compute made a difference: {sums:?}");
}

#[test]
fn a_stated_building_gives_the_house_without_compute() {
    let sums = Play::new(site(), site()).run();
    compare(&sums, 1e-3);
    assert_eq!(sums.spread, 0.0);
}

/// A plan that steers all of it: it charges the battery at night, holds it and keeps room in it, heats rooms and tank at noon, and sends
/// compute's heat outside in the evening.
fn planned(slot: Slot) -> Controls {
    let quarter = slot.0.rem_euclid(DAY);
    let at = |from, to| (from..to).contains(&quarter);
    Controls {
        battery: match quarter {
            8..16 => BatteryMode::Charge,
            68..76 => BatteryMode::Hold,
            _ => BatteryMode::Normal,
        },
        charge_limit: if at(36, 44) { 0.0 } else { 1.0 },
        room_power: Some(Watts(if at(40, 64) { 1_800.0 } else { 500.0 })),
        hot_water_power: Some(Watts(if at(46, 52) { 2_000.0 } else { 0.0 })),
        heat_route: Some(if at(72, 84) { HeatSink::Outside } else { HeatSink::Room }),
        ..Controls::default()
    }
}

/// The same on two days of three; on the third the devices are under their own rules.
fn sometimes_planned(slot: Slot) -> Controls {
    if slot.0.div_euclid(DAY) % 3 == 0 { Controls::default() } else { planned(slot) }
}

#[test]
fn what_the_plan_does_with_the_devices_is_not_in_the_house_without_compute() {
    for steered in [planned, sometimes_planned] {
        let mut play = Play::new(site(), site());
        play.steered = steered;
        compare(&play.run(), 5e-3);
    }
}

#[test]
fn a_building_whose_heat_pump_is_always_steered_is_known_by_its_rooms() {
    let mut known = site();
    known.building.fabric = None;
    known.building.area_m2 = 150.0;
    known.building.heat_pump.curve = Some(HeatCurve::default());
    known.room = Some(Store { capacity_kwh_per_k: 16.0, loss_kw_per_k: 0.22, low: Celsius(20.0), high: Celsius(23.0) });
    let mut play = Play::new(site(), known.clone());
    (play.steered, play.slots, play.knowing) = (planned, 56 * DAY, Some(Knowing::new(&known, &[])));
    let sums = play.run();
    compare(&sums, 0.04);
    let missed = (sums.baseline.import.0 - sums.import).abs();
    assert!(sums.spread > 0.5 * missed && sums.spread < 0.25 * sums.import, "{} missed, {}", missed, sums.spread);
}

#[test]
fn the_pump_of_the_house_saves_what_computes_heat_gives_and_the_baseline_does_not() {
    let mut play = Play::new(site(), site());
    let slot = JANUARY;
    let (first, flows, _) = play.passed(slot, Watts(2_000.0));
    let baseline = play.baseline.pass(&play.known, &first).unwrap();
    // 0.97 x 2 kW at the COP of 38 °C against the air outside.
    let cop = 0.4 * (38.0 + 273.15) / (38.0 - first.outdoor.unwrap().0);
    let saved = 1.94 / cop * 0.25;
    let pumped = flows.heat_pump.over(Slot::LENGTH).0;
    near("heat pump", baseline.heat_pump.0 - pumped, saved.min(baseline.heat_pump.0), 0.1);
    let taken = (flows.grid.positive() + flows.battery).over(Slot::LENGTH);
    assert!(baseline.import + baseline.discharged < taken, "{baseline:?} {flows:?}");
}

#[test]
fn a_building_that_nobody_measured_is_learnt() {
    let mut known = site();
    known.building.fabric = None;
    known.building.area_m2 = 150.0;
    known.building.heat_pump.curve = Some(HeatCurve::default());
    let mut play = Play::new(site(), known);
    play.slots = 56 * DAY;
    let sums = play.run();
    compare(&sums, 0.03);
    let missed = (sums.baseline.import.0 - sums.import).abs();
    assert!(sums.spread > 0.5 * missed && sums.spread < 0.1 * sums.import, "{} missed, {}", missed, sums.spread);
}

#[test]
fn a_tank_that_compute_heats_is_heated_by_the_pump_of_the_baseline() {
    let mut site = site();
    site.compute.heat_into = HeatSink::Tank;
    let sums = Play::new(site.clone(), site).run();
    near("hot water", sums.baseline.hot_water.0, sums.hot_water, 0.05);
    near("import", sums.baseline.import.0, sums.import, 0.02);
    assert!(sums.hot_water > 50.0);
}

#[test]
fn heat_for_the_source_side_lifts_the_cop_of_the_house_alone() {
    let mut site = site();
    site.compute.heat_into = HeatSink::HeatPumpSource;
    let sums = Play::new(site.clone(), site).run();
    compare(&sums, 0.01);
}

#[test]
fn cooling_and_the_programme_against_legionella_run_without_compute_too() {
    let mut site = site();
    site.building.cooling = Some(Cooling::default());
    site.building.legionella = Some(Legionella::default());
    site.building.hot_water.max = Celsius(64.0);
    site.building.compute_heat.leak = 0.06;
    let mut play = Play::new(site.clone(), site);
    play.warmth = 24.0;
    let sums = play.run();
    near("heat pump", sums.baseline.heat_pump.0, sums.heat_pump, 0.03);
    assert!(sums.heat_pump > sums.hot_water + 20.0, "it cools: {sums:?}");
}

/// A plan that cools around noon, long before the own rule would.
fn cools_early(slot: Slot) -> Controls {
    let noon = (44..56).contains(&slot.0.rem_euclid(DAY));
    Controls { cooling_power: noon.then_some(Watts(900.0)), room_power: Some(Watts::ZERO), ..Controls::default() }
}

#[test]
fn a_room_that_is_set_to_be_cooled_is_not_heated() {
    let mut site = site();
    site.building.cooling = Some(Cooling::default());
    let mut play = Play::new(site.clone(), site);
    (play.warmth, play.steered) = (17.0, cools_early);
    let sums = play.run();
    near("heat pump", sums.baseline.heat_pump.0, sums.heat_pump, 0.01);
    near("import", sums.baseline.import.0, sums.import, 0.01);
}

#[test]
fn a_boiler_burns_what_compute_spared_it() {
    let mut site = site();
    site.displaced = Some(HeatSource::Gas { price: EurPerKwh(0.1), efficiency: 0.9 });
    site.tank = None;
    let mut play = Play::new(site.clone(), site);
    let (mut burnt, mut saved) = (0.0, 0.0);
    for slot in (0..28 * DAY).map(|number| JANUARY.plus(number)) {
        let (passed, flows, without) = play.passed(slot, compute(slot));
        let baseline = play.baseline.pass(&play.known, &passed).unwrap();
        burnt += (without.fuel - flows.fuel).over(Slot::LENGTH).0;
        saved += baseline.fuel.0;
        assert_eq!(baseline.heat_pump, KilowattHours::ZERO);
    }
    assert!(burnt > 200.0, "{burnt}");
    near("fuel", saved, burnt, 0.02);
}

#[test]
fn a_heat_pump_without_a_meter_is_part_of_the_household() {
    let mut known = site();
    known.devices.retain(|device| device.id.0 != "heat pump");
    let sums = Play::new(site(), known).run();
    near("import", sums.baseline.import.0, sums.import, 0.03);
}

#[test]
fn unknown_is_no_baseline_and_the_grid_stands_in_for_a_silent_roof() {
    let mut play = Play::new(site(), site());
    let (passed, _, _) = play.passed(JANUARY, Watts::ZERO);
    let full = play.baseline.clone().pass(&play.known, &passed).unwrap();
    let one = |passed: Passed| Baseline::new(&play.known, None).pass(&play.known, &passed);
    let silent = one(Passed { pv: None, ..passed }).unwrap();
    near("import", silent.import.0, full.import.0, 1e-6);
    assert_eq!(silent.pv, None);
    assert_eq!(one(Passed { pv: None, grid: None, ..passed }), None);
    assert_eq!(one(Passed { load: None, grid: None, ..passed }), None);
    assert_eq!(one(Passed { soc: (None, None), ..passed }), None);
    assert_eq!(one(Passed { compute: None, ..passed }), None);
    // At its cap the grid does not show what stays on the roof.
    let cap = play.known.grid.export_limit.unwrap();
    assert_eq!(one(Passed { pv: None, grid: Some(-cap), ..passed }), None);
}

#[test]
fn a_baseline_that_is_brought_back_is_the_house() {
    let mut play = Play::new(site(), site());
    play.slots = 60;
    play.run();
    let differs = play.baseline.difference(&play.known);
    assert!(differs.battery.is_some() && differs.room_k > 0.05, "{differs:?}");
    play.baseline.return_to_real();
    let differs = play.baseline.difference(&play.known);
    assert_eq!((differs.battery, differs.room_k, differs.room_heat), (None, 0.0, KilowattHours::ZERO));
}

#[test]
fn a_restart_at_any_slot_changes_nothing() {
    let (mut through, mut again) = (Play::new(site(), site()), Play::new(site(), site()));
    for slot in (0..2 * DAY).map(|number| JANUARY.plus(number)) {
        let (passed, _, _) = through.passed(slot, compute(slot));
        let (same, _, _) = again.passed(slot, compute(slot));
        let text = serde_json::to_string(again.baseline.state()).unwrap();
        let state: BaselineState = serde_json::from_str(&text).unwrap();
        again.baseline = Baseline::new(&again.known, Some(&state));
        assert_eq!(through.baseline.pass(&through.known, &passed), again.baseline.pass(&again.known, &same));
    }
}

#[test]
fn after_a_long_gap_both_houses_are_the_same_again() {
    let mut play = Play::new(site(), site());
    play.slots = 60;
    play.run();
    for missed in [60, 60 + 40] {
        let (passed, _, _) = play.passed(JANUARY.plus(missed), Watts::ZERO);
        play.baseline.pass(&play.known, &passed).unwrap();
    }
    assert!(play.baseline.difference(&play.known).room_k.abs() < 1e-9);
}

#[test]
fn what_has_room_and_nothing_else_is_no_fault() {
    let mut site = site();
    (site.displaced, site.battery, site.pv, site.tank) = (None, None, None, None);
    let mut play = Play::new(site.clone(), site);
    let (passed, _, _) = play.passed(JANUARY, Watts(1_000.0));
    let baseline = play.baseline.pass(&play.known, &passed).unwrap();
    near("import", baseline.import.0, passed.load.unwrap().over(Slot::LENGTH).0, 1e-9);
    assert_eq!(play.site.battery, None);
}
