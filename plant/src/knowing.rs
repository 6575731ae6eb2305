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

/// Expectations of the slots ahead.
mod ahead;
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
use crate::knowing::ahead::Ahead;
pub(crate) use crate::knowing::ahead::{Expectation, Present};
pub(crate) use crate::knowing::building::Fitted;
use crate::knowing::days::{Column, Days, LocalTime, QUARTERS, day_of};
use crate::knowing::heat::{Before, Heat};
use crate::knowing::rooms::Model;
use crate::knowing::sun::Sun;
use crate::knowing::tank::TankSeen;
use crate::knowing::usual::Usual;
use crate::knowing::weather::Trailing;
use crate::knowledge::{BuildingKnowledge, Knowledge};
use crate::outlook::Outlook;
use crate::plan::Warmth;
use crate::site::Site;
use crate::time::{Slot, Timestamp};
use crate::units::{Celsius, KilowattHours, Watts};
use crate::value::thermal::OUTDOOR_UNKNOWN;
use std::sync::Arc;

/// A quarter hour so many slots before the newest one is now, and the newest never was.
const CLOCK_WRONG: i64 = 2 * QUARTERS;

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
    /// As the site states it, else by its living area.
    fn of(site: &Site) -> Self {
        let stated = site.building.fabric.map(Fitted::stated);
        let fitted = stated.unwrap_or_else(|| Fitted::estimated(room::estimated(site)));
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
            building: Arc::new(Building::of(site)),
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

    /// Learns from a quarter hour that has just passed. One that is known already teaches nothing; one that lies days before the newest
    /// shows that the clock was wrong then.
    pub(crate) fn learn(&mut self, site: &Site, quarter: &Quarter) {
        self.last = self.last.filter(|last| last.0 - quarter.slot.0 < CLOCK_WRONG);
        self.recall(site, quarter);
    }

    /// Learns from a quarter hour that passed some time ago, where it is newer than all that are known.
    pub(crate) fn recall(&mut self, site: &Site, quarter: &Quarter) {
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
            let fitted = due.map_or(Fitted::estimated(guess), |day| Fitted::of(&self.days, day, self.sun.peak, &guess));
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

    /// What the expectations ahead of `from` rest on.
    pub(crate) fn knowledge(&self, site: &Site, outlook: &Outlook, from: Slot) -> Knowledge {
        let service = outlook.pv.contains_key(&from);
        let (pv, pv_spread) = self.sun.base(service, from);
        let building = &self.building.fitted;
        let fabric = &building.fabric;
        Knowledge {
            days: self.days.count(),
            newest: self.last.map(Slot::end),
            pv,
            pv_spread,
            building: site.room.map(|_| BuildingKnowledge {
                days: site.building.fabric.is_none().then_some(building.days),
                loss_kw_per_k: room::loss(fabric),
                loss_deviation: building.loss_deviation,
                capacity_kwh_per_k: fabric.air_kwh_per_k + fabric.mass_kwh_per_k,
                capacity_deviation: building.mass_deviation,
                cop_scale: building.cop_scale,
                cop_deviation: building.cop_deviation,
            }),
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

    /// The building as the site states it, or as its history shows it.
    pub(crate) fn building(&self) -> &Fitted {
        &self.building.fitted
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
        let ahead = Ahead::new(self, site, outlook, (from, present));
        let mut expectations: Vec<Expectation> = (0..count).map(|slots| ahead.expect(slots)).collect();
        let mut day = self.outdoor.clone();
        for expectation in &mut expectations {
            day.follow(expectation.outdoor.map(|outdoor| outdoor.0));
            expectation.summer = day.mean().is_some_and(|mean| mean > site.building.summer_above.0);
        }
        expectations
    }
}
