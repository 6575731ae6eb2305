//! Random houses and what is said of their meters: nothing of healthy ones, however late, seldom and coarse they are, and the fault of
//! those that have one.

use crate::command::{Command, Mode};
use crate::late_house::blueprint::random;
use crate::late_house::chance::Chance;
use crate::late_house::meter::Trouble;
use crate::late_house::{Happening, LateHouse};
use crate::plant::{Plant, Restored};
use crate::point::Point;
use proptest::test_runner::{Config, RngSeed};
use std::ops::Range;
use std::time::Duration;

/// Houses of the usual run, and of a round of `./run long`.
const HOUSES: [u64; 2] = [48, 400];
/// Seconds that a house lives.
const LIFE: f64 = 5_400.0;

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
    let contradicts =
        |problem: &&String| ["seems to", "below zero", "against the power"].iter().any(|words| problem.contains(words));
    let problems = house.record.iter().flat_map(|record| &record.problems).filter(contradicts);
    problems.cloned().collect::<Vec<_>>().join(". ")
}

/// The seconds until what is said contains `words`, and what else was said before.
fn found(house: &mut LateHouse, words: &str) -> (Option<f64>, String) {
    let (began, mut before) = (house.t(), String::new());
    while house.t() < began + LIFE {
        house.live(1.0);
        let said = said(house);
        if said.contains(words) {
            return (Some(house.t() - began), before);
        }
        if !said.is_empty() {
            before = said;
        }
    }
    (None, before)
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
                eprintln!(
                    "{:?} {:?} {:?}",
                    house.truth,
                    house.meters.iter().map(|m| (m.device, m.every, m.late, &m.troubles)).collect::<Vec<_>>(),
                    house.record.as_ref().unwrap().points
                );
                break;
            }
        }
    }
    assert!(faults.is_empty(), "{} of {} houses:\n{}", faults.len(), seeds().count(), faults.join("\n"));
}

fn report(what: &str, times: &[(u64, Option<f64>, String)]) {
    let mut found: Vec<f64> = times.iter().filter_map(|(_, time, _)| *time).collect();
    found.sort_by(f64::total_cmp);
    eprintln!(
        "{what}: {} of {} found, median {:?}, last {:?}",
        found.len(),
        times.len(),
        found.get(found.len() / 2),
        found.last()
    );
    for (seed, time, before) in times.iter().filter(|(_, time, before)| time.is_none() || !before.is_empty()) {
        eprintln!("   seed {seed} {time:?} {before}");
    }
}

#[test]
fn x_night() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.storage.is_some() {
            continue;
        }
        house.sky.clear = 0.0;
        house.meter(Point::GridPower).factors.insert(Point::GridPower, -1.0);
        let (time, before) = found(&mut house, "the grid meter (meter) seems to count the wrong way");
        let slow = house.meter(Point::GridPower).every * 3.0 + house.meter(Point::GridPower).late;
        house.live(3600.0);
        times.push((
            seed,
            time,
            format!("{before} slow {slow} compute {} {:?}", house.truth.compute, house.starts.len()),
        ));
    }
    report("night", &times);
}

#[test]
fn x_day() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.storage.is_some() || house.plant.site().pv.is_none() {
            continue;
        }
        house.meter(Point::GridPower).factors.insert(Point::GridPower, -1.0);
        let (time, before) = found(&mut house, "the grid meter (meter) seems to count the wrong way");
        let mut kwh = 0.0;
        for _ in 0..3600 {
            house.live(1.0);
            kwh += house.truth.grid.min(house.truth.compute).max(0.0) / 3.6e6;
        }
        times.push((
            seed,
            time,
            format!(
                "{before} kwh {kwh} of {} clear {} starts {:?}",
                house.plant.site().compute.max,
                house.sky.clear,
                house.starts.len()
            ),
        ));
    }
    report("day", &times);
}

#[test]
fn x_battery() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.storage.is_none() {
            continue;
        }
        house.meter(Point::BatteryPower).factors.insert(Point::BatteryPower, -1.0);
        let (time, before) = found(&mut house, "the battery (inverter) seems to count");
        times.push((
            seed,
            time,
            format!("{before} faults {:?} soc {} clear {}", house.account.faults, house.truth.soc, house.sky.clear),
        ));
    }
    report("battery", &times);
}

#[test]
fn x_plug() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::Boost(Duration::from_secs(7200)));
        if !house.meters.iter().any(|meter| meter.device == "plug") {
            continue;
        }
        house.meter(Point::ComputePower).factors.insert(Point::ComputePower, -1.0);
        let (time, before) = found(&mut house, "the meter of compute (plug)");
        times.push((seed, time, before));
    }
    report("plug", &times);
}

#[test]
fn x_hidden() {
    let mut times = Vec::new();
    for seed in seeds() {
        let mut house = calm(seed, Command::SetMode(Mode::Surplus));
        if house.sky.clear < 2500.0 {
            continue;
        }
        house.meter(Point::PvPower).factors.insert(Point::PvPower, 0.3);
        let (time, before) = found(&mut house, "missing in the configuration");
        let first = said(&house);
        house.live(1800.0);
        times.push((
            seed,
            time,
            format!(
                "{before} clear {} first {first} then {} compute {}",
                house.sky.clear,
                said(&house),
                house.truth.compute
            ),
        ));
    }
    report("hidden", &times);
}

#[test]
fn x_stuck() {
    for (point, words) in [
        (Point::GridPower, "the grid meter (meter) has shown the same"),
        (Point::BatteryPower, "the battery (inverter) has shown the same"),
    ] {
        let mut times = Vec::new();
        for seed in seeds() {
            let mut house = calm(seed, Command::SetMode(Mode::Surplus));
            if house.storage.is_none() && point == Point::BatteryPower {
                continue;
            }
            house.happenings.push((700.0, Happening::Command(Command::Boost(Duration::from_secs(7200)))));
            house.meter(point).troubles = vec![(600.0, 1e9, Trouble::Stuck)];
            house.live(600.0);
            let shown = house.record.as_ref().unwrap().points.get(&point).copied();
            let (time, before) = found(&mut house, words);
            times.push((seed, time, format!("{before} shown {shown:?} storage {}", house.storage.is_some())));
        }
        report(words, &times);
    }
}
