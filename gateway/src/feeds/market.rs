//! Market data as two public sources give it, in EUR/MWh: aWATTar (`data`, `start_timestamp`, `marketprice`) and
//! energy-charts (`unix_seconds`, `price`).

use super::slots::spread;
use chrono::DateTime;
use plant::outlook::Outlook;
use plant::time::Timestamp;
use serde::Deserialize;

/// Kilowatt-hours in a megawatt-hour.
const KWH_PER_MWH: f64 = 1000.0;

#[derive(Deserialize)]
#[serde(untagged)]
enum Market {
    Awattar { data: Vec<Row> },
    EnergyCharts { unix_seconds: Vec<i64>, price: Vec<Option<f64>> },
}

#[derive(Deserialize)]
struct Row {
    start_timestamp: i64,
    end_timestamp: i64,
    marketprice: f64,
    unit: Option<String>,
}

/// Spot prices from either source's answer.
pub(super) fn prices(body: &[u8]) -> Result<Outlook, String> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| format!("cannot be read: {error}"))?;
    let market: Market = serde_json::from_value(value).map_err(
        |_| "is neither aWATTar's market data (data, marketprice) nor energy-charts' prices (unix_seconds, price)",
    )?;
    let prices = match market {
        Market::Awattar { data } => awattar(data)?,
        Market::EnergyCharts { unix_seconds, price } => energy_charts(&unix_seconds, &price)?,
    };
    if prices.is_empty() {
        return Err("has no prices".into());
    }
    Ok(Outlook { spot: spread(prices)?, ..Outlook::default() })
}

fn awattar(rows: Vec<Row>) -> Result<Vec<(Timestamp, f64)>, String> {
    let mut prices = Vec::new();
    for row in rows {
        if let Some(unit) = row.unit.as_deref().filter(|unit| !unit.eq_ignore_ascii_case("Eur/MWh")) {
            return Err(format!("is in {unit}; expected Eur/MWh"));
        }
        let milliseconds = row.end_timestamp.saturating_sub(row.start_timestamp);
        if milliseconds != 900_000 && milliseconds != 3_600_000 {
            return Err(format!("an entry lasts {} s; expected a quarter hour or an hour", milliseconds / 1000));
        }
        // Each entry says its own length, so that a single hour is known to be one.
        for quarter in 0..milliseconds / 900_000 {
            let start = row.start_timestamp.saturating_add(quarter * 900_000);
            prices.push((moment(start)?, row.marketprice / KWH_PER_MWH));
        }
    }
    Ok(prices)
}

fn energy_charts(seconds: &[i64], prices: &[Option<f64>]) -> Result<Vec<(Timestamp, f64)>, String> {
    if seconds.len() != prices.len() {
        return Err(format!("has {} times and {} prices; expected as many", seconds.len(), prices.len()));
    }
    let known = seconds.iter().zip(prices).filter_map(|(second, price)| Some((second, (*price)?)));
    known.map(|(second, price)| Ok((moment(second.saturating_mul(1000))?, price / KWH_PER_MWH))).collect()
}

fn moment(milliseconds: i64) -> Result<Timestamp, String> {
    DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| format!("{milliseconds} ms is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sources_give_the_same_slots() {
        let awattar = br#"{"object":"list","data":[
            {"start_timestamp":1780315200000,"end_timestamp":1780318800000,"marketprice":83.4,"unit":"Eur/MWh"},
            {"start_timestamp":1780318800000,"end_timestamp":1780322400000,"marketprice":-5.0,"unit":"Eur/MWh"}],"url":"x"}"#;
        let charts =
            br#"{"license_info":"x","unix_seconds":[1780315200,1780318800,1780322400],"price":[83.4,-5.0,null],
            "unit":"EUR / MWh","deprecated":false}"#;
        let (awattar, charts) = (prices(awattar).unwrap(), prices(charts).unwrap());
        assert_eq!(awattar, charts);
        assert_eq!(awattar.spot.len(), 8);
        assert_eq!(awattar.spot.values().next().map(|price| price.0), Some(0.0834));
    }

    #[test]
    fn quarter_hours_are_quarter_hours() {
        let body = br#"{"unix_seconds":[1780315200,1780316100,1780317000],"price":[10,20,30]}"#;
        assert_eq!(prices(body).unwrap().spot.len(), 3);
    }

    #[test]
    fn garbage_is_refused_with_its_reason() {
        let rows: &[(&str, &str)] = &[
            ("<html>", "cannot be read"),
            ("{\"error\":\"quota\"}", "is neither aWATTar's"),
            ("{\"data\":[]}", "has no prices"),
            ("{\"unix_seconds\":[1],\"price\":[]}", "has 1 times and 0 prices"),
            ("{\"unix_seconds\":[1780315201],\"price\":[1]}", "not the beginning of a quarter hour"),
            ("{\"unix_seconds\":[9223372036854775807],\"price\":[1]}", "is no time"),
            ("{\"unix_seconds\":[1780315200],\"price\":[90000]}", "is 90 EUR/kWh"),
            ("{\"data\":[{\"start_timestamp\":0,\"end_timestamp\":1,\"marketprice\":1}]}", "lasts 0 s"),
            (
                "{\"data\":[{\"start_timestamp\":0,\"end_timestamp\":3600000,\"marketprice\":1,\"unit\":\"ct/kWh\"}]}",
                "is in ct/kWh",
            ),
        ];
        for (body, part) in rows {
            let error = prices(body.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{body}: {error}");
        }
    }
}
