//! When a plan is asked for, what it is given, and which plan is in force.

use crate::command::Mode;
use crate::image::Image;
use crate::knowing::{Expectation, Present};
use crate::observe::Observed;
use crate::plan::{ExpectedSlot, Plan, PlanRequest, PlannedSlot};
use crate::point::Point;
use crate::site::Site;
use crate::time::{Moment, Slot, Timestamp};
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
use crate::value::dimming;
use crate::value::tariff;
use std::sync::Arc;
use std::time::Duration;

/// Slots that a plan looks ahead: 48 hours.
pub(crate) const HORIZON: i64 = 192;
/// News of prices, forecasts and queue is planned for at most this often.
const PACE: Duration = Duration::from_secs(60);
/// A plan older than this no longer counts.
const PLAN_AGE_MAX: Duration = Duration::from_secs(2 * 3600);

/// The plan in force and the one asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planning {
    /// The plan in force.
    pub plan: Option<Plan>,
    /// When it was asked for.
    made: Moment,
    /// Something that a plan depends on has changed.
    pub stale: bool,
    /// Somebody waits for the change to show.
    pub urgent: bool,
    asked: Option<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    slot: Slot,
    moment: Moment,
    mode: Mode,
}

impl Planning {
    /// Takes a plan that was asked for at `made`; one that is older than the plan in force is dropped, and one from before the clock
    /// was set back.
    pub(crate) fn take(&mut self, plan: Plan, made: Moment, now: Timestamp) {
        let newer = self.plan.as_ref().is_none_or(|held| made >= self.made || held.made_at > now);
        if newer && plan.made_at <= now {
            (self.plan, self.made) = (Some(plan), made);
        }
    }

    /// The plan's intention for `now`, if it was made for `mode` and is not too old.
    pub(crate) fn intention(&self, mode: Mode, now: Timestamp, moment: Moment) -> Option<&PlannedSlot> {
        let plan = self.plan.as_ref().filter(|plan| plan.mode == mode)?;
        plan.at(now).filter(|_| moment.since(self.made) <= PLAN_AGE_MAX)
    }

    /// Whether the plan was made without a price of import for `now`.
    pub(crate) fn lacks_price(&self, now: Timestamp) -> bool {
        self.plan.as_ref().and_then(|plan| plan.at(now)).is_some_and(|planned| planned.import_price.is_none())
    }

    /// Whether a plan is to be asked for at `now`; takes note that it is.
    fn due(&mut self, mode: Mode, slot: Slot, moment: Moment) -> bool {
        let due = match self.asked {
            None => true,
            Some(asked) => {
                let news = self.stale && moment.since(asked.moment) >= PACE;
                asked.slot != slot || self.urgent || asked.mode != mode || news
            }
        };
        if due {
            self.asked = Some(Asked { slot, moment, mode });
            (self.stale, self.urgent) = (false, false);
        }
        due
    }
}

/// What a request is made of, beside the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    /// What is installed.
    pub site: &'a Arc<Site>,
    /// What was observed.
    pub observed: &'a Observed,
    /// Since when compute runs.
    pub running_since: Option<Timestamp>,
}

impl Planning {
    /// The request for a new plan, where one is due.
    pub(crate) fn request(&mut self, basis: &Basis<'_>, image: &Image) -> Option<PlanRequest> {
        let Basis { site, observed, running_since } = *basis;
        let commands = &observed.commands;
        if !self.due(commands.mode, Slot::containing(image.at), image.moment) {
            return None;
        }
        let fresh = |point| image.get(point).fresh();
        Some(PlanRequest {
            at: image.at,
            site: site.clone(),
            mode: commands.mode,
            boost: commands.boost,
            power_limit: commands.power_limit,
            grid_dimming: dimming::in_force(site, image, commands.grid_dimming).filter(|_| site.grid.dimming.compute),
            slots: expected_slots(site, observed, image),
            soc: fresh(Point::BatterySoc).map(Percent),
            room: fresh(Point::RoomTemperature).map(Celsius),
            tank: fresh(Point::TankTemperature).map(Celsius),
            outdoor_mean: observed.knowing.outdoor_mean(),
            running_since,
            backlog: observed.backlog.clone(),
            tokens_per_kwh: observed.tokens_per_kwh,
            warmth: observed.knowing.warmth(site, Slot::containing(image.at)),
            arrivals: observed.knowing.arrivals(Slot::containing(image.at)),
            disinfected: observed.knowing.disinfected(),
            before: self.plan.clone().map(Arc::new),
        })
    }
}

/// The slots ahead as feeds and the days before have them. What neither knows is unknown.
fn expected_slots(site: &Site, observed: &Observed, image: &Image) -> Vec<ExpectedSlot> {
    let fresh = |point| image.get(point).fresh();
    let present = Present {
        pv: fresh(Point::PvPower).map(Watts),
        load: fresh(Point::HousePower).map(|power| Watts(power.max(0.0))),
        heat_pump: fresh(Point::HeatPumpPower).map(Watts),
        outdoor: fresh(Point::OutdoorTemperature).map(Celsius),
    };
    let from = Slot::containing(image.at);
    let outlook = &observed.feeds.outlook;
    // One that nobody measures is part of the house's own consumption.
    let metered = site.offers(Point::HeatPumpPower);
    let slot = |(ahead, expected): (i64, &Expectation)| {
        let slot = from.plus(ahead);
        let price =
            |spot: &dyn Fn(Slot) -> Option<EurPerKwh>| tariff::slot_prices(&site.tariff, site.timezone, slot, spot);
        let prices = price(&|slot: Slot| observed.feeds.estimated(slot.start()));
        let known = price(&|slot: Slot| observed.feeds.published(slot.start()));
        ExpectedSlot {
            slot,
            import_price: prices.import,
            export_price: prices.export,
            // Prices that do not follow the market need no estimate.
            estimated_from: observed.feeds.estimated_from(slot.start()).filter(|_| known != prices),
            pv: expected.pv.map(Watts::positive),
            load: expected.load.map(Watts::positive),
            heat_pump: if metered { expected.heat_pump.map(Watts::positive) } else { Some(Watts::ZERO) },
            outdoor: expected.outdoor,
            carbon: outlook.carbon.get(&slot).copied(),
            pv_spread: expected.pv_spread,
            load_spread: expected.load_spread,
            irradiance: expected.irradiance,
            hot_water: expected.hot_water,
            hot_water_margin: expected.hot_water_margin,
            summer: expected.summer,
        }
    };
    let expectations = observed.knowing.expect(site, outlook, (from, HORIZON), &present);
    (0..).zip(&expectations).map(slot).collect()
}
