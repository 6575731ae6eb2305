//! Weekdays as every crontab has them: 0 and 7 are Sunday, 1 is Monday, 6 is Saturday. The `cron` crate counts from 1 for Sunday, so
//! the field is translated before that crate reads it.
//!
//! Example: `1-5` is Monday to Friday, which the crate calls `2,3,4,5,6`; `6,7` is the weekend, `7,1` for the crate. A range may pass
//! Sunday: `Fri-Mon` is Friday, Saturday, Sunday and Monday.

const NAMES: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// A name has at least as many letters.
const LETTERS: usize = 3;

/// The field as the `cron` crate numbers it; `None` where it cannot be read.
pub(super) fn numbered(field: &str) -> Option<String> {
    if matches!(field, "*" | "?") {
        return Some("*".to_owned());
    }
    let mut days = [false; 7];
    for item in field.split(',') {
        for day in days_of(item)? {
            days[day] = true;
        }
    }
    let numbers: Vec<String> = (1..=7).filter(|number| days[number - 1]).map(|number| number.to_string()).collect();
    Some(numbers.join(","))
}

/// The days of one item, Sunday being 0: `*`, a day or a range, each with a step or without.
fn days_of(item: &str) -> Option<impl Iterator<Item = usize>> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step.parse::<usize>().ok().filter(|step| *step > 0)?)),
        None => (item, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (0, 6),
        Some((first, last)) => (day(first)?, day(last)?),
        // From this day on to the end of the week.
        None if step.is_some() => (day(range)?, 6),
        None => (day(range)?, day(range)?),
    };
    let last = if last < first { last + 7 } else { last };
    Some((first..=last).step_by(step.unwrap_or(1)).map(|day| day % 7))
}

fn day(word: &str) -> Option<usize> {
    if let Ok(number) = word.parse::<usize>() {
        return (number <= 7).then_some(number);
    }
    let word = word.to_ascii_lowercase();
    NAMES.iter().position(|name| word.len() >= LETTERS && name.starts_with(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_translated() {
        let rows = [
            ("*", Some("*")),
            ("?", Some("*")),
            ("0", Some("1")),
            ("7", Some("1")),
            ("1", Some("2")),
            ("6", Some("7")),
            ("1-5", Some("2,3,4,5,6")),
            ("6,7", Some("1,7")),
            ("0,6", Some("1,7")),
            ("5-7", Some("1,6,7")),
            ("0-7", Some("1,2,3,4,5,6,7")),
            ("*/2", Some("1,3,5,7")),
            ("1-5/2", Some("2,4,6")),
            ("3/2", Some("4,6")),
            ("Mon-Fri", Some("2,3,4,5,6")),
            ("Sat,Sun", Some("1,7")),
            ("Sat-Sun", Some("1,7")),
            ("fri-MON", Some("1,2,6,7")),
            ("Thurs", Some("5")),
            ("1,wed,5", Some("2,4,6")),
            ("8", None),
            ("-1", None),
            ("1-", None),
            ("", None),
            ("1,,2", None),
            ("*/0", None),
            ("Mo", None),
            ("Funday", None),
            ("1.5", None),
        ];
        for (field, expected) in rows {
            assert_eq!(numbered(field).as_deref(), expected, "{field}");
        }
    }
}
