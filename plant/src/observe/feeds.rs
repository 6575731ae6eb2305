//! What the feeds say of the time ahead, merged and bounded.
//!
//! A price that no feed says is estimated for a while (persistence): like the same quarter hour of one or two days before, else the
//! mean of the last day that is known. An estimate is good for a plan. It is marked there, never booked, and buys nothing on purpose.
//! Example: prices are known until midnight. At 18:00 the price of 10:00 tomorrow is today's of 10:00; that of noon the day after
//! tomorrow, 36 hours after the last one known, is the last that is estimated.

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
/// A price is estimated up to so many slots after the last one known, 36 hours. The exchange publishes a day at noon of the day before:
/// one publication may fail, and after that nobody knows.
const ESTIMATED_MAX: i64 = 36 * 4;

/// The merged outlook.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feeds {
    /// Everything known of these slots.
    pub outlook: Outlook,
}

/// A price that stands in for one that nobody has said.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Estimate {
    price: EurPerKwh,
    /// The slot whose price it is; of a mean, the last one in it.
    of: Slot,
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
        self.outlook.spot.retain(|slot, _| !news.unpriced.contains(slot));
        merge_units!(spot, pv, load, outdoor, hot_water);
        merge(&mut self.outlook.irradiance, &mut news.irradiance.iter().map(|(slot, value)| (*slot, *value)));
        merge(&mut self.outlook.carbon, &mut news.carbon.iter().map(|(slot, value)| (*slot, *value)));
        self.prune(now);
    }

    fn prune(&mut self, now: Timestamp) {
        let Outlook { spot, unpriced: _, pv, load, outdoor, irradiance, hot_water, carbon } = &mut self.outlook;
        let slot = Slot::containing(now);
        forget(spot, slot);
        forget(pv, slot);
        forget(load, slot);
        forget(outdoor, slot);
        forget(irradiance, slot);
        forget(hot_water, slot);
        forget(carbon, slot);
    }

    /// The wholesale price at `at`, as published.
    pub(crate) fn published(&self, at: Timestamp) -> Option<EurPerKwh> {
        self.outlook.spot.get(&Slot::containing(at)).copied()
    }

    /// The wholesale price at `at`, estimated where none is published.
    pub(crate) fn estimated(&self, at: Timestamp) -> Option<EurPerKwh> {
        self.published(at).or_else(|| self.estimate(at).map(|estimate| estimate.price))
    }

    /// Where no price is published at `at`: the moment whose price stands in for it.
    pub(crate) fn estimated_from(&self, at: Timestamp) -> Option<Timestamp> {
        let unpublished = self.published(at).is_none();
        self.estimate(at).filter(|_| unpublished).map(|estimate| estimate.of.start())
    }

    fn estimate(&self, at: Timestamp) -> Option<Estimate> {
        let (slot, spot) = (Slot::containing(at), &self.outlook.spot);
        let (last, _) = spot.range(..slot).next_back()?;
        if slot.0 - last.0 > ESTIMATED_MAX {
            return None;
        }
        let like = [slot.plus(-DAY), slot.plus(-2 * DAY)].into_iter();
        let like = like.filter_map(|of| Some(Estimate { price: *spot.get(&of)?, of })).next();
        like.or_else(|| {
            let day: Vec<f64> = spot.range(last.plus(1 - DAY)..=*last).map(|(_, price)| price.0).collect();
            Some(Estimate { price: EurPerKwh(day.iter().sum::<f64>() / day.len() as f64), of: *last })
        })
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
        assert_eq!((feeds.estimated_from(now), feeds.estimated_from(tomorrow)), (None, Some(now)));
        // A while after the last published price nobody knows.
        let hours = |hours| now + chrono::TimeDelta::hours(hours);
        assert_eq!(feeds.estimated(hours(36)), Some(EurPerKwh(0.2)));
        assert_eq!((feeds.estimated(hours(37)), feeds.estimated_from(hours(37))), (None, None));
        assert_eq!(feeds.estimated(hours(-1)), None, "what was before the first price is nobody's knowledge either");
    }

    #[test]
    fn where_no_day_before_is_known_the_mean_of_the_last_one_stands_in() {
        let now = at("2026-05-01T10:00:00Z");
        let mut feeds = Feeds::default();
        let slot = |ahead, price| (Slot::containing(now).plus(ahead), EurPerKwh(price));
        let spot = BTreeMap::from([slot(0, 0.4), slot(1, 0.3), slot(2, -0.1)]);
        feeds.merge(&Outlook { spot, ..Outlook::default() }, now);
        let later = now + chrono::TimeDelta::hours(5);
        assert!((feeds.estimated(later).unwrap().0 - 0.2).abs() < 1e-12, "not the last one, which was negative");
        assert_eq!(feeds.estimated_from(later), Some(at("2026-05-01T10:30:00Z")));
    }

    #[test]
    fn a_price_that_its_source_takes_back_is_unknown() {
        let now = at("2026-05-01T10:00:00Z");
        let slot = Slot::containing(now);
        let mut feeds = Feeds::default();
        let spot = BTreeMap::from([(slot, EurPerKwh(0.05)), (slot.plus(1), EurPerKwh(0.06))]);
        feeds.merge(&Outlook { spot, ..Outlook::default() }, now);
        feeds.merge(&Outlook { unpriced: [slot].into(), ..Outlook::default() }, now);
        assert_eq!((feeds.published(now), feeds.published(slot.end())), (None, Some(EurPerKwh(0.06))));
        feeds.merge(&Outlook { spot: [(slot, EurPerKwh(0.07))].into(), ..Outlook::default() }, now);
        assert_eq!(feeds.published(now), Some(EurPerKwh(0.07)));
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
            feeds.merge(&outlook(days(wrong)), days(wrong));
            assert_eq!(feeds.published(now), Some(EurPerKwh(0.9)), "{wrong} days");
        }
        for day in 0..40 {
            feeds.merge(&outlook(days(day)), days(day));
        }
        assert_eq!(feeds.outlook.spot.len(), SLOTS_MAX);
        assert_eq!(feeds.published(days(39)), Some(EurPerKwh(0.9)));
    }
}
