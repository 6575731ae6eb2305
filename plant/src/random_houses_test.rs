//! Random houses that answer late, read seldom and obey slowly or not at all: the limits hold by true powers, nothing swings, and a
//! recording is decided the same again.

use crate::checkpoint::Restored;
use crate::decision::Control;
use crate::effect::Effect;
use crate::event::Event;
use crate::late_house::blueprint::{LIFE, random};
use crate::late_house::meter::Trouble;
use crate::late_house::{Happening, LateHouse};
use crate::plant::Plant;
use crate::time::Timestamp;
use proptest::test_runner::{Config, RngSeed};
use std::ops::Range;

/// Houses of the usual run.
const HOUSES: u64 = 48;
/// Houses of a round of `./run long`.
const HOUSES_OF_A_ROUND: u64 = 400;
/// More starts of compute in an hour are swinging. An oven at the fuse stops compute twenty times, a kettle and a car some times more;
/// starting into the fuse after each minimum time off, a minute here, would be more than fifty.
const STARTS: usize = 40;
/// More writes of one control in an hour wear a device out or make a heat pump restless: one in a minute.
const WRITES: usize = 60;
/// The box follows the sun; more changes in an hour than one every two seconds chase noise.
const BUDGETS: usize = 1_800;

/// The usual seeds; in a round of `./run long`, which seeds all chance, those of the round.
fn seeds() -> Range<u64> {
    match Config::default().rng_seed {
        RngSeed::Random => 0..HOUSES,
        RngSeed::Fixed(round) => {
            let first = 1_000_000 + round * HOUSES_OF_A_ROUND;
            first..first + HOUSES_OF_A_ROUND
        }
    }
}

/// The most of `moments` within an hour.
fn in_an_hour(moments: &[f64]) -> usize {
    let until = |from: f64| moments.iter().filter(|at| (from..from + 3_600.0).contains(*at)).count();
    moments.iter().map(|from| until(*from)).max().unwrap_or(0)
}

fn faults(seed: u64, house: &LateHouse) -> Vec<String> {
    let account = &house.account;
    let mut faults: Vec<String> =
        account.faults.iter().map(|(guarded, words)| format!("seed {seed}: {guarded:?} {words}")).collect();
    let starts = in_an_hour(&house.starts);
    if starts > STARTS {
        let last: Vec<_> = house.starts.iter().zip(&house.stops).rev().take(12).collect();
        faults.push(format!("seed {seed}: {starts} starts in an hour, the last and what ended them: {last:?}"));
    }
    for (control, moments) in &house.writes {
        let writes = in_an_hour(moments);
        if writes > if *control == Control::ComputeBudget { BUDGETS } else { WRITES } {
            faults.push(format!("seed {seed}: {} was set {writes} times in an hour", control.name()));
        }
    }
    faults
}

#[test]
fn limits_hold_by_true_powers() {
    let live = |seed| {
        let mut house = random(seed);
        house.live(LIFE);
        faults(seed, &house)
    };
    let faults: Vec<_> = seeds().flat_map(live).collect();
    assert!(faults.is_empty(), "{} faults in {} houses:\n{}", faults.len(), seeds().count(), faults.join("\n"));
}

#[test]
fn a_recording_is_decided_the_same_again() {
    for seed in seeds().take(4) {
        let mut house = random(seed);
        house.recorded = true;
        house.happenings.insert(0, (5.0, Happening::ClockSet(-90_000)));
        house.live(1_800.0);
        assert!(house.history.iter().any(|(_, event)| matches!(event, Event::ClockSet(-90_000))));
        let lines: Vec<String> =
            house.history.iter().map(|recorded| serde_json::to_string(recorded).unwrap()).collect();
        let mut plant = Plant::new(house.plant.site().clone(), Restored::default(), house.history[0].0);
        let mut again: Vec<Effect> = Vec::new();
        for line in lines {
            let (at, event): (Timestamp, Event) = serde_json::from_str(&line).unwrap();
            again.extend(plant.handle(event, at));
        }
        assert!(again == house.effects, "seed {seed}: a recording must be decided the same again");
    }
}

#[test]
fn the_usual_houses_have_every_trouble() {
    let houses: Vec<LateHouse> = (0..HOUSES).map(random).collect();
    let with = |what: &dyn Fn(&LateHouse) -> bool| houses.iter().filter(|house| what(house)).count();
    let troubled = |house: &LateHouse, kind| {
        house.meters.iter().flat_map(|meter| &meter.troubles).any(|(_, _, trouble)| *trouble == kind)
    };
    let counts = [
        with(&|house| troubled(house, Trouble::Silent)),
        with(&|house| troubled(house, Trouble::Stuck)),
        with(&|house| house.happenings.iter().any(|(_, what)| matches!(what, Happening::Deaf(true)))),
        with(&|house| house.happenings.iter().any(|(_, what)| matches!(what, Happening::ClockSet(_)))),
        with(&|house| house.storage.is_some() && house.sky.clear > 0.0),
        with(&|house| house.plant.site().grid.phases.is_some()),
        with(&|house| house.meters.iter().any(|meter| meter.device == "plug" && meter.every >= 30.0)),
    ];
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}
