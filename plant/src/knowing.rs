//! Knowing: what the time ahead will be like, made from the quarter hours that have passed and from what the feeds say.
//!
//! ```text
//! quarter --> days --+--> sun (ratios, envelope, weights)   --+
//!                    +--> usual (household, hot water, work)  +--> expectations of the slots ahead
//!                    +--> tank (draws), outdoor mean        --+
//!                    +--> rooms (mass), building            --+
//! ```
//!
//! Terms: the *base* of a PV forecast is the weather service's, or the roof's *envelope*, what it yields on a bright day. What is worked
//! out from many days is worked out once a day, the weights of the PV forecast once a week.
//!
//! Invariant: all of it follows from the quarter hours in their sequence, so that a restart that is given them knows what was known
//! before. What is not known is skipped, never zero; PV that was held back says nothing of the sun.
//!
//! Example: yesterday at 12:00 the roof made 4 kW of the 5 kW of a bright day, and today so far half of what a bright day has. At 13:00
//! a little more than 2.5 kW is expected, tomorrow about 4.

/// The building by its history.
mod building;
/// 400 days of numbers.
mod days;
/// The heat of a slot that has passed.
mod heat;
/// How the sun compares with what was expected.
mod ratios;
/// Weights of the PV forecast.
mod ridge;
/// The rooms, and the mass that nobody reads.
mod rooms;
/// PV.
mod sun;
/// Draws from the tank.
mod tank;
/// Household, hot water and work.
mod usual;
/// Outside.
mod weather;

use crate::history::Quarter;
use crate::house::room;
use crate::knowing::building::Fitted;
use crate::knowing::days::{Column, Days, LocalTime, QUARTERS, day_of};
use crate::knowing::heat::{Before, Heat};
use crate::knowing::rooms::Model;
use crate::knowing::sun::{Place, Sun};
use crate::knowing::tank::TankSeen;
use crate::knowing::usual::Usual;
use crate::knowing::weather::{Air, Trailing};
use crate::outlook::Outlook;
use crate::plan::Warmth;
use crate::site::Site;
use crate::site::building::Fabric;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, KilowattHours, Watts};
use crate::value::thermal::OUTDOOR_UNKNOWN;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Margin of a tank whose draws are not known yet, K.
const MARGIN_UNKNOWN: [f64; 3] = [3.0; 3];
/// The most that a margin asks for, K.
const MARGIN_MAX: f64 = 11.0;
/// Slots in which a household's difference from its usual level fades.
const LEVEL_FADES: f64 = 4.0;
/// A feed that ends within so many slots is about to fail, and its last day does not stand in for the next.
const FEED_LEFT_MIN: i64 = 16;

/// What is known of the house beyond this moment.
#[derive(Clone, Debug)]
pub(crate) struct Knowing {
    zone: LocalTime,
    days: Days,
    sun: Sun,
    usual: Arc<Usual>,
    outdoor: Trailing,
    tank: TankSeen,
    building: Arc<Building>,
    /// The newest quarter hour.
    last: Option<Slot>,
}

/// The building as it is known.
#[derive(Clone, Debug)]
struct Building {
    /// The day before which it was fitted.
    day: Option<i64>,
    fitted: Fitted,
    model: Model,
}

impl Building {
    /// As the site states or estimates it.
    fn new(fabric: Fabric) -> Self {
        let fitted = Fitted::stated(fabric);
        Self { day: None, model: fitted.model(), fitted }
    }
}

/// What warmed tank and rooms in a slot, kW, and what was drawn.
#[derive(Clone, Debug)]
struct Warms {
    pumped: Option<f64>,
    compute: Option<f64>,
    summer: bool,
    drawn: Option<tank::Drawn>,
}

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

impl Knowing {
    /// What the quarter hours of `history` taught, in the sequence of their slots.
    pub(crate) fn new(site: &Site, history: &[Quarter]) -> Self {
        let sun = Sun::new(site.pv.map_or(0.0, |pv| pv.peak.0 / 1000.0));
        let mut knowing = Self {
            zone: LocalTime(site.timezone),
            days: Days::default(),
            sun,
            usual: Arc::default(),
            outdoor: Trailing::default(),
            tank: TankSeen::default(),
            building: Arc::new(Building::new(room::fabric(site))),
            last: None,
        };
        for quarter in history {
            knowing.take(site, quarter, false);
        }
        if let Some(last) = knowing.last {
            knowing.turn_to(site, last.plus(1));
        }
        knowing
    }

    /// Learns from a quarter hour that has passed. One that is known already teaches nothing.
    pub(crate) fn learn(&mut self, site: &Site, quarter: &Quarter) {
        if self.take(site, quarter, true) {
            self.turn_to(site, quarter.slot.plus(1));
        }
    }

    /// Works out what is worked out once a day, for the day of `slot`.
    fn turn_to(&mut self, site: &Site, slot: Slot) {
        self.sun.turn_to(slot, &self.days, self.zone, true);
        let due = self.days.due(day_of(slot));
        if site.building.fabric.is_none() && site.room.is_some() && self.building.day != due {
            let guess = room::estimated(site);
            let fitted = due.map_or(Fitted::stated(guess), |day| Fitted::of(&self.days, day, self.sun.peak, &guess));
            self.building = Arc::new(Building { day: due, model: fitted.model(), fitted });
        }
        let (day, _) = self.zone.at(slot);
        if self.usual.day() != day {
            self.usual = Arc::new(Usual::of(&self.days, self.zone, slot));
        }
    }

    /// Takes in a quarter hour; whether it is newer than all before.
    fn take(&mut self, site: &Site, quarter: &Quarter, weights: bool) -> bool {
        let slot = quarter.slot;
        if self.last.is_some_and(|last| slot <= last) {
            return false;
        }
        self.last = Some(slot);
        self.sun.turn_to(slot, &self.days, self.zone, weights);
        let kilowatts = |power: Option<Watts>| power.map(|power| power.0 / 1000.0);
        let pv = kilowatts(quarter.pv).filter(|_| !quarter.curtailed);
        let expected = kilowatts(quarter.expected_pv);
        let envelope = self.sun.pass(slot, pv, expected);
        let outdoor = self.outdoor.pass(quarter);
        let warms = self.warms(site, quarter, outdoor);
        let values = [
            (Column::Pv, pv),
            (Column::ExpectedPv, expected),
            (Column::Envelope, envelope),
            (Column::Load, kilowatts(quarter.load)),
            (Column::HeatPump, kilowatts(quarter.heat_pump)),
            (Column::Outdoor, outdoor),
            (Column::ExpectedOutdoor, quarter.expected_outdoor.map(|outdoor| outdoor.0)),
            (Column::Sun, quarter.irradiance),
            (Column::Drawn, None),
            (Column::Arrived, quarter.arrived.map(|work| work.0)),
            (Column::Room, quarter.room.map(|room| room.0)),
            (Column::Pumped, warms.pumped),
            (Column::ComputeHeat, warms.compute),
            (Column::Summer, Some(f64::from(u8::from(warms.summer)))),
        ];
        self.days.remember(slot, &values);
        if let Some((drawn, slots)) = warms.drawn {
            slots.for_each(|slot| self.days.remember(Slot(slot), &[(Column::Drawn, Some(drawn))]));
        }
        true
    }

    /// What warmed tank and rooms in `quarter`, and what was drawn.
    fn warms(&mut self, site: &Site, quarter: &Quarter, outdoor: Option<f64>) -> Warms {
        let before = Before {
            room: self.days.get(Column::Room, quarter.slot.plus(-1)).or(quarter.room.map(|room| room.0)),
            tank: self.tank.at_end(quarter.slot.plus(-1)),
            outdoor: outdoor.unwrap_or(OUTDOOR_UNKNOWN.0),
            summer: self.outdoor.mean().is_some_and(|mean| mean > site.building.summer_above.0),
        };
        let heat = Heat::of(site, quarter, &before);
        Warms {
            pumped: heat.pumped,
            compute: heat.compute.map(|ways| ways.room),
            summer: before.summer,
            drawn: self.tank.pass(site, quarter.slot, quarter.tank.map(|tank| tank.0), &heat),
        }
    }

    /// Mean outdoor temperature of the last day, where known.
    pub(crate) fn outdoor_mean(&self) -> Option<Celsius> {
        self.outdoor.mean().map(Celsius)
    }

    /// What is known of the house's heat at the beginning of `slot`; `None` where its rooms are not measured.
    pub(crate) fn warmth(&self, site: &Site, slot: Slot) -> Option<Warmth> {
        site.room?;
        let rooms = self.building.model.before(&self.days, slot, self.sun.peak)?;
        let Fitted { fabric, cop_scale, .. } = self.building.fitted;
        Some(Warmth { fabric, mass: Celsius(rooms.mass), cop_scale })
    }

    /// When the tank was last hot for long enough against legionella.
    pub(crate) fn disinfected(&self) -> Option<Timestamp> {
        self.tank.disinfected()
    }

    /// Work that is expected to arrive in each of the slots of a day, the one that begins at `from` first and without any; empty where
    /// none ever came.
    pub(crate) fn arrivals(&self, from: Slot) -> Vec<KilowattHours> {
        let arrives = |ahead| Some(KilowattHours(self.usual.arrived(self.zone.at(from.plus(ahead)).1)?));
        let mut work: Vec<KilowattHours> = (0..QUARTERS).filter_map(arrives).collect();
        work.first_mut().into_iter().for_each(|first| *first = KilowattHours::ZERO);
        work
    }

    /// What is expected of `count` slots, the first of them `from`.
    pub(crate) fn expect(
        &self,
        site: &Site,
        outlook: &Outlook,
        (from, count): (Slot, i64),
        present: &Present,
    ) -> Vec<Expectation> {
        let ahead =
            Ahead { knowing: self, site, outlook, from, today: self.zone.at(from).0, now: self.now(from, present) };
        let mut expectations: Vec<Expectation> = (0..count).map(|slots| ahead.expect(slots)).collect();
        let mut day = self.outdoor.clone();
        for expectation in &mut expectations {
            day.follow(expectation.outdoor.map(|outdoor| outdoor.0));
            expectation.summer = day.mean().is_some_and(|mean| mean > site.building.summer_above.0);
        }
        expectations
    }

    /// The newest levels: of the slot that has just passed, else of this moment.
    fn now(&self, from: Slot, present: &Present) -> Now {
        let kilowatts = |power: Option<Watts>| power.map(|power| power.0 / 1000.0);
        let level = |column, present| self.days.get(column, from.plus(-1)).or(present);
        Now {
            sun: self.sun.last(&self.days, from, kilowatts(present.pv)),
            load: level(Column::Load, kilowatts(present.load)),
            heat_pump: level(Column::HeatPump, kilowatts(present.heat_pump)),
            air: Air::now(&self.days, &self.outdoor, from, present.outdoor.map(|outdoor| outdoor.0)),
        }
    }
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
struct Ahead<'a> {
    knowing: &'a Knowing,
    site: &'a Site,
    outlook: &'a Outlook,
    from: Slot,
    today: i64,
    now: Now,
}

impl Ahead<'_> {
    fn expect(&self, ahead: i64) -> Expectation {
        let Knowing { zone, usual, days, .. } = self.knowing;
        let slot = self.from.plus(ahead);
        let (local, quarter) = zone.at(slot);
        let place = Place { slot, ahead, same_day: local == self.today };
        let watts = |kilowatts: f64| Watts(kilowatts * 1000.0);
        let fades = (-(ahead as f64) / LEVEL_FADES).exp();
        let level = |usual: Option<f64>, now: Option<f64>| match (usual, now) {
            (Some(usual), Some(now)) => Some(usual + (now - usual) * fades),
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
