//! The limits by rows: what they leave, and what they leave when an input says nothing.

use crate::command::{Command, Mode};
use crate::decision::{BatteryMode, Control, HeatPumpMode, Setting};
use crate::event::Event;
use crate::point::Point;
use crate::reason::Reason;
use crate::rule_test::Bench;
use crate::site::{HeatSink, Island, Phase, Phases, Price, Site};
use crate::test_house::{Conditions, House};
use crate::test_site::{at, site};
use crate::units::{Celsius, EurPerKwh, Watts};
use crate::work::{WorkerState, WorkerStatus};
use std::time::Duration;

/// A box of 5 kW, and no feed-in cap.
fn strong() -> Site {
    let mut site = site();
    (site.compute.max, site.grid.export_limit) = (Watts(5000.0), None);
    site
}

fn offer(site: &mut Site, device: &str, points: &[Point]) {
    site.devices.iter_mut().filter(|found| found.id.0 == device).for_each(|found| found.points.extend(points));
}

fn boosted(site: Site) -> Bench {
    let mut bench = Bench::new(site);
    bench.boost();
    bench
}

fn dim(bench: &mut Bench, watts: f64) {
    bench.give(Event::Command(Command::GridDimming(Some(Watts(watts)))));
}

#[test]
fn dimming_limits_what_comes_from_the_grid_and_own_power_is_free() {
    let rows = [
        // pv, battery, heat pump, grid -> budget: the household takes 500 W, 4200 W are left to all controllable loads;
        // meters err by 1 % and 10 W
        (8500.0, 0.0, 0.0, -8000.0, 5000.0),
        (0.0, 0.0, 0.0, 500.0, 4200.0),
        (0.0, 0.0, 3000.0, 3500.0, 1160.0),
        (0.0, 0.0, 5000.0, 5500.0, 0.0),
        (1500.0, 0.0, 3000.0, 2000.0, 2120.0),
        (0.0, 2000.0, 3000.0, 1500.0, 2625.0),
        (3000.0, -2500.0, 0.0, 0.0, 4145.0),
        (0.0, -2500.0, 0.0, 3000.0, 1665.0),
    ];
    for (pv, battery, heat_pump, grid, budget) in rows {
        let mut bench = boosted(strong());
        dim(&mut bench, 4200.0);
        let seen = [(Point::PvPower, pv), (Point::BatteryPower, battery), (Point::HeatPumpPower, heat_pump)];
        seen.into_iter().chain([(Point::GridPower, grid)]).for_each(|(point, value)| bench.see(point, value));
        assert_eq!(bench.settled(1).0, budget, "{pv} {battery} {heat_pump}");
    }
}

#[test]
fn an_offer_is_taken_back_with_the_first_cycle_that_is_dimmed() {
    // While the grid pays, 3000 W are offered and the heat pump of 3000 W is boosted. Then 1600 W are left, and then nothing.
    let mut site = site();
    site.tariff.import = Price::fixed(EurPerKwh(-0.05));
    site.work.standing = EurPerKwh::ZERO;
    let mut bench = Bench::new(site);
    bench.give(Event::Command(Command::SetMode(Mode::Auto)));
    let offered = |bench: &mut Bench| {
        let settings = bench.wake().0.decision.settings;
        let of = |control| settings.iter().find(|set| set.setting.control() == control).unwrap().setting;
        (of(Control::HeatPumpSurplus), of(Control::HeatPumpMode))
    };
    bench.settled(120);
    let (most, boost) = (Setting::HeatPumpSurplus(Watts(3000.0)), Setting::HeatPumpMode(HeatPumpMode::Boost));
    assert_eq!(offered(&mut bench), (most, boost));
    for (limit, offer) in [(1600.0, 1600.0), (0.0, 0.0)] {
        dim(&mut bench, limit);
        let normal = Setting::HeatPumpMode(HeatPumpMode::Normal);
        assert_eq!(offered(&mut bench), (Setting::HeatPumpSurplus(Watts(offer)), normal), "{limit}");
    }
}

#[test]
fn what_is_dimmed_and_not_metered_counts_as_the_most_it_can_draw() {
    // A heat pump of 3000 W whose meter is silent for twenty minutes at 0 W.
    let mut bench = boosted(strong());
    dim(&mut bench, 4200.0);
    assert_eq!(bench.settled(1), (4200.0, Reason::GridDimmed));
    bench.lose(Point::HeatPumpPower);
    assert_eq!(bench.settled(900), (1160.0, Reason::GridDimmed));
    // One that nobody meters; one that the site knows by its control only; none.
    let unmetered = |change: fn(&mut Site)| {
        let mut site = strong();
        site.devices[0].points.remove(&Point::HeatPumpPower);
        change(&mut site);
        let mut bench = boosted(site);
        dim(&mut bench, 4200.0);
        bench.settled(1).0
    };
    assert_eq!(unmetered(|_| {}), 1160.0);
    assert_eq!(unmetered(|site| site.displaced = None), 0.0);
    assert_eq!(unmetered(|site| site.grid.dimming.heat_pump = false), 4200.0);
    assert_eq!(unmetered(|site| site.grid.dimming.compute = false), 5000.0);
    let none = |site: &mut Site| {
        site.displaced = None;
        site.devices[0].controls.clear();
    };
    assert_eq!(unmetered(none), 4200.0);
    // Sun and a battery that are silent give nothing for free.
    let mut bench = boosted(strong());
    dim(&mut bench, 4200.0);
    bench.see(Point::GridPower, -8000.0);
    bench.see(Point::PvPower, 8500.0);
    bench.wake();
    bench.lose(Point::PvPower);
    assert_eq!(bench.settled(2).0, 4200.0);
}

#[test]
fn a_relay_dims_unless_it_says_that_it_does_not() {
    let mut site = strong();
    offer(&mut site, "meter", &[Point::GridDimmed]);
    let mut bench = boosted(site);
    assert_eq!(bench.settled(1), (4200.0, Reason::GridDimmed), "it never spoke");
    bench.seen.push(("meter", Point::GridDimmed, 0.0));
    assert_eq!(bench.settled(1), (5000.0, Reason::Boost));
    bench.see(Point::GridDimmed, 1.0);
    assert_eq!(bench.settled(1), (4200.0, Reason::GridDimmed));
    dim(&mut bench, 2000.0);
    assert_eq!(bench.settled(1), (2000.0, Reason::GridDimmed), "the strictest counts");
    dim(&mut bench, 4500.0);
    assert_eq!(bench.wake().0.grid_dimming, Some(Watts(4200.0)));
    bench.give(Event::Command(Command::GridDimming(None)));
    bench.see(Point::GridDimmed, 0.0);
    assert_eq!(bench.settled(1).0, 5000.0);
    bench.lose(Point::GridDimmed);
    assert_eq!(bench.settled(1), (4200.0, Reason::GridDimmed), "it fell silent");
}

#[test]
fn while_the_grid_is_lost_compute_is_off_or_takes_the_surplus_alone() {
    for (island, budget) in [(Island::Off, 0.0), (Island::Surplus, 1500.0)] {
        let mut site = strong();
        site.grid.island = island;
        site.compute.min_off = Duration::ZERO;
        offer(&mut site, "inverter", &[Point::GridIsland]);
        let mut bench = boosted(site);
        // 2000 W of sun, 500 W of household, the rest into the battery.
        let seen = [(Point::GridPower, 0.0), (Point::PvPower, 2000.0), (Point::BatteryPower, -1500.0)];
        seen.into_iter().for_each(|(point, value)| bench.see(point, value));
        assert_eq!(bench.settled(1), (budget, Reason::Island), "it never spoke");
        bench.seen.push(("inverter", Point::GridIsland, 0.0));
        assert_eq!(bench.settled(1), (5000.0, Reason::Boost));
        bench.lose(Point::GridIsland);
        assert_eq!(bench.settled(1).0, 5000.0, "it was no island when it fell silent");
        bench.seen.push(("inverter", Point::GridIsland, 1.0));
        assert_eq!(bench.settled(1), (budget, Reason::Island));
        bench.lose(Point::GridIsland);
        assert_eq!(bench.settled(1), (budget, Reason::Island), "it fell silent");
    }
}

#[test]
fn silence_cools_nothing() {
    type Change = dyn Fn(&mut Site);
    let hot_box = |site: &mut Site| {
        site.compute.temperature_max = Some(Celsius(80.0));
        offer(site, "plug", &[Point::ComputeTemperature]);
    };
    let captive = |site: &mut Site| (site.compute.reject_share, site.compute.heat_into) = (0.0, HeatSink::Room);
    let rows: [(&Change, &str, Point, [f64; 2]); 2] = [
        (&hot_box, "plug", Point::ComputeTemperature, [60.0, 81.0]),
        (&captive, "heat pump", Point::RoomTemperature, [21.0, 26.0]),
    ];
    for (change, device, point, [cool, hot]) in rows {
        let mut site = site();
        site.compute.min_off = Duration::ZERO;
        change(&mut site);
        let mut bench = boosted(site);
        bench.seen.retain(|(_, seen, _)| *seen != point);
        assert_eq!(bench.settled(1), (0.0, Reason::StaleData), "{point}: never known");
        bench.seen.push((device, point, cool));
        assert_eq!(bench.settled(1).0, 1000.0);
        bench.lose(point);
        assert_eq!(bench.settled(1), (0.0, Reason::StaleData), "{point}: silent when cool");
        bench.seen.push((device, point, hot));
        assert_eq!(bench.settled(1), (0.0, Reason::TooHot));
        bench.lose(point);
        assert_eq!(bench.settled(600), (0.0, Reason::TooHot), "{point}: silent when hot");
    }
    let mut two = site();
    hot_box(&mut two);
    offer(&mut two, "inverter", &[Point::ComputeTemperature]);
    let mut bench = boosted(two);
    bench.seen.extend([("plug", Point::ComputeTemperature, 95.0), ("inverter", Point::ComputeTemperature, 60.0)]);
    assert_eq!(bench.settled(1), (0.0, Reason::TooHot), "the hottest of two counts");
    let mut blind = site();
    blind.compute.temperature_max = Some(Celsius(80.0));
    assert_eq!(boosted(blind).settled(1), (0.0, Reason::StaleData), "no thermometer at all");
}

#[test]
fn a_phase_is_guarded_as_it_is_read_and_by_the_worst_case_where_it_is_not() {
    type Row<'a> = (&'a [Phase], &'a [(Point, f64)], f64);
    let [l1, p1] = [Point::GridCurrentL1, Point::GridPowerL1];
    let others = [(Point::GridCurrentL2, 0.0), (Point::GridCurrentL3, 0.0)];
    let rows: [Row<'_>; 8] = [
        // phases of the box, what is read -> budget: 2 % of 5750 W are left alone, household 1000 W, sun 1500 W, battery 500 W
        (&[Phase::L1], &[(l1, 20.0)], 1035.0),
        (&[Phase::L1], &[(p1, 4600.0)], 1035.0),
        (&[Phase::L1], &[(l1, 20.0), (p1, -4600.0)], 5000.0),
        (&[Phase::L2], &[(l1, 20.0), (others[0].0, 1.0)], 5000.0),
        (&[Phase::L1, Phase::L2, Phase::L3], &[(l1, 20.0), others[0], others[1]], 3105.0),
        (&[], &[(l1, 20.0), others[0], others[1]], 1035.0),
        // On a phase that nobody reads, everything may run: 300 W of import, 1500 W of sun, 500 W of battery.
        (&[Phase::L1], &[], 3335.0),
        (&[Phase::L1], &[others[0]], 3335.0),
    ];
    for (on, read, budget) in rows {
        let mut site = strong();
        let points: Vec<_> = read.iter().map(|(point, _)| *point).collect();
        offer(&mut site, "meter", &points);
        site.grid.phases = Some(Phases { limit_a: 25.0, voltage: 230.0, compute: on.iter().copied().collect() });
        let mut bench = boosted(site);
        bench.see(Point::PvPower, 1500.0);
        bench.see(Point::BatteryPower, 500.0);
        bench.seen.extend(read.iter().map(|(point, value)| ("meter", *point, *value)));
        let (found, _) = bench.settled(1);
        assert!((found - budget).abs() < 1e-6, "{on:?} {read:?}: {found}");
        if let (Some((point, _)), 1..) = (read.first(), on.len()) {
            read.iter().for_each(|(point, _)| bench.lose(*point));
            let stops = on.contains(&Phase::L1) && [l1, p1].contains(point) || on == [Phase::L2];
            assert_eq!(bench.settled(1).1 == Reason::StaleData, stops, "{on:?} {read:?}: silent");
        }
    }
}

#[test]
fn a_reactive_current_frees_nothing() {
    // L1 gives 100 W with 8 A, nearly all of which flows to and fro. Of 3680 W 2 % are left alone.
    let mut site = strong();
    offer(&mut site, "meter", &[Point::GridCurrentL1, Point::GridPowerL1]);
    site.grid.phases = Some(Phases { limit_a: 16.0, voltage: 230.0, compute: [Phase::L1].into() });
    let mut bench = boosted(site);
    bench.seen.extend([("meter", Point::GridCurrentL1, 8.0), ("meter", Point::GridPowerL1, -100.0)]);
    let (found, reason) = bench.settled(1);
    assert!((found - 3706.4).abs() < 1e-6 && reason == Reason::FuseLimit, "{found} {reason}");
}

#[test]
fn an_engine_that_starts_is_not_known_to_run() {
    let mut site = site();
    site.devices.retain(|device| device.id.0 != "plug");
    let mut bench = boosted(site);
    let mut worker = |state, power| {
        bench.give(Event::Worker(Box::new(WorkerStatus { state, power, ..WorkerStatus::default() })));
        let record = (0..60).map(|_| bench.wake().0).last().unwrap();
        let held = record.decision.settings.iter().any(|set| set.setting == Setting::BatteryMode(BatteryMode::Hold));
        let booked = bench.plant.checkpoint(bench.now).open.observed_s;
        (record.decision.budget.0, record.decision.reason, held, booked, record.explanation)
    };
    let (budget, reason, held, booked, words) = worker(WorkerState::Starting, None);
    assert_eq!((budget, reason, held), (0.0, Reason::WorkerStarting, false));
    assert!(booked > 50.0 && words.contains("the engine is starting"), "{booked} {words}");
    assert_eq!(worker(WorkerState::Idle, Some(Watts(60.0))).0, 1000.0);
    // A model that is loaded while it runs is no stop: there is no minimum time off to wait for.
    assert_eq!(worker(WorkerState::Starting, Some(Watts(60.0))).1, Reason::WorkerStarting);
    assert_eq!(worker(WorkerState::Busy, Some(Watts(60.0))).0, 1000.0);
}

#[test]
fn minimum_times_hold_in_every_mode() {
    for mode in [Mode::Auto, Mode::Surplus, Mode::Heat, Mode::Eco] {
        let mut bench = Bench::new(site());
        bench.give(Event::Command(Command::SetMode(mode)));
        bench.see(Point::BatterySoc, 100.0);
        let (mut since, mut on, mut turns) = (0, false, 0);
        for second in 0..7200 {
            // A sky and a thermometer that waver: sun for 70 s, none for 130 s, the room warm or cold every 7 s.
            let sun = second % 200 < 70;
            bench.see(Point::PvPower, if sun { 3000.0 } else { 0.0 });
            bench.see(Point::GridPower, if sun { -2500.0 } else { 500.0 });
            bench.see(Point::RoomTemperature, if second / 7 % 2 == 0 { 20.0 } else { 24.0 });
            let runs = bench.wake().0.decision.budget > Watts::ZERO;
            if runs != on {
                let least = if on { 300 } else { 180 };
                assert!(turns == 0 || second - since >= least, "{mode}: {runs} after {} s", second - since);
                (since, on, turns) = (second, runs, turns + 1);
            }
        }
        assert!(turns > 4, "{mode}: {turns}");
    }
}

#[test]
fn own_sun_is_free_while_the_grid_operator_dims_as_planned_too() {
    let mut house = House::new(site(), at("2026-04-10T10:00:00Z"));
    house.soc = 100.0;
    house.command(Command::GridDimming(Some(Watts::ZERO)));
    let end = at("2026-04-10T10:30:00Z");
    house.live(end, |_| Conditions { pv: 5000.0, ..Conditions::default() });
    assert!(house.budget > 900.0, "{}", house.record().explanation);
    // The sun sets: nothing is taken from the grid, and the battery is empty.
    house.soc = 5.0;
    house.live(end + chrono::TimeDelta::minutes(1), |_| Conditions::default());
    assert_eq!((house.budget, house.record().decision.reason), (0.0, Reason::GridDimmed));
}
