//! The situation: all that one cycle decides on, frozen. The image and what follows from it, prices, the commands in force, the
//! plan's intention, and what there is to do.

use crate::command::Mode;
use crate::decision::Control;
use crate::image::{Image, Known};
use crate::observe::Observed;
use crate::observe::commands::Commands;
use crate::observe::draw::Span;
use crate::observe::flows::Flows;
use crate::plan::{HouseIntent, PlannedSlot};
use crate::point::Point;
use crate::reason::Worth;
use crate::site::{First, Site};
use crate::time::{Moment, Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
use crate::value::balance::Values;
use crate::value::merit::{self, Without};
use crate::value::revenue::Demand;
use crate::value::tariff::{self, Prices};
use crate::value::thermal::{self, Temperatures};
use crate::value::worth::Offer;
use crate::work::WorkerState;
use std::collections::BTreeMap;

/// What energy in the battery is worth where no plan says it, as a share of the import price: most of it will displace import,
/// some of it is lost on the way or would have been replaced by the sun.
const STORED_SHARE: f64 = 0.8;
/// Assumed of power whose price no feed has said: dear, a German household's price of 2023 to 2025, so that nothing runs because it
/// seems to cost nothing. It decides, and is never booked.
pub(crate) const PRICE_UNKNOWN: EurPerKwh = EurPerKwh(0.40);
/// So close to the feed-in cap, as a share of it and at least, the inverter holds the export down: controls that hold the meter at
/// zero leave some tens of watts.
const CAP_SLACK: f64 = 0.02;
const CAP_SLACK_MIN: Watts = Watts(50.0);
/// A battery that moves less than this has nothing to take or to give: full ones float with some tens of watts.
const FLOATING: Watts = Watts(100.0);
/// PV that makes more than this is awake.
pub(crate) const AWAKE: Watts = Watts(50.0);

/// The situation of one cycle.
#[derive(Clone, Debug)]
pub(crate) struct Situation<'a> {
    /// The time.
    pub now: Timestamp,
    /// The same on the steady clock.
    pub moment: Moment,
    /// What is installed.
    pub site: &'a Site,
    /// Every point of the house.
    pub image: &'a Image,
    /// The commands in force.
    pub commands: Commands,
    /// Grid, battery and compute when the grid was read, where they are fresh.
    pub bus: Option<Flows>,
    /// What the battery would charge with, if it could have all of the surplus.
    pub charge_room: Watts,
    /// What compute may have of the wallbox's power, or leaves to it where that is negative.
    pub wallbox: Watts,
    /// What the heat pump takes of what it was offered, and gives up when compute could use it.
    pub yields: Watts,
    /// The battery's charge, where it is fresh.
    pub soc: Option<Percent>,
    /// What power costs and earns, as published.
    pub published: Prices,
    /// What power costs and earns; estimated or missing where nothing was published.
    pub prices: Prices,
    /// What power is worth by where it comes from; assumed where `prices` are missing.
    pub values: Values,
    /// The plan's intention, where there is a plan for this mode and moment.
    pub planned: Option<&'a PlannedSlot>,
    /// The temperatures that matter to compute's heat.
    pub temperatures: Temperatures,
    /// Heat that finds a use, in thermal watts.
    pub useful: Watts,
    /// What it displaces.
    pub heat_price: EurPerKwh,
    /// What there is to do.
    pub demand: Demand,
    /// Questions that somebody waits for.
    pub questions: u32,
    /// What the engine is doing.
    pub worker: WorkerState,
    /// What compute drew when each point was last read.
    pub compute_when: BTreeMap<Point, Span>,
    /// What the grid meter would show without compute; `None` while it is silent.
    pub residual: Option<Watts>,
    /// Whether a battery that is set does something else: it feeds compute all the same.
    pub disobeyed: bool,
}

impl<'a> Situation<'a> {
    /// The situation in which `image` was taken.
    pub(crate) fn new(site: &'a Site, observed: &Observed, image: &'a Image, planned: Option<&'a PlannedSlot>) -> Self {
        let now = image.at;
        let feeds = &observed.feeds;
        let (tariff, timezone) = (&site.tariff, site.timezone);
        let published = tariff::prices(tariff, timezone, now, |slot| feeds.published(slot.start()));
        let estimated = tariff::prices(tariff, timezone, now, |slot| feeds.estimated(slot.start()));
        let assumed = site.currency.roughly(PRICE_UNKNOWN);
        let import = estimated.import.unwrap_or(assumed);
        let export = estimated.export.unwrap_or(assumed);
        let stored = planned.map_or(import.positive() * STORED_SHARE, |planned| planned.stored);
        let temperatures = temperatures(observed, image);
        let bus = observed.bus.flows;
        Self {
            now,
            moment: image.moment,
            site,
            image,
            commands: observed.commands,
            bus,
            charge_room: bus.map_or(Watts::ZERO, |_| observed.charge_room.power),
            wallbox: bus.map_or(Watts::ZERO, |_| observed.wallbox.power),
            yields: Watts::ZERO,
            soc: image.get(Point::BatterySoc).fresh().map(Percent),
            published,
            prices: estimated,
            values: Values::new(import, export, stored, site.battery.as_ref()),
            planned,
            temperatures,
            useful: thermal::useful(site, &temperatures, Slot::LENGTH),
            heat_price: thermal::heat_price(site, temperatures.outdoor, estimated.import),
            demand: Demand::of(&observed.backlog, &site.work, observed.tokens_per_kwh),
            questions: observed.backlog.interactive,
            worker: observed.worker.state,
            compute_when: observed.compute_when(site, image),
            residual: observed.residual.map(|residual| residual.0),
            disobeyed: false,
        }
    }

    /// What compute drew when `point` was last read; `None` where it never was.
    pub(crate) fn compute_when(&self, point: Point) -> Option<Span> {
        self.compute_when.get(&point).copied()
    }

    /// Whether power may be bought on purpose: at the price of this very slot. What it was an hour ago, or is like on other days, is
    /// good for a plan and not for a purchase.
    pub(crate) fn may_buy(&self) -> bool {
        self.published.import.is_some()
    }

    /// The mode in force.
    pub(crate) fn mode(&self) -> Mode {
        self.commands.mode
    }

    /// What the plan intends for the rest of the house; `None` where it says nothing, or the mode follows no plan.
    pub(crate) fn intended(&self) -> Option<&'a HouseIntent> {
        let follows = match self.mode() {
            Mode::Auto | Mode::Eco => true,
            Mode::Off | Mode::Surplus | Mode::Heat | Mode::Boost => false,
        };
        self.planned?.house.as_ref().filter(|_| follows)
    }

    /// The most the owner lets compute draw.
    pub(crate) fn max(&self) -> Watts {
        self.site.compute.max.min(self.commands.power_limit)
    }

    /// Surplus that compute may have, negative where the house takes more than PV makes; `None` where it is unknown. Whom the owner
    /// names gets it first, else whom the plan names; below its reserve always the battery.
    pub(crate) fn available(&self, battery_first: bool) -> Option<Watts> {
        let surplus = self.bus?.surplus() + self.wallbox;
        let below = match (&self.site.battery, self.soc) {
            (Some(battery), Some(soc)) => soc < battery.reserve,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let first = match self.site.battery.map(|battery| battery.first) {
            Some(First::Battery) => true,
            Some(First::Compute) => false,
            Some(First::Planned) | None => battery_first,
        };
        let room = if first || below { self.charge_room } else { Watts::ZERO };
        Some(if surplus > Watts::ZERO { (surplus - room).positive() } else { surplus })
    }

    /// Surplus before compute, as published: the battery comes first where the plan says so.
    pub(crate) fn surplus(&self) -> Known<f64> {
        let battery_first = self.planned.is_none_or(|planned| planned.battery_first);
        self.available(battery_first).map_or(Known::Missing, |surplus| Known::Fresh { value: surplus.0 })
    }

    /// The three numbers of compute at `power`, at least at its least power, for work that pays `revenue`.
    pub(crate) fn worth(&self, power: Watts, revenue: EurPerKwh) -> Worth {
        let power = power.max(self.site.compute.min).max(Watts(1.0));
        let blocks = merit::order(&self.without(), &self.values, &self.site.grid, power);
        self.offer(revenue).worth(blocks, power)
    }

    /// The three numbers of compute at full power on surplus that would be exported.
    pub(crate) fn worth_of_surplus(&self) -> Worth {
        self.offer(self.demand.next()).worth_at(self.without().exported(&self.values), self.max())
    }

    /// The three numbers of compute at its least power, on power that would be curtailed.
    pub(crate) fn worth_of_curtailed(&self) -> Worth {
        self.offer(self.demand.next()).worth_at(EurPerKwh::ZERO, self.site.compute.min)
    }

    fn offer(&self, revenue: EurPerKwh) -> Offer<'a> {
        Offer { site: self.site, revenue, useful: self.useful, heat_price: self.heat_price, import: self.values.import }
    }

    /// The baseline: the house of this moment as it would be without compute; all from the grid where the bus is unknown.
    fn without(&self) -> Without {
        let Some(bus) = self.bus else { return Without::default() };
        let surplus = bus.surplus();
        let charge = surplus.positive().min(self.charge_room);
        let (discharge, dischargeable) = match (&self.site.battery, self.soc) {
            (Some(battery), Some(soc)) if soc > battery.reserve => {
                let own = (-surplus).positive().min(battery.discharge_max);
                (own, battery.discharge_max - own)
            }
            _ => (bus.discharge().min((-surplus).positive()), Watts::ZERO),
        };
        Without {
            import: ((-surplus).positive() - discharge).positive(),
            export: surplus.positive() - charge,
            charge,
            dischargeable,
            can_hold: self.can_hold() && self.spares_stored(),
            at_cap: self.at_cap(),
        }
    }

    /// Whether the export is at the feed-in cap, where the inverter throttles. A cap near zero says so only by day, and while the
    /// battery neither takes nor gives: else the house is just in balance.
    pub(crate) fn at_cap(&self) -> bool {
        let (Some(limit), Some(bus)) = (self.site.grid.export_limit, self.bus) else { return false };
        let slack = self.cap_slack();
        let awake = bus.pv.is_some_and(|pv| pv > AWAKE) && bus.battery.abs() <= FLOATING;
        -bus.grid >= limit - slack && (limit > slack || awake)
    }

    /// How far from the feed-in cap the export may be while the inverter holds it down.
    pub(crate) fn cap_slack(&self) -> Watts {
        self.site.grid.export_limit.map_or(CAP_SLACK_MIN, |limit| (limit * CAP_SLACK).max(CAP_SLACK_MIN))
    }

    /// Whether the battery holds its energy when asked.
    pub(crate) fn can_hold(&self) -> bool {
        self.site.controls(Control::BatteryMode) && !self.disobeyed && self.may_hold()
    }

    /// Whether the mode and the readings allow to ask it.
    pub(crate) fn may_hold(&self) -> bool {
        let held = match self.mode() {
            Mode::Auto | Mode::Eco | Mode::Surplus | Mode::Boost => true,
            Mode::Off | Mode::Heat => false,
        };
        held && self.bus.is_some() && self.soc.is_some()
    }

    /// Whether the mode spares the battery where the grid's power is cheaper: a boost spares no more than its reserve.
    pub(crate) fn spares_stored(&self) -> bool {
        self.mode() != Mode::Boost
    }
}

fn temperatures(observed: &Observed, image: &Image) -> Temperatures {
    let fresh = |point| image.get(point).fresh().map(Celsius);
    Temperatures {
        room: fresh(Point::RoomTemperature),
        tank: fresh(Point::TankTemperature),
        outdoor: observed.outdoor(image).or_else(|| image.get(Point::OutdoorTemperature).last().map(Celsius)),
        outdoor_mean: observed.knowing.outdoor_mean(),
    }
}
