//! Plans for the whole house with the real solver: days whose best plan anybody sees, random houses, and heat pumps that are switched.

use super::Solver;
use plant::command::Mode;
use plant::decision::Control;
use plant::plan::{ExpectedSlot, Plan, PlanRequest, PlannedSlot, Warmth};
use plant::point::{DeviceId, Point};
use plant::reason::Reason;
use plant::site::building::{Building, Fabric, TankSink};
use plant::site::{
    Battery, Compute, ControlRange, Device, Dimming, First, Grid, HeatSink, HeatSource, Island, Price, Pv, Site, Store,
    Tariff, WorkPrices,
};
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Currency, EurPerKwh, KilowattHours, Percent, Watts};
use plant::work::Backlog;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A house in which all is set: 10 kWp, 10 kWh, a heat pump of 3 kW for rooms and tank, 5 kW of compute.
fn site() -> Site {
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

const FABRIC: Fabric = Fabric {
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
struct Hour {
    import: f64,
    export: f64,
    pv: f64,
    load: f64,
    outdoor: f64,
}

const DULL: Hour = Hour { import: 0.30, export: 0.08, pv: 0.0, load: 400.0, outdoor: 5.0 };

fn request(hour: impl Fn(usize) -> Hour) -> PlanRequest {
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

fn plan(request: &PlanRequest) -> Plan {
    Solver::default().plan(request)
}

/// Means over the slots of hours `from..to`: compute, battery (discharge +), heat pump, in W.
fn means(plan: &Plan, from: usize, to: usize) -> (f64, f64, f64) {
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

/// The house with a heat pump of `power` W that is on or off, and stays so for `holds`.
fn switched(mut request: PlanRequest, power: f64, holds: Duration) -> PlanRequest {
    let site = Arc::make_mut(&mut request.site);
    site.displaced = Some(HeatSource::HeatPump { carnot: 0.42, flow: Celsius(45.0), power_max: Watts(power) });
    site.building.heat_pump.power_min = Watts(power);
    for control in [Control::HeatPumpRoomPower, Control::HeatPumpHotWaterPower] {
        let range = ControlRange { max: power, min_interval: holds, ..ControlRange::default() };
        site.devices[0].controls.insert(control, range);
    }
    request
}

/// What the heat pump is to do in each slot, for rooms and tank; W.
fn pumped(plan: &Plan) -> Vec<[f64; 2]> {
    let intent = |slot: &PlannedSlot| slot.house.unwrap().heat_pump.unwrap();
    let powers = |slot| [intent(slot).room, intent(slot).tank].map(|power| power.map_or(0.0, |power| power.0));
    plan.slots.iter().map(powers).collect()
}

/// Lengths of the times in a row that `on` is the same, but for the first and the last.
fn spans(on: &[bool]) -> Vec<usize> {
    let spans: Vec<usize> = on.chunk_by(|a, b| a == b).map(<[bool]>::len).collect();
    spans[1..spans.len().max(2) - 1].to_vec()
}

#[test]
fn a_heat_pump_that_is_switched_is_planned_on_or_off() {
    let day = |hour: usize| match hour % 24 {
        9..16 => Hour { pv: 2500.0, ..DULL },
        17..20 => Hour { import: 0.45, ..DULL },
        _ => DULL,
    };
    for holds in [0, 30, 60] {
        let planned = plan(&switched(request(day), 3000.0, Duration::from_secs(holds * 60)));
        let powers = pumped(&planned);
        for [room, tank] in &powers {
            let sum = room + tank;
            assert!(sum.abs() < 0.1 || (sum - 3000.0).abs() < 0.1 && room.min(*tank) < 0.1, "{room} {tank}");
        }
        let on: Vec<bool> = powers.iter().map(|[room, tank]| room + tank > 1500.0).collect();
        let kept = spans(&on).into_iter().all(|span| span as u64 * 15 >= holds);
        assert!(kept && on.contains(&true), "{holds}: {:?}", spans(&on));
        let house = |slot: &PlannedSlot| slot.house.unwrap();
        let comfortable =
            |slot: &PlannedSlot| house(slot).room.unwrap() > Celsius(19.9) && house(slot).tank.unwrap() > Celsius(44.0);
        let cold = planned.slots.iter().find(|slot| !comfortable(slot));
        assert!(cold.is_none(), "{holds}: {cold:?}");
        let drawn = house(&planned.slots[40]).heat_pump_power;
        assert!((drawn.0 - powers[40][0] - powers[40][1]).abs() < 0.1, "{drawn}");
    }
}

#[test]
fn a_heat_pump_that_modulates_is_not_switched() {
    let planned = plan(&request(|_| DULL));
    assert!(pumped(&planned).iter().any(|[room, tank]| (50.0..2950.0).contains(&(room + tank))));
}

#[test]
fn a_tank_that_a_quarter_hour_heats_through_is_left_to_the_pumps_own_thermostat() {
    let mut request = switched(request(|_| DULL), 3000.0, Duration::ZERO);
    Arc::make_mut(&mut request.site).tank.as_mut().unwrap().capacity_kwh_per_k = 0.05;
    let planned = plan(&request);
    let least = planned.slots.iter().map(|slot| slot.house.unwrap().tank.unwrap().0).fold(f64::INFINITY, f64::min);
    assert!(least > 40.0, "{least}");
}

/// What a tank and compute that may run at any power cost by a plan, slot by slot: import, less export and work, the kelvin hours below
/// 38 °C, and what the tank holds more at the end.
fn cost(request: &PlanRequest, plan: &Plan) -> f64 {
    let hours = 0.25;
    let (mut cost, mut tank, mut prices) = (0.0, request.tank.unwrap().0, 0.0);
    for ((slot, planned), [_, power]) in request.slots.iter().zip(&plan.slots).zip(pumped(plan)) {
        let surplus = (slot.pv.unwrap() - slot.load.unwrap()).0 / 1000.0 - power / 1000.0;
        let (floor, ceiling) = (planned.floor.0 / 1000.0, planned.ceiling.0 / 1000.0);
        let compute = surplus.min(ceiling).max(floor);
        let (import, export) = ((compute - surplus).max(0.0), (surplus - compute).max(0.0));
        let (buy, sell) = (slot.import_price.unwrap().0, slot.export_price.unwrap().0);
        cost += hours * (import * buy - export * sell - compute * 0.15);
        let cop = 0.42 * (45.0 + 273.15) / (45.0 - slot.outdoor.unwrap().0);
        tank += hours * (power / 1000.0 * cop - slot.hot_water.unwrap().0 / 1000.0 - 0.004 * (tank - 20.0));
        cost += hours * 0.2 * (38.0 - tank).max(0.0);
        prices += buy;
    }
    cost - (tank - 45.0) * prices / plan.slots.len() as f64 / 2.7
}

/// A house whose only store is a tank of 860 litres that a pump of 4.5 kW heats, on or off, on days with clouds. Its mixed-integer program
/// in quarter hours, written apart from this planner, was given to HiGHS: after 48 CPU-seconds the best found cost 4.186 EUR, and no less
/// than 4.076 was possible.
#[test]
fn a_switched_heat_pump_costs_what_integers_would() {
    let (found, bound) = (4.186, 4.076);
    let mut request = switched(
        request(|hour| Hour {
            import: 0.22 + 0.02 * (hour * 7 % 6) as f64,
            export: 0.08,
            pv: (5000.0 * (std::f64::consts::PI * ((hour % 24) as f64 - 6.0) / 12.0).sin()).max(0.0)
                * [1.0, 0.4, 0.8, 0.3][hour % 4],
            load: 400.0 + 200.0 * (hour % 3) as f64,
            outdoor: 6.0,
        }),
        4500.0,
        Duration::ZERO,
    );
    request.slots.iter_mut().for_each(|slot| {
        (slot.pv_spread, slot.hot_water, slot.hot_water_margin) = (Watts::ZERO, Some(Watts(2000.0)), [0.0; 3]);
    });
    (request.room, request.warmth, request.soc, request.tank) = (None, None, None, Some(Celsius(45.0)));
    let site = Arc::make_mut(&mut request.site);
    (site.room, site.battery) = (None, None);
    site.tank = Some(Store { capacity_kwh_per_k: 1.0, loss_kw_per_k: 0.004, low: Celsius(38.0), high: Celsius(52.0) });
    site.building.hot_water.max = Celsius(52.0);
    site.building.hot_water.sink = TankSink::Fixed { flow: Celsius(45.0) };
    site.building.comfort.tank_low = Celsius(38.0);
    site.compute = Compute {
        min: Watts::ZERO,
        heat_into: HeatSink::Outside,
        reject_share: 0.0,
        start_cost_eur: 0.0,
        ..site.compute
    };
    let planned = plan(&request);
    assert_eq!(planned.slots.len(), 144);
    let cost = cost(&request, &planned);
    assert!(cost >= bound - 1e-9, "{cost}: less than is possible");
    assert!(cost < found * 1.02, "{cost}, with integers {found}");
}

prop_compose! {
    fn hours()(hours in prop::collection::vec(
        (-0.2..0.8_f64, -0.1..0.3_f64, 0.0..9000.0_f64, 0.0..6000.0_f64, -20.0..38.0_f64), 48,
    )) -> Vec<Hour> {
        hours.into_iter().map(|(import, export, pv, load, outdoor)| Hour { import, export, pv, load, outdoor }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever the prices, the weather and the stores: there is a plan, its numbers are numbers, and it keeps within what devices bear.
    #[test]
    fn every_house_has_a_plan_within_its_limits(
        hours in hours(),
        (soc, room, tank) in (0.0..100.0_f64, 5.0..35.0_f64, 10.0..75.0_f64),
        (battery, pump, stores, sink) in (0.2..40.0_f64, 200.0..8000.0_f64, 0.02..4.0_f64, 0..3_u8),
        running in prop::option::of(0..120_i64),
        on_or_off in any::<bool>(),
    ) {
        let mut request = request(|hour| hours[hour % hours.len()]);
        let at = request.at;
        let site = Arc::make_mut(&mut request.site);
        if let Some(cells) = &mut site.battery { cells.capacity = KilowattHours(battery); }
        site.displaced = Some(HeatSource::HeatPump { carnot: 0.4, flow: Celsius(40.0), power_max: Watts(pump) });
        if on_or_off { site.building.heat_pump.power_min = Watts(pump); }
        site.compute.heat_into = [HeatSink::Room, HeatSink::Tank, HeatSink::Outside][usize::from(sink)];
        if let Some(store) = &mut site.tank { store.capacity_kwh_per_k *= stores; }
        request.soc = Some(Percent(soc));
        request.room = Some(Celsius(room));
        request.tank = Some(Celsius(tank));
        request.running_since = running.map(|minutes| at - chrono::TimeDelta::minutes(minutes));
        let planned = plan(&request);
        prop_assert!(planned.slots.len() >= 144 && planned.expected_net.0.is_finite());
        for slot in &planned.slots {
            let numbers = [slot.compute.0, slot.floor.0, slot.ceiling.0, slot.heat.0, slot.stored.0, slot.worth.net().0];
            prop_assert!(numbers.iter().all(|number| number.is_finite()), "{slot:?}");
            prop_assert!(slot.floor <= Watts(5000.1) && slot.ceiling <= Watts(5000.1) && slot.floor >= Watts::ZERO);
            let soc = slot.battery_soc.unwrap();
            prop_assert!(soc >= Percent(-0.01) && soc <= Percent(100.01), "{soc}");
            let Some(house) = slot.house else { continue };
            let heating = house.heat_pump.unwrap_or_default();
            let power = heating.room.unwrap_or_default() + heating.tank.unwrap_or_default();
            prop_assert!(power <= Watts(pump + 0.1), "{power}");
            prop_assert!(house.grid <= Watts(17_000.1) && house.grid >= Watts(-10_000.1));
            prop_assert!(house.cost.0.is_finite());
        }
        // What has just started stays on for its least time.
        let bound = running.filter(|minutes| *minutes < 44).map_or(0, |minutes| (45 - minutes) as usize / 15);
        prop_assert!(planned.slots.iter().take(bound).all(|slot| slot.compute >= Watts(299.9) || slot.house.is_none()));
    }
}
