//! The tasks around the loop: the queue, the schedule, the feeds and the publishers.

use crate::broker::Dial;
use crate::clock::Clock;
use crate::config::Config;
use crate::interactive::Interactive;
use crate::jobs;
use crate::jobs::summary::{self, Reader};
use crate::notices::Notices;
use crate::schedule::{self, Entry};
use crate::store::{Disk, Ledger};
use crate::wiring::Wiring;
use crate::{feeds, http, publish};
use chrono_tz::Tz;
use plant::event::Event;
use plant::record::{LeaseState, LeaseStatus};
use plant::units::Watts;
use plant::work::Backlog;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// Actions that may wait.
const WAITING_MAX: usize = 64;
/// No summaries are added to a queue of this length: nobody would read them.
const SUMMARIES_MAX: u32 = 24;

/// What these tasks share.
#[derive(Clone, Debug)]
pub(super) struct Tasks {
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
    pub tracker: TaskTracker,
    /// Queries in flight.
    pub interactive: Interactive,
    /// Where the history waits.
    pub disk: Disk,
    /// What somebody must have seen.
    pub notices: Notices,
    /// The worker's address, as `http://host:port`.
    pub worker: String,
}

impl Tasks {
    /// Starts all of it but the page.
    pub(super) fn start(
        &self,
        config: &Config,
        broker: Option<impl Dial>,
        schedule: Vec<Entry>,
        engine: watch::Receiver<Vec<LeaseStatus>>,
    ) {
        self.backlog();
        self.jobs(engine, usize::from(config.worker.parallel));
        self.schedule(schedule);
        self.feeds(config, broker.clone());
        self.publishers(config, broker);
    }

    /// What the page and the REST interface work on.
    pub(super) fn page(&self) -> anyhow::Result<http::State> {
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

    /// Sends the loop how much work waits, whenever it changes.
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
        let (queue, worker, clock) = (self.queue.clone(), self.worker.clone(), self.clock.clone());
        let runner = jobs::Runner { queue, worker, allowed, parallel, clock };
        self.tracker.spawn(report("the job queue", runner.run(self.wiring.shutdown.clone())));
    }

    /// Does what falls due.
    fn schedule(&self, entries: Vec<Entry>) {
        let (sender, due) = mpsc::channel(WAITING_MAX);
        let (timezone, clock) = (self.timezone, self.clock.clone());
        self.tracker.spawn(schedule::run(entries, timezone, clock.clone(), sender, self.wiring.shutdown.clone()));
        let (ledger, queue) = (self.ledger.clone(), self.queue.clone());
        let actions = jobs::Actions { timezone, wiring: self.wiring.clone(), ledger, queue, clock };
        self.tracker.spawn(actions.run(due));
    }

    /// Listens for prices and forecasts.
    fn feeds(&self, config: &Config, broker: Option<impl Dial>) {
        let feeds = feeds::run(
            config.tariff.clone(),
            broker,
            self.clock.clone(),
            self.events.clone(),
            self.wiring.shutdown.clone(),
        );
        self.tracker.spawn(feeds);
    }

    /// Starts the publishers.
    fn publishers(&self, config: &Config, broker: Option<impl Dial>) {
        if let (Some(broker), true) = (broker, config.home_assistant.enabled) {
            let announcement = publish::home_assistant::Announcement {
                config: config.home_assistant.clone(),
                topic_prefix: config.mqtt.as_ref().map(|mqtt| mqtt.topic_prefix.clone()).unwrap_or_default(),
                timezone: self.timezone,
                page: config.http.url.clone(),
                disk: self.disk.clone(),
            };
            let (wiring, queue, clock) = (self.wiring.clone(), self.queue.clone(), self.clock.clone());
            self.tracker.spawn(publish::home_assistant::run(announcement, broker, wiring, queue, clock));
        }
        if config.influx.enabled {
            let (config, disk, wiring) = (config.influx.clone(), self.disk.clone(), self.wiring.clone());
            let notices = self.notices.clone();
            let history = async move { publish::influx::run(config, &disk, wiring, &notices).await };
            self.tracker.spawn(report("the history", history));
        }
    }

    /// Starts what only a simulated house needs: its compute box draws what the engine reports to `draw`, and every
    /// `interval` of house time there is work to do.
    pub(super) fn simulation(&self, draw: Option<watch::Sender<Watts>>, interval: Option<Duration>) {
        if let Some(draw) = draw {
            self.tracker.spawn(follow_draw(self.wiring.clone(), draw));
        }
        if let Some(interval) = interval {
            self.tracker.spawn(summaries(self.clone(), interval));
        }
    }
}

/// Passes the power that the engine says it draws to a simulated house.
async fn follow_draw(mut wiring: Wiring, draw: watch::Sender<Watts>) {
    while wiring.records.changed().await.is_ok() {
        let power = wiring.records.borrow_and_update().as_ref().and_then(|record| record.worker.power);
        draw.send_replace(power.unwrap_or(Watts::ZERO));
    }
}

/// Queues summaries of the day so far, for every kind of reader: work that can wait for the sun.
async fn summaries(tasks: Tasks, interval: Duration) {
    let Tasks { wiring, clock, timezone, queue, .. } = tasks;
    let pause = interval.div_f64(clock.speed());
    while wiring.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let Some(record) = wiring.records.borrow().clone() else { continue };
        if queue.backlog().jobs >= SUMMARIES_MAX {
            continue;
        }
        let now = clock.now();
        let day = now.with_timezone(&timezone).date_naive();
        for reader in Reader::ALL {
            let request = summary::request(reader, &record.site, day, &record.today, now);
            if let Err(error) = queue.submit(&request, now) {
                tracing::warn!(%error, "a summary could not be queued");
            }
        }
    }
}

async fn report(what: &'static str, task: impl Future<Output = anyhow::Result<()>>) {
    if let Err(error) = task.await {
        tracing::error!(error = format!("{error:#}"), "{what} has ended");
    }
}
