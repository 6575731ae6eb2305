//! Random houses that answer late, read seldom and obey slowly or not at all: the limits hold by true powers.

use crate::late_house::account::Guarded;
use crate::late_house::blueprint::{LIFE, random};

/// Houses of the usual run; `./run long` adds more.
const HOUSES: u64 = 48;

fn lived(seed: u64) -> Vec<(u64, Guarded, String)> {
    let mut house = random(seed);
    house.live(LIFE);
    let faults = house.account.faults.iter().map(|(guarded, words)| (seed, *guarded, words.clone()));
    faults.collect()
}

#[test]
fn limits_hold_by_true_powers_in_random_houses() {
    let faults: Vec<_> = (0..HOUSES).flat_map(lived).collect();
    for (seed, guarded, words) in &faults {
        std::eprintln!("seed {seed}: {guarded:?} {words}");
    }
    assert!(faults.is_empty(), "{} faults", faults.len());
}
