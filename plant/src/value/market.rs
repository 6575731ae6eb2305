//! What the feeds have told of the time ahead, merged and bounded, and the prices that follow from it.

use crate::outlook::Outlook;
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::EurPerKwh;
use crate::value::tariff::{self, Prices};
use std::collections::BTreeMap;

/// Slots that are kept: two days back, from which prices are estimated, and a week ahead.
const KEPT_BEHIND: i64 = 2 * 96;
const KEPT_AHEAD: i64 = 7 * 96;
const DAY: i64 = 96;

/// The merged outlook.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Everything known of the kept slots.
    pub outlook: Outlook,
    /// The last price that was known for a moment that has come.
    last_spot: Option<EurPerKwh>,
}

impl Market {
    /// Merges what a feed knows; numbers that are none are dropped, and so is what lies too far away.
    pub fn merge(&mut self, news: &Outlook, now: Timestamp) {
        let kept = kept(now);
        let merge = |into: &mut BTreeMap<Slot, f64>, from: &mut dyn Iterator<Item = (Slot, f64)>| {
            into.extend(from.filter(|(slot, value)| kept.contains(slot) && value.is_finite()));
        };
        macro_rules! merge_units {
            ($($field:ident),*) => {$(
                let known = news.$field.iter().filter(|(slot, value)| kept.contains(slot) && value.0.is_finite());
                self.outlook.$field.extend(known.map(|(slot, value)| (*slot, *value)));
            )*};
        }
        merge_units!(spot, pv, load, outdoor);
        merge(&mut self.outlook.carbon, &mut news.carbon.iter().map(|(slot, value)| (*slot, *value)));
        self.prune(now);
    }

    /// Forgets what lies too far behind or ahead.
    pub fn prune(&mut self, now: Timestamp) {
        let kept = kept(now);
        self.outlook.spot.retain(|slot, _| kept.contains(slot));
        self.outlook.pv.retain(|slot, _| kept.contains(slot));
        self.outlook.load.retain(|slot, _| kept.contains(slot));
        self.outlook.outdoor.retain(|slot, _| kept.contains(slot));
        self.outlook.carbon.retain(|slot, _| kept.contains(slot));
    }

    /// The prices at `now` as published; remembers them for the time when no feed speaks.
    pub fn published(&mut self, site: &Site, now: Timestamp) -> Prices {
        let spot = self.outlook.spot.get(&Slot::containing(now)).copied();
        self.last_spot = spot.or(self.last_spot);
        tariff::prices(&site.tariff, site.timezone, now, spot)
    }

    /// The prices at `at`, estimated where none is published: like the same quarter hour of a day before.
    pub fn estimated(&self, site: &Site, at: Timestamp) -> Prices {
        let slot = Slot::containing(at);
        let spot = [0, -DAY, -2 * DAY].iter().find_map(|days| self.outlook.spot.get(&slot.plus(*days)));
        let spot = spot.copied().or(self.last_spot);
        tariff::prices(&site.tariff, site.timezone, at, spot)
    }
}

fn kept(now: Timestamp) -> std::ops::RangeInclusive<Slot> {
    let slot = Slot::containing(now);
    slot.plus(-KEPT_BEHIND)..=slot.plus(KEPT_AHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Price;
    use crate::test_site::{at, site};

    #[test]
    fn an_unpublished_price_is_estimated_but_stays_unpublished() {
        let mut site = site();
        site.tariff.import = Price::Spot { fee: EurPerKwh(0.1), tax: 0.0 };
        let now = at("2026-05-01T10:00:00Z");
        let tomorrow = at("2026-05-02T10:00:00Z");
        let mut market = Market::default();
        assert_eq!(market.estimated(&site, now).import, None);
        let spot = BTreeMap::from([
            (Slot::containing(now), EurPerKwh(0.2)),
            (Slot::containing(now).plus(1), EurPerKwh(f64::NAN)),
            (Slot(5), EurPerKwh(9.0)),
        ]);
        market.merge(&Outlook { spot, ..Outlook::default() }, now);
        assert_eq!(market.outlook.spot.len(), 1);
        assert!((market.published(&site, now).import.unwrap().0 - 0.3).abs() < 1e-9);
        assert_eq!(market.published(&site, tomorrow).import, None);
        assert!((market.estimated(&site, tomorrow).import.unwrap().0 - 0.3).abs() < 1e-9);
    }
}
