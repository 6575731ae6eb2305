//! Some weeks of each season in the judge's houses (`../shared/judge`), played by the built binary: how much of what perfect foresight brings
//! over the best rule its plans bring. `./run judge` does the same for whole years, beside a reference planner.

use crate::judge;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Eight days of a season, and the share of them at least. It is far below what is reached: eight days hold no history to forecast from,
/// and what is left in battery and tank at their end counts for much.
const FLOORS: [(&str, f64); 12] = [
    ("a/market/nwp/start=2024-04-21/end=2024-04-29", 0.6),
    ("a/market/nwp/start=2024-07-15/end=2024-07-23", 0.5),
    ("a/market/nwp/start=2024-11-02/end=2024-11-10", 0.65),
    ("a/market/nwp/start=2025-03-07/end=2025-03-15", 0.65),
    ("a/market/none/start=2024-04-21/end=2024-04-29", 0.4),
    ("a/market/none/start=2024-07-15/end=2024-07-23", 0.35),
    ("a/market/none/start=2024-11-02/end=2024-11-10", 0.55),
    ("a/market/none/start=2025-03-07/end=2025-03-15", 0.5),
    ("a/queue/nwp/start=2024-07-15/end=2024-07-23", 0.45),
    ("a/queue/nwp/start=2024-11-02/end=2024-11-10", 0.55),
    ("b/market/nwp/start=2024-07-15/end=2024-07-23", 0.0),
    ("b/market/nwp/start=2025-03-07/end=2025-03-15", 0.45),
];
/// Of house A in eight days: kelvin hours below 20 °C, and EUR for hot water that was too cold.
const COLD_KH: f64 = 1.0;
const HOT_WATER_EUR: f64 = 1.0;

#[test]
fn each_season_is_planned_better_than_by_rule() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("judged.json");
    let to = file.to_str().context("the folder has no name in UTF-8")?;
    let names = FLOORS.map(|(name, _)| name);
    // A rule that is broken ends the script in an error.
    let Some(said) = judge::plays("judged.py", &["--reference", "none", "--json", to], &names)? else { return Ok(()) };
    let judged: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    ensure!(judged.len() == FLOORS.len(), "{said}");
    let mut wrong = Vec::new();
    for ((name, floor), judged) in FLOORS.iter().zip(&judged) {
        ensure!(judged["scenario"] == *name, "{judged}");
        let row = &judged["heatmine"];
        let number = |key: &str| row[key].as_f64().with_context(|| format!("{name}: {key} of {row}"));
        if number("captured")? < *floor {
            wrong.push(format!("{name}: captured {}, expected {floor} at least", row["captured"]));
        }
        let bars = [("cold_kh", COLD_KH), ("hot_water_eur", HOT_WATER_EUR)];
        for (key, most) in bars.into_iter().filter(|_| name.starts_with("a/")) {
            if number(key)? > most {
                wrong.push(format!("{name}: {key} {}, expected {most} at most", row[key]));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}\n{said}", wrong.join("\n"));
    Ok(())
}
