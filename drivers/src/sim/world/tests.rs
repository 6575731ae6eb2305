//! Days in the life of the house, in virtual time.

use super::super::heat_pump::Running;
use super::super::latency;
use super::super::place::Place;
use super::super::weather::Sky;
use super::*;
use chrono::{Duration as Span, TimeZone, Utc};
use plant::site::HeatSink;
use plant::units::KilowattHours;

fn start(month: u32) -> Timestamp {
    Utc.with_ymd_and_hms(2026, month, 10, 4, 0, 0).unwrap()
}

fn world(month: u32, into: HeatSink, seed: u64) -> World {
    let weather = Weather { place: Place::default(), sky: Sky::Sunny, seed };
    World::new(House { compute_into: into, ..House::default() }, State::default(), weather, start(month), 1.0)
}

/// Lives `hours` in steps of ten seconds and shows each to `see`.
fn live(world: &mut World, hours: i64, compute: impl Fn(&World) -> f64, mut see: impl FnMut(&World)) {
    let from = world.at;
    for step in 1..=hours * 360 {
        let watts = Watts(compute(world));
        world.advance(from + Span::seconds(step * 10), watts);
        see(world);
    }
}

#[test]
fn the_bus_balances_and_energy_is_kept_in_every_step() {
    for (month, seed) in [(1, 1), (4, 2), (7, 3), (11, 4)] {
        let mut world = world(month, HeatSink::Tank, seed);
        let first = world.state;
        live(
            &mut world,
            48,
            |w| if w.at.timestamp() / 7200 % 2 == 0 { 0.0 } else { 1_800.0 },
            |w| {
                assert!(w.flows.imbalance().abs().0 < 1e-6, "month {month} seed {seed} {}: {:?}", w.at, w.flows);
                assert!((0.0..=10.0).contains(&w.state.stored.0));
            },
        );
        let (a, b) = (first.counters, world.state.counters);
        let charged = (b.charged - a.charged).0 * 0.95 - (b.discharged - a.discharged).0 / 0.95;
        assert!((world.state.stored - first.stored - KilowattHours(charged)).abs().0 < 1e-6);
        assert!(b.import > a.import && b.strings[0] > a.strings[0] && b.heat_pump > a.heat_pump);
    }
}

#[test]
fn the_house_stays_habitable_in_every_season() {
    for (month, seed) in [(1, 1), (2, 7), (4, 2), (7, 3), (10, 9), (12, 4)] {
        let mut world = world(month, HeatSink::Tank, seed);
        let (mut cold, mut hot, mut tank_low, mut tank_high) = (99.0f64, 0.0f64, 99.0f64, 0.0f64);
        let mut starts = 0;
        let mut running = Running::Idle;
        live(
            &mut world,
            96,
            |_| 0.0,
            |w| {
                cold = cold.min(w.state.room.0);
                hot = hot.max(w.state.room.0);
                tank_low = tank_low.min(w.state.tank.0);
                tank_high = tank_high.max(w.state.tank.0);
                starts += u32::from(running == Running::Idle && w.state.heat_pump.running != Running::Idle);
                running = w.state.heat_pump.running;
            },
        );
        let seen = format!(
            "month {month} seed {seed}: room {cold:.1}..{hot:.1}, tank {tank_low:.1}..{tank_high:.1}, {starts} starts"
        );
        assert!(cold > 19.4 && hot < 29.0, "{seen}");
        assert!(tank_low > 38.0 && tank_high < 52.0, "{seen}");
        assert!((4..80).contains(&starts), "{seen}");
    }
}

#[test]
fn computes_heat_spares_the_heat_pump() {
    let spent = |into: HeatSink, watts: f64| {
        let mut world = world(1, into, 1);
        let before = world.state.counters.heat_pump;
        live(&mut world, 72, |_| watts, |_| {});
        (world.state.counters.heat_pump - before).0
    };
    let without = spent(HeatSink::Tank, 0.0);
    for into in [HeatSink::Tank, HeatSink::Room, HeatSink::HeatPumpSource] {
        let with = spent(into, 1_000.0);
        assert!(with < without * 0.97, "{into:?}: {with} kWh with, {without} kWh without");
    }
    assert!((spent(HeatSink::Outside, 1_000.0) - without).abs() < 0.01);
}

#[test]
fn a_surplus_offer_makes_the_pump_run_harder_until_it_lapses() {
    let mut world = world(4, HeatSink::Tank, 2);
    world.state.tank.0 = 51.0;
    live(&mut world, 1, |_| 0.0, |_| {});
    assert_eq!(world.flows.heat_pump.into_tank, Watts::ZERO);
    world.controls.surplus = Some((2_600, world.at));
    let mut harder = 0;
    live(&mut world, 1, |_| 0.0, |w| harder += i32::from(w.flows.heat_pump.electric == Watts(2_600.0)));
    // 300 seconds of the offer are 30 steps.
    assert!((29..=31).contains(&harder), "{harder} steps");
    assert!(world.surplus_lapsed());
}

#[test]
fn battery_controls_and_the_output_cap_lapse() {
    let mut world = world(4, HeatSink::Tank, 2);
    world.controls.storage = StorageControls {
        limit_discharge: true,
        discharge_pct: -50.0,
        from_grid: true,
        revert: Duration::from_secs(600),
        ..StorageControls::default()
    };
    world.advance(world.at + Span::seconds(60), Watts::ZERO);
    assert_eq!(world.flows.battery, Watts(-2_500.0));
    assert!(world.flows.grid.0 > 2_400.0);
    world.advance(world.at + Span::seconds(600), Watts::ZERO);
    assert!(world.flows.battery.0 > 0.0, "its own control supplies the house again: {:?}", world.flows);

    world.advance(world.at + Span::hours(6), Watts::ZERO);
    world.controls.limit_pct = 10.0;
    world.controls.limit_on = true;
    world.state.stored = KilowattHours(10.0);
    world.advance(world.at + Span::seconds(10), Watts::ZERO);
    assert!((world.flows.pv + world.flows.battery).0 <= 1_000.0 + 1e-9, "{:?}", world.flows);
    assert!(world.flows.curtailed.0 > 1_000.0);
}

#[test]
fn two_houses_with_one_seed_live_alike_and_a_jumping_clock_is_survived() {
    let (mut a, mut b) = (world(4, HeatSink::Room, 2), world(4, HeatSink::Room, 2));
    live(&mut a, 24, |_| 500.0, |_| {});
    live(&mut b, 24, |_| 500.0, |_| {});
    assert_eq!(a, b);
    let before = a.state;
    a.advance(a.at - Span::hours(2), Watts::ZERO);
    a.advance(a.at + Span::days(40), Watts::ZERO);
    assert_eq!(a.state, before);
}

#[test]
fn late_devices_show_what_was_and_the_rest_is_true() {
    let latency = latency::Latency::default();
    let mut world = world(4, HeatSink::Tank, 2).late(latency);
    let from = world.at + Span::hours(8);
    while world.at < from {
        let next = world.at + Span::seconds(10);
        world.advance(next, Watts::ZERO);
    }
    // A box that draws 3 kW from now on: the battery takes it over within seconds, the meter shows it after two.
    let grid = |world: &World| (world.flows.grid.0, world.shown_by(Device::Meter).flows.grid.0);
    let before = grid(&world).1;
    let compute = |world: &World| world.shown_by(Device::Plug).flows.compute;
    let mut peak = 0.0f64;
    let (mut meter_at, mut plug_at) = (None, None);
    for second in 1..=30 {
        world.advance(world.at + Span::seconds(1), Watts(3_000.0));
        peak = peak.max(grid(&world).0 - before);
        meter_at = meter_at.or((grid(&world).1 - before > 500.0).then_some(second));
        plug_at = plug_at.or((compute(&world) == Watts(3_000.0)).then_some(second));
        assert!(world.flows.imbalance().abs().0 < 1e-6, "{:?}", world.flows);
    }
    let settled = grid(&world).0 - before;
    assert!(peak > 500.0 && settled.abs() < 500.0, "the battery follows late: {peak} at first, {settled} in the end");
    assert_eq!(meter_at, Some(2), "read after a second, shown after another");
    assert!(plug_at.is_some_and(|second| second <= 5), "{plug_at:?}");
    // An offer is seen when the pump looks, and not before.
    world.controls.surplus = Some((2_500, world.at));
    let offered = |world: &mut World| world.inputs(world.at, Watts::ZERO).offered;
    assert_eq!(offered(&mut world), Watts::ZERO);
    world.advance(world.at + Span::seconds(30), Watts::ZERO);
    assert_eq!(offered(&mut world), Watts(2_500.0));
}
