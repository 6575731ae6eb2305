//! One cycle: from a frozen image to a decision and all that follows from it.

use crate::account::Held;
use crate::balance::{Flows, Values};
use crate::decision::{Decision, Setpoints};
use crate::effect::Effect;
use crate::explain::explain;
use crate::image::{Image, Known};
use crate::plant::Plant;
use crate::point::Point;
use crate::record::Record;
use crate::revenue::Demand;
use crate::situation::Situation;
use crate::tariff::Prices;
use crate::thermal::{self, Temperatures};
use crate::time::{Slot, Timestamp, elapsed};
use crate::units::{Celsius, EurPerKwh, Percent, Watts};
use std::time::Duration;

/// What energy in the battery is worth where no plan says it, as a share of the import price.
const STORED_SHARE: f64 = 0.8;
/// Assumed of power whose price nobody has told: dear, so that nothing runs because it seems to cost nothing. It decides,
/// and is never booked.
const PRICE_UNKNOWN: EurPerKwh = EurPerKwh(0.40);

impl Plant {
    /// Books the time since the last cycle, decides, and says what is to be done.
    pub(crate) fn cycle(&mut self, now: Timestamp) -> Vec<Effect> {
        let since = self.cycled.as_ref().map_or(Duration::ZERO, |(at, _)| elapsed(*at, now));
        let mut effects = self.book(now);
        self.wishes.pass(now);
        let image = self.sampled.image(now, self.worker_power());
        if let Some(outdoor) = self.outdoor(&image) {
            self.forecast.learn_outdoor(Slot::containing(now), outdoor, since.min(Duration::from_secs(3600)));
        }
        let published = self.market.published(&self.site, now);

        let bus = Flows::bus(&image);
        let soc = image.get(Point::BatterySoc).fresh().map(Percent);
        let battery = self.site.battery.as_ref();
        let charge_room = bus.map_or(Watts::ZERO, |bus| self.charge_room.at(now, bus, soc, battery));
        let site = self.site.clone();
        let planning = std::mem::take(&mut self.planning);
        let situation = self.situation(&site, &image, &planning, bus, charge_room, soc);

        let wanted = self.dispatch.dispatch(&situation);
        let verdict = self.limits.clamp(&situation, &wanted);
        let worth = situation.worth(verdict.budget, wanted.worth.revenue);
        let settings = self.settings.settle(&situation, &verdict);
        self.cycle += 1;
        effects.push(Effect::Apply(Setpoints { cycle: self.cycle, setpoints: settings.clone() }));
        let decision = Decision {
            at: now,
            wanted: wanted.power,
            budget: verdict.budget,
            reason: verdict.reason,
            worth,
            limits: verdict.hits,
            settings,
        };

        // Without compute's power nothing is booked.
        let booked = bus.filter(|_| image.get(Point::ComputePower).fresh().is_some());
        let held = booked.map(|flows| Held {
            flows,
            charge_room,
            values: situation.prices.known().then_some(situation.values),
            useful: situation.useful,
            heat_price: situation.heat_price,
            reason: decision.reason,
        });
        let surplus = surplus(&situation);
        let explanation = explain(&situation, &decision);
        self.planning = planning;
        self.cycled = Some((now, held));
        effects.push(Effect::Checkpoint(Box::new(self.checkpoint(now))));
        let record = self.record(image.clone(), published, surplus, decision, explanation);
        effects.push(Effect::Publish(Box::new(record)));
        effects.extend(self.plan_request(&image).map(|request| Effect::Plan(Box::new(request))));
        effects
    }

    /// What the engine says it draws.
    fn worker_power(&self) -> Option<Watts> {
        self.worker.power.filter(|power| power.0.is_finite()).map(Watts::positive)
    }

    /// The air outside: as measured, else as the forecast has it.
    fn outdoor(&self, image: &Image) -> Option<Celsius> {
        let measured = image.get(Point::OutdoorTemperature).fresh().map(Celsius);
        measured.or_else(|| self.market.outlook.outdoor.get(&Slot::containing(image.at)).copied())
    }

    fn situation<'a>(
        &self,
        site: &'a crate::site::Site,
        image: &'a Image,
        planning: &'a crate::planning::Planning,
        bus: Option<Flows>,
        charge_room: Watts,
        soc: Option<Percent>,
    ) -> Situation<'a> {
        let now = image.at;
        let prices = self.market.estimated(site, now);
        let planned = planning.intention(self.wishes.mode, now);
        let import = prices.import.unwrap_or(PRICE_UNKNOWN);
        let stored = planned.map_or(import.positive() * STORED_SHARE, |planned| planned.stored);
        let export = prices.export.unwrap_or(PRICE_UNKNOWN);
        let temperatures = Temperatures {
            room: image.get(Point::RoomTemperature).fresh().map(Celsius),
            tank: image.get(Point::TankTemperature).fresh().map(Celsius),
            outdoor: self.outdoor(image).or_else(|| image.get(Point::OutdoorTemperature).last().map(Celsius)),
            outdoor_mean: self.forecast.outdoor_mean(),
        };
        Situation {
            now,
            site,
            image,
            wishes: self.wishes,
            bus,
            charge_room,
            soc,
            prices,
            values: Values::new(import, export, stored, site.battery.as_ref()),
            planned,
            useful: thermal::useful(site, &temperatures, Slot::LENGTH),
            heat_price: thermal::heat_price(site, temperatures.outdoor, prices.import),
            demand: Demand::of(&self.backlog, &site.work, self.tokens_per_kwh),
            questions: self.backlog.interactive,
            worker: self.worker.state,
        }
    }

    fn record(
        &self,
        image: Image,
        published: Prices,
        surplus: Known<f64>,
        decision: Decision,
        explanation: String,
    ) -> Record {
        Record {
            at: image.at,
            site: self.site.name.clone(),
            mode: self.wishes.mode,
            boost_until: self.wishes.boost.map(|(_, until)| until),
            power_limit: self.wishes.power_limit,
            power_max: self.site.compute.max,
            grid_dimming: self.wishes.grid_dimming,
            surplus,
            import_price: published.import,
            export_price: published.export,
            decision,
            explanation,
            plan: self.planning.plan.clone(),
            worker: self.worker.clone(),
            backlog: self.backlog.clone(),
            energy: self.books.energy,
            today: self.books.today,
            month: self.books.month,
            total: self.books.total,
            devices: self.sampled.statuses(image.at, &self.outcomes.errors()),
            points: image.points,
            problems: Vec::new(),
            leases: Vec::new(),
        }
    }
}

/// Surplus before compute, as published: the battery comes first where the plan says so.
fn surplus(situation: &Situation<'_>) -> Known<f64> {
    let battery_first = situation.planned.is_none_or(|planned| planned.battery_first);
    situation.available(battery_first).map_or(Known::Missing, |surplus| Known::Fresh { value: surplus.0 })
}
