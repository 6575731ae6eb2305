//! The tasks of a device: one reads, one takes orders, one hands reports over.

use super::config::DeviceConfig;
use super::controls::{Controls, Duty, Reply};
use super::registers::{Registers, Round};
use super::report::Report;
use super::reporter::Reporter;
use super::topics::Topics;
use super::values::{self, Parts};
use super::writer::Writer;
use crate::address::Address;
use crate::backoff::Backoff;
use crate::definition::{GUARDS, Parameters};
use crate::error::Error;
use crate::mqtt::{self, Broker, LinkEvent};
use crate::pace::Pace;
use futures_util::future::join_all;
use plant::decision::Setpoint;
use plant::point::Point;
use plant::reason::Reason;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The longest time spent on giving a device back to its own control.
const GIVE_BACK: Duration = Duration::from_secs(8);
/// The longest wait for the host to take the last reports.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often waiting and renewed orders are looked at, at least.
const LOOK: Duration = Duration::from_secs(1);

/// Runs a device until `shutdown`; then writes the safe value of every control that it changed and that does not hold it,
/// and returns. Never blocks on a slow reader of `reports`: newer values replace those not yet taken.
pub async fn run(
    config: DeviceConfig,
    pace: Pace,
    reports: mpsc::Sender<Report>,
    orders: mpsc::Receiver<Setpoint>,
    shutdown: CancellationToken,
) {
    let reporter = Reporter::new(config.id.clone());
    let delivery = tokio::spawn(reporter.clone().deliver(reports));
    let at_work = async {
        config.check()?;
        let (wanted, parameters) = (config.wanted(), config.parameters()?);
        let (reporter, shutdown) = (reporter.clone(), shutdown.clone());
        Device { config, parameters, pace, reporter, wanted, shutdown }.run(orders).await
    };
    if let Err(error) = at_work.await {
        reporter.unavailable(error.to_string(), []);
        shutdown.cancelled().await;
    }
    let _ = timeout(LAST_WORDS, reporter.drained()).await;
    delivery.abort();
}

struct Device {
    config: DeviceConfig,
    parameters: Parameters,
    pace: Pace,
    reporter: Reporter,
    wanted: BTreeSet<Point>,
    shutdown: CancellationToken,
}

impl Device {
    async fn run(&self, orders: mpsc::Receiver<Setpoint>) -> Result<(), Error> {
        let names = self.config.definition.needed(&self.wanted);
        if let Address::Mqtt(topic) = &self.config.address {
            let broker = Broker::of(topic, self.config.broker.as_ref()).ok_or(Error::NoBroker)?;
            self.over_mqtt(broker, &names, orders).await;
            return Ok(());
        }
        let registers = Registers::new(&self.config, self.parameters.clone(), &names)?;
        let writer = Writer::modbus(&self.config, self.parameters.clone());
        let (_, never) = mpsc::channel(1);
        tokio::select! {
            () = self.read(registers) => {}
            () = self.obey(writer, orders, never, None) => {}
        }
        Ok(())
    }

    /// Reads round by round. Ends never; what it waits for is dropped with it.
    async fn read(&self, mut registers: Registers) {
        let mut ticks = interval(self.pace.real(self.config.interval));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut parts = Parts::new();
        let mut backoff = Backoff::default();
        loop {
            ticks.tick().await;
            if self.shutdown.is_cancelled() {
                std::future::pending::<()>().await;
            }
            match registers.round().await {
                Ok(Round { parts: found, read }) => {
                    backoff = Backoff::default();
                    parts.extend(found);
                    self.report(&mut parts, &read);
                }
                Err(fault) => {
                    parts.clear();
                    self.reporter.unavailable(self.config.failure(fault).to_string(), []);
                    backoff.wait().await;
                }
            }
        }
    }

    fn report(&self, parts: &mut Parts, read: &BTreeSet<String>) {
        self.tell(parts, values::touched(&self.config.definition, &self.wanted, read));
    }

    fn tell(&self, parts: &mut Parts, points: BTreeSet<Point>) {
        values::derive(&self.config.definition, &self.parameters, parts);
        self.reporter.values(points.into_iter().map(|point| (point, parts.get(point.name()).copied().flatten())));
    }

    async fn over_mqtt(&self, broker: Broker, names: &BTreeSet<String>, orders: mpsc::Receiver<Setpoint>) {
        let parameters = &self.parameters;
        let topics = Topics::new(&self.config.definition, parameters, names);
        // Two processes with one client id would throw each other out for ever.
        let client_id = format!("heatmine-{}-{}", self.config.id, std::process::id());
        let (link, events) = mqtt::connect(broker, client_id, None, topics.subscriptions(), CancellationToken::new());
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
            () = self.obey(writer, orders, events, Some(topics)) => {}
        }
        link.close().await;
    }

    /// Takes orders (and, over MQTT, messages) until shutdown, then gives the device back.
    async fn obey(
        &self,
        mut writer: Writer,
        mut orders: mpsc::Receiver<Setpoint>,
        mut events: mpsc::Receiver<LinkEvent>,
        mut topics: Option<Topics>,
    ) {
        let mut controls = Controls::new(&self.config.definition, self.pace);
        let mut looks = interval(self.pace.real(self.config.interval).min(LOOK));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut now = looks.tick().await;
        let mut ordered = true;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                order = orders.recv(), if ordered => match order {
                    Some(order) => self.order(&mut controls, &mut writer, order, now).await,
                    None => ordered = false,
                },
                Some(event) = events.recv() => {
                    writer.connected(!matches!(event, LinkEvent::Disconnected { .. }));
                    if let Some(topics) = &mut topics {
                        self.hear(topics, event, now);
                    }
                }
                at = looks.tick() => {
                    now = at;
                    if let Some(topics) = &mut topics {
                        self.repeat(topics, now);
                    }
                    for duty in controls.due(now) {
                        self.carry_out(&mut controls, &mut writer, duty, now).await;
                    }
                }
            }
        }
        let _ = timeout(GIVE_BACK, self.give_back(&controls, &mut writer)).await;
    }

    async fn order(&self, controls: &mut Controls, writer: &mut Writer, order: Setpoint, now: Instant) {
        match controls.order(order.clone(), now) {
            Reply::Do(duty) => self.carry_out(controls, writer, duty, now).await,
            Reply::Held { done: true } => self.reporter.applied(order, None),
            Reply::Held { done: false } => {}
            Reply::Refused(error) => self.reporter.applied(order, Some(error.to_string())),
        }
    }

    async fn carry_out(&self, controls: &mut Controls, writer: &mut Writer, duty: Duty, now: Instant) {
        let Some(row) = controls.row(duty.control).cloned() else { return };
        let result = writer.carry_out(&row, &duty).await;
        controls.written(&duty, result.is_ok(), now);
        if duty.release {
            tracing::warn!(device = %self.config.id, control = %duty.control, "orders have stopped: the safe value is written");
        }
        match (&duty.order, result) {
            (Some(order), result) => self.reporter.applied(order.clone(), result.err().map(|error| error.to_string())),
            (None, Err(error)) => {
                tracing::warn!(device = %self.config.id, control = %duty.control, %error, "a renewal failed")
            }
            (None, Ok(())) => {}
        }
    }

    async fn give_back(&self, controls: &Controls, writer: &mut Writer) {
        for duty in controls.give_back() {
            let Some(row) = controls.row(duty.control) else { continue };
            while let Err(error) = writer.carry_out(row, &duty).await {
                tracing::warn!(device = %self.config.id, control = %duty.control, %error, "the safe value is not taken");
                sleep(Duration::from_millis(500)).await;
            }
            tracing::info!(device = %self.config.id, control = %duty.control, "given back to its own control");
            let (device, setting) = (self.config.id.clone(), duty.setting);
            self.reporter.applied(Setpoint { device, setting, reason: Reason::Off }, None);
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
        let points = values::touched(&self.config.definition, &self.wanted, names);
        self.reporter.unavailable(error.to_string(), points.into_iter().filter(|point| GUARDS.contains(point)));
    }

    /// Says again what is still true, so that a device that is silent while nothing changes is not taken for dead. What
    /// guards the fuse is not made newer by that.
    fn repeat(&self, topics: &mut Topics, now: Instant) {
        let aged = topics.age(now);
        let points = values::repeated(&self.config.definition, &self.wanted, &topics.heard(), &aged);
        if !points.is_empty() {
            self.tell(&mut topics.parts(), points);
        }
    }
}
