//! A trace: what a year was like, a quarter hour a line.

use anyhow::{Context, Result, bail};
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, EurPerKwh, Watts};
use std::collections::BTreeMap;
use std::path::Path;

/// The columns of a trace; PV is per kWp.
const COLUMNS: [&str; 6] = ["time_utc", "price_eur_mwh", "pv_w_per_kwp", "load_w", "t_out_c", "ghi_w_m2"];

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

/// Reads a trace, plain or gzipped.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<Slot, Row>> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the trace {name}"))?;
    let text = if bytes.starts_with(&[0x1f, 0x8b]) {
        std::io::read_to_string(flate2::read::GzDecoder::new(bytes.as_slice()))
            .with_context(|| format!("{name}: not gzip"))?
    } else {
        String::from_utf8(bytes).with_context(|| format!("{name}: not text"))?
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    let index = |column: &str| header.iter().position(|name| *name == column);
    if let Some(missing) = COLUMNS.into_iter().find(|column| index(column).is_none()) {
        bail!("{name}: line 1: no column {missing}; expected a header with {}", COLUMNS.join(", "));
    }
    let mut rows = BTreeMap::new();
    for (line, number) in lines.zip(2..) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let cell = |column: &str| index(column).and_then(|at| cells.get(at)).copied().unwrap_or_default();
        let value = |column: &str, [least, most]: [f64; 2]| -> Result<f64> {
            let parsed = cell(column).parse::<f64>().ok().filter(|value| (least..=most).contains(value));
            parsed.with_context(|| {
                format!(
                    "{name}: line {number}: {column} = {:?}; expected a number from {least} to {most}",
                    cell(column)
                )
            })
        };
        let time: Timestamp = cell("time_utc").parse().with_context(|| {
            format!("{name}: line {number}: time_utc = {:?}; expected a time as 2024-04-01T00:15:00Z", cell("time_utc"))
        })?;
        let expected = |column: &str, range: [f64; 2]| -> Result<Option<Option<f64>>> {
            let stated = |_| if cell(column).is_empty() { Ok(None) } else { value(column, range).map(Some) };
            index(column).map(stated).transpose()
        };
        let row = Row {
            price: EurPerKwh(value("price_eur_mwh", [-1e5, 1e5])? / 1000.0),
            pv_per_kwp: value("pv_w_per_kwp", [-10.0, 2000.0])?,
            load: Watts(value("load_w", [-1e3, 1e6])?),
            outdoor: Celsius(value("t_out_c", [-90.0, 70.0])?),
            ghi: value("ghi_w_m2", [-50.0, 2000.0])?,
            hot_water: Watts(if index("dhw_w").is_some() { value("dhw_w", [-10.0, 1e5])? } else { 0.0 }),
            forecast: Forecasted {
                pv_per_kwp: expected("pv_forecast_w_per_kwp", [-10.0, 2000.0])?,
                outdoor: expected("t_out_forecast_c", [-90.0, 70.0])?,
                ghi: expected("ghi_forecast_w_m2", [-50.0, 2000.0])?,
            },
        };
        let slot = Slot::containing(time);
        if slot.start() != time || rows.insert(slot, row).is_some() {
            bail!("{name}: line {number}: time_utc = {:?}; expected each quarter hour once", cell("time_utc"));
        }
    }
    Ok(rows)
}
