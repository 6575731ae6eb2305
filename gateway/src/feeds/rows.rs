//! Rows of a list as most sources write them: an object with a start, maybe an end, and a value; an array of the three; or a map from
//! times to values.

use super::answer::{Entry, Refused};
use super::lenient::{moment, number, time};
use serde_json::Value;

/// Names of the start.
const STARTS: [&str; 9] =
    ["start", "start_time", "startsAt", "valid_from", "time", "hour", "from", "timestamp", "startTime"];
/// Names of the end.
const ENDS: [&str; 6] = ["end", "end_time", "valid_to", "until", "endTime", "endsAt"];
/// Names of the value, and what makes a price per kWh of it.
const VALUES: [(&str, f64); 10] = [
    ("value", 1.0),
    ("price", 1.0),
    ("eur_per_kwh", 1.0),
    ("price_per_kwh", 1.0),
    ("per_kwh", 1.0),
    ("value_inc_vat", 1.0),
    ("advanced_price_predicted", 1.0),
    ("total", 1.0),
    ("price_ct_per_kwh", 0.01),
    ("price_eur_per_mwh", 0.001),
];

/// The entries of `rows`. A row that is none is left out; where all are, the first one's fault is said.
pub(super) fn entries(rows: &Value) -> Result<Vec<Entry>, Refused> {
    let read: Vec<Result<Entry, String>> = match rows {
        Value::Array(rows) => rows.iter().map(entry).collect(),
        Value::Object(map) => map.iter().map(|(start, value)| Ok(entry_at(time(start)?, None, value))).collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Refused::Wrong("has no list of prices".into()));
        }
    };
    sound(read)
}

/// The entries among `read`; where there are none but faults, the first fault.
pub(super) fn sound(read: Vec<Result<Entry, String>>) -> Result<Vec<Entry>, Refused> {
    let (mut entries, mut fault) = (Vec::new(), None);
    for row in read {
        match row {
            Ok(entry) => entries.push(entry),
            Err(why) => drop(fault.get_or_insert(why)),
        }
    }
    match fault {
        Some(why) if entries.is_empty() => Err(Refused::Wrong(why)),
        Some(_) | None => Ok(entries),
    }
}

/// A row with its price by the usual names.
fn entry(row: &Value) -> Result<Entry, String> {
    match row {
        Value::Object(fields) => {
            let named = VALUES.iter().find_map(|(name, factor)| Some((fields.get(*name)?, factor)));
            let price = named.and_then(|(value, factor)| Some(number(value)? * factor));
            entry_of(row, price)
        }
        Value::Array(row) => match row.as_slice() {
            [start, end, value] => Ok(Entry { start: moment(start)?, end: moment(end).ok(), price: number(value) }),
            [start, value] => Ok(entry_at(moment(start)?, None, value)),
            _ => Err("has rows that are no time and price".into()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(format!("{row} is no time and price"))
        }
    }
}

/// A row's start and end, with a price that was found.
pub(super) fn entry_of(row: &Value, price: Option<f64>) -> Result<Entry, String> {
    let find = |names: &[&str]| names.iter().find_map(|name| row.get(*name));
    let start = find(&STARTS).ok_or("has a row without a start")?;
    let end = find(&ENDS).and_then(|end| moment(end).ok());
    Ok(Entry { start: moment(start)?, end, price })
}

fn entry_at(start: plant::time::Timestamp, end: Option<plant::time::Timestamp>, value: &Value) -> Entry {
    Entry { start, end, price: number(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_of_every_form_are_read() {
        let price = |rows: Value| entries(&rows).unwrap().iter().map(|entry| entry.price).collect::<Vec<_>>();
        assert_eq!(
            price(json!([{"start": "2026-06-01T12:00:00Z", "end": "2026-06-01T13:00:00Z", "value": 0.1}])),
            [Some(0.1)]
        );
        assert_eq!(price(json!([{"hour": "2026-06-01 12:00:00+02:00", "price": "0.2"}])), [Some(0.2)]);
        assert_eq!(price(json!([[1_780_315_200, 1_780_316_100, 0.3]])), [Some(0.3)]);
        assert_eq!(price(json!({"2026-06-01 12:00:00+1100": 0.4})), [Some(0.4)]);
        assert_eq!(price(json!([{"start_time": "2026-06-01T12:00:00Z", "price_ct_per_kwh": 5.0}])), [Some(0.05)]);
        assert_eq!(price(json!(null)), []);
    }

    #[test]
    fn a_bad_row_spoils_no_other() {
        let rows = json!(["x", 1, null, {"start": "bad", "value": 1}, {"value": 1}, {"start": "2026-06-01T12:00:00Z", "value": "?"},
            {"start": "2026-06-01T12:15:00Z", "value": 0.1}]);
        let prices: Vec<_> = entries(&rows).unwrap().iter().map(|entry| entry.price).collect();
        assert_eq!(prices, [None, Some(0.1)]);
        let refused = entries(&json!([{"start": "2026-06-01T12:00:00", "value": 0.1}])).unwrap_err();
        assert!(refused.words().contains("has no offset"), "{refused:?}");
        assert!(entries(&json!("not a list")).is_err());
    }
}
