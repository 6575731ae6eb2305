//! When a source is asked next. Tomorrow's prices come once a day, some days late: from then on it is asked until all of tomorrow is
//! there, spread at random so that not every house asks in the same second; else rarely. What fails is asked again after growing pauses.

use super::days::{self, Days, after};
use super::service::{Pace, Service};
use super::services::Source;
use chrono::{NaiveDate, TimeDelta};
use plant::time::{Slot, Timestamp};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The first pause after a failure; it doubles with each one in a row, up to the last.
const PAUSE_MIN: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// How often a source with nothing new is looked at: some correct what they published.
const RARELY: TimeDelta = TimeDelta::hours(6);
/// What is missing of today is asked for after this time.
const MISSING: TimeDelta = TimeDelta::minutes(15);
/// So long before the last known price has passed the source is asked once more.
const BEFORE_THE_END: TimeDelta = TimeDelta::minutes(6);
/// How long after publication a day that is not there is late.
const LATE: TimeDelta = TimeDelta::hours(2);

/// Whether all slots of a local day are known.
pub(super) fn whole<T>(service: &Days, day: NaiveDate, known: &BTreeMap<Slot, T>) -> bool {
    Days { first: day, last: day, ..*service }.slots().all(|slot| known.contains_key(&slot))
}

/// Today and tomorrow as the source counts them.
pub(super) fn days(source: &Source, now: Timestamp) -> Days {
    let Service { earlier, zone, .. } = source.service;
    let zone = zone(&source.place);
    let first = (now + *earlier).with_timezone(&zone).date_naive();
    Days { first, last: after(first), zone, earlier: *earlier }
}

/// Whether tomorrow's prices may be there.
pub(super) fn published(source: &Source, now: Timestamp) -> bool {
    publication(source, now).is_none_or(|at| now >= at)
}

/// Whether tomorrow's prices are missing for so long that somebody should know.
pub(super) fn late<T>(source: &Source, now: Timestamp, known: &BTreeMap<Slot, T>) -> bool {
    let days = days(source, now);
    publication(source, now).is_some_and(|at| now >= at + LATE && !whole(&days, days.last, known))
}

fn publication(source: &Source, now: Timestamp) -> Option<Timestamp> {
    let days = days(source, now);
    match source.service.pace {
        Pace::Daily(time) => Some(days::at(days.zone, days.first, time)),
        Pace::Every(_) => None,
    }
}

/// Whether what is known suffices until the source has something new.
pub(super) fn suffices<T>(source: &Source, now: Timestamp, known: &BTreeMap<Slot, T>) -> bool {
    let days = days(source, now);
    match source.service.pace {
        Pace::Every(_) => false,
        Pace::Daily(_) => {
            whole(&days, days.first, known) && (!published(source, now) || whole(&days, days.last, known))
        }
    }
}

/// When the source is asked next, after an answer.
pub(super) fn next<T>(source: &Source, now: Timestamp, known: &BTreeMap<Slot, T>) -> Timestamp {
    let days = days(source, now);
    let at = match (source.service.pace, publication(source, now)) {
        (Pace::Every(often), _) => return now + delta(source.refresh.unwrap_or(often).max(source.service.least)),
        _ if !whole(&days, days.first, known) => now + MISSING + spread(MISSING / 3),
        (Pace::Daily(time), _) if whole(&days, days.last, known) => {
            (days::at(days.zone, days.last, time) + spread(TimeDelta::minutes(20))).min(now + RARELY)
        }
        (_, Some(at)) if now < at => (at + spread(TimeDelta::minutes(15))).min(now + RARELY),
        (_, Some(at)) if now < at + LATE => now + TimeDelta::minutes(10) + spread(TimeDelta::minutes(5)),
        _ => now + TimeDelta::minutes(25) + spread(TimeDelta::minutes(10)),
    };
    let at = source.refresh.map_or(at, |refresh| at.min(now + delta(refresh)));
    let at = before_the_end(now, known).map_or(at, |before| at.min(before));
    at.max(now + delta(source.service.least))
}

/// A moment before the last price that is known has passed, so that there is no gap; `None` where it is too late for that.
fn before_the_end<T>(now: Timestamp, known: &BTreeMap<Slot, T>) -> Option<Timestamp> {
    let (last, _) = known.last_key_value()?;
    let before = last.end() - BEFORE_THE_END - spread(BEFORE_THE_END / 2);
    (now < before).then_some(before)
}

/// The pause after so many failures in a row, not shorter than the source demands.
pub(super) fn pause(failures: u32, demanded: Option<Duration>) -> TimeDelta {
    let pause = PAUSE_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(PAUSE_MAX);
    let pause = delta(pause.max(demanded.unwrap_or_default()));
    pause + spread(pause / 10)
}

fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::days(1))
}

/// A random part of `most`.
pub(super) fn spread(most: TimeDelta) -> TimeDelta {
    let chance = RandomState::new().build_hasher().finish() % 1000;
    most * i32::try_from(chance).unwrap_or(0) / 1000
}

#[cfg(test)]
#[path = "schedule_test.rs"]
mod tests;
