//! A house that is simulated quarter hour by quarter hour: sun, prices, load and weather of a year, rooms and tanks that hold heat.
//!
//! An observation tells how the house stands, and the means of the quarter hour that has *passed*. So that one is played in hindsight: the
//! core wakes in it every minute with what flowed, and books, forecasts and hysteresis live through it; what it sets there is past
//! and not sent. Then a copy of the core looks at the quarter hour that begins, with what stands and the powers that were, plans,
//! and decides: that is the answer, and its plan is the plan of the hindsight that follows.
//!
//! ```text
//! obs k:   t(k-1) ------ every minute, with the means of t(k-1)..t(k) ------ t(k)
//!                                                                            t(k)  copy: plan, decide  --> answer
//! obs k+1:                       t(k), with that plan ------ every minute, with the means of t(k)..t(k+1) ------
//! ```
//!
//! Where the house obeys late (`delay.rs`), the copy plans for the first quarter hour in which it will be obeyed, from how the house will
//! stand then.
//!
//! The last quarter hour is never shown, and in no books.

use super::books::{Books, Spent};
use crate::solver::Solver;
use answer::Answer;
use anyhow::{Context, Result, ensure};
use delay::{Delay, Sent};
use hello::Hello;
use meters::{Curtailment, Means, Meters, Standing};
use own_rule::OwnRule;
use plant::checkpoint::Restored;
use plant::effect::Effect;
use plant::entry::Entry;
use plant::event::Event;
use plant::plan::{Plan, PlanRequest};
use plant::plant::Plant;
use plant::point::Sample;
use plant::record::Record;
use plant::time::{Slot, Timestamp};
use plant::units::{Eur, EurPerKwh, KilowattHours, Watts};
use plant::work::{Receipt, WorkerState, WorkerStatus};
use queue::{Queue, Rates};
use seen::{Last, Seen};
use serde_json::Value;
use std::collections::BTreeMap;

mod answer;
mod building;
mod delay;
mod hello;
mod meters;
mod own_rule;
mod queue;
mod seen;
mod site;
mod tariff;

/// Seconds between two cycles of the hindsight.
const CYCLE: i64 = 60;
/// Warmer than this outdoors it is summer, for where compute's heat goes: the heating limit of the usual house.
const SUMMER_C: f64 = 16.0;

/// The core, and the house that somebody else simulates.
pub(super) struct World {
    plant: Plant,
    solver: Solver,
    /// Since when the box runs; `None` while it does not.
    runs_since: Option<Timestamp>,
    meters: Meters,
    queue: Option<Queue>,
    rates: Rates,
    own_rule: OwnRule,
    /// Wholesale prices by the house's news, as far as the last quarter hours need them.
    spot: BTreeMap<Slot, EurPerKwh>,
    /// What was seen before the quarter hour that runs.
    before: Option<(Timestamp, Standing)>,
    /// What was sent, and how late it is obeyed.
    delay: Delay,
    books: Books,
    ledger: Vec<Entry>,
    /// What plans took.
    spent: Spent,
}

impl World {
    /// The house that `hello` describes.
    pub(super) fn new(hello: Value) -> Result<Self> {
        let hello: Hello = serde_json::from_value(hello).context("hello")?;
        hello.node.check()?;
        let node = &hello.node;
        let work = match hello.scen {
            hello::Scenario::Market => node.revenue_eur_kwh,
            hello::Scenario::Queue => node.queue_revenue_eur_kwh,
        };
        Ok(Self {
            // The first observation says when it is.
            plant: Plant::new(site::site(&hello), Restored::default(), Timestamp::UNIX_EPOCH),
            solver: Solver::default(),
            runs_since: None,
            meters: Meters::default(),
            queue: Queue::new(node, hello.scen, site::TOKENS_PER_KWH),
            rates: Rates { work: EurPerKwh(work), loop_min_c: node.loop_min_c, loss_per_k: node.hot_loop_loss_per_k },
            own_rule: hello.own_rule,
            spot: BTreeMap::new(),
            before: None,
            delay: Delay::default(),
            books: Books::default(),
            ledger: Vec::new(),
            spent: Spent::default(),
        })
    }

    /// What is to be done in the quarter hour that begins with what is seen.
    pub(super) fn answer(&mut self, seen: Value) -> Result<Answer> {
        let seen: Seen = serde_json::from_value(seen)?;
        seen.check()?;
        let now = seen.time_utc;
        let standing = Standing::of(&seen, self.plant.site());
        match self.before {
            Some((then, before)) => {
                let end = Slot::containing(then).end();
                ensure!(
                    now >= end,
                    "time_utc is {now}; expected {end}, when the quarter hour before is over, or later"
                );
                self.look_back(&seen, (then, before), standing);
            }
            None => self.plant = Plant::new(self.plant.site().clone(), Restored::default(), now),
        }
        self.hear(&seen)?;
        self.runs_since = seen.compute_on.then(|| self.runs_since.unwrap_or(now - Slot::LENGTH));
        let (record, plan) = self.look_ahead(&seen, standing);
        self.before = Some((now, standing));
        let answer = record.map(|record| answer::answer(&record, &seen, self.plant.site())).unwrap_or_default();
        self.delay.send(Sent { answer, plan });
        Ok(answer)
    }

    /// The books, with the slot that is not closed yet, and the entries of the ledger.
    pub(super) fn books(&self) -> (Books, Vec<Entry>) {
        let mut plant = self.plant.clone();
        let (mut books, mut ledger) = (self.books.clone(), self.ledger.clone());
        let end = self.before.map_or(Timestamp::UNIX_EPOCH, |(now, _)| now);
        for effect in plant.shutdown(end) {
            match effect {
                Effect::Append(entry) => {
                    books.book(&entry);
                    ledger.push(entry);
                }
                Effect::Checkpoint(checkpoint) => books.add(&checkpoint.open),
                Effect::Apply(_) | Effect::Plan(_) | Effect::Publish(_) => {}
            }
        }
        books.plans = self.spent.sum();
        (books, ledger)
    }

    /// Plays the quarter hour from `then` on as it was.
    fn look_back(&mut self, seen: &Seen, (then, before): (Timestamp, Standing), after: Standing) {
        let Some(last) = &seen.last else { return };
        let means = Means::of(seen, last, &self.curtailment(seen, last, then));
        self.meters.pass(means, before, after);
        let status = worker(means.compute);
        self.delay.hear(last);
        if let Some(plan) = self.delay.obeyed(Slot::containing(then)) {
            self.handle(Event::Plan(Box::new(plan)), then);
        }
        let mut now = then;
        for second in (0..Slot::SECONDS).step_by(CYCLE as usize).chain([Slot::SECONDS - 1]) {
            now = then + chrono::TimeDelta::seconds(second);
            let share = second as f64 / Slot::SECONDS as f64;
            for sample in self.meters.samples(self.plant.site(), share, now) {
                self.handle(Event::Sample(sample), now);
            }
            self.handle(status.clone(), now);
            self.handle(Event::Wake, now);
        }
        self.meters.close();
        self.serve(KilowattHours(last.pc * 0.25), self.rates.at(seen.t_loop_c), now);
        let end = Slot::containing(then).end();
        if seen.time_utc > end {
            self.fall_silent(end);
        }
    }

    /// Nobody says anything of the time from `at` on.
    fn fall_silent(&mut self, at: Timestamp) {
        for sample in self.meters.samples(self.plant.site(), 1.0, at) {
            self.handle(Event::Sample(Sample { value: None, ..sample }), at);
        }
        self.handle(Event::Wake, at);
    }

    /// What may have been held back of PV's power since `then`.
    fn curtailment(&self, seen: &Seen, last: &Last, then: Timestamp) -> Curtailment {
        let site = self.plant.site();
        let paid = self.spot.get(&Slot::containing(then)).is_none_or(|spot| spot.0 >= 0.0);
        let below = if seen.t_out_c.is_some_and(|outdoor| outdoor > SUMMER_C) {
            self.own_rule.compute_heat.to_room_below_c_summer
        } else {
            self.own_rule.compute_heat.to_room_below_c_winter
        };
        let room_takes = seen.t_air_c.zip(below).is_some_and(|(room, below)| room < below);
        let rejected = if room_takes { 0.0 } else { last.pc * site.compute.heat_fraction };
        Curtailment {
            export_max: site.grid.export_limit.map_or(f64::INFINITY, |limit| limit.0 / 1000.0),
            paid,
            fan: rejected * site.compute.reject_share,
        }
    }

    /// Books the work of a quarter hour that is over.
    fn serve(&mut self, done: KilowattHours, rate: EurPerKwh, now: Timestamp) {
        if let Some(queue) = &mut self.queue {
            queue.serve(done);
        }
        if done <= KilowattHours::ZERO {
            return;
        }
        let receipt = Receipt {
            id: format!("quarter-{}", now.timestamp()),
            position: None,
            job: None,
            expert: "outside work".into(),
            interactive: false,
            tokens_in: 0,
            tokens_out: (done.0 * site::TOKENS_PER_KWH).round() as u64,
            joules: done.0 * 3.6e6,
            price: Eur(done.0 * rate.0),
            worth: Eur::ZERO,
            finished_at: now,
        };
        self.handle(Event::Receipt(Box::new(receipt)), now);
    }

    /// Takes in the news of prices, weather and work.
    fn hear(&mut self, seen: &Seen) -> Result<()> {
        let now = seen.time_utc;
        if let Some(outlook) = seen.outlook()? {
            self.spot.extend(outlook.spot.iter().map(|(slot, price)| (*slot, *price)));
            self.spot = self.spot.split_off(&seen.slot().plus(-1));
            self.handle(Event::Outlook(Box::new(outlook)), now);
        }
        if let (Some(queue), Some(waiting)) = (&mut self.queue, seen.backlog_kwh) {
            queue.hear(KilowattHours(waiting.max(0.0)), now);
            let backlog = queue.backlog();
            self.handle(Event::Backlog(backlog), now);
        }
        Ok(())
    }

    /// What a copy of the core decides for the quarter hour that begins, or for the first in which it is obeyed, and its plan for the time
    /// from that one on.
    fn look_ahead(&mut self, seen: &Seen, standing: Standing) -> (Option<Record>, Option<(Plan, Slot)>) {
        let now = seen.time_utc;
        let mut copy = self.plant.clone();
        let samples: Vec<Sample> = self.meters.standing(copy.site(), standing, now);
        for sample in samples {
            copy.handle(Event::Sample(sample), now);
        }
        // Awake once to ask for the plan, and once more to act on it.
        let mut made = None;
        for effect in copy.handle(Event::Wake, now) {
            if let Effect::Plan(request) = effect {
                let (plan, from) = self.plan(&request);
                copy.handle(Event::Plan(Box::new(delay::beginning(&plan, from, seen.slot()))), now);
                made = Some((plan, from));
            }
        }
        let record = copy.handle(Event::Wake, now).into_iter().find_map(|effect| match effect {
            Effect::Publish(record) => Some(*record),
            Effect::Apply(_) | Effect::Append(_) | Effect::Checkpoint(_) | Effect::Plan(_) => None,
        });
        (record, made)
    }

    /// The plan for `request`, as it will stand when it is obeyed, and the first slot of that.
    fn plan(&mut self, request: &PlanRequest) -> (Plan, Slot) {
        let pending = self.delay.pending();
        // Whether the box runs it says itself.
        let request = PlanRequest { running_since: self.runs_since, ..request.clone() };
        let plan = self.spent.measure(|| {
            if pending.is_empty() {
                self.solver.plan(&request)
            } else {
                self.solver.plan(&plant::later(&request, &pending))
            }
        });
        (plan, Slot::containing(request.at).plus(pending.len() as i64))
    }

    /// What happened in the past: nothing is set, and nothing is planned for it.
    fn handle(&mut self, event: Event, now: Timestamp) {
        for effect in self.plant.handle(event, now) {
            match effect {
                Effect::Append(entry) => {
                    self.books.book(&entry);
                    self.ledger.push(entry);
                }
                Effect::Apply(_) | Effect::Checkpoint(_) | Effect::Plan(_) | Effect::Publish(_) => {}
            }
        }
    }
}

/// An engine that draws `power`.
fn worker(power: f64) -> Event {
    let state = if power > 0.0 { WorkerState::Busy } else { WorkerState::Idle };
    Event::Worker(Box::new(WorkerStatus { state, power: Some(Watts(power)), ..WorkerStatus::default() }))
}
