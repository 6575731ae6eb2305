//! From entries that start whenever their source says to values of quarter hours.
//!
//! Each entry stands until the next one starts, an hour at most, or until its own end. A slot's value is the mean of what stands in it,
//! weighted by time. Example: 0.30 from 21:38, 0.10 from 22:38: the slot of 22:30 is 8/15 of 0.30 and 7/15 of 0.10. A price counts where
//! it is known for all of a slot, or for all of what is left of the running one; of a forecast, part of a slot is enough.

use super::answer::Entry;
use chrono::{DateTime, TimeDelta};
use plant::time::{Slot, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// An entry stands this long at most, in seconds, unless it says its own end.
const STANDS_MAX: i64 = 3600;
/// Starts so close to a quarter hour's border, in s, belong to it: clocks and stamps are late by seconds.
const NEAR: i64 = 60;
/// The same for the border of five minutes: intervals that begin at second 1.
const NEAR_FIVE: i64 = 5;
/// Days before and after now that are looked at.
const BEHIND: TimeDelta = TimeDelta::days(3);
const AHEAD: TimeDelta = TimeDelta::days(15);

/// Values by slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// What is known.
    pub known: BTreeMap<Slot, f64>,
    /// The slots of which the source itself has no value, or none that is plausible.
    pub unknown: BTreeSet<Slot>,
    /// The first value beyond the plausible range.
    pub implausible: Option<(Timestamp, f64)>,
}

/// What stands in a slot.
#[derive(Clone, Copy, Debug, Default)]
struct Stands {
    mean: f64,
    seconds: i64,
    /// Whether an entry starts in it.
    starts: bool,
    /// Whether something stands at its end.
    to_end: bool,
    unknown: bool,
}

/// Whether a slot needs to be known as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// A price: all of what is ahead of `now`.
    All,
    /// A forecast: a part of it.
    Part,
}

/// The slots of `entries`, whose values lie in `plausible` or are unknown.
pub(super) fn spread(mut entries: Vec<Entry>, plausible: &RangeInclusive<f64>, needs: Needs, now: Timestamp) -> Spread {
    let mut spread = Spread::default();
    settle(&mut entries);
    for entry in &mut entries {
        (entry.start, entry.end) = (border(entry.start), entry.end.map(border));
        if let Some(price) = entry.price.filter(|price| !plausible.contains(price)) {
            spread.implausible.get_or_insert((entry.start, price));
            entry.price = None;
        }
    }
    entries.sort_by_key(|entry| entry.start);
    // Of two for the same moment the later one counts.
    entries.reverse();
    entries.dedup_by_key(|entry| entry.start);
    entries.reverse();
    let mut slots: BTreeMap<Slot, Stands> = BTreeMap::new();
    for (entry, end) in entries.iter().zip(ends(&entries)) {
        stand(&mut slots, entry, (entry.start.max(now - BEHIND), end.min(now + AHEAD)));
    }
    for (slot, stands) in slots {
        if stands.unknown {
            spread.unknown.insert(slot);
        } else if stands.counts(slot, needs, now) {
            spread.known.insert(slot, stands.mean);
        }
    }
    spread
}

impl Stands {
    fn counts(&self, slot: Slot, needs: Needs, now: Timestamp) -> bool {
        let left = (slot.end() - now.max(slot.start())).num_seconds();
        if self.seconds >= Slot::SECONDS - NEAR {
            return true;
        }
        match needs {
            Needs::All => slot == Slot::containing(now) && self.to_end && self.seconds >= left - NEAR,
            Needs::Part => self.starts || self.seconds >= Slot::SECONDS / 2,
        }
    }
}

/// The night when the clock is set back, some sources write an hour twice and leave the next one out: the second of two with the same
/// start belongs into the gap behind it.
fn settle(entries: &mut [Entry]) {
    for index in 2..entries.len().saturating_sub(1) {
        let [before, first, second, next] = [index - 2, index - 1, index, index + 1].map(|at| entries[at].start);
        let step = first - before;
        if first == second && step > TimeDelta::zero() && next - second == step * 2 {
            (entries[index].start, entries[index].end) = (second + step, None);
            entries[index - 1].end = None;
        }
    }
}

/// The border that `at` is close to; else `at`.
fn border(at: Timestamp) -> Timestamp {
    let close = |every: i64, near: i64| {
        let beyond = at.timestamp().rem_euclid(every);
        let by = if beyond <= near { -beyond } else { every - beyond };
        (by.abs() <= near).then(|| DateTime::from_timestamp(at.timestamp() + by, 0)).flatten()
    };
    close(Slot::SECONDS, NEAR).or_else(|| close(300, NEAR_FIVE)).unwrap_or(at)
}

/// Until when each of the sorted entries stands. The last one stands as long as the one before it, a quarter hour at least.
fn ends(entries: &[Entry]) -> Vec<Timestamp> {
    let last = match entries {
        [.., before, last] => (last.start - before.start).num_seconds().clamp(Slot::SECONDS, STANDS_MAX),
        [_] | [] => Slot::SECONDS,
    };
    let end = |(index, entry): (usize, &Entry)| {
        let next = entries.get(index + 1).map(|next| next.start);
        let most = if next.is_some() { STANDS_MAX } else { last };
        let own = entry.end.unwrap_or(entry.start + TimeDelta::seconds(most));
        next.map_or(own, |next| own.min(next))
    };
    entries.iter().enumerate().map(end).collect()
}

fn stand(slots: &mut BTreeMap<Slot, Stands>, entry: &Entry, (from, to): (Timestamp, Timestamp)) {
    let mut at = from;
    while at < to {
        let slot = Slot::containing(at);
        let until = slot.end().min(to);
        let seconds = (until - at).num_seconds();
        let stands = slots.entry(slot).or_default();
        stands.starts |= Slot::containing(entry.start) == slot;
        stands.to_end |= until == slot.end();
        stands.unknown |= entry.price.is_none();
        if let Some(price) = entry.price.filter(|_| seconds > 0) {
            stands.seconds += seconds;
            stands.mean += (price - stands.mean) * (seconds as f64 / stands.seconds as f64);
        }
        at = until;
    }
}

#[cfg(test)]
#[path = "slots_test.rs"]
mod tests;
