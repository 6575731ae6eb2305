//! The running house: one closed set of events in, effects out.
//!
//! ```text
//! Sample, Outlook, Command, Outcome, Receipt, Backlog, Worker, Plan --> recorded
//! Wake --> book the time since the last one -> image -> dispatch -> limits -> settings -> effects
//! ```

use crate::account::{self, Held};
use crate::balance::ChargeRoom;
use crate::books::Books;
use crate::checkpoint::Checkpoint;
use crate::dispatch::Dispatch;
use crate::effect::Effect;
use crate::entry::{Booking, Entry};
use crate::event::Event;
use crate::forecast::Forecast;
use crate::ledger;
use crate::limits::Limits;
use crate::market::Market;
use crate::outcomes::Outcomes;
use crate::plan::Plan;
use crate::planning::Planning;
use crate::revenue;
use crate::sampled::Sampled;
use crate::settings::Settings;
use crate::site::Site;
use crate::thermal;
use crate::time::{Timestamp, elapsed};
use crate::units::Watts;
use crate::wishes::Wishes;
use crate::work::{Backlog, Receipt, WorkerStatus};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The fast loop's pace in house time.
const CADENCE: chrono::TimeDelta = chrono::TimeDelta::seconds(1);

/// What a restart finds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restored {
    /// The last checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The ledger's entries beyond the checkpoint's head, in order; all of them where there is no checkpoint.
    pub after: Vec<Entry>,
    /// The ledger's entries of the last week up to the checkpoint's head, in order: forecasts learn from its slots, and its
    /// receipts are not booked again. May be empty.
    pub recent: Vec<Entry>,
}

/// The running house.
#[derive(Clone, Debug)]
pub struct Plant {
    pub(crate) site: Arc<Site>,
    pub(crate) next_wake: Timestamp,
    pub(crate) sampled: Sampled,
    pub(crate) market: Market,
    pub(crate) forecast: Forecast,
    pub(crate) wishes: Wishes,
    pub(crate) backlog: Backlog,
    pub(crate) worker: WorkerStatus,
    pub(crate) books: Books,
    pub(crate) charge_room: ChargeRoom,
    pub(crate) dispatch: Dispatch,
    pub(crate) limits: Limits,
    pub(crate) settings: Settings,
    pub(crate) outcomes: Outcomes,
    pub(crate) planning: Planning,
    pub(crate) tokens_per_kwh: f64,
    /// Cycles since the start.
    pub(crate) cycle: u64,
    /// The last cycle, and what has been unchanged since then.
    pub(crate) cycled: Option<(Timestamp, Option<Held>)>,
}

impl Plant {
    /// A plant of `site` that begins at `now`, from where `restored` left it.
    pub fn new(site: Site, restored: Restored, now: Timestamp) -> Self {
        let checkpoint = restored.checkpoint.as_ref();
        let mut books = Books::new(site.timezone, checkpoint, now);
        let mut forecast = Forecast::default();
        let mut tokens_per_kwh = checkpoint.map_or(site.compute.tokens_per_kwh, |checkpoint| checkpoint.tokens_per_kwh);
        for entry in &restored.recent {
            books.recognise(entry);
            learn(&mut forecast, entry);
        }
        for entry in &restored.after {
            books.catch_up(entry);
            learn(&mut forecast, entry);
            if let Ok(Booking::Receipt(booked)) = ledger::booking(entry) {
                tokens_per_kwh = revenue::learn(tokens_per_kwh, &booked.receipt);
            }
        }
        Self {
            next_wake: now,
            sampled: Sampled::new(&site),
            market: Market::default(),
            forecast,
            wishes: Wishes::new(&site, checkpoint),
            backlog: Backlog::default(),
            worker: WorkerStatus::default(),
            books,
            charge_room: ChargeRoom::default(),
            dispatch: Dispatch::default(),
            limits: Limits::default(),
            settings: Settings::default(),
            outcomes: Outcomes::default(),
            planning: Planning::default(),
            tokens_per_kwh,
            cycle: 0,
            cycled: None,
            site: Arc::new(site),
        }
    }

    /// The installed site.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// When `Event::Wake` is due.
    pub fn next_wake(&self) -> Timestamp {
        self.next_wake
    }

    /// Takes what happened at `now`; returns what is to be done, in order. Never fails.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        // A clock that jumped back does not silence the plant until it has caught up.
        self.next_wake = self.next_wake.min(now + CADENCE);
        match event {
            Event::Sample(sample) => self.sampled.record(&sample),
            Event::Outlook(outlook) => {
                self.market.merge(&outlook, now);
                self.planning.stale = true;
            }
            Event::Command(command) => {
                self.wishes.take(command, &self.site, now);
                self.planning.urgent = true;
            }
            Event::Outcome(outcome) => self.outcomes.take(&outcome),
            Event::Receipt(receipt) => return self.receipt(&receipt, now),
            Event::Backlog(backlog) => {
                self.planning.stale |= backlog != self.backlog;
                self.backlog = backlog;
            }
            Event::Worker(status) => self.worker = *status,
            Event::Plan(plan) => self.planning.take(*plan, now),
            Event::Wake => {
                self.next_wake = now + CADENCE;
                return self.cycle(now);
            }
        }
        Vec::new()
    }

    /// The last effects: the running state is kept. The devices are given back by those who hold them.
    pub fn shutdown(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.book(now);
        effects.push(Effect::Checkpoint(Box::new(self.checkpoint(now))));
        effects
    }

    fn receipt(&mut self, receipt: &Receipt, now: Timestamp) -> Vec<Effect> {
        // What ran until now belongs to the slot in which it ran.
        let mut effects = self.book(now);
        let held = self.cycled.as_ref().and_then(|(_, held)| held.as_ref());
        let share = held.map_or(0.0, |held| {
            thermal::useful_share(
                &self.site,
                self.site.compute.max.min(held.flows.compute.max(Watts(1.0))),
                held.useful,
            )
        });
        let entries = self.books.receipt(receipt, share * self.site.compute.heat_fraction, now);
        if !entries.is_empty() {
            self.tokens_per_kwh = revenue::learn(self.tokens_per_kwh, receipt);
        }
        effects.extend(self.appended(entries));
        effects
    }

    /// Books the time since the last cycle, as far as its readings stand for it.
    pub(crate) fn book(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut entries = Vec::new();
        if let Some((from, Some(held))) = self.cycled {
            let span = elapsed(from, now).min(self.sampled.hold());
            for interval in account::intervals(&self.site, &held, from, span) {
                entries.extend(self.books.add(&interval));
            }
        }
        entries.extend(self.books.advance(now));
        if let Some((from, _)) = &mut self.cycled {
            *from = now;
        }
        self.appended(entries)
    }

    fn appended(&mut self, entries: Vec<Entry>) -> Vec<Effect> {
        entries.iter().for_each(|entry| learn(&mut self.forecast, entry));
        entries.into_iter().map(Effect::Append).collect()
    }

    /// The running state at `now`.
    pub(crate) fn checkpoint(&self, now: Timestamp) -> Checkpoint {
        Checkpoint {
            at: now,
            head: self.books.head.clone(),
            open: self.books.open.clone(),
            energy: self.books.energy,
            today: self.books.today,
            month: self.books.month,
            total: self.books.total,
            mode: self.wishes.mode,
            boost: self.wishes.boost,
            power_limit: self.wishes.power_limit,
            grid_dimming: self.wishes.grid_dimming,
            tokens_per_kwh: self.tokens_per_kwh,
        }
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<&Plan> {
        self.planning.plan.as_ref()
    }
}

fn learn(forecast: &mut Forecast, entry: &Entry) {
    if let Ok(Booking::Slot(account)) = ledger::booking(entry) {
        forecast.learn(&account);
    }
}
