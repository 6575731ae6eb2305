//! A trace: what a year was like, a quarter hour a line.
//!
//! A cell that is no number, a quarter hour that comes twice, a day that is far from all others and rows that are no quarter hours are
//! errors, with their line. Rows that are missing or out of order, and columns that nobody reads, are said.

use anyhow::{Context, Result, bail};
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, EurPerKwh, Watts};
use std::collections::BTreeMap;
use std::path::Path;

/// The columns of a trace; PV is per kWp.
const COLUMNS: [&str; 6] = ["time_utc", "price_eur_mwh", "pv_w_per_kwp", "load_w", "t_out_c", "ghi_w_m2"];

/// More columns that a trace may have.
const MORE_COLUMNS: [&str; 4] = ["dhw_w", "pv_forecast_w_per_kwp", "t_out_forecast_c", "ghi_forecast_w_m2"];
/// A gap of more slots, a week, is no outage: a date is mistyped, or two years are in one file.
const GAP_MAX: i64 = 7 * 96;

/// A trace, and what its file is like.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    name: String,
    /// What it says, by the quarter hour.
    pub rows: BTreeMap<Slot, Row>,
    /// The line of each row.
    lines: BTreeMap<Slot, usize>,
    /// What is odd about the file as a whole, in words.
    odd: Vec<String>,
}

/// One quarter hour of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub price: EurPerKwh,
    pub pv_per_kwp: f64,
    pub load: Watts,
    pub outdoor: Celsius,
    pub ghi: f64,
    pub hot_water: Watts,
    pub forecast: Forecasted,
}

/// What the trace says was expected of a quarter hour: each `None` where it has no such column, and `Some(None)` where the cell is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Forecasted {
    pub pv_per_kwp: Option<Option<f64>>,
    pub outdoor: Option<Option<f64>>,
    pub ghi: Option<Option<f64>>,
}

/// A line of the file below its header.
#[derive(Debug)]
struct Line<'a> {
    name: &'a str,
    number: usize,
    header: &'a [&'a str],
    cells: Vec<&'a str>,
}

impl Line<'_> {
    fn index(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| *name == column)
    }

    fn cell(&self, column: &str) -> &str {
        self.index(column).and_then(|at| self.cells.get(at)).copied().unwrap_or_default()
    }

    fn wrong(&self, column: &str, expected: &str) -> String {
        let Self { name, number, .. } = self;
        format!("{name}: line {number}: {column} = {:?}; expected {expected}", self.cell(column))
    }

    fn value(&self, column: &str, [least, most]: [f64; 2]) -> Result<f64> {
        let parsed = self.cell(column).parse::<f64>().ok().filter(|value| (least..=most).contains(value));
        parsed.with_context(|| self.wrong(column, &format!("a number from {least} to {most}")))
    }

    /// What was expected, where there is such a column, and anything in it.
    fn expected(&self, column: &str, range: [f64; 2]) -> Result<Option<Option<f64>>> {
        let stated = |_| if self.cell(column).is_empty() { Ok(None) } else { self.value(column, range).map(Some) };
        self.index(column).map(stated).transpose()
    }

    fn slot(&self) -> Result<Slot> {
        let time: Timestamp =
            self.cell("time_utc").parse().with_context(|| self.wrong("time_utc", "a time as 2024-04-01T00:15:00Z"))?;
        let slot = Slot::containing(time);
        if slot.start() != time {
            bail!(self.wrong("time_utc", "the begin of a quarter hour"));
        }
        Ok(slot)
    }

    fn row(&self) -> Result<Row> {
        let drawn = self.index("dhw_w").map(|_| self.value("dhw_w", [-10.0, 1e5])).transpose()?;
        Ok(Row {
            price: EurPerKwh(self.value("price_eur_mwh", [-1e5, 1e5])? / 1000.0),
            pv_per_kwp: self.value("pv_w_per_kwp", [-10.0, 2000.0])?,
            load: Watts(self.value("load_w", [-1e3, 1e6])?),
            outdoor: Celsius(self.value("t_out_c", [-90.0, 70.0])?),
            ghi: self.value("ghi_w_m2", [-50.0, 2000.0])?,
            hot_water: Watts(drawn.unwrap_or(0.0)),
            forecast: Forecasted {
                pv_per_kwp: self.expected("pv_forecast_w_per_kwp", [-10.0, 2000.0])?,
                outdoor: self.expected("t_out_forecast_c", [-90.0, 70.0])?,
                ghi: self.expected("ghi_forecast_w_m2", [-50.0, 2000.0])?,
            },
        })
    }
}

/// The text of a file, plain or gzipped.
fn text(path: &Path) -> Result<String> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the trace {name}"))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let unpacked = std::io::read_to_string(flate2::read::GzDecoder::new(bytes.as_slice()));
        return unpacked.with_context(|| format!("{name}: not gzip"));
    }
    String::from_utf8(bytes).with_context(|| format!("{name}: not text"))
}

impl Trace {
    /// Reads a trace, plain or gzipped.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (name, text) = (path.display().to_string(), text(path)?);
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        if let Some(missing) = COLUMNS.into_iter().find(|column| !header.contains(column)) {
            bail!("{name}: line 1: no column {missing}; expected a header with {}", COLUMNS.join(", "));
        }
        let read = |name: &&&str| COLUMNS.contains(*name) || MORE_COLUMNS.contains(*name) || name.is_empty();
        let unread: Vec<&str> = header.iter().filter(|name| !read(name)).copied().collect();
        let mut trace = Self { name, rows: BTreeMap::new(), lines: BTreeMap::new(), odd: Vec::new() };
        if !unread.is_empty() {
            let more = MORE_COLUMNS.join(", ");
            trace.odd.push(format!("{}: line 1: not read: {}; a trace may have {more}", trace.name, unread.join(", ")));
        }
        let mut disorder = None;
        for (line, number) in lines.zip(2..).filter(|(line, _)| !line.trim().is_empty()) {
            let cells = line.split(',').map(str::trim).collect();
            let line = Line { name: &trace.name, number, header: &header, cells };
            let (slot, row) = (line.slot()?, line.row()?);
            if trace.rows.last_key_value().is_some_and(|(latest, _)| *latest > slot) {
                disorder = disorder.or(Some(number));
            }
            if let Some(first) = trace.lines.get(&slot) {
                bail!(line.wrong("time_utc", &format!("each quarter hour once, and line {first} has it")));
            }
            trace.lines.insert(slot, number);
            trace.rows.insert(slot, row);
        }
        trace.odd.extend(disorder.map(|number| {
            format!(
                "{}: line {number}: time_utc is before that of an earlier line; the rows are put in order",
                trace.name
            )
        }));
        Ok(trace)
    }

    /// What is odd about the rows from `from` until before `to`, in words for a person; an error where they are no quarter hours of one
    /// time.
    pub(crate) fn remarks(&self, (from, to): (Timestamp, Timestamp)) -> Result<Vec<String>> {
        let name = &self.name;
        let within = |slot: &&Slot| slot.start() >= from && slot.start() < to;
        let slots: Vec<Slot> = self.rows.keys().filter(within).copied().collect();
        if slots.is_empty() {
            let (Some((first, _)), Some((last, _))) = (self.rows.first_key_value(), self.rows.last_key_value()) else {
                bail!("{name}: no row below the header; expected a quarter hour in each");
            };
            bail!(
                "{name}: no row between --from and --to; its rows are from {} to {}",
                words(*first),
                words(last.plus(1))
            );
        }
        let gaps = slots.windows(2).filter_map(|pair| match pair {
            [before, after] if after.0 - before.0 > 1 => Some((*before, *after, after.0 - before.0 - 1)),
            _ => None,
        });
        let gaps: Vec<(Slot, Slot, i64)> = gaps.collect();
        let mut remarks = self.odd.clone();
        let Some((before, after, longest)) = gaps.iter().copied().max_by_key(|(.., missing)| *missing) else {
            return Ok(remarks);
        };
        let missing: i64 = gaps.iter().map(|(.., missing)| missing).sum();
        let row = |slot: Slot| (self.lines.get(&slot).copied().unwrap_or_default(), words(slot));
        let ((line, then), (other, earlier)) = (row(after), row(before));
        if longest > GAP_MAX {
            bail!(
                "{name}: line {line}: time_utc = {then:?}; expected a time at most a week after the one before it, {earlier} (line {other}); \
                 --from and --to play a part of a trace"
            );
        }
        if missing >= slots.len() as i64 {
            let (first, second) = (row(gaps[0].0), row(gaps[0].1));
            bail!(
                "{name}: line {}: time_utc = {:?} after {}; expected a row for each quarter hour, and {missing} of {} are missing",
                second.0,
                second.1,
                first.1,
                missing + slots.len() as i64
            );
        }
        remarks.push(format!(
            "{name}: line {line}: time_utc = {then:?} after {earlier}; expected each quarter hour. Missing: {missing} in {} {}, {longest} of \
             them here; they are left out, as if no time passed meanwhile",
            gaps.len(),
            if gaps.len() == 1 { "gap" } else { "gaps" }
        ));
        Ok(remarks)
    }
}

/// A moment as a trace has it.
fn words(slot: Slot) -> String {
    slot.start().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trace of rows at these quarters of 1 June 2026, and what is said of it.
    fn said(quarters: &[i64]) -> Result<Vec<String>> {
        let first = Slot::containing("2026-06-01T00:00:00Z".parse().unwrap());
        let lines = quarters.iter().map(|quarter| format!("{},80,0,300,15,0\n", words(first.plus(*quarter))));
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("a.csv");
        std::fs::write(&file, COLUMNS.join(",") + "\n" + &lines.collect::<String>()).unwrap();
        let trace = Trace::read(&file)?;
        assert_eq!(trace.rows.len(), quarters.len());
        trace.remarks((Timestamp::MIN_UTC, Timestamp::MAX_UTC))
    }

    #[test]
    fn what_is_odd_about_a_trace_is_said_with_its_line() {
        assert_eq!(said(&[0, 1, 2, 3]).unwrap(), Vec::<String>::new());
        let gaps = said(&[0, 1, 2, 5, 6, 7, 8, 10]).unwrap().join("\n");
        assert!(
            gaps.contains("a.csv: line 5: time_utc = \"2026-06-01T01:15:00Z\" after 2026-06-01T00:30:00Z"),
            "{gaps}"
        );
        assert!(gaps.contains("Missing: 3 in 2 gaps, 2 of them here; they are left out"), "{gaps}");
        let disorder = said(&[0, 2, 1, 3]).unwrap().join("\n");
        assert!(disorder.contains("a.csv: line 4: time_utc is before that of an earlier line"), "{disorder}");
        let refused = |quarters: &[i64], words: &str| {
            let error = said(quarters).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(
            &[0, 1, 1],
            "line 4: time_utc = \"2026-06-01T00:15:00Z\"; expected each quarter hour once, and line 3 has it",
        );
        refused(
            &[0, 1, 2, 365 * 96],
            "line 5: time_utc = \"2027-06-01T00:00:00Z\"; expected a time at most a week after",
        );
        refused(
            &[0, 4, 8, 12],
            "line 3: time_utc = \"2026-06-01T01:00:00Z\" after 2026-06-01T00:00:00Z; expected a row for each",
        );
        refused(&[], "no row below the header");
    }
}
