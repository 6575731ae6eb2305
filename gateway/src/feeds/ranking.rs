//! Several forecasts of the same time: for each quarter hour and each quantity the first counts that has said something.
//!
//! What a feed said longer ago than half a day counts after what others said since. Example: Open-Meteo stands first and Solcast second.
//! The PV power of tomorrow is Open-Meteo's as long as it answers; it fails at 6:00, and from 18:00 on tomorrow is Solcast's, but the
//! temperature, of which Solcast says nothing, is still Open-Meteo's.

use chrono::TimeDelta;
use plant::outlook::Outlook;
use plant::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What was said longer ago counts after what was said since.
const FRESH: TimeDelta = TimeDelta::hours(12);

/// What each feed of forecasts said last, and when.
#[derive(Debug, Default)]
pub(super) struct Ranking(Mutex<BTreeMap<usize, (Timestamp, Outlook)>>);

impl Ranking {
    /// The first feed's word on everything, now that the one of this `rank` has said something.
    pub(super) fn first(&self, rank: usize, said: (Timestamp, Outlook), now: Timestamp) -> Outlook {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.insert(rank, said);
        let fresh = |(at, _): &&(Timestamp, Outlook)| now - *at <= FRESH;
        let mut first = Outlook::default();
        for (_, outlook) in feeds.values().filter(fresh).chain(feeds.values().filter(|feed| !fresh(feed))) {
            fill(&mut first, outlook);
        }
        first
    }
}

/// Takes over what is not known yet.
fn fill(first: &mut Outlook, next: &Outlook) {
    fn each<K: Ord + Copy, V: Copy>(known: &mut BTreeMap<K, V>, more: &BTreeMap<K, V>) {
        for (key, value) in more {
            known.entry(*key).or_insert(*value);
        }
    }
    each(&mut first.pv, &next.pv);
    each(&mut first.load, &next.load);
    each(&mut first.outdoor, &next.outdoor);
    each(&mut first.irradiance, &next.irradiance);
    each(&mut first.hot_water, &next.hot_water);
    each(&mut first.carbon, &next.carbon);
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::time::Slot;
    use plant::units::{Celsius, Watts};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_that_has_said_something_counts_for_each_slot_and_quantity() {
        let ranking = Ranking::default();
        let second = Outlook { pv: [(Slot(1), Watts(10.0)), (Slot(2), Watts(20.0))].into(), ..Outlook::default() };
        let first = Outlook {
            pv: [(Slot(2), Watts(200.0))].into(),
            outdoor: [(Slot(2), Celsius(5.0))].into(),
            ..Outlook::default()
        };
        let noon = at("2026-06-01T12:00:00Z");
        assert_eq!(ranking.first(2, (noon, second.clone()), noon), second);
        let both = ranking.first(1, (noon, first), noon);
        assert_eq!(both.pv, [(Slot(1), Watts(10.0)), (Slot(2), Watts(200.0))].into());
        assert_eq!(both.outdoor.len(), 1);
        // The second one speaks again: nothing of the first one's is lost.
        let later = at("2026-06-01T15:00:00Z");
        assert_eq!(ranking.first(2, (later, second.clone()), later), both);
        // The first one has been silent for more than half a day.
        let night = at("2026-06-02T00:30:00Z");
        let found = ranking.first(2, (night, second.clone()), night);
        assert_eq!((found.pv, found.outdoor), (second.pv, both.outdoor));
    }
}
