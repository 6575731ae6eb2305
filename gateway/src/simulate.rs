//! The second host: the same core on recorded prices, sun, load and weather, in virtual time. A year takes seconds.

use crate::solver::Solver;
use anyhow::{Context, Result};
use chrono::Timelike;
use diary::{Diary, Look};
pub use energy::{Comfort, Energy};
pub use forecast::{Service, Source};
use model::Model;
use plant::checkpoint::Restored;
use plant::decision::{Setpoints, Setting};
use plant::effect::Effect;
use plant::event::Event;
use plant::house::Around;
use plant::outlook::Outlook;
use plant::plant::Plant;
use plant::point::Sample;
use plant::record::Record;
use plant::site::Site;
use plant::time::{Slot, Timestamp};
use plant::totals::Earnings;
use plant::units::{Eur, EurPerKwh, KilowattHours, Watts};
use plant::work::{Receipt, WorkerState, WorkerStatus};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use trace::{Row, Trace};

/// Chance that repeats.
pub(crate) mod chance;
/// Typical days.
pub(crate) mod diary;
/// Energy and comfort of a simulated house.
mod energy;
/// What is known of sun and weather ahead.
mod forecast;
/// Pictures of a simulation.
pub(crate) mod picture;
pub(crate) mod trace;

/// A house that somebody else simulates.
pub(crate) mod world;

/// The simulated house as the core meets it.
pub(crate) mod model;

/// Virtual time between two cycles.
const STEP: Duration = Duration::from_secs(60);
/// The next day's prices are known from this local hour on.
const PUBLISHED_AT_HOUR: u32 = 13;

/// What a simulation came to.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// First moment.
    pub from: Timestamp,
    /// Last moment.
    pub to: Timestamp,
    /// Money and energy of it all.
    pub total: Earnings,
    /// Entries of the ledger it would have made.
    pub entries: u64,
    /// Quarter hours of it.
    pub slots: u64,
    /// Hours in which compute ran.
    pub compute_hours: f64,
    /// Seconds under each reason.
    pub reasons: BTreeMap<String, f64>,
    /// The local days.
    pub days: BTreeMap<String, Earnings>,
    /// Times that compute started.
    pub starts: u64,
    /// What the battery wore off.
    pub battery_wear: Eur,
    /// Energy by source and use.
    pub energy: Energy,
    /// The same of the same house without compute.
    pub energy_without: Energy,
    /// How far room and tank were from what the owner wants.
    pub comfort: Comfort,
    /// The same of the same house without compute.
    pub comfort_without: Comfort,
    /// Typical days, for the pictures.
    #[serde(skip)]
    pub(crate) diary: Diary,
}

/// What is played, and with what knowledge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Only from this moment on.
    pub from: Option<Timestamp>,
    /// Only up to this moment.
    pub to: Option<Timestamp>,
    /// What the house is told of sun and weather ahead.
    pub service: Service,
}

impl Options {
    /// The span that is played.
    pub(crate) fn span(&self) -> (Timestamp, Timestamp) {
        (self.from.unwrap_or(Timestamp::MIN_UTC), self.to.unwrap_or(Timestamp::MAX_UTC))
    }
}

/// Runs `site` through `trace`: `warn` hears what is odd about it, `progress` the share done.
pub fn run(
    site: Site,
    trace: &Path,
    options: Options,
    warn: impl FnMut(String),
    progress: impl FnMut(f64),
) -> Result<Simulated> {
    let trace = Trace::read(trace)?;
    trace.remarks(options.span())?.into_iter().for_each(warn);
    play(site, &trace.rows, options.span(), options.service, progress).context("nothing to play")
}

/// Runs `site` through the `rows` of a span of time; `None` where there are none. What lies behind it is known as far as exchange and
/// weather service know it.
pub(crate) fn play(
    site: Site,
    rows: &BTreeMap<Slot, Row>,
    (from, to): (Timestamp, Timestamp),
    service: Service,
    mut progress: impl FnMut(f64),
) -> Option<Simulated> {
    let played: Vec<(Slot, Row)> = rows
        .iter()
        .filter(|(slot, _)| slot.start() >= from && slot.start() < to)
        .map(|(slot, row)| (*slot, *row))
        .collect();
    let ((first, _), (last, _)) = (*played.first()?, *played.last()?);
    let mut run = Run::new(site, first.start(), service);
    let cycles = Slot::SECONDS as u64 / STEP.as_secs();
    for (number, (slot, row)) in played.iter().enumerate() {
        run.prices(rows, *slot);
        run.forecast(rows, *slot, number == 0);
        let mut now = slot.start();
        for cycle in 0..cycles {
            now = slot.start() + chrono::Duration::from_std(STEP * cycle as u32).unwrap_or_default();
            run.cycle(now, row);
        }
        run.serve(now);
        progress(number as f64 / played.len() as f64);
    }
    Some(run.finish(first.start(), last.end()))
}

/// An engine that draws what it may.
fn worker(power: Watts) -> Event {
    let state = if power > Watts::ZERO { WorkerState::Busy } else { WorkerState::Idle };
    Event::Worker(Box::new(WorkerStatus { state, power: Some(power), ..WorkerStatus::default() }))
}

struct Run {
    plant: Plant,
    solver: Solver,
    model: Model,
    /// The same house without compute, under its own rules.
    without: Model,
    service: Service,
    budget: Watts,
    /// Energy of compute since the last receipt.
    worked: KilowattHours,
    latest: Option<Record>,
    result: Simulated,
}

impl Run {
    fn new(mut site: Site, at: Timestamp, service: Service) -> Self {
        for device in &mut site.devices {
            device.max_age = device.max_age.max(STEP * 3);
        }
        let model = Model::new(&site);
        let mut plant = Plant::new(site, Restored::default(), at);
        plant.handle(worker(Watts::ZERO), at);
        let result = Simulated {
            from: at,
            to: at,
            total: Earnings::default(),
            entries: 0,
            slots: 0,
            compute_hours: 0.0,
            reasons: BTreeMap::new(),
            days: BTreeMap::new(),
            starts: 0,
            battery_wear: Eur::ZERO,
            energy: Energy::default(),
            energy_without: Energy::default(),
            comfort: Comfort::default(),
            comfort_without: Comfort::default(),
            diary: Diary::new(86_400.0 / STEP.as_secs_f64()),
        };
        let without = model.clone();
        let (budget, worked) = (Watts::ZERO, KilowattHours::ZERO);
        Self { plant, solver: Solver::default(), model, without, service, budget, worked, latest: None, result }
    }

    /// Publishes prices as an exchange does: today's, and tomorrow's from the early afternoon.
    fn prices(&mut self, rows: &BTreeMap<Slot, Row>, slot: Slot) {
        let zone = self.plant.site().timezone;
        let local = slot.start().with_timezone(&zone);
        let news = local.minute() == 0 && (local.hour() == PUBLISHED_AT_HOUR || local.hour() == 0);
        if !news && self.latest.is_some() {
            return;
        }
        let days = if local.hour() >= PUBLISHED_AT_HOUR { 1 } else { 0 };
        let last_day = local.date_naive() + chrono::Days::new(days);
        let known = rows
            .range(slot..slot.plus(200))
            .filter(|(slot, _)| slot.start().with_timezone(&zone).date_naive() <= last_day);
        let spot = known.map(|(slot, row)| (*slot, row.price)).collect();
        let outlook = Outlook { spot, ..Outlook::default() };
        self.handle(Event::Outlook(Box::new(outlook)), slot.start());
    }

    /// Tells what the weather service says, where it has something new.
    fn forecast(&mut self, rows: &BTreeMap<Slot, Row>, slot: Slot, first: bool) {
        if first || self.service.has_news(slot) {
            let outlook = self.service.forecast(rows, slot, self.peak_kw());
            if outlook != Outlook::default() {
                self.handle(Event::Outlook(Box::new(outlook)), slot.start());
            }
        }
    }

    fn peak_kw(&self) -> f64 {
        self.plant.site().pv.map_or(0.0, |pv| pv.peak.0 / 1000.0)
    }

    fn cycle(&mut self, now: Timestamp, row: &Row) {
        let export_price = self.latest.as_ref().and_then(|record| record.export_price);
        let around = Around {
            pv: Watts(row.pv_per_kwp * self.peak_kw()),
            sun: row.ghi,
            outdoor: row.outdoor,
            household: row.load,
            hot_water: row.hot_water,
            compute: self.budget,
            export_pays: export_price.is_none_or(|price| price > EurPerKwh::ZERO),
        };
        self.model.step(now, around, STEP);
        self.without.step(now, Around { compute: Watts::ZERO, ..around }, STEP);
        self.result.comfort.count(self.plant.site(), self.model.house(), STEP);
        self.result.comfort_without.count(self.plant.site(), self.without.house(), STEP);
        self.look(now);
        self.worked += self.budget.over(STEP);
        if self.budget > Watts::ZERO {
            self.result.compute_hours += STEP.as_secs_f64() / 3600.0;
        }
        for sample in self.samples(now) {
            self.handle(Event::Sample(sample), now);
        }
        self.handle(worker(self.budget), now);
        self.handle(Event::Wake, now);
    }

    fn look(&mut self, now: Timestamp) {
        let local = now.with_timezone(&self.plant.site().timezone);
        let price = self.latest.as_ref().and_then(|record| record.import_price).map(|price| price.0);
        self.result.diary.count(local, &Look { price, ..self.model.look() });
    }

    /// A simulated queue is empty: what compute did is the work that can always be had.
    fn serve(&mut self, now: Timestamp) {
        let worked = std::mem::replace(&mut self.worked, KilowattHours::ZERO);
        if worked <= KilowattHours::ZERO {
            return;
        }
        let site = self.plant.site();
        let receipt = Receipt {
            id: format!("standing-{}", now.timestamp()),
            expert: "standing work".into(),
            interactive: false,
            tokens_in: 0,
            tokens_out: (worked.0 * site.compute.tokens_per_kwh) as u64,
            joules: worked.0 * 3.6e6,
            price: Eur(worked.0 * site.work.standing.0),
            worth: Eur::ZERO,
            finished_at: now,
            ..Receipt::default()
        };
        self.handle(Event::Receipt(Box::new(receipt)), now);
    }

    fn samples(&self, now: Timestamp) -> Vec<Sample> {
        let mut seen = std::collections::BTreeSet::new();
        let mut samples = Vec::new();
        for device in &self.plant.site().devices {
            for point in &device.points {
                let value = self.model.value(*point);
                // What two devices share is the first one's.
                let value = if seen.insert(*point) || !point.is_additive() { value } else { value.map(|_| 0.0) };
                samples.push(Sample { device: device.id.clone(), point: *point, value, at: now });
            }
        }
        samples
    }

    fn handle(&mut self, event: Event, now: Timestamp) {
        let mut effects = self.plant.handle(event, now);
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Apply(Setpoints { setpoints, .. }) => {
                    setpoints.iter().for_each(|setpoint| self.obey(setpoint.setting));
                }
                Effect::Append(entry) => self.book(&entry),
                Effect::Checkpoint(_) => {}
                Effect::Plan(request) => {
                    let plan = self.solver.plan(&request);
                    effects.extend(self.plant.handle(Event::Plan(Box::new(plan)), now));
                }
                Effect::Publish(record) => self.latest = Some(*record),
            }
        }
    }

    fn obey(&mut self, setting: Setting) {
        if let Setting::ComputeBudget(watts) = setting {
            self.budget = watts;
        }
        self.model.obey(setting);
    }

    fn book(&mut self, entry: &plant::entry::Entry) {
        self.result.entries += 1;
        if let Ok(plant::entry::Booking::Slot(account)) = plant::ledger::booking(entry) {
            self.result.slots += 1;
            self.result.total += Earnings::from(&*account);
            let day = account.start.with_timezone(&self.plant.site().timezone).date_naive().to_string();
            *self.result.days.entry(day).or_default() += Earnings::from(&*account);
            for (reason, seconds) in &account.reasons {
                *self.result.reasons.entry(reason.name().to_owned()).or_default() += seconds;
            }
        }
    }

    fn finish(mut self, from: Timestamp, to: Timestamp) -> Simulated {
        self.handle(Event::Wake, to);
        let Self { plant, model, without, mut result, .. } = self;
        (result.from, result.to) = (from, to);
        (result.energy, result.energy_without) = (model.energy, without.energy);
        let wear = plant.site().battery.map_or(EurPerKwh::ZERO, |battery| battery.wear);
        result.battery_wear = result.energy.discharged * wear;
        result.starts = result.total.starts;
        result
    }
}

#[cfg(test)]
mod tests;
