//! Random houses and what is said of their meters: nothing of healthy ones, however late, seldom and coarse they are, and the fault of
//! those that have one.

use crate::checkpoint::Restored;
use crate::command::{Command, Mode};
use crate::late_house::blueprint::random;
use crate::late_house::chance::Chance;
use crate::late_house::meter::Trouble;
use crate::late_house::{Happening, LateHouse};
use crate::plant::Plant;
use crate::point::Point;
use proptest::test_runner::{Config, RngSeed};
use std::ops::Range;
use std::time::Duration;

/// Houses of the usual run, and of a round of `./run long`.
const HOUSES: [u64; 2] = [36, 200];
/// Seconds that a house lives.
const LIFE: f64 = 3_600.0;

/// The usual seeds; in a round of `./run long`, which seeds all chance, those of the round.
fn seeds() -> Range<u64> {
    match Config::default().rng_seed {
        RngSeed::Random => 0..HOUSES[0],
        RngSeed::Fixed(round) => {
            let first = 2_000_000 + round * HOUSES[1];
            first..first + HOUSES[1]
        }
    }
}

/// The house of `seed` with sound meters: some of them are up to a minute late, some have counters.
fn sound(seed: u64) -> LateHouse {
    let mut house = random(seed);
    let mut chance = Chance::new(seed.wrapping_mul(31));
    let counters = chance.happens(0.6);
    let mut site = house.plant.site().clone();
    for meter in &mut house.meters {
        meter.troubles.retain(|(_, _, trouble)| *trouble == Trouble::Silent);
        if chance.happens(0.3) {
            meter.late = chance.between(3.0, 60.0);
        }
        meter.count = chance.one_of(&[0.001, 0.01, 0.1, 1.0]);
        let counts: &[Point] = match meter.points.as_slice() {
            points if points.contains(&Point::GridPower) => &[Point::GridImportEnergy, Point::GridExportEnergy],
            points if points.contains(&Point::BatteryPower) => {
                &[Point::BatteryDischargeEnergy, Point::BatteryChargeEnergy]
            }
            _ => &[],
        };
        if counters {
            meter.points.extend(counts);
        }
        for device in site.devices.iter_mut().filter(|device| device.id.0 == meter.device) {
            device.points.extend(&meter.points);
        }
    }
    house.happenings.retain(|(_, what)| !matches!(what, Happening::Deaf(true)));
    house.plant = Plant::new(site, Restored::default(), house.now());
    house
}

/// The same where nothing happens but sun and loads, in `mode`.
fn calm(seed: u64, mode: Command) -> LateHouse {
    let mut house = sound(seed);
    house.happenings = vec![(1.0, Happening::Command(mode))];
    house.meters.iter_mut().for_each(|meter| meter.troubles.clear());
    house
}

/// What is said of meters that contradict.
fn said(house: &LateHouse) -> String {
    let contradicts = |problem: &&String| {
        ["seems to", "below zero", "against the power", "contradicted"].iter().any(|words| problem.contains(words))
    };
    let problems = house.record.iter().flat_map(|record| &record.problems).filter(contradicts);
    problems.cloned().collect::<Vec<_>>().join(". ")
}

/// How long until what is said contains `words`, in seconds.
fn found(house: &mut LateHouse, words: &str) -> Option<f64> {
    let began = house.t();
    while house.t() < began + LIFE {
        house.live(1.0);
        if said(house).contains(words) {
            return Some(house.t() - began);
        }
    }
    None
}

/// Turns the sign of `point`, or lets it show a share.
fn factor(house: &mut LateHouse, point: Point, factor: f64) {
    house.meter(point).factors.insert(point, factor);
}

/// At least `share` of the houses have to be found out, half of them within `median` seconds.
fn check(times: &[(u64, Option<f64>)], share: f64, median: f64) {
    let mut found: Vec<f64> = times.iter().filter_map(|(_, time)| *time).collect();
    found.sort_by(f64::total_cmp);
    assert!(times.len() >= 5, "{times:?}");
    assert!(found.len() as f64 >= share * times.len() as f64, "{} of {}: {times:?}", found.len(), times.len());
    assert!(found[found.len() / 2] <= median, "{times:?}");
}

#[test]
fn nothing_is_said_of_sound_meters() {
    let mut faults = Vec::new();
    for seed in seeds() {
        let mut house = sound(seed);
        while house.t() < LIFE {
            house.live(1.0);
            let said = said(&house);
            if !said.is_empty() {
                faults.push(format!("seed {seed}, {} s: {said}", house.t()));
                break;
            }
        }
    }
    assert!(faults.is_empty(), "{} of {} houses:\n{}", faults.len(), seeds().count(), faults.join("\n"));
}

#[test]
fn a_clamp_turned_round_by_night_is_found_at_once() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.storage.is_some() {
            continue;
        }
        house.sky.clear = 0.0;
        factor(&mut house, Point::GridPower, -1.0);
        let time = found(&mut house, "the grid meter (meter) seems to count the wrong way");
        // The first readings and loads, three readings of the grid meter, and 20 s.
        let late = house.meters.iter().map(|meter| meter.late).fold(0.0, f64::max);
        let soon = late.max(60.0) + 3.0 * house.meter(Point::GridPower).every + 25.0;
        assert!(time.is_some_and(|time| time <= soon), "seed {seed}: {time:?} of {soon}");
        house.live(300.0);
        assert!(house.truth.compute <= 0.0, "seed {seed}: {} W", house.truth.compute);
        times.push((seed, time));
    }
    check(&times, 1.0, 60.0);
}

#[test]
fn a_clamp_turned_round_by_day_costs_little() {
    let mut houses = 0;
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.storage.is_some() || house.plant.site().pv.is_none() {
            continue;
        }
        factor(&mut house, Point::GridPower, -1.0);
        let mut bought = 0.0;
        while house.t() < LIFE {
            house.live(1.0);
            bought += house.truth.grid.min(house.truth.compute).max(0.0) / 3.6e6;
        }
        let most = house.plant.site().compute.max.0 / 1000.0;
        houses += 1;
        assert!(bought < 0.3 * most, "seed {seed}: {bought} kWh by a box of {most} kW, {}", said(&house));
    }
    assert!(houses >= 5, "{houses}");
}

#[test]
fn a_battery_counted_the_wrong_way_is_named() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        // One that is nearly empty is empty before it has shown anything.
        if house.storage.as_ref().is_none_or(|storage| storage.soc < 20.0) {
            continue;
        }
        factor(&mut house, Point::BatteryPower, -1.0);
        times.push((seed, found(&mut house, "the battery (inverter) seems to count")));
        assert!(house.account.faults.is_empty(), "seed {seed}: {:?}", house.account.faults);
    }
    check(&times, 0.8, 1_200.0);
}

#[test]
fn a_plug_counted_backwards_is_named() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::Boost(Duration::from_secs(7_200)));
        if house.meters.iter().any(|meter| meter.device == "plug") {
            factor(&mut house, Point::ComputePower, -1.0);
            times.push((seed, found(&mut house, "the meter of compute (plug)")));
        }
    }
    check(&times, 1.0, 180.0);
}

#[test]
fn a_source_that_nobody_configured_is_missed() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.sky.clear < 2_500.0 {
            continue;
        }
        factor(&mut house, Point::PvPower, 0.3);
        times.push((seed, found(&mut house, "missing in the configuration")));
    }
    check(&times, 0.6, 1_800.0);
}

#[test]
fn stuck_meters_are_named() {
    let rows = [
        // Where the battery follows it in its place, no one can tell; nor whether what rests is stuck.
        (Point::GridPower, false, 100.0, "the grid meter (meter) has shown the same", 0.7, 400.0),
        (Point::BatteryPower, true, 500.0, "the battery (inverter) has shown the same", 0.8, 1_200.0),
    ];
    for (point, storage, least, words, share, median) in rows {
        let mut times = Vec::new();
        for seed in seeds() {
            let mut house = calm(seed, Command::SetMode(Mode::Surplus));
            house.happenings.push((700.0, Happening::Command(Command::Boost(Duration::from_secs(7_200)))));
            house.meter(Point::GridPower).troubles.clear();
            if house.storage.is_some() != storage {
                continue;
            }
            house.meter(point).troubles = vec![(600.0, 1e9, Trouble::Stuck)];
            house.live(600.0);
            let shown = house.record.as_ref().and_then(|record| record.points.get(&point)?.fresh());
            if shown.is_some_and(|shown| shown.abs() > least) {
                times.push((seed, found(&mut house, words)));
            }
        }
        check(&times, share, median);
    }
}
