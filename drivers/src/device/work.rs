//! The tasks of a device: one reads, one keeps its leases, one hands reports over.

use super::config::DeviceConfig;
use super::grips::Grips;
use super::keeper::Keeper;
use super::leases::Leases;
use super::registers::{Registers, Round};
use super::report::Channels;
use super::reporter::Reporter;
use super::topics::Topics;
use super::values::{self, Parts};
use super::writer::Writer;
use crate::address::Address;
use crate::backoff::Backoff;
use crate::debt::Debts;
use crate::definition::{GUARDS, Parameters};
use crate::error::Error;
use crate::lease::Wanted;
use crate::mqtt::{self, Broker, LinkEvent};
use crate::pace::Pace;
use futures_util::future::join_all;
use plant::point::Point;
use plant::record::LeaseStatus;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The longest time spent on giving a device back to its own control: what the Supervisor leaves an app, less the rest of the farewell.
const GIVE_BACK: Duration = Duration::from_secs(50);
/// A device that answers nothing for this long, and for twice its own time-out, is not waited for any more.
const PATIENCE: Duration = Duration::from_secs(8);
/// The longest wait for the host to take the last reports.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A device that was silent for this long may have been off: what it did not take before is tried at once. Shorter gaps come from
/// our own writes, whose time-outs close the connection that the reader uses too.
const OUTAGE: Duration = Duration::from_secs(30);
/// How often the leases are asked what is due, at least.
const POLL: Duration = Duration::from_secs(1);

/// Runs a device until `shutdown`; then writes the safe value of every control that may hold another, and returns. Never blocks
/// on a slow reader of its reports: newer values replace those not yet taken.
pub async fn run(config: DeviceConfig, pace: Pace, channels: Channels, shutdown: CancellationToken) {
    let Channels { reports, wanted, leases, debts } = channels;
    let reporter = Reporter::new(config.id.clone());
    let delivery = AbortOnDropHandle::new(tokio::spawn(reporter.clone().deliver(reports)));
    let at_work = async {
        config.check()?;
        let (points, parameters) = (config.wanted(), config.parameters()?);
        let (reporter, shutdown) = (reporter.clone(), shutdown.clone());
        let core = Core { wanted, leases, debts };
        Device { config, parameters, pace, reporter, points, answers: Notify::new(), back: Notify::new(), shutdown }
            .run(core)
            .await
    };
    if let Err(error) = at_work.await {
        reporter.unavailable(error.to_string(), []);
        shutdown.cancelled().await;
    }
    let _ = timeout(LAST_WORDS, reporter.drained()).await;
    drop(delivery);
}

/// What leads to the core and past it.
struct Core {
    wanted: watch::Receiver<Wanted>,
    leases: watch::Sender<Vec<LeaseStatus>>,
    debts: Debts,
}

struct Device {
    config: DeviceConfig,
    parameters: Parameters,
    pace: Pace,
    reporter: Reporter,
    points: BTreeSet<Point>,
    /// The device answers again after it did not.
    answers: Notify,
    /// It answers after one round in which it did not: it may have been restarted.
    back: Notify,
    shutdown: CancellationToken,
}

impl Device {
    async fn run(&self, core: Core) -> Result<(), Error> {
        let names = self.config.definition.needed(&self.points);
        if let Address::Mqtt(topic) = &self.config.address {
            let broker = Broker::of(topic, self.config.broker.as_ref()).ok_or(Error::NoBroker)?;
            self.over_mqtt(broker, &names, core).await;
            return Ok(());
        }
        let registers = Registers::new(&self.config, self.parameters.clone(), &names)?;
        let writer = Writer::modbus(&self.config, self.parameters.clone());
        let (_, never) = mpsc::channel(1);
        tokio::select! {
            () = self.read(registers) => {}
            () = self.keep(self.keeper(writer, &core), core.wanted, never, None) => {}
        }
        Ok(())
    }

    /// Reads round by round. Ends never; what it waits for is dropped with it.
    async fn read(&self, mut registers: Registers) {
        let mut ticks = interval(self.pace.real(self.config.interval));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut parts = Parts::new();
        let mut backoff = Backoff::default();
        let mut failing: Option<Instant> = None;
        loop {
            ticks.tick().await;
            if self.shutdown.is_cancelled() {
                std::future::pending::<()>().await;
            }
            // Giving the device back does not wait for a round of reads.
            let Some(round) = self.shutdown.run_until_cancelled(registers.round()).await else { continue };
            match round {
                Ok(Round { parts: found, read }) => {
                    if let Some(since) = failing.take() {
                        self.back.notify_one();
                        if since.elapsed() >= OUTAGE {
                            self.answers.notify_one();
                        }
                    }
                    parts.extend(found);
                    self.report(&mut parts, &read);
                }
                Err(fault) => {
                    failing.get_or_insert_with(Instant::now);
                    parts.clear();
                    self.reporter.unavailable(self.config.failure(fault).to_string(), []);
                    backoff.wait().await;
                }
            }
        }
    }

    fn report(&self, parts: &mut Parts, read: &BTreeSet<String>) {
        self.tell(parts, values::touched(&self.config.definition, &self.points, read));
    }

    fn tell(&self, parts: &mut Parts, points: BTreeSet<Point>) {
        values::derive(&self.config.definition, &self.parameters, parts);
        self.reporter.values(points.into_iter().map(|point| (point, parts.get(point.name()).copied().flatten())));
    }

    async fn over_mqtt(&self, broker: Broker, names: &BTreeSet<String>, core: Core) {
        let parameters = &self.parameters;
        let topics = Topics::new(&self.config.definition, parameters, names);
        let (link, events) =
            mqtt::connect(broker, mqtt::random_id(), None, topics.subscriptions(), CancellationToken::new());
        let writer = Writer::mqtt(link.clone(), parameters.clone());
        let talks = self.config.definition.talk.iter().map(|talk| {
            let (topic, payload) = (parameters.apply(&talk.topic), parameters.apply(&talk.payload));
            let (link, every) = (&link, Duration::from_secs_f64(talk.every_s.max(1.0)));
            async move {
                let mut ticks = interval(every);
                loop {
                    ticks.tick().await;
                    link.publish(&topic, payload.as_str(), false);
                }
            }
        });
        let talk = async {
            join_all(talks).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = talk => {}
            () = self.keep(self.keeper(writer, &core), core.wanted, events, Some(topics)) => {}
        }
        link.close().await;
    }

    fn keeper(&self, writer: Writer, core: &Core) -> Keeper {
        let cycle = core.wanted.borrow().setpoints.cycle;
        let debts = core.debts.known.iter().map(|debt| debt.control).collect();
        let grips = Grips::new(&self.config, core.debts.clone());
        Keeper {
            device: self.config.id.clone(),
            leases: Leases::new(&self.config, self.pace, cycle, &debts),
            writer,
            reporter: self.reporter.clone(),
            statuses: core.leases.clone(),
            unsearched: grips.lost().collect(),
            grips,
        }
    }

    /// Follows the core (and, over MQTT, hears the device) until shutdown, then gives the device back.
    async fn keep(
        &self,
        mut keeper: Keeper,
        mut wanted: watch::Receiver<Wanted>,
        mut events: mpsc::Receiver<LinkEvent>,
        mut topics: Option<Topics>,
    ) {
        let mut looks = interval(self.pace.real(self.config.interval).min(POLL));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut now = looks.tick().await;
        // What is being written when the end comes is cut short: the way back starts at once.
        let _ = self.shutdown.run_until_cancelled(keeper.look()).await;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                Ok(()) = wanted.changed() => {
                    let newest = wanted.borrow_and_update().clone();
                    let _ = self.shutdown.run_until_cancelled(keeper.follow(&newest)).await;
                }
                () = self.answers.notified() => drop(self.shutdown.run_until_cancelled(keeper.retry()).await),
                () = self.back.notified() => keeper.back(),
                event = events.recv(), if topics.is_some() => {
                    // The session's task has failed: the device is given back, and started again.
                    let Some(event) = event else {
                        keeper.writer.connected(false);
                        break;
                    };
                    keeper.writer.connected(!matches!(event, LinkEvent::Disconnected { .. }));
                    if event == LinkEvent::Connected {
                        self.answers.notify_one();
                    }
                    if let Some(topics) = &mut topics {
                        self.hear(topics, event, now);
                    }
                }
                at = looks.tick() => {
                    now = at;
                    if let Some(topics) = &mut topics {
                        self.repeat(topics, now);
                    }
                    let _ = self.shutdown.run_until_cancelled(keeper.look()).await;
                }
            }
        }
        self.give_back(keeper).await;
    }

    /// Gives the device back for as long as it goes on answering, at its own pace.
    async fn give_back(&self, mut keeper: Keeper) {
        let (start, answers) = (Instant::now(), keeper.writer.answers());
        let patience = PATIENCE + 2 * Duration::from_millis(self.config.definition.timing.timeout_ms);
        let mut giving = std::pin::pin!(keeper.give_back());
        let mut heard = answers.load(Ordering::Relaxed);
        while timeout(patience.min(GIVE_BACK), &mut giving).await.is_err() {
            let before = std::mem::replace(&mut heard, answers.load(Ordering::Relaxed));
            if heard == before || start.elapsed() + patience > GIVE_BACK {
                return;
            }
        }
    }

    fn hear(&self, topics: &mut Topics, event: LinkEvent, now: Instant) {
        match event {
            LinkEvent::Connected => topics.forget(),
            LinkEvent::Disconnected { error } => {
                let heard = topics.heard();
                topics.forget();
                self.lost(&heard, error);
            }
            LinkEvent::Message { topic, payload, retain } => {
                let changed = topics.message(&topic, &payload, retain, now);
                if !changed.is_empty() {
                    self.report(&mut topics.parts(), &changed);
                }
                if topics.gone() && !changed.is_empty() {
                    self.lost(&changed, Error::Offline);
                }
            }
        }
    }

    /// Gives up what was heard. Samples of what guards the fuse may be old; with the device gone they are none.
    fn lost(&self, names: &BTreeSet<String>, error: Error) {
        let points = values::touched(&self.config.definition, &self.points, names);
        self.reporter.unavailable(error.to_string(), points.into_iter().filter(|point| GUARDS.contains(point)));
    }

    /// Reports again what is still true, so that a device that is silent while nothing changes is not taken for dead. What
    /// guards the fuse is not made newer by that.
    fn repeat(&self, topics: &mut Topics, now: Instant) {
        let aged = topics.age(now);
        let points = values::repeated(&self.config.definition, &self.points, &topics.heard(), &aged);
        if !points.is_empty() {
            self.tell(&mut topics.parts(), points);
        }
    }
}
