//! Things done at fixed local times. An expression means what it means in a crontab ([`weekday`]); the `cron` crate reads it. When a
//! run falls due is our own rule, on local wall time:
//!
//! - what falls into the hour that is skipped in spring runs once, at the end of that hour;
//! - what falls into the hour that is doubled in autumn runs once, when the hour is there for the first time;
//! - due times never go backwards, and what was missed while the machine slept or was off runs once, in the order of its times.

mod runner;
mod served;
mod weekday;

pub use runner::{Due, run};
pub use served::Served;

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
    /// As its owner wrote it.
    written: String,
    /// It is due when one of these is: two where a day of the month and a weekday are given.
    crons: Vec<cron::Schedule>,
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
    ("day-of-week", "0 to 7 (0 and 7 are Sunday) or Sun to Sat"),
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
        // A field that begins with a star is not given.
        let given = |field: &str| !field.starts_with(['*', '?']);
        let either = given(fields[MONTHDAY]) && given(fields[WEEKDAY]);
        let weekdays = weekday::numbered(fields[WEEKDAY]);
        let Some(weekdays) = &weekdays else { return Err(wrong_field(&fields)) };
        fields[WEEKDAY] = weekdays;
        let read = |fields: &[&str]| cron::Schedule::from_str(&fields.join(" ")).map_err(|_| wrong_field(fields));
        let all = read(&fields)?;
        // Where both are given, either of them is enough, as in a crontab.
        let crons = if either {
            vec![read(&with_star(&fields, WEEKDAY))?, read(&with_star(&fields, MONTHDAY))?]
        } else {
            vec![all]
        };
        Ok(Self { written: text.trim().to_owned(), crons })
    }
}

/// Where the fields stand.
const MONTHDAY: usize = 3;
const WEEKDAY: usize = 5;

const EXPECTED: &str = "expected six fields: seconds minutes hours day-of-month month day-of-week, as 0 30 2 * * *";

/// Names the field that cannot be read: the one whose replacement by a star makes the rest an expression.
fn wrong_field(fields: &[&str]) -> String {
    let without = |index: &usize| cron::Schedule::from_str(&with_star(fields, *index).join(" "));
    let culprit = (0..fields.len()).find(|index| without(index).is_ok());
    culprit.and_then(|index| Some(wrong(fields.get(index)?, index))).unwrap_or_else(|| EXPECTED.to_owned())
}

fn wrong(written: &str, index: usize) -> String {
    let expected =
        |(name, range): &(&str, &str)| format!("the field {name} is {written}; expected {range}, or * for any");
    FIELDS.get(index).map_or_else(|| EXPECTED.to_owned(), expected)
}

fn with_star<'a>(fields: &[&'a str], index: usize) -> Vec<&'a str> {
    let mut fields = fields.to_vec();
    fields[index] = "*";
    fields
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The first moment after `after` at which `schedule` is due in the time zone; `None` where it never is again.
pub fn next_due(schedule: &Schedule, timezone: Tz, after: Timestamp) -> Option<Timestamp> {
    let local = after.with_timezone(&timezone).naive_local();
    let first = |cron: &cron::Schedule| {
        let wall_times = cron.after(&local.and_utc()).take(BEHIND_MAX);
        wall_times.filter_map(|wall| moment(timezone, wall.naive_utc())).find(|due| *due > after)
    };
    schedule.crons.iter().filter_map(first).min()
}

/// The last moment after `after` and up to `until` at which `schedule` was due. It is looked for in a minute, an hour, and all the
/// time before `until`, so that what is due every second takes no longer than what is due every day.
fn last_due(schedule: &Schedule, timezone: Tz, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let starts = [TimeDelta::minutes(1), TimeDelta::hours(1)].map(|span| until - span);
    let starts = starts.into_iter().filter(|start| *start > after).chain([after]);
    let last = |start| {
        let first = next_due(schedule, timezone, start);
        let dues = std::iter::successors(first, |due| next_due(schedule, timezone, *due));
        dues.take_while(|due| *due <= until).last()
    };
    starts.filter_map(last).next()
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
            // The 13th, and every Friday; but a star with a step is no given day.
            (
                "0 0 12 13 * Fri",
                "2026-11-08T00:00:00Z",
                &["13.11. 12:00 +0100", "20.11. 12:00 +0100", "27.11. 12:00 +0100", "04.12. 12:00 +0100"],
            ),
            ("0 0 12 13 * 0", "2026-11-12T00:00:00Z", &["13.11. 12:00 +0100", "15.11. 12:00 +0100"]),
            ("0 0 12 */2 * Fri", "2026-11-08T00:00:00Z", &["13.11. 12:00 +0100", "27.11. 12:00 +0100"]),
            // 13 December is a Sunday, 13 February a Saturday.
            ("0 0 12 13 * */2", "2026-11-08T00:00:00Z", &["13.12. 12:00 +0100", "13.02. 12:00 +0100"]),
            ("0 0 12 13 * *", "2026-11-08T00:00:00Z", &["13.11. 12:00 +0100", "13.12. 12:00 +0100"]),
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
    fn numbers_of_weekdays_are_those_of_every_crontab() {
        let week = |cron: &str| {
            let mut days = dues(cron, Berlin, "2026-11-22T23:00:00Z", 5);
            days.dedup();
            days
        };
        // 23 November 2026 is a Monday.
        let at_ten = ["23.11.", "24.11.", "25.11.", "26.11.", "27.11."].map(|day| format!("{day} 22:00 +0100"));
        assert_eq!(week("0 0 22 * * 1-5"), at_ten);
        let weekend = ["28.11.", "29.11.", "05.12.", "06.12.", "12.12."].map(|day| format!("{day} 06:30 +0100"));
        assert_eq!(week("30 6 * * 6,7"), weekend);
        let sundays = ["29.11.", "06.12.", "13.12.", "20.12.", "27.12."].map(|day| format!("{day} 06:30 +0100"));
        for sunday in ["0", "7", "Sun", "sunday"] {
            assert_eq!(week(&format!("30 6 * * {sunday}")), sundays, "{sunday}");
        }
        let schedule: Schedule = "0 0 22 * * 1-5".parse().unwrap();
        assert_eq!(schedule.to_string(), "0 0 22 * * 1-5", "it is shown as it was written");
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
            (
                "0 0 0 * * Funday",
                "the field day-of-week is Funday; expected 0 to 7 (0 and 7 are Sunday) or Sun to Sat, or * for any",
            ),
            ("0 0 0 * * 8", "the field day-of-week is 8; expected 0 to 7"),
            ("0 0 0 * * 1-", "the field day-of-week is 1-; expected 0 to 7"),
            ("0 0 0 * * */0", "the field day-of-week is */0; expected 0 to 7"),
            ("0 0 0 31-1 * 1", "the field day-of-month is 31-1; expected 1 to 31"),
        ];
        for (text, expected) in rows {
            let error = text.parse::<Schedule>().unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
