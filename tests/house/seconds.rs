//! One second at a time: the judge's house of clouds, steps and late meters (`../shared/judge`), played by the built binary beside the
//! judge's reference controllers. `./run seconds` prints the same table for more seeds.

use crate::peer::{binary, workspace};
use anyhow::{Result, ensure};
use std::process::Command;

/// Days that are played: each has other times of the steps and other clouds.
const SEEDS: [&str; 3] = ["1", "2", "3"];

#[test]
fn following_is_quick_and_calm() -> Result<()> {
    let judge = workspace().join("../shared/judge");
    if !judge.is_dir() {
        eprintln!("SKIPPED: the judge is not in ../shared");
        return Ok(());
    }
    let python = workspace().join(".cache/peers/bin/python");
    if !python.exists() {
        eprintln!("SKIPPED: the Python peers are not in .cache/peers (./run setup installs them)");
        return Ok(());
    }
    let table = Command::new(python)
        .arg(workspace().join("tests/bench/seconds.py"))
        .args([judge.as_os_str(), binary()?.as_os_str()])
        .args(SEEDS)
        .output()?;
    let said = [&table.stdout, &table.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    eprintln!("{said}");
    ensure!(table.status.success(), "{said}");
    let rows = said.lines().filter(|line| line.contains("| HeatMine |")).count();
    ensure!(rows == 3 * SEEDS.len(), "{rows} rows of HeatMine: {said}");
    Ok(())
}
