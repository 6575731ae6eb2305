//! The long-term statistics of Home Assistant's recorder: hourly means and counters out of `home-assistant_v2.db`.
//!
//! ```text
//! statistics_meta   id, statistic_id (the entity), unit_of_measurement, has_sum (a counter)
//! statistics        metadata_id, start_ts (the hour's first second, UTC), mean, sum (what a counter has counted at the hour's end)
//! ```

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

/// Seconds of an hour.
const HOUR_S: i64 = 3600;
/// No house draws or makes more in an hour, kWh: a counter that was exchanged jumps further.
const HOUR_KWH_MAX: f64 = 200.0;

/// What a statistic measures, and what its numbers are to be multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Quantity {
    /// A power: in W.
    Power(f64),
    /// A counter of energy: in kWh.
    Energy(f64),
    /// In °C: factor and what is added.
    Temperature(f64, f64),
    /// A price of energy: in the currency's unit by kWh.
    Price(f64),
}

impl Quantity {
    /// By the unit; `None` for what says nothing about a house's energy.
    fn of(unit: &str, counts: bool) -> Option<Self> {
        Some(match (unit.trim(), counts) {
            ("W", false) => Self::Power(1.0),
            ("kW", false) => Self::Power(1000.0),
            ("MW", false) => Self::Power(1e6),
            ("Wh", true) => Self::Energy(1e-3),
            ("kWh", true) => Self::Energy(1.0),
            ("MWh", true) => Self::Energy(1000.0),
            ("°C", false) => Self::Temperature(1.0, 0.0),
            ("°F", false) => Self::Temperature(5.0 / 9.0, -32.0 * 5.0 / 9.0),
            (unit, false) if unit.ends_with("/kWh") => {
                Self::Price(if unit.starts_with("ct") || unit.starts_with('c') || unit.starts_with('¢') {
                    0.01
                } else {
                    1.0
                })
            }
            (unit, false) if unit.ends_with("/MWh") => Self::Price(1e-3),
            (_, true | false) => return None,
        })
    }
}

/// A statistic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statistic {
    pub id: i64,
    /// The entity, as `sensor.pv_energy`.
    pub entity: String,
    pub quantity: Quantity,
}

/// A recorder's database, opened to read.
#[derive(Debug)]
pub(super) struct Recorder {
    name: String,
    connection: Connection,
}

impl Recorder {
    /// Opens `file`, of which nothing is written.
    pub(super) fn open(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        ensure!(file.exists(), "{name}: does not exist; expected home-assistant_v2.db, or quarter hours as CSV");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(file, flags).with_context(|| format!("{name}: cannot be opened"))?;
        let recorder = Self { name, connection };
        recorder.check()?;
        Ok(recorder)
    }

    fn check(&self) -> Result<()> {
        let name = &self.name;
        let columns = |table: &str| -> rusqlite::Result<Vec<String>> {
            let mut statement = self.connection.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let found = columns("statistics").with_context(|| format!("{name}: is no database of SQLite"))?;
        if found.is_empty() || columns("statistics_meta").is_ok_and(|columns| columns.is_empty()) {
            bail!("{name}: has no table of long-term statistics; expected the database of Home Assistant's recorder");
        }
        ensure!(
            found.iter().any(|column| column == "start_ts"),
            "{name}: its statistics have no start_ts; expected those of Home Assistant 2023.3 or newer"
        );
        Ok(())
    }

    /// All statistics that say something about a house's energy, by the names of their entities.
    pub(super) fn statistics(&self) -> Result<Vec<Statistic>> {
        type Meta = (i64, String, Option<String>, Option<bool>);
        let read = || -> rusqlite::Result<Vec<Meta>> {
            let sql =
                "SELECT id, statistic_id, unit_of_measurement, has_sum FROM statistics_meta ORDER BY statistic_id";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
        };
        let rows = read().with_context(|| format!("{}: statistics_meta cannot be read", self.name))?;
        let named = rows.into_iter().filter_map(|(id, entity, unit, counts)| {
            Some(Statistic { id, entity, quantity: Quantity::of(&unit?, counts == Some(true))? })
        });
        Ok(named.collect())
    }

    /// The hours of a statistic, by their number since 1970: means in W, °C or by kWh; of a counter the mean power in W.
    pub(super) fn hours(&self, statistic: &Statistic) -> Result<BTreeMap<i64, f64>> {
        type Row = (f64, Option<f64>, Option<f64>);
        let read = || -> rusqlite::Result<Vec<Row>> {
            let sql = "SELECT start_ts, mean, sum FROM statistics WHERE metadata_id = ?1 AND start_ts IS NOT NULL ORDER BY start_ts";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([statistic.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        };
        let rows =
            read().with_context(|| format!("{}: the statistics of {} cannot be read", self.name, statistic.entity))?;
        let mut hours = BTreeMap::new();
        let mut before: Option<(i64, f64)> = None;
        for (start, mean, sum) in rows {
            let hour = (start as i64).div_euclid(HOUR_S);
            match statistic.quantity {
                Quantity::Power(factor) | Quantity::Price(factor) => {
                    hours.extend(mean.map(|mean| (hour, mean * factor)))
                }
                Quantity::Temperature(factor, added) => hours.extend(mean.map(|mean| (hour, mean * factor + added))),
                Quantity::Energy(factor) => {
                    let Some(sum) = sum.map(|sum| sum * factor) else { continue };
                    let counted = before.filter(|(last, _)| last + 1 == hour).map(|(_, last)| sum - last);
                    let plausible = counted.filter(|kwh| (0.0..=HOUR_KWH_MAX).contains(kwh));
                    hours.extend(plausible.map(|kwh| (hour, kwh * 1000.0)));
                    before = Some((hour, sum));
                }
            }
        }
        hours.retain(|_, value| value.is_finite());
        Ok(hours)
    }
}
