//! Plans for the whole house with the real solver: days whose best plan anybody sees.

use super::Solver;
use plant::command::Mode;
use plant::decision::Control;
use plant::plan::{ExpectedSlot, Plan, PlanRequest, Warmth};
use plant::point::{DeviceId, Point};
use plant::reason::Reason;
use plant::site::building::{Building, Fabric};
use plant::site::{
    Battery, Compute, ControlRange, Device, Dimming, First, Grid, HeatSink, HeatSource, Island, Price, Pv, Site, Store,
    Tariff, WorkPrices,
};
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Currency, EurPerKwh, KilowattHours, Percent, Watts};
use plant::work::Backlog;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A house in which all is set: 10 kWp, 10 kWh, a heat pump of 3 kW for rooms and tank, 5 kW of compute.
pub(super) fn site() -> Site {
    let range = |max| ControlRange { min: 0.0, max, ..ControlRange::default() };
    let controls = [
        (Control::BatteryMode, 0.0),
        (Control::BatteryChargePower, 5000.0),
        (Control::BatteryChargeLimit, 100.0),
        (Control::HeatPumpRoomPower, 3000.0),
        (Control::HeatPumpHotWaterPower, 3000.0),
    ];
    let device = Device {
        id: DeviceId("house".into()),
        points: [Point::GridPower, Point::PvPower, Point::BatteryPower, Point::HeatPumpPower].into_iter().collect(),
        max_age: Duration::from_secs(60),
        slow: BTreeMap::new(),
        controls: controls.into_iter().map(|(control, max)| (control, range(max))).collect(),
    };
    Site {
        name: "planned".into(),
        timezone: chrono_tz::Europe::Berlin,
        currency: Currency::default(),
        devices: vec![device],
        grid: Grid {
            import_limit: Watts(17_000.0),
            export_limit: Some(Watts(10_000.0)),
            phases: None,
            dimming: Dimming::default(),
            island: Island::Off,
        },
        tariff: Tariff::new(Price::fixed(EurPerKwh(0.30)), Price::fixed(EurPerKwh(0.08))),
        pv: Some(Pv { peak: Watts(10_000.0) }),
        battery: Some(Battery {
            capacity: KilowattHours(10.0),
            charge_max: Watts(5000.0),
            discharge_max: Watts(5000.0),
            round_trip: 0.9,
            wear: EurPerKwh(0.02),
            reserve: Percent(5.0),
            first: First::Planned,
        }),
        wallbox: None,
        compute: Compute {
            idle: Watts(0.0),
            min: Watts(300.0),
            max: Watts(5000.0),
            heat_fraction: 0.97,
            heat_into: HeatSink::Room,
            reject_share: 0.03,
            min_on: Duration::from_secs(2700),
            min_off: Duration::from_secs(1800),
            start_cost_eur: 0.03,
            enable_delay: Duration::from_secs(60),
            disable_delay: Duration::from_secs(120),
            temperature_max: None,
            obeys_within: Duration::from_secs(4),
            starts_within: Duration::from_secs(6),
            tokens_per_kwh: 1e6,
            boost: Duration::from_secs(3600),
        },
        displaced: Some(HeatSource::HeatPump { carnot: 0.4, flow: Celsius(38.0), power_max: Watts(3000.0) }),
        room: Some(Store { capacity_kwh_per_k: 12.0, loss_kw_per_k: 0.18, low: Celsius(20.5), high: Celsius(23.0) }),
        tank: Some(Store { capacity_kwh_per_k: 0.35, loss_kw_per_k: 0.0025, low: Celsius(47.0), high: Celsius(53.0) }),
        building: Building { fabric: Some(FABRIC), ..Building::default() },
        work: WorkPrices {
            eur_per_mtok_in: 0.0,
            eur_per_mtok_out: 0.0,
            interactive: EurPerKwh(1.0),
            standing: EurPerKwh(0.15),
        },
        clean_below_g_per_kwh: 150.0,
    }
}

pub(super) const FABRIC: Fabric = Fabric {
    air_kwh_per_k: 2.0,
    mass_kwh_per_k: 10.0,
    coupling_kw_per_k: 1.5,
    envelope_kw_per_k: 0.12,
    ventilation_winter_kw_per_k: 0.06,
    ventilation_summer_kw_per_k: 0.31,
    gain_kw: 0.15,
    gain_of_household: 0.5,
    gain_of_sun_m2: 3.0,
    summer_shade: 0.3,
    heat_pump_to_air: 0.5,
    compute_to_air: 0.5,
};

/// The prices, powers and weather of an hour of the day ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hour {
    pub(super) import: f64,
    pub(super) export: f64,
    pub(super) pv: f64,
    pub(super) load: f64,
    pub(super) outdoor: f64,
}

pub(super) const DULL: Hour = Hour { import: 0.30, export: 0.08, pv: 0.0, load: 400.0, outdoor: 5.0 };

pub(super) fn request(hour: impl Fn(usize) -> Hour) -> PlanRequest {
    let at: Timestamp = "2026-01-15T00:00:00Z".parse().unwrap();
    let first = Slot::containing(at);
    let slot = |ahead: usize| {
        let Hour { import, export, pv, load, outdoor } = hour(ahead / 4);
        ExpectedSlot {
            slot: first.plus(ahead as i64),
            import_price: Some(EurPerKwh(import)),
            export_price: Some(EurPerKwh(export)),
            estimated_from: None,
            pv: Some(Watts(pv)),
            load: Some(Watts(load)),
            heat_pump: Some(Watts::ZERO),
            outdoor: Some(Celsius(outdoor)),
            carbon: None,
            pv_spread: Watts(pv * 0.3),
            load_spread: Watts::ZERO,
            irradiance: Some(pv / 10.0),
            hot_water: Some(Watts(240.0)),
            hot_water_margin: [1.0, 2.0, 4.0],
            summer: outdoor > 16.0,
        }
    };
    PlanRequest {
        at,
        site: Arc::new(site()),
        mode: Mode::Auto,
        boost: None,
        power_limit: Watts(5000.0),
        grid_dimming: None,
        slots: (0..192).map(slot).collect(),
        soc: Some(Percent(30.0)),
        room: Some(Celsius(20.6)),
        tank: Some(Celsius(50.0)),
        outdoor_mean: Some(Celsius(5.0)),
        running_since: None,
        backlog: Backlog::default(),
        tokens_per_kwh: 1e6,
        warmth: Some(Warmth { fabric: FABRIC, mass: Celsius(20.6), cop_scale: 1.0 }),
        arrivals: Vec::new(),
        disinfected: None,
        before: None,
    }
}

pub(super) fn plan(request: &PlanRequest) -> Plan {
    Solver::default().plan(request)
}

/// Means over the slots of hours `from..to`: compute, battery (discharge +), heat pump, in W.
pub(super) fn means(plan: &Plan, from: usize, to: usize) -> (f64, f64, f64) {
    let slots = &plan.slots[from * 4..to * 4];
    let mean =
        |value: &dyn Fn(&plant::plan::PlannedSlot) -> f64| slots.iter().map(value).sum::<f64>() / slots.len() as f64;
    (
        mean(&|slot| slot.compute.0),
        mean(&|slot| slot.house.unwrap().battery_power.0),
        mean(&|slot| slot.house.unwrap().heat_pump_power.0),
    )
}

#[test]
fn cheap_hours_fill_the_battery_and_the_rooms_and_dear_ones_live_on_them() {
    let planned = plan(&request(|hour| match hour {
        2..4 => Hour { import: 0.05, ..DULL },
        6..10 => Hour { import: 0.60, ..DULL },
        _ => DULL,
    }));
    let (compute, battery, pump) = means(&planned, 2, 4);
    assert!(compute > 4900.0, "work pays for power at 0.05: {compute}");
    assert!(battery < -2500.0, "the battery charges: {battery}");
    let (dear, given, dear_pump) = means(&planned, 6, 10);
    assert!(dear < 1.0 && given > 300.0, "{dear} {given}");
    assert!(pump > dear_pump + 300.0, "the pump heats ahead: {pump} {dear_pump}");
    let house = planned.slots[9].house.unwrap();
    assert_eq!(house.battery_reason, Reason::GridCharge);
    assert!(house.battery.unwrap().charge_min > Watts(1000.0));
    assert!(planned.slots.iter().all(|slot| slot.house.unwrap().room.unwrap() > Celsius(19.9)));
}

#[test]
fn a_sunny_day_computes_on_the_sun_and_ends_with_a_full_battery() {
    let planned = plan(&request(|hour| match hour % 24 {
        9..16 => Hour { pv: 6000.0, outdoor: 22.0, ..DULL },
        _ => Hour { outdoor: 22.0, ..DULL },
    }));
    let (night, ..) = means(&planned, 0, 8);
    let (noon, ..) = means(&planned, 10, 15);
    assert!(night < 50.0 && noon > 3500.0, "{night} {noon}");
    assert!(planned.slots[64].battery_soc.unwrap() > Percent(85.0));
    assert_eq!(planned.slots[44].reason, Reason::Surplus);
}

#[test]
fn what_nobody_knows_is_planned_by_rule() {
    let mut dark = request(|_| DULL);
    dark.slots.iter_mut().for_each(|slot| slot.load = None);
    assert!(plan(&dark).slots.iter().all(|slot| slot.house.is_none()));
    let mut off = request(|_| DULL);
    off.mode = Mode::Off;
    assert!(plan(&off).slots.iter().all(|slot| slot.house.is_none() && slot.compute == Watts::ZERO));
}

#[test]
fn the_same_request_has_the_same_plan() {
    let request =
        request(|hour| Hour { import: 0.2 + 0.01 * (hour % 7) as f64, pv: 300.0 * (hour % 5) as f64, ..DULL });
    assert_eq!(plan(&request), plan(&request));
}

#[test]
fn a_control_that_bears_less_than_the_heat_pump_is_planned_with_what_it_bears() {
    let mut cold = request(|_| Hour { outdoor: -8.0, ..DULL });
    let most = ControlRange { min: 0.0, max: 1200.0, ..ControlRange::default() };
    Arc::make_mut(&mut cold.site).devices[0].controls.insert(Control::HeatPumpRoomPower, most);
    let power = |slot: &plant::plan::PlannedSlot| slot.house.unwrap().heat_pump.unwrap().room.unwrap();
    let planned = plan(&cold);
    let greatest = planned.slots.iter().map(power).fold(Watts::ZERO, Watts::max);
    assert!(greatest > Watts(1199.0) && greatest < Watts(1200.1), "{greatest}");
}

#[test]
fn what_the_grid_operator_dims_is_planned_with_what_is_left() {
    let cheap = request(|_| Hour { import: 0.05, ..DULL });
    let taken = |request: &PlanRequest| {
        let planned = plan(request);
        planned.slots[..16]
            .iter()
            .map(|slot| (slot.compute + slot.house.unwrap().battery_power.positive() * -1.0).0)
            .fold(0.0, f64::max)
    };
    assert!(taken(&cheap) > 4900.0);
    let dimmed = PlanRequest { grid_dimming: Some(Watts(1000.0)), running_since: Some(cheap.at), ..cheap.clone() };
    assert!(taken(&dimmed) < 1000.1, "{}", taken(&dimmed));
    let dark = PlanRequest { grid_dimming: Some(Watts::ZERO), power_limit: Watts(-1.0), ..cheap };
    assert_eq!(taken(&dark), 0.0);
}

#[test]
fn a_run_has_to_pay_for_as_long_as_it_has_to_last() {
    let mut warm = request(|_| Hour { import: 0.60, outdoor: 22.0, ..DULL });
    warm.slots[0].import_price = Some(EurPerKwh(0.10));
    Arc::make_mut(&mut warm.site).compute.min = Watts(1000.0);
    let planned = plan(&warm);
    assert!(planned.slots[0].ceiling < Watts(1.0) && planned.slots[0].compute < Watts(1.0), "{:?}", planned.slots[0]);
    Arc::make_mut(&mut warm.site).compute.min_on = Duration::from_secs(900);
    let planned = plan(&warm);
    assert!(planned.slots[0].floor > Watts(4900.0) && planned.slots[1].compute < Watts(1.0));
}

#[test]
fn what_the_connection_does_not_bear_comes_from_the_battery() {
    let mut cooking =
        request(|hour| if hour == 3 { Hour { load: 5000.0, ..DULL } } else { Hour { import: 0.60, ..DULL } });
    Arc::make_mut(&mut cooking.site).grid.import_limit = Watts(3500.0);
    for ahead in [false, true] {
        let planned = plan(&cooking);
        let at = if ahead { 0 } else { 12 };
        for slot in &planned.slots[at..at + 4] {
            let house = slot.house.unwrap();
            assert!(house.grid < Watts(3501.0) && house.battery_power > Watts(1499.0), "{house:?}");
            assert_eq!(house.battery.unwrap().discharge_max, None);
        }
        // The hour has come.
        cooking.slots.drain(..12);
        cooking.at = cooking.slots[0].slot.start();
    }
}

#[test]
fn work_at_part_load_is_worth_what_is_done_of_it() {
    let mut cloudy = request(|hour| match hour {
        0..2 => Hour { pv: 1000.0, outdoor: 22.0, export: 0.13, ..DULL },
        _ => Hour { outdoor: 22.0, export: 0.13, ..DULL },
    });
    cloudy.tank = None;
    let site = Arc::make_mut(&mut cloudy.site);
    (site.battery, site.compute.start_cost_eur) = (None, 0.0);
    assert!(plan(&cloudy).slots[0].compute > Watts(500.0));
    // 600 W of 5000 W, of which it takes 500 W without doing anything.
    Arc::make_mut(&mut cloudy.site).compute.idle = Watts(500.0);
    assert!(plan(&cloudy).slots[0].compute < Watts(1.0));
}

#[test]
fn a_pause_that_would_have_to_be_longer_than_planned_is_bridged() {
    let mut cheap = request(|_| Hour { import: 0.05, outdoor: 22.0, ..DULL });
    (cheap.slots[0].import_price, cheap.running_since) =
        (Some(EurPerKwh(0.40)), Some(cheap.at - chrono::TimeDelta::hours(2)));
    Arc::make_mut(&mut cheap.site).battery = None;
    for (min_off, goes_on) in [(0, false), (1800, true)] {
        let compute = &mut Arc::make_mut(&mut cheap.site).compute;
        (compute.start_cost_eur, compute.min_off) = (0.0, Duration::from_secs(min_off));
        let planned = plan(&cheap);
        assert_eq!(planned.slots[0].compute > Watts(1.0), goes_on, "{:?}", planned.slots[0]);
        assert!(planned.slots[1].compute > Watts(4900.0), "{:?}", planned.slots[1]);
    }
}
