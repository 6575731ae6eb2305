//! The tasks around the loop: the queue, the schedule, the feeds and the publishers.

use super::restart::Restart;
use crate::actuate::Actuators;
use crate::books::Settled;
use crate::broker::Dial;
use crate::clock::Clock;
use crate::config::Config;
use crate::feeds::{Board, Feeds, Shore};
use crate::interactive::Interactive;
use crate::jobs;
use crate::leases::{self, Leases};
use crate::notices::Notices;
use crate::notify::Notify;
use crate::schedule::{self, Entry};
use crate::source::Source;
use crate::store::{Disk, Ledger};
use crate::wiring::Wiring;
use crate::{dimming, feeds, http, publish};
use anyhow::Result;
use chrono_tz::Tz;
use drivers::mqtt::Broker;
use plant::event::Event;
use plant::record::{LeaseState, LeaseStatus, Record};
use plant::work::Backlog;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// Actions that may wait.
const WAITING_MAX: usize = 64;

/// Sums that have ended, as by another currency, are made anew within this time.
const SUMS_INTERVAL: Duration = Duration::from_secs(600);

/// Where the newest record is shown.
type Records = watch::Sender<Option<Arc<Record>>>;

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
    /// The state of the feeds.
    pub feeds: Board,
    /// What somebody must have seen.
    pub notices: Notices,
    /// The worker's address, as `http://host:port`.
    pub worker: String,
    /// Keeps each of them.
    pub restart: Restart,
}

impl Tasks {
    /// Starts all of it but the page.
    pub(super) fn start(
        &self,
        config: &Config,
        broker: Option<impl Dial>,
        schedule: Vec<Entry>,
        (engine, settled): (watch::Receiver<Vec<LeaseStatus>>, &watch::Receiver<Settled>),
    ) {
        self.deliveries(settled);
        self.sums();
        self.backlog();
        self.jobs(engine, usize::from(config.worker.parallel));
        self.schedule(schedule);
        self.feeds(config, broker.clone());
        self.publishers(config, broker);
        self.dimming(config);
    }

    /// Keeps a task running until the gateway stops.
    pub(super) fn keep<F>(&self, name: &str, task: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.tracker.spawn(self.restart.clone().keep(name.to_owned(), task));
    }

    /// Serves the page and the REST interface.
    pub(super) fn serve(&self, config: &Config, listener: TcpListener) -> Result<()> {
        let state = http::State::new(http::Parts {
            wiring: self.wiring.clone(),
            timezone: self.timezone,
            currency: config.site.currency.parse().unwrap_or_default(),
            clock: self.clock.clone(),
            ledger: self.ledger.clone(),
            jobs: self.queue.clone(),
            interactive: self.interactive.clone(),
            worker: self.worker.clone(),
            dimming: config.dimming.signal,
        })?;
        // The port stays ours when the task is started again.
        let (config, listener) = (config.http.clone(), listener.into_std()?);
        self.keep("the page", move || {
            let (config, listener, state) = (config.clone(), listener.try_clone(), state.clone());
            async move {
                http::serve(&config, TcpListener::from_std(listener?)?, state).await;
                Ok(())
            }
        });
        Ok(())
    }

    /// Watches the loop: says in the newest record, and to systemd, whether it goes on.
    pub(super) fn watch(&self, leases: &Leases, actuators: &Actuators, records: &Records, notify: &Notify) {
        let (leases, wanted, records) = (leases.clone(), actuators.wanted(), records.clone());
        let (notify, shutdown) = (notify.clone(), self.wiring.shutdown.clone());
        self.keep("the watch over the control loop", move || {
            let signs = notify.clone();
            let cycles = wanted.clone();
            let watch = leases::watch(leases.clone(), wanted.clone(), records.clone(), shutdown.clone());
            async move {
                tokio::select! {
                    () = watch => {}
                    () = signs.follow(cycles) => {}
                }
                Ok(())
            }
        });
    }

    /// Sends the loop how much work waits, whenever it changes.
    fn backlog(&self) {
        let tasks = self.clone();
        self.keep("the count of what waits", move || {
            let (mut jobs, mut queries) = (tasks.queue.changed(), tasks.interactive.watch());
            let (events, shutdown) = (tasks.events.clone(), tasks.wiring.shutdown.clone());
            async move {
                loop {
                    let waiting = *queries.borrow_and_update();
                    let backlog = Backlog { interactive: waiting, ..jobs.borrow_and_update().clone() };
                    events.send(Event::Backlog(backlog)).await?;
                    tokio::select! {
                        changed = jobs.changed() => changed?,
                        changed = queries.changed() => changed?,
                        () = shutdown.cancelled() => return Ok(()),
                    }
                }
            }
        });
    }

    /// Serves the queue while the engine has power.
    fn jobs(&self, engine: watch::Receiver<Vec<LeaseStatus>>, parallel: usize) {
        let tasks = self.clone();
        self.keep("the job queue", move || {
            let shutdown = tasks.wiring.shutdown.clone();
            let (allow, allowed) = watch::channel(false);
            let (queue, worker, clock) = (tasks.queue.clone(), tasks.worker.clone(), tasks.clock.clone());
            let runner = jobs::Runner { queue, worker, allowed, parallel, clock }.run(shutdown.clone());
            let mut engine = engine.clone();
            let power = async move {
                loop {
                    let powered = |lease: &LeaseStatus| lease.state == LeaseState::Held;
                    allow.send_replace(engine.borrow_and_update().iter().any(powered));
                    match shutdown.run_until_cancelled(engine.changed()).await {
                        Some(Ok(())) => {}
                        Some(Err(_)) | None => return,
                    }
                }
            };
            async move { tokio::join!(runner, power).0 }
        });
    }

    /// Books what jobs have earned.
    fn deliveries(&self, settled: &watch::Receiver<Settled>) {
        let (tasks, settled) = (self.clone(), settled.clone());
        self.keep("the deliveries of jobs", move || {
            let (queue, events, settled) = (tasks.queue.clone(), tasks.events.clone(), settled.clone());
            jobs::Deliveries { queue, events, settled }.run(tasks.wiring.shutdown.clone())
        });
    }

    /// Adds up what days and months have earned, where those sums are missing.
    fn sums(&self) {
        let tasks = self.clone();
        self.keep("the sums of the days", move || {
            let (ledger, timezone) = (tasks.ledger.clone(), tasks.timezone);
            let shutdown = tasks.wiring.shutdown.clone();
            async move {
                while !shutdown.is_cancelled() {
                    let (ledger, stopped) = (ledger.clone(), shutdown.clone());
                    tokio::task::spawn_blocking(move || ledger.sum_up(timezone, &|| stopped.is_cancelled())).await??;
                    // From here on each entry brings them up to itself; these look for what has ended them.
                    shutdown.run_until_cancelled(tokio::time::sleep(SUMS_INTERVAL)).await;
                }
                Ok(())
            }
        });
    }

    /// Does what falls due.
    fn schedule(&self, entries: Vec<Entry>) {
        let tasks = self.clone();
        self.keep("the schedule", move || {
            let (sender, due) = mpsc::channel(WAITING_MAX);
            let Tasks { timezone, clock, wiring, ledger, queue, .. } = tasks.clone();
            let entries = entries.clone();
            let (times, shutdown) = ((clock.clone(), schedule::Served::open(&tasks.disk)), wiring.shutdown.clone());
            let dates = schedule::run(entries, timezone, times, sender, shutdown);
            let actions = jobs::Actions { timezone, wiring, ledger, queue, clock }.run(due);
            async move {
                tokio::join!(dates, actions);
                Ok(())
            }
        });
    }

    /// Listens for prices and forecasts.
    fn feeds(&self, config: &Config, broker: Option<impl Dial>) {
        let feeds = Feeds::of(config);
        let tasks = self.clone();
        self.keep("the reader of prices and forecasts", move || {
            let shore = Shore {
                clock: tasks.clock.clone(),
                events: tasks.events.clone(),
                board: tasks.feeds.clone(),
                troubles: tasks.restart.troubles.clone(),
                timezone: tasks.timezone,
                disk: Some(tasks.disk.clone()),
            };
            let feeds = feeds::run(feeds.clone(), broker.clone(), shore, tasks.wiring.shutdown.clone());
            async move {
                feeds.await;
                Ok(())
            }
        });
    }

    /// Follows the grid operator's signal where it has to be fetched.
    fn dimming(&self, config: &Config) {
        let (config, tasks) = (config.clone(), self.clone());
        self.keep("the watch over the grid operator's signal", move || {
            let (config, wiring, troubles) = (config.clone(), tasks.wiring.clone(), tasks.restart.troubles.clone());
            async move { dimming::follow(&config, wiring, troubles).await }
        });
    }

    /// Starts the publishers.
    fn publishers(&self, config: &Config, broker: Option<impl Dial>) {
        if let (Some(broker), true) = (broker, config.home_assistant.enabled) {
            let (announcement, tasks) = (self.announcement(config), self.clone());
            self.keep("the publisher for Home Assistant", move || {
                let published = tasks.clone().publish(announcement.clone(), broker.clone());
                async move {
                    published.await;
                    Ok(())
                }
            });
        }
        if config.influx.enabled {
            let (config, tasks) = (config.influx.clone(), self.clone());
            self.keep("the history", move || {
                let (config, tasks) = (config.clone(), tasks.clone());
                async move { publish::influx::run(config, &tasks.disk, tasks.wiring, &tasks.notices).await }
            });
        }
    }

    /// Watches where the configuration came from. Where the broker was not known at the start and may come from Home Assistant's
    /// Supervisor, the publisher starts when it has.
    pub(super) fn follow_source(&self, config: &Config, source: Option<(Source, u64)>) {
        let Some((source, mark)) = source else { return };
        let (found, broker) = watch::channel(None);
        let awaits_broker = source.awaits_broker();
        let (troubles, shutdown) = (self.restart.troubles.clone(), self.wiring.shutdown.clone());
        self.keep("the watch over the configuration", move || {
            let watch = source.clone().watch(mark, found.clone(), troubles.clone());
            let shutdown = shutdown.clone();
            async move {
                shutdown.run_until_cancelled(watch).await;
                Ok(())
            }
        });
        if config.mqtt.is_none() && config.home_assistant.enabled && awaits_broker {
            self.late_publisher(config, broker);
        }
    }

    fn late_publisher(&self, config: &Config, broker: watch::Receiver<Option<Broker>>) {
        let (announcement, tasks) = (self.announcement(config), self.clone());
        self.keep("the publisher for Home Assistant", move || {
            let (announcement, mut broker, tasks) = (announcement.clone(), broker.clone(), tasks.clone());
            async move {
                let shutdown = tasks.wiring.shutdown.clone();
                let found = async { broker.wait_for(Option::is_some).await.ok().and_then(|found| found.clone()) };
                match shutdown.run_until_cancelled(found).await {
                    Some(Some(broker)) => tasks.publish(announcement, broker).await,
                    // Nobody looks for a broker any more.
                    Some(None) => shutdown.cancelled().await,
                    None => {}
                }
                Ok(())
            }
        });
    }

    fn announcement(&self, config: &Config) -> publish::home_assistant::Announcement {
        publish::home_assistant::Announcement {
            config: config.home_assistant.clone(),
            dimming: config.dimming.signal,
            topic_prefix: config.mqtt.clone().unwrap_or_default().topic_prefix,
            timezone: self.timezone,
            page: config.http.url.clone(),
            disk: self.disk.clone(),
            troubles: self.restart.troubles.clone(),
        }
    }

    async fn publish(self, announcement: publish::home_assistant::Announcement, broker: impl Dial) {
        publish::home_assistant::run(announcement, broker, self.wiring, self.queue, self.clock).await;
    }
}
