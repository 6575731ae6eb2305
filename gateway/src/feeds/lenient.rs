//! Reads JSON as the world writes it: behind a byte-order mark, with NaN for a number, numbers and times in any of their forms. What is
//! no JSON is named.

use super::answer::Refused;
use chrono::{DateTime, NaiveDateTime};
use plant::time::Timestamp;
use serde_json::Value;

/// Seconds since 1970 beyond this are milliseconds: the year 5138.
const SECONDS_MAX: f64 = 1e11;

/// The JSON that `body` holds.
pub(super) fn json(body: &[u8]) -> Result<Value, Refused> {
    let text = text(body)?;
    if text.starts_with('<') {
        return Err(Refused::Wrong("is a page of HTML or XML where JSON was expected".into()));
    }
    serde_json::from_str(text).or_else(|error| {
        let wrong = |_| Refused::Wrong(format!("cannot be read: {error}"));
        serde_json::from_str(&without_nan(text)).map_err(wrong)
    })
}

/// The text that `body` holds, without the mark of its byte order.
pub(super) fn text(body: &[u8]) -> Result<&str, Refused> {
    let text = std::str::from_utf8(body).map_err(|_| Refused::Wrong("cannot be read: it is no UTF-8 text".into()))?;
    match text.trim_start_matches('\u{feff}').trim() {
        "" => Err(Refused::Nothing("is empty".into())),
        text => Ok(text),
    }
}

/// `NaN` and `Infinity` outside of texts, which JSON does not know, as `null`.
fn without_nan(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(first) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !quoted && rest.starts_with(word));
        let length = match (word, first) {
            (Some(word), _) => {
                clean.push_str("null");
                word.len()
            }
            (None, '\\') if quoted => {
                let pair: String = rest.chars().take(2).collect();
                clean.push_str(&pair);
                pair.len()
            }
            (None, first) => {
                quoted ^= first == '"';
                clean.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or("");
    }
    clean
}

/// A number, also one that is written as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.filter(|number| number.is_finite())
}

/// A moment: a text with an offset, or seconds or milliseconds since 1970.
pub(super) fn moment(value: &Value) -> Result<Timestamp, String> {
    match value {
        Value::String(text) => time(text),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let milliseconds = if number.abs() < SECONDS_MAX { number * 1000.0 } else { number };
            let fits = milliseconds.abs() < 1e15;
            let moment = fits.then(|| DateTime::from_timestamp_millis(milliseconds as i64)).flatten();
            moment.ok_or_else(|| format!("{number} is no time"))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(format!("{value} is no time")),
    }
}

/// A time with an offset, as `2026-06-01T12:00:00Z`; also with a space, without seconds, or with an offset without a colon.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let mut plain = text.trim().to_owned();
    if plain.as_bytes().get(10) == Some(&b' ') {
        plain.replace_range(10..11, "T");
    }
    let end = plain.len();
    if end > 19 && plain.is_ascii() {
        let offset = &plain[end - 5..];
        if offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit()) {
            plain.insert(end - 2, ':');
        }
    }
    let seconds = plain.as_bytes().get(16);
    if plain.is_ascii() && matches!(seconds, Some(b'Z' | b'+' | b'-')) {
        plain.insert_str(16, ":00");
    }
    DateTime::parse_from_rfc3339(&plain).map(|time| time.to_utc()).map_err(|_| {
        if naive(&plain).is_some() {
            format!(
                "the time {text} has no offset, so that nobody knows the moment; expected one as 2026-06-01T12:00:00Z"
            )
        } else {
            format!("{text} is no time; expected one as 2026-06-01T12:00:00Z")
        }
    })
}

/// A time of some wall without an offset.
pub(super) fn naive(text: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    forms.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_as_the_world_writes_it() {
        let body = "\u{feff}{\"a\":[NaN,-Infinity,1],\"b\":\"NaN \\\" NaN\"}";
        assert_eq!(json(body.as_bytes()).unwrap(), json!({"a": [null, null, 1], "b": "NaN \" NaN"}));
        let rows: &[(&[u8], &str)] = &[
            (b"", "is empty"),
            (b"  \n", "is empty"),
            (b"<!DOCTYPE html>", "is a page of HTML"),
            (b"{\"a\":[1,2", "cannot be read: EOF"),
            (b"\xff\x00", "no UTF-8"),
        ];
        for (body, part) in rows {
            let refused = json(body).unwrap_err();
            assert!(refused.words().contains(part), "{refused:?}");
        }
    }

    #[test]
    fn a_time_needs_an_offset() {
        let noon: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let rows = [
            json!("2026-06-01T12:00:00Z"),
            json!("2026-06-01T12:00Z"),
            json!("2026-06-01 14:00:00+02:00"),
            json!("2026-06-01 14:00:00+0200"),
            json!("2026-06-01T14:00:00.000+02:00"),
            json!("2026-06-01T12:00:00.0000000Z"),
            json!(1_780_315_200),
            json!(1_780_315_200_000_i64),
        ];
        for row in rows {
            assert_eq!(moment(&row), Ok(noon), "{row}");
        }
        for (row, part) in [("2026-06-01T12:00:00", "has no offset"), ("today", "is no time")] {
            assert!(time(row).unwrap_err().contains(part), "{row}");
        }
        assert!(moment(&json!(1e300)).unwrap_err().contains("is no time"));
        assert_eq!(
            (number(&json!("0.0799")), number(&json!("free")), number(&json!(null))),
            (Some(0.0799), None, None)
        );
    }
}
