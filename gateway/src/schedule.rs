//! Things done at fixed local times. The `cron` crate reads the expression; when a run falls due is our own rule, on local
//! wall time:
//!
//! - what falls into the hour that is skipped in spring runs once, at the end of that hour;
//! - what falls into the hour that is doubled in autumn runs once, when the hour is there for the first time;
//! - due times never go backwards, and what a sleeping machine missed runs once when it wakes.

mod runner;

pub use runner::run;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use plant::command::Command;
use plant::time::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Wall times of a doubled hour that may lie behind us: one a second, with room for odd changes of a zone's offset.
const BEHIND_MAX: usize = 4 * 3600;
/// Minutes that the longest skipped stretch of local time has: whole days were skipped at the date line.
const SKIPPED_MAX: i64 = 26 * 60;

/// When something is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    cron: cron::Schedule,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// A command for the loop.
    Command(Command),
    /// A summary of the last day's telemetry is queued as a job.
    Summary,
}

/// Something done at fixed local times.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub schedule: Schedule,
    pub action: Action,
}

/// The fields of an expression: name, and what one may say.
const FIELDS: [(&str, &str); 6] = [
    ("seconds", "0 to 59"),
    ("minutes", "0 to 59"),
    ("hours", "0 to 23"),
    ("day-of-month", "1 to 31"),
    ("month", "1 to 12 or Jan to Dec"),
    ("day-of-week", "Sun to Sat"),
];

impl FromStr for Schedule {
    type Err = String;

    /// Reads six fields (seconds, minutes, hours, day of month, month, day of week), or five without the seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 | 7 => {}
            count => return Err(format!("has {count} {}; {EXPECTED}", if count == 1 { "field" } else { "fields" })),
        }
        match cron::Schedule::from_str(&fields.join(" ")) {
            Ok(cron) => Ok(Self { cron }),
            Err(_) => Err(wrong_field(&fields)),
        }
    }
}

const EXPECTED: &str = "expected six fields: seconds minutes hours day-of-month month day-of-week, as 0 30 2 * * *";

/// Names the field that cannot be read: the one whose replacement by a star makes the rest an expression.
fn wrong_field(fields: &[&str]) -> String {
    let without = |index: usize| {
        let mut fields = fields.to_vec();
        fields[index] = "*";
        fields.join(" ")
    };
    let culprit = (0..fields.len()).find(|index| cron::Schedule::from_str(&without(*index)).is_ok());
    match culprit.and_then(|index| Some((fields.get(index)?, FIELDS.get(index)?))) {
        Some((written, (name, range))) => {
            format!("the field {name} is {written}; expected {range}, or * for any")
        }
        None => EXPECTED.to_owned(),
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cron.source())
    }
}

/// The first moment after `after` at which `schedule` is due in the time zone; `None` where it never is again.
pub fn next_due(schedule: &Schedule, timezone: Tz, after: Timestamp) -> Option<Timestamp> {
    let local = after.with_timezone(&timezone).naive_local();
    let wall_times = schedule.cron.after(&local.and_utc()).take(BEHIND_MAX);
    wall_times.filter_map(|wall| moment(timezone, wall.naive_utc())).find(|due| *due > after)
}

/// The moment at which the clock on the wall shows `wall`.
fn moment(timezone: Tz, wall: NaiveDateTime) -> Option<Timestamp> {
    match timezone.from_local_datetime(&wall) {
        LocalResult::Single(moment) => Some(moment.with_timezone(&Utc)),
        LocalResult::Ambiguous(first, _) => Some(first.with_timezone(&Utc)),
        LocalResult::None => end_of_gap(timezone, wall),
    }
}

fn end_of_gap(timezone: Tz, wall: NaiveDateTime) -> Option<Timestamp> {
    let minute = wall.with_second(0)?.with_nanosecond(0)?;
    let later = |minutes| minute.checked_add_signed(TimeDelta::minutes(minutes));
    let shown = |wall: NaiveDateTime| timezone.from_local_datetime(&wall).earliest();
    let end: DateTime<Tz> = (1..=SKIPPED_MAX).filter_map(later).find_map(shown)?;
    Some(end.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::{Berlin, Vienna};

    fn dues(cron: &str, timezone: Tz, after: &str, count: usize) -> Vec<String> {
        let schedule: Schedule = cron.parse().unwrap();
        let mut after: Timestamp = after.parse().unwrap();
        let mut found = Vec::new();
        while found.len() < count {
            let due = next_due(&schedule, timezone, after).unwrap();
            assert!(due > after, "{cron}: {due} is not after {after}");
            found.push(due.with_timezone(&timezone).format("%d.%m. %H:%M %z").to_string());
            after = due;
        }
        found
    }

    #[test]
    fn due_times_keep_the_rule_on_both_days_of_change() {
        // The clocks of 2026: 29 March 02:00 -> 03:00, 25 October 03:00 -> 02:00.
        let rows: &[(&str, &str, &[&str])] = &[
            (
                "0 30 2 * * *",
                "2026-03-28T00:00:00Z",
                &["28.03. 02:30 +0100", "29.03. 03:00 +0200", "30.03. 02:30 +0200"],
            ),
            (
                "0 30 2 * * *",
                "2026-10-24T00:00:00Z",
                &["24.10. 02:30 +0200", "25.10. 02:30 +0200", "26.10. 02:30 +0100"],
            ),
            ("30 2 * * *", "2026-03-28T12:00:00Z", &["29.03. 03:00 +0200", "30.03. 02:30 +0200"]),
            ("0 0 3 * * *", "2026-03-28T12:00:00Z", &["29.03. 03:00 +0200", "30.03. 03:00 +0200"]),
            (
                "0 0 2,3 * * *",
                "2026-03-28T12:00:00Z",
                &["29.03. 03:00 +0200", "30.03. 02:00 +0200", "30.03. 03:00 +0200"],
            ),
            (
                "0 */15 * * * *",
                "2026-03-29T00:29:00Z",
                &["29.03. 01:30 +0100", "29.03. 01:45 +0100", "29.03. 03:00 +0200", "29.03. 03:15 +0200"],
            ),
            (
                "0 */15 * * * *",
                "2026-10-25T00:20:00Z",
                &["25.10. 02:30 +0200", "25.10. 02:45 +0200", "25.10. 03:00 +0100", "25.10. 03:15 +0100"],
            ),
            (
                "0 0 * * * *",
                "2026-10-24T23:30:00Z",
                &["25.10. 02:00 +0200", "25.10. 03:00 +0100", "25.10. 04:00 +0100"],
            ),
            // Asked within the second 02:xx of the doubled hour.
            ("0 30 2 * * *", "2026-10-25T01:10:00Z", &["26.10. 02:30 +0100"]),
            ("0 */15 * * * *", "2026-10-25T01:10:00Z", &["25.10. 03:00 +0100", "25.10. 03:15 +0100"]),
            ("0 0 12 * * Mon", "2026-11-21T00:00:00Z", &["23.11. 12:00 +0100", "30.11. 12:00 +0100"]),
        ];
        for timezone in [Berlin, Vienna] {
            for (cron, after, expected) in rows {
                assert_eq!(
                    dues(cron, timezone, after, expected.len()),
                    *expected,
                    "{cron} after {after} in {timezone}"
                );
            }
        }
    }

    #[test]
    fn a_year_of_quarter_hours_never_goes_backwards_and_misses_only_the_doubled_hour() {
        let schedule: Schedule = "0 */15 * * * *".parse().unwrap();
        let mut after: Timestamp = "2025-12-31T23:00:00Z".parse().unwrap();
        let end: Timestamp = "2026-12-31T23:00:00Z".parse().unwrap();
        let mut count = 0;
        while let Some(due) = next_due(&schedule, Berlin, after).filter(|due| *due <= end) {
            assert!(due > after);
            after = due;
            count += 1;
        }
        assert_eq!(count, 365 * 96 - 4);
    }

    #[test]
    fn a_schedule_that_is_over_is_never_due() {
        let schedule: Schedule = "0 0 0 1 1 * 2020".parse().unwrap();
        assert_eq!(next_due(&schedule, Berlin, "2026-01-01T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn a_bad_expression_says_what_was_expected() {
        let rows = [
            ("", "has 0 fields; expected six fields"),
            ("* *", "has 2 fields; expected six fields"),
            ("0 0 0 31 2 * * * *", "has 9 fields; expected six fields"),
            ("hourly please now and then ok", "expected six fields"),
            ("0 99 * * * *", "the field minutes is 99; expected 0 to 59, or * for any"),
            ("0 25 * * *", "the field hours is 25; expected 0 to 23, or * for any"),
            ("0 0 0 * * Funday", "the field day-of-week is Funday; expected Sun to Sat, or * for any"),
        ];
        for (text, expected) in rows {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
