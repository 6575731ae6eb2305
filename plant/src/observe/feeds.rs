//! What the feeds say of the time ahead, merged and bounded. A price that no feed says is estimated (persistence): like the same
//! quarter hour of one or two days before, else the last one known.

use crate::outlook::Outlook;
use crate::time::{Slot, Timestamp};
use crate::units::EurPerKwh;
use std::collections::BTreeMap;

/// Slots that are taken: two days back, from which prices are estimated, and a week ahead. As many of each kind are remembered, those
/// farthest from now forgotten first: so a clock that is wrong for a while drops nothing.
const SLOTS_BEHIND: i64 = 2 * 96;
const SLOTS_AHEAD: i64 = 7 * 96;
const SLOTS_MAX: usize = (SLOTS_BEHIND + SLOTS_AHEAD) as usize;
const DAY: i64 = 96;

/// The merged outlook.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feeds {
    /// Everything known of these slots.
    pub outlook: Outlook,
    /// The last wholesale price that was known for a moment that has come.
    last_spot: Option<EurPerKwh>,
}

impl Feeds {
    /// Merges what a feed knows; numbers that are none are dropped, and so is what lies too far away.
    pub(crate) fn merge(&mut self, news: &Outlook, now: Timestamp) {
        let range = range(now);
        let merge = |into: &mut BTreeMap<Slot, f64>, from: &mut dyn Iterator<Item = (Slot, f64)>| {
            into.extend(from.filter(|(slot, value)| range.contains(slot) && value.is_finite()));
        };
        macro_rules! merge_units {
            ($($field:ident),*) => {$(
                let known = news.$field.iter().filter(|(slot, value)| range.contains(slot) && value.0.is_finite());
                self.outlook.$field.extend(known.map(|(slot, value)| (*slot, *value)));
            )*};
        }
        merge_units!(spot, pv, load, outdoor);
        merge(&mut self.outlook.carbon, &mut news.carbon.iter().map(|(slot, value)| (*slot, *value)));
        self.prune(now);
    }

    fn prune(&mut self, now: Timestamp) {
        let Outlook { spot, pv, load, outdoor, carbon } = &mut self.outlook;
        let slot = Slot::containing(now);
        forget(spot, slot);
        forget(pv, slot);
        forget(load, slot);
        forget(outdoor, slot);
        forget(carbon, slot);
    }

    /// Remembers the wholesale price of `now`, for the time when no feed speaks.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.last_spot = self.published(now).or(self.last_spot);
    }

    /// The wholesale price at `at`, as published.
    pub(crate) fn published(&self, at: Timestamp) -> Option<EurPerKwh> {
        self.outlook.spot.get(&Slot::containing(at)).copied()
    }

    /// The wholesale price at `at`, estimated where none is published: like the same quarter hour of a day before.
    pub(crate) fn estimated(&self, at: Timestamp) -> Option<EurPerKwh> {
        let slot = Slot::containing(at);
        let spot = [0, -DAY, -2 * DAY].iter().find_map(|days| self.outlook.spot.get(&slot.plus(*days)));
        spot.copied().or(self.last_spot)
    }
}

/// Forgets what lies farthest from `now`, where there is too much.
fn forget<T>(known: &mut BTreeMap<Slot, T>, now: Slot) {
    while known.len() > SLOTS_MAX
        && let (Some((first, _)), Some((last, _))) = (known.first_key_value(), known.last_key_value())
    {
        let behind_is_farther = now.0.abs_diff(first.0) > now.0.abs_diff(last.0);
        if behind_is_farther {
            known.pop_first()
        } else {
            known.pop_last()
        };
    }
}

fn range(now: Timestamp) -> std::ops::RangeInclusive<Slot> {
    let slot = Slot::containing(now);
    slot.plus(-SLOTS_BEHIND)..=slot.plus(SLOTS_AHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_site::at;

    #[test]
    fn an_unpublished_price_is_estimated_but_stays_unpublished() {
        let now = at("2026-05-01T10:00:00Z");
        let tomorrow = at("2026-05-02T10:00:00Z");
        let mut feeds = Feeds::default();
        assert_eq!(feeds.estimated(now), None);
        let spot = BTreeMap::from([
            (Slot::containing(now), EurPerKwh(0.2)),
            (Slot::containing(now).plus(1), EurPerKwh(f64::NAN)),
            (Slot(5), EurPerKwh(9.0)),
        ]);
        feeds.merge(&Outlook { spot, ..Outlook::default() }, now);
        assert_eq!(feeds.outlook.spot.len(), 1);
        assert_eq!(feeds.published(now), Some(EurPerKwh(0.2)));
        assert_eq!((feeds.published(tomorrow), feeds.estimated(tomorrow)), (None, Some(EurPerKwh(0.2))));
        // Long after the last published price, the last one that was in force stands in.
        let later = at("2026-05-09T11:00:00Z");
        assert_eq!(feeds.estimated(later), None);
        feeds.pass(now);
        assert_eq!(feeds.estimated(later), Some(EurPerKwh(0.2)));
    }

    #[test]
    fn prices_outlast_a_clock_that_is_wrong_for_a_while_and_have_a_bound() {
        let now = at("2026-05-01T10:00:00Z");
        let days = |days: i64| now + chrono::TimeDelta::days(days);
        let outlook = |from: Timestamp| {
            let slot = |ahead| (Slot::containing(from).plus(ahead), EurPerKwh(0.9));
            Outlook { spot: (0..96).map(slot).collect(), ..Outlook::default() }
        };
        let mut feeds = Feeds::default();
        feeds.merge(&outlook(now), now);
        for wrong in [40, 3650, -3650] {
            feeds.pass(days(wrong));
            feeds.merge(&outlook(days(wrong)), days(wrong));
            feeds.pass(now);
            assert_eq!(feeds.published(now), Some(EurPerKwh(0.9)), "{wrong} days");
        }
        for day in 0..40 {
            feeds.merge(&outlook(days(day)), days(day));
        }
        assert_eq!(feeds.outlook.spot.len(), SLOTS_MAX);
        assert_eq!(feeds.published(days(39)), Some(EurPerKwh(0.9)));
    }
}
