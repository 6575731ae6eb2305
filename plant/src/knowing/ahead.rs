//! What is expected of the slots ahead: what a feed says, corrected by what was seen of it, and else what is usual, drawn towards the level
//! just seen.

use super::Knowing;
use super::days::{Column, QUARTERS};
use super::sun::{self, Place};
use super::weather::Air;
use crate::outlook::Outlook;
use crate::site::Site;
use crate::time::Slot;
use crate::units::{Celsius, Watts};
use std::collections::BTreeMap;

/// Margin of a tank whose draws are not known yet, K.
const MARGIN_UNKNOWN: [f64; 3] = [3.0; 3];
/// The most that a margin asks for, K.
const MARGIN_MAX: f64 = 11.0;
/// Share of the household's difference from what is usual that lasts into the next slot, and the slots in which it fades: measured on a year
/// of a German household (SimBench H0-A).
const LEVEL_SHARE: f64 = 0.65;
const LEVEL_FADES: f64 = 6.0;
/// A feed that ends within so many slots is about to fail, and its last day does not stand in for the next.
const FEED_LEFT_MIN: i64 = 16;

/// Power levels of the present moment, where known: they stand in for a quarter hour that was not observed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Present {
    /// PV power.
    pub pv: Option<Watts>,
    /// Consumption without compute and heat pump.
    pub load: Option<Watts>,
    /// The heat pump's power.
    pub heat_pump: Option<Watts>,
    /// Outdoor temperature.
    pub outdoor: Option<Celsius>,
}

/// What is expected of a slot; `None` where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Expectation {
    /// PV power.
    pub pv: Option<Watts>,
    /// One standard deviation of it.
    pub pv_spread: Watts,
    /// The household.
    pub load: Option<Watts>,
    /// One standard deviation of it.
    pub load_spread: Watts,
    /// The heat pump.
    pub heat_pump: Option<Watts>,
    /// Outside.
    pub outdoor: Option<Celsius>,
    /// Global irradiance, W/m2.
    pub irradiance: Option<f64>,
    /// Heat drawn from the tank.
    pub hot_water: Option<Watts>,
    /// What an unexpected draw cools it by, K.
    pub hot_water_margin: [f64; 3],
    /// Whether it is a summer slot.
    pub summer: bool,
}

/// The newest levels, kW.
#[derive(Clone, Copy, Debug)]
struct Now {
    sun: sun::Last,
    load: Option<f64>,
    heat_pump: Option<f64>,
    air: Air,
}

/// The time ahead, seen from a slot.
pub(super) struct Ahead<'a> {
    knowing: &'a Knowing,
    site: &'a Site,
    outlook: &'a Outlook,
    from: Slot,
    today: i64,
    now: Now,
}

impl<'a> Ahead<'a> {
    /// The time ahead of `from`, as `knowing` and `outlook` have it.
    pub(super) fn new(
        knowing: &'a Knowing,
        site: &'a Site,
        outlook: &'a Outlook,
        (from, present): (Slot, &Present),
    ) -> Self {
        let now = Self::now(knowing, from, present);
        Self { knowing, site, outlook, from, today: knowing.zone.at(from).0, now }
    }

    /// The newest levels: of the slot that has just passed, else of this moment.
    fn now(knowing: &Knowing, from: Slot, present: &Present) -> Now {
        let kilowatts = |power: Option<Watts>| power.map(|power| power.0 / 1000.0);
        let level = |column, present| knowing.days.get(column, from.plus(-1)).or(present);
        Now {
            sun: knowing.sun.last(&knowing.days, from, kilowatts(present.pv)),
            load: level(Column::Load, kilowatts(present.load)),
            heat_pump: level(Column::HeatPump, kilowatts(present.heat_pump)),
            air: Air::now(&knowing.days, &knowing.outdoor, from, present.outdoor.map(|outdoor| outdoor.0)),
        }
    }

    /// What is expected of the slot `ahead` slots from now.
    pub(super) fn expect(&self, ahead: i64) -> Expectation {
        let Knowing { zone, usual, days, .. } = self.knowing;
        let slot = self.from.plus(ahead);
        let (local, quarter) = zone.at(slot);
        let place = Place { slot, ahead, same_day: local == self.today };
        let watts = |kilowatts: f64| Watts(kilowatts * 1000.0);
        let fades = (-(ahead as f64) / LEVEL_FADES).exp();
        let level = |usual: Option<f64>, now: Option<f64>| match (usual, now) {
            (Some(usual), Some(now)) => Some(usual + LEVEL_SHARE * (now - usual) * fades),
            (usual, now) => usual.or(now),
        };
        let today = Some(slot.plus(-QUARTERS)).filter(|before| *before < self.from);
        let day = usize::try_from(local.saturating_sub(usual.day())).unwrap_or(0);
        let load = || {
            let today = today.and_then(|before| days.get(Column::Load, before));
            level(usual.load(day, quarter, today), self.now.load).map(watts)
        };
        let hot_water = self.said(&self.outlook.hot_water, slot);
        let said = self.said(&self.outlook.load, slot);
        // A feed that knows what people will do knows the sky.
        let sure = hot_water.is_some() && said.is_some();
        let (pv, pv_spread, irradiance) = self.sky(place, sure);
        let has_tank = self.site.tank.is_some();
        Expectation {
            pv: pv.map(watts),
            pv_spread: watts(pv_spread),
            load: said.or_else(load),
            load_spread: watts(if said.is_some() { 0.0 } else { usual.load_spread(day, quarter) }),
            heat_pump: level(usual.heat_pump(quarter), self.now.heat_pump).map(watts),
            outdoor: self.air(place, sure).map(Celsius),
            irradiance,
            hot_water: hot_water.or_else(|| has_tank.then(|| watts(usual.drawn(quarter)))),
            hot_water_margin: if has_tank && hot_water.is_none() { self.margin(quarter) } else { [0.0; 3] },
            summer: false,
        }
    }

    /// What a feed says of `slot`; beyond its end, what it says of the last day before that.
    fn said<T: Copy>(&self, feed: &BTreeMap<Slot, T>, slot: Slot) -> Option<T> {
        let (last, _) = feed.last_key_value()?;
        if slot <= *last || last.0 - self.from.0 < FEED_LEFT_MIN {
            return feed.get(&slot).copied();
        }
        let days = (slot.0 - last.0 + QUARTERS - 1) / QUARTERS;
        feed.get(&slot.plus(-days * QUARTERS)).copied()
    }

    /// PV in kW, its spread, and the sun on the ground in W/m2.
    fn sky(&self, place: Place, sure: bool) -> (Option<f64>, f64, Option<f64>) {
        let sun = &self.knowing.sun;
        let service = self.said(&self.outlook.pv, place.slot).map(|pv| pv.0 / 1000.0);
        let irradiance = self.said(&self.outlook.irradiance, place.slot);
        if self.site.pv.is_none() {
            return (Some(0.0), 0.0, irradiance);
        }
        if let Some(service) = service.filter(|_| sure) {
            return (Some(service), 0.0, irradiance.or_else(|| sun.irradiance(place, service)));
        }
        let Some((pv, spread)) = sun.expect(place, service, &self.now.sun) else { return (None, 0.0, irradiance) };
        let scaled = irradiance.map(|sunny| service.map_or(sunny, |service| sunny * sun.brighter(pv, service)));
        (Some(pv), spread, scaled.or_else(|| sun.irradiance(place, pv)))
    }

    fn air(&self, place: Place, sure: bool) -> Option<f64> {
        let service = self.said(&self.outlook.outdoor, place.slot).map(|outdoor| outdoor.0);
        if sure && service.is_some() {
            return service;
        }
        self.now.air.expect(&self.knowing.days, (self.from, place.slot), service)
    }

    /// What an unexpected draw cools the tank by, K.
    fn margin(&self, quarter: usize) -> [f64; 3] {
        let capacity = self.site.tank.map_or(1.0, |tank| tank.capacity_kwh_per_k.max(1e-3));
        let surprise = self.knowing.usual.surprise(quarter);
        surprise.map_or(MARGIN_UNKNOWN, |energies| energies.map(|energy| (energy / capacity).min(MARGIN_MAX)))
    }
}
