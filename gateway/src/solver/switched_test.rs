//! Heat pumps that are on or off.

use super::plan_test::{DULL, Hour, plan, request};
use plant::decision::Control;
use plant::plan::{Plan, PlanRequest, PlannedSlot};
use plant::site::building::TankSink;
use plant::site::{Compute, ControlRange, HeatSink, HeatSource, Store};
use plant::units::{Celsius, Watts};
use std::sync::Arc;
use std::time::Duration;

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
        18..20 => Hour { import: 0.45, ..DULL },
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
    assert!(least > 44.0, "{least}");
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
        min_on: Duration::ZERO,
        min_off: Duration::ZERO,
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
