//! The live loop: hands the core what happens, one event at a time, and carries out what it asks for, in order.
//!
//! Terms. An *event* is what happens: a reading, a command, a receipt, a finished plan. An *effect* is what the core
//! asks for in answer: apply a setpoint, append an entry, keep a checkpoint, make a plan, publish a record. A *wake-up*
//! is the event on which the core decides; of the others a receipt is booked, and the rest is taken in.
//!
//! Example. At 10:00:00.0 the loop wakes: 600 W for the engine go to it, then the record of that decision is published.
//! The meter's reading at 10:00:00.4 is taken in. At 10:00:00.7 somebody sets the mode `off`: that is taken in and
//! decided on at once, the engine gets 0 W, and the next wake-up is at 10:00:01.7. In a house whose time runs 200 times
//! as fast a second takes 5 ms; there the loop wakes every 100 ms, which is every 20 s of the house.
//!
//! Graceful shutdown: the loop takes no further event, nothing more is wanted of any device, the checkpoint
//! is written; [`GracefulShutdown::listen`] then takes what the devices still report.
//!
//! Invariant: nothing in here waits for a device, a broker, a browser or a database elsewhere; the books, which come
//! before everything that is said of them, are a file. Channels are bounded; plans are made on another thread and come
//! back as events.

use crate::actuate::Actuators;
use crate::books::Books;
use crate::clock::Clock;
use crate::commands::{CommandWay, Commanded};
use crate::feeds::Board;
use crate::leases::Leases;
use crate::notices::{Notice, Notices};
use crate::planning::Planner;
use crate::recording::Recorder;
use crate::troubles::Troubles;
use drivers::device::Report;
use plant::decision::Outcome;
use plant::effect::Effect;
use plant::entry::Booking;
use plant::event::Event;
use plant::ledger;
use plant::plant::Plant;
use plant::point::{DeviceId, Sample};
use plant::record::{LeaseStatus, Record};
use plant::work::Receipt;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// The loop decides at most this often in wall time, however fast the house's clock runs.
const WAKE_MIN: Duration = Duration::from_millis(100);

/// The loop decides at least this often, also after the clock has jumped back.
const WAKE_MAX: Duration = Duration::from_secs(2);

/// What the loop listens to.
#[derive(Debug)]
pub struct Inputs {
    /// Readings and outcomes from the devices.
    pub reports: mpsc::Receiver<Report>,
    /// Commands of people and automations.
    pub commands: mpsc::Receiver<Commanded>,
    /// Everything else that happens.
    pub events: mpsc::Receiver<Event>,
}

/// The core and everything it acts through.
pub struct Host {
    /// The core.
    pub plant: Plant,
    /// House time.
    pub clock: Clock,
    /// Ledger and running state.
    pub books: Books,
    /// Devices and engine.
    pub actuators: Actuators,
    /// Where everything is recorded.
    pub recorder: Recorder,
    /// Who holds the devices.
    pub leases: Leases,
    /// What somebody must confirm.
    pub notices: Notices,
    /// The way to where commands are written down.
    pub commands: CommandWay,
    /// The newest record.
    pub records: watch::Sender<Option<Arc<Record>>>,
    /// Where plans are made.
    pub planner: Planner,
    /// The way back into the loop.
    pub events: mpsc::Sender<Event>,
    /// Devices that cannot be read, and why.
    pub unavailable: BTreeMap<DeviceId, String>,
    /// What is wrong around the loop.
    pub troubles: Troubles,
    /// The state of the feeds.
    pub feeds: Board,
}

impl Host {
    /// Runs until `shutdown`; then nothing more is wanted of any device and the books are closed. What the devices say to that
    /// is for [`GracefulShutdown::listen`].
    pub async fn run(mut self, mut inputs: Inputs, shutdown: CancellationToken) -> GracefulShutdown {
        let mut woken = tokio::time::Instant::now();
        loop {
            let pause = self.clock.wall_until(self.plant.next_wake()).min(WAKE_MAX);
            let due = tokio::time::Instant::now() + pause;
            let wake = tokio::time::sleep_until(due.max(woken + WAKE_MIN));
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = wake => {
                    woken = tokio::time::Instant::now();
                    self.follow_clock();
                    self.step(Event::Wake);
                }
                Some(commanded) = inputs.commands.recv() => {
                    self.command(commanded);
                    self.step(Event::Wake);
                }
                Some(event) = inputs.events.recv() => {
                    // Somebody who begins to wait gets an answer now, not in a second.
                    let urgent = matches!(&event, Event::Backlog(backlog) if backlog.interactive > 0);
                    self.step(event);
                    if urgent {
                        self.step(Event::Wake);
                    }
                }
                Some(report) = inputs.reports.recv() => self.report(report),
            }
        }
        // What came too late to be carried out is in force at the next start.
        while let Ok(commanded) = inputs.commands.try_recv() {
            self.command(commanded);
        }
        let now = self.clock.now();
        for effect in self.plant.shutdown(now) {
            self.carry_out(effect);
        }
        self.actuators.end();
        self.books.save();
        GracefulShutdown { reports: inputs.reports }
    }

    /// Follows the machine's clock. Where it was set, the core hears of that before anything else happens.
    fn follow_clock(&mut self) {
        if let Some(by) = self.clock.look() {
            tracing::warn!(seconds = by.num_seconds(), "the clock was set");
            self.step(Event::ClockSet(by.num_milliseconds()));
            self.commands.keep_moved(self.plant.commands());
        }
    }

    fn command(&mut self, Commanded { command, kept }: Commanded) {
        self.step(Event::Command(command));
        self.commands.keep(command, self.plant.commands(), kept);
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Values { device, values } => {
                if self.unavailable.remove(&device).is_some() {
                    tracing::info!(%device, "is read again");
                }
                let at = self.clock.now();
                for (point, value) in values {
                    self.step(Event::Sample(Sample { device: device.clone(), point, value, at }));
                }
            }
            Report::Unavailable { device, why } => {
                if self.unavailable.insert(device.clone(), why.clone()).as_ref() != Some(&why) {
                    tracing::warn!(%device, why, "cannot be read");
                }
            }
            Report::Applied { setpoint, error } => {
                self.step(Event::Outcome(Box::new(Outcome { setpoint, error })));
            }
        }
    }

    fn step(&mut self, event: Event) {
        let now = self.clock.now();
        self.recorder.event(&event, now);
        let receipt = if let Event::Receipt(receipt) = &event { Some(receipt.clone()) } else { None };
        let effects = self.plant.handle(event, now);
        let of_receipt = |entry| matches!(ledger::booking(entry), Ok(Booking::Receipt(_)));
        let booked = effects.iter().any(|effect| matches!(effect, Effect::Append(entry) if of_receipt(entry)));
        for effect in effects {
            self.carry_out(effect);
        }
        if let Some(receipt) = receipt {
            if !booked && self.books.lacks(&receipt) {
                let Receipt { id, price, worth, joules, .. } = &*receipt;
                tracing::error!(
                    id,
                    price = price.0,
                    worth = worth.0,
                    joules,
                    "not booked: no work takes or pays this much"
                );
            }
            self.books.took(&receipt);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Apply(setpoints) => {
                for outcome in self.actuators.apply(setpoints) {
                    let _ = self.events.try_send(Event::Outcome(Box::new(outcome)));
                }
            }
            Effect::Append(entry) => self.books.append(entry),
            Effect::Checkpoint(checkpoint) => self.books.checkpoint(*checkpoint),
            Effect::Plan(request) => {
                if let Err(error) = self.planner.ask(request) {
                    tracing::error!(%error, "no plan: no thread to make it");
                }
            }
            Effect::Publish(mut record) => {
                self.recorder.decision(&record.decision);
                record.problems = self.problems(std::mem::take(&mut record.problems));
                record.to_confirm = self.notices.watch().borrow().len();
                record.leases = self.leases.current();
                record.feeds = self.feeds.all();
                self.books.put_booked_sums(&mut record);
                self.records.send_replace(Some(Arc::new(*record)));
            }
        }
    }

    /// What is wrong: what somebody must confirm, what the core says of the meters, and what the host could not do.
    fn problems(&self, meters: Vec<String>) -> Vec<String> {
        let notices = self.notices.all();
        let notices = notices.iter().map(Notice::sentence);
        let kept = self.books.problem().map(str::to_owned).into_iter().chain(self.commands.problem());
        let clock = self.clock.doubt();
        let devices = self.unavailable.iter().map(|(device, why)| format!("{device}: {why}"));
        let refusals = self.leases.current().into_iter().filter_map(|lease| {
            let LeaseStatus { device, control, error, .. } = lease;
            error.map(|error| format!("{device}: {control} is not taken: {error}"))
        });
        let troubles = self.troubles.all().into_iter();
        notices.chain(meters).chain(clock).chain(kept).chain(troubles).chain(devices).chain(refusals).collect()
    }
}

/// What is left when the loop has ended: the devices on their way out.
#[derive(Debug)]
pub struct GracefulShutdown {
    reports: mpsc::Receiver<Report>,
}

impl GracefulShutdown {
    /// Takes what the devices report until the last one has ended, so that none waits for that.
    pub async fn listen(&mut self) {
        while self.reports.recv().await.is_some() {}
    }
}
