//! Values of single moments, as temperatures are: between two of them they lie on a line.

use crate::feeds::answer::Entry;
use chrono::TimeDelta;
use plant::time::{Slot, Timestamp};

/// Moments further apart than this have nothing to say of the time between them.
const APART_MAX: TimeDelta = TimeDelta::hours(6);

/// The values in the middle of each slot between the moments, which need no sequence. Example: 10 at 12:00 and 14 at 13:00 make 10.5 of
/// the slot of 12:00.
pub(super) fn between(mut points: Vec<(Timestamp, f64)>) -> Vec<Entry> {
    points.sort_by_key(|(at, _)| *at);
    points.dedup_by_key(|(at, _)| *at);
    let mut entries: Vec<Entry> = Vec::new();
    for pair in points.windows(2) {
        let &[(from, first), (to, last)] = pair else { continue };
        if to - from > APART_MAX {
            continue;
        }
        let mut slot = Slot::containing(from);
        while slot.start() < to {
            let middle = slot.start() + (slot.end() - slot.start()) / 2;
            let share = (middle - from).num_milliseconds() as f64 / (to - from).num_milliseconds() as f64;
            if (0.0..=1.0).contains(&share) {
                let price = Some(first + (last - first) * share);
                entries.push(Entry { start: slot.start(), end: Some(slot.end()), price });
            }
            slot = slot.plus(1);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_the_value_of_its_middle() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let points = vec![
            (at("2026-06-01T13:00:00Z"), 14.0),
            (at("2026-06-01T12:00:00Z"), 10.0),
            (at("2026-06-02T12:00:00Z"), 50.0),
        ];
        let values: Vec<Option<f64>> = between(points).into_iter().map(|entry| entry.price).collect();
        assert_eq!(values, [Some(10.5), Some(11.5), Some(12.5), Some(13.5)]);
        assert_eq!(between(vec![(at("2026-06-01T13:00:00Z"), 14.0)]), []);
    }
}
