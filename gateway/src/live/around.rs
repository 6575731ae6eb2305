//! What works around the loop, each in a task of its own: the queue, the schedule, the feeds and the publishers.

use crate::clock::Clock;
use crate::config::Config;
use crate::interactive::Interactive;
use crate::jobs;
use crate::schedule::{self, Entry};
use crate::store::Ledger;
use crate::wiring::Wiring;
use crate::{feeds, http, publish};
use chrono_tz::Tz;
use drivers::mqtt::Broker;
use plant::event::Event;
use plant::record::{LeaseState, LeaseStatus};
use plant::work::Backlog;
use std::path::Path;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// Actions that may wait.
const WAITING_MAX: usize = 64;

/// What these tasks share.
#[derive(Clone, Debug)]
pub struct Around {
    /// Their connection to the loop.
    pub wiring: Wiring,
    /// House time.
    pub clock: Clock,
    /// The site's time zone.
    pub timezone: Tz,
    /// Deferrable work.
    pub queue: jobs::Queue,
    /// The books.
    pub ledger: Ledger,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// The tasks.
    pub tracker: TaskTracker,
    /// Queries in flight.
    pub interactive: Interactive,
    /// The worker's address, as `http://host:port`.
    pub worker: String,
}

impl Around {
    /// Starts all of it but the page.
    pub fn start(
        &self,
        config: &Config,
        broker: Option<Broker>,
        schedule: Vec<Entry>,
        folder: &Path,
        engine: watch::Receiver<Vec<LeaseStatus>>,
    ) {
        self.backlog();
        self.jobs(engine, usize::from(config.worker.parallel));
        self.schedule(schedule);
        self.feeds(config, broker.clone());
        self.publishers(config, broker, folder);
    }

    /// What the page and the REST interface work on.
    ///
    /// # Errors
    /// The client to the worker could not be made.
    pub fn page(&self) -> anyhow::Result<http::State> {
        http::State::new(http::Parts {
            wiring: self.wiring.clone(),
            timezone: self.timezone,
            clock: self.clock.clone(),
            ledger: self.ledger.clone(),
            jobs: self.queue.clone(),
            interactive: self.interactive.clone(),
            worker: self.worker.clone(),
        })
    }

    /// Tells the loop how much work waits, whenever it changes.
    fn backlog(&self) {
        let (mut jobs, mut queries) = (self.queue.changed(), self.interactive.watch());
        let (events, shutdown) = (self.events.clone(), self.wiring.shutdown.clone());
        self.tracker.spawn(async move {
            loop {
                let waiting = *queries.borrow_and_update();
                let backlog = Backlog { interactive: waiting, ..jobs.borrow_and_update().clone() };
                if events.send(Event::Backlog(backlog)).await.is_err() {
                    return;
                }
                tokio::select! {
                    changed = jobs.changed() => if changed.is_err() { return },
                    changed = queries.changed() => if changed.is_err() { return },
                    () = shutdown.cancelled() => return,
                }
            }
        });
    }

    /// Serves the queue while the engine has power.
    fn jobs(&self, mut engine: watch::Receiver<Vec<LeaseStatus>>, parallel: usize) {
        let (allow, allowed) = watch::channel(false);
        let shutdown = self.wiring.shutdown.clone();
        self.tracker.spawn(async move {
            loop {
                let powered = |lease: &LeaseStatus| lease.state == LeaseState::Held;
                allow.send_replace(engine.borrow_and_update().iter().any(powered));
                match shutdown.run_until_cancelled(engine.changed()).await {
                    Some(Ok(())) => {}
                    Some(Err(_)) | None => return,
                }
            }
        });
        let run = jobs::run(
            self.queue.clone(),
            self.worker.clone(),
            allowed,
            parallel,
            self.clock.clone(),
            self.wiring.shutdown.clone(),
        );
        self.tracker.spawn(report("the job queue", run));
    }

    /// Does what falls due.
    fn schedule(&self, entries: Vec<Entry>) {
        let (actions, due) = mpsc::channel(WAITING_MAX);
        let (timezone, clock) = (self.timezone, self.clock.clone());
        self.tracker.spawn(schedule::run(entries, timezone, clock.clone(), actions, self.wiring.shutdown.clone()));
        let (ledger, queue) = (self.ledger.clone(), self.queue.clone());
        self.tracker.spawn(jobs::carry_out(due, timezone, self.wiring.clone(), ledger, queue, clock));
    }

    /// Listens for prices and forecasts.
    fn feeds(&self, config: &Config, broker: Option<Broker>) {
        let feeds = feeds::run(
            config.tariff.clone(),
            broker,
            self.clock.clone(),
            self.events.clone(),
            self.wiring.shutdown.clone(),
        );
        self.tracker.spawn(feeds);
    }

    /// Tells the world.
    fn publishers(&self, config: &Config, broker: Option<Broker>, folder: &Path) {
        if let (Some(broker), true) = (broker, config.home_assistant.enabled) {
            let announcement = publish::home_assistant::Announcement {
                config: config.home_assistant.clone(),
                topic_prefix: config.mqtt.as_ref().map(|mqtt| mqtt.topic_prefix.clone()).unwrap_or_default(),
                timezone: self.timezone,
                page: config.http.url.clone(),
            };
            let (wiring, queue, clock) = (self.wiring.clone(), self.queue.clone(), self.clock.clone());
            self.tracker.spawn(publish::home_assistant::run(announcement, broker, wiring, queue, clock));
        }
        if config.influx.enabled {
            let (config, folder, wiring) = (config.influx.clone(), folder.to_owned(), self.wiring.clone());
            self.tracker
                .spawn(report("the history", async move { publish::influx::run(config, &folder, wiring).await }));
        }
    }
}

async fn report(what: &'static str, task: impl Future<Output = anyhow::Result<()>>) {
    if let Err(error) = task.await {
        tracing::error!(error = format!("{error:#}"), "{what} has ended");
    }
}
