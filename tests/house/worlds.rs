//! Weeks of the judge's houses (`../shared/judge`), played by the built binary: what its books say is held against the judge's account,
//! never against themselves. `./run worlds` does the same for whole years.

use crate::judge;
use anyhow::{Result, ensure};

/// Weeks of winter, of summer, and of work that arrives; both houses. The day on which the clocks change in autumn
/// (27 October 2024), the most negative day (12 May 2024) and the one on which the exchanges were decoupled (26 June 2024) are in them. The
/// weeks of January end before a night in which the plan buys: the last quarter hour is in no books.
const SCENARIOS: [&str; 8] = [
    "a/market/nwp/start=2024-05-09/end=2024-05-16",
    "a/market/none/start=2024-06-23/end=2024-06-30",
    "b/market/nwp/hide/start=2024-10-21/end=2024-11-04",
    "a/market/nwp/start=2025-01-06/end=2025-01-26T17:00",
    "b/market/nwp/start=2025-01-06/end=2025-01-27",
    "a/market/nwp/start=2024-06-03/end=2024-06-17",
    "b/market/nwp/start=2024-06-03/end=2024-06-17",
    "b/queue/nwp/start=2024-10-01/end=2024-10-15",
];

#[test]
fn books_are_bills() -> Result<()> {
    let Some(said) = judge::plays("worlds.py", &["--bars"], &SCENARIOS)? else { return Ok(()) };
    let rows =
        said.lines().filter(|line| SCENARIOS.iter().any(|name| line.starts_with(&format!("| {name} |")))).count();
    ensure!(rows == SCENARIOS.len(), "{rows} scenarios: {said}");
    Ok(())
}
