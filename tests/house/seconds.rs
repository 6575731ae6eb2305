//! One second at a time: the judge's house of clouds, steps and late meters (`../shared/judge`), played by the built binary beside the
//! judge's reference controllers. `./run seconds` prints the same table for more seeds.

use crate::judge;
use anyhow::{Result, ensure};

/// Days that are played: each has other times of the steps and other clouds.
const SEEDS: [&str; 3] = ["1", "2", "3"];

#[test]
fn following_is_quick_and_calm() -> Result<()> {
    let Some(said) = judge::plays("seconds.py", &[], &SEEDS)? else { return Ok(()) };
    let rows = said.lines().filter(|line| line.contains("| HeatMine |")).count();
    ensure!(rows == 3 * SEEDS.len(), "{rows} rows of HeatMine: {said}");
    Ok(())
}
