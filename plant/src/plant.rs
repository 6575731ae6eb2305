//! The running house: one closed set of events in, effects out.
//!
//! ```text
//! Sample, Outlook, Command, Outcome, Backlog, Worker, Plan --> recorded
//! Receipt --> booked
//! Wake --> book the time since the last one -> image -> situation -> decision -> effects
//! ```

use crate::act::Act;
use crate::act::explain::{explain, explain_battery, explain_heat_pump};
use crate::books::{Books, ledger};
use crate::checkpoint::{Checkpoint, Restored};
use crate::command::InForce;
use crate::decision::{Control, Decision};
use crate::effect::Effect;
use crate::entry::{Booking, Entry, SlotAccount};
use crate::event::Event;
use crate::history::Quarter;
use crate::image::Image;
use crate::observe::Observed;
use crate::plan::{Plan, PlanRequest};
use crate::planner::request::{Basis, Planning};
use crate::record::{Gains, Record, Yesterday};
use crate::site::Site;
use crate::time::{Moment, SteadyClock, Timestamp};
use crate::value::dimming;
use crate::value::situation::Situation;
use crate::work::Receipt;
use chrono::TimeDelta;
use std::sync::Arc;

/// The fast loop's pace in house time.
const CADENCE: TimeDelta = TimeDelta::seconds(1);

/// The running house: what is installed, and a field for each stage of the cycle.
#[derive(Clone, Debug)]
pub struct Plant {
    site: Arc<Site>,
    clock: SteadyClock,
    next_wake: Timestamp,
    observed: Observed,
    planning: Planning,
    act: Act,
    books: Books,
}

impl Plant {
    /// A plant of `site` that begins at `now`, from where `restored` left it.
    pub fn new(site: Site, restored: Restored, now: Timestamp) -> Self {
        let mut plant = Self {
            clock: SteadyClock::new(now),
            next_wake: now,
            observed: Observed::new(&site, &restored),
            planning: Planning::default(),
            act: Act::default(),
            books: Books::new(&site, &restored, now),
            site: Arc::new(site),
        };
        for entry in &restored.recent {
            plant.books.recognise(entry);
            if let Ok(Booking::Slot(account)) = ledger::booking(entry) {
                plant.recall(&account);
            }
        }
        restored.after.iter().for_each(|entry| plant.catch_up(entry));
        plant
    }

    /// Takes over an entry that the ledger holds beyond what was restored: the next one in its chain.
    pub fn catch_up(&mut self, entry: &Entry) {
        self.books.catch_up(&self.site, entry);
        match ledger::booking(entry) {
            Ok(Booking::Slot(account)) => self.recall(&account),
            Ok(Booking::Receipt(booked)) => self.observed.learn(&booked.receipt),
            Ok(Booking::Day(_)) | Err(_) => {}
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

    /// The commands in force.
    pub fn commands(&self) -> InForce {
        self.observed.commands.in_force()
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<&Plan> {
        self.planning.plan.as_ref()
    }

    /// Takes what happened at `now`; returns what is to be done, in order. Never fails.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        // A clock that jumped back does not silence the plant until it has caught up.
        self.next_wake = self.next_wake.min(now + CADENCE);
        if let Event::ClockSet(milliseconds) = event {
            return self.set_clock(TimeDelta::milliseconds(milliseconds), now);
        }
        let moment = self.clock.pass(now);
        match event {
            // Done already.
            Event::ClockSet(_) => {}
            Event::Sample(sample) => self.observed.record(&sample, self.clock.moment_of(sample.at)),
            Event::Outlook(outlook) => {
                self.observed.feeds.merge(&outlook, now);
                self.planning.stale = true;
                self.planning.urgent |= self.planning.lacks_price(now);
            }
            Event::Command(command) => {
                self.observed.commands.take(command, &self.site, now, moment);
                self.planning.urgent = true;
            }
            Event::Outcome(outcome) => self.act.take(&outcome),
            Event::Receipt(receipt) => return self.receipt(&receipt, now),
            Event::Backlog(backlog) => {
                self.planning.stale |= backlog != self.observed.backlog;
                self.observed.hear_backlog(backlog, now);
            }
            Event::Worker(status) => self.observed.hear_worker(*status, moment),
            Event::Plan(plan) => {
                let made = self.clock.moment_of(plan.made_at);
                self.planning.take(*plan, made, now);
            }
            Event::Wake => {
                self.next_wake = now + CADENCE;
                return self.cycle(now, moment);
            }
        }
        Vec::new()
    }

    /// The clock was set by `by` and shows `now`: nothing has passed. What ran until then belongs to the time that was shown.
    fn set_clock(&mut self, by: TimeDelta, now: Timestamp) -> Vec<Effect> {
        let shown = now.checked_sub_signed(by).unwrap_or(now);
        let effects = self.pass(shown);
        self.clock.pass(shown);
        self.clock.set(by);
        let moment = self.clock.pass(now);
        self.observed.commands.pass(now, moment);
        self.books.set(now);
        self.planning.urgent = true;
        self.next_wake = now;
        effects
    }

    /// The last effects: the running state is saved. The leases that hold the devices give them back.
    pub fn shutdown(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = self.pass(now);
        effects.push(Effect::Checkpoint(Box::new(self.checkpoint(now))));
        effects
    }

    /// One cycle: what has passed is booked, the image is frozen, decided on, and what was decided is done and held.
    fn cycle(&mut self, now: Timestamp, moment: Moment) -> Vec<Effect> {
        let booked = self.pass(now);
        self.books.expect(&self.observed.feeds.outlook);
        let site = self.site.clone();
        self.books.note_plan(&site, self.planning.plan.as_ref(), now);
        let image = self.observed.image(&site, now, moment);
        let planned = self.planning.intention(self.observed.commands.mode, now, moment);
        let disobeyed = self.act.disobeys(Control::BatteryMode);
        let yields = self.act.yields();
        let situation = Situation { disobeyed, yields, ..Situation::new(&site, &self.observed, &image, planned) };
        let decision = self.act.decide(&situation);
        self.observed.draw.set(moment, decision.budget);
        let mut effects = vec![Effect::Apply(self.act.setpoints(&decision))];
        effects.extend(booked);
        self.books.hold(&situation, &decision, self.observed.readings.stand_for(moment));
        effects.push(Effect::Checkpoint(Box::new(self.checkpoint(now))));
        effects.push(Effect::Publish(Box::new(self.record(&situation, decision))));
        effects.extend(self.plan_request(&image).map(|request| Effect::Plan(Box::new(request))));
        effects
    }

    /// Books the time since the last cycle, as far as its readings stand for it.
    fn pass(&mut self, now: Timestamp) -> Vec<Effect> {
        let arrived = self.observed.arrivals.take(self.books.open.slot);
        self.books.arrive(arrived);
        let entries = self.books.pass(&self.site, now);
        self.appended(entries)
    }

    fn receipt(&mut self, receipt: &Receipt, now: Timestamp) -> Vec<Effect> {
        // What ran until now belongs to the slot in which it ran.
        let mut effects = self.pass(now);
        let entries = self.books.receipt(&self.site, receipt, now);
        if !entries.is_empty() {
            self.observed.learn(receipt);
        }
        effects.extend(self.appended(entries));
        effects
    }

    fn appended(&mut self, entries: Vec<Entry>) -> Vec<Effect> {
        entries.iter().for_each(|entry| self.learn(entry));
        entries.into_iter().map(Effect::Append).collect()
    }

    /// Forecasts learn from closed slots.
    fn learn(&mut self, entry: &Entry) {
        if let Ok(Booking::Slot(account)) = ledger::booking(entry)
            && let Some(quarter) = Quarter::of(&self.site, &account)
        {
            self.observed.knowing.learn(&self.site, &quarter);
            self.books.know(self.observed.knowing.building());
        }
    }

    /// The same of a slot that was closed before a restart.
    fn recall(&mut self, account: &SlotAccount) {
        if let Some(quarter) = Quarter::of(&self.site, account) {
            self.observed.knowing.recall(&self.site, &quarter);
            self.books.know(self.observed.knowing.building());
        }
    }

    fn plan_request(&mut self, image: &Image) -> Option<PlanRequest> {
        // A plan is made elsewhere, where only the time on the wall is known.
        let running_since = self.act.running_since().map(|since| image.at - image.moment.since(since));
        let basis = Basis { site: &self.site, observed: &self.observed, running_since };
        self.planning.request(&basis, image)
    }

    /// The running state at `now`.
    pub fn checkpoint(&self, now: Timestamp) -> Checkpoint {
        let commands = &self.observed.commands;
        Checkpoint {
            at: now,
            head: self.books.head.clone(),
            open: self.books.open.clone(),
            closed: self.books.closed,
            mode: commands.mode,
            boost: commands.boost,
            power_limit: commands.power_limit,
            grid_dimming: commands.grid_dimming,
            tokens_per_kwh: self.observed.tokens_per_kwh,
            journals: self.books.journals.clone(),
            comparison: Some(self.books.comparison()),
        }
    }

    /// What publishers may know of `decision` and the situation it was taken in.
    fn record(&self, situation: &Situation<'_>, decision: Decision) -> Record {
        let totals = self.books.totals();
        let yesterday = self.books.yesterday().map(|day| Yesterday::of(day, self.site.currency));
        let commands = &situation.commands;
        Record {
            at: situation.now,
            site: self.site.name.clone(),
            currency: self.site.currency,
            timezone: self.site.timezone,
            mode: commands.mode,
            boost_until: commands.boost.map(|(_, until)| until),
            power_limit: commands.power_limit,
            power_max: self.site.compute.max,
            grid_dimming: dimming::in_force(situation.site, situation.image, commands.grid_dimming),
            points: situation.image.points.clone(),
            surplus: situation.surplus(),
            import_price: situation.published.import,
            export_price: situation.published.export,
            explanation: explain(situation, &decision),
            battery_explanation: explain_battery(situation, &decision),
            heat_pump_explanation: explain_heat_pump(situation, &decision),
            decision,
            plan: self.planning.plan.clone(),
            knowledge: self.observed.knowledge(situation.site, situation.now),
            worker: self.observed.worker.clone(),
            backlog: self.observed.backlog.clone(),
            energy: totals.energy,
            today: totals.today,
            month: totals.month,
            total: totals.total,
            gains: Gains::of(&totals.today, &totals.month, &totals.total, yesterday),
            devices: self.observed.readings.statuses(situation.moment, &self.act.errors()),
            problems: [self.observed.problems(&self.site), self.books.problems(&self.site, situation.now)].concat(),
            to_confirm: 0,
            leases: Vec::new(),
            feeds: Vec::new(),
        }
    }
}
