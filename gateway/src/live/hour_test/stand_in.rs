//! The world outside of the test: a simulated house whose devices answer at once, its engine, and its broker.

use crate::broker::{Dial, Publish, Session};
use crate::clock::Clock;
use crate::config::Loaded;
use crate::engine::{Engine, Process};
use crate::host::{GracefulShutdown, Host, Inputs};
use crate::live::outside::Outside;
use crate::simulate::model::Model;
use anyhow::Result;
use drivers::debt::Debt;
use drivers::device::{Channels, DeviceConfig, Report};
use drivers::mqtt::LinkEvent;
use inference::client::{self, Place, Receipt, Status};
use inference::error::Error;
use plant::decision::{Control, Setpoint, Setting};
use plant::house::Around;
use plant::point::DeviceId;
use plant::reason::Reason;
use plant::record::{LeaseState, LeaseStatus};
use plant::time::{Slot, Timestamp, elapsed};
use plant::units::{Celsius, Watts};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Energy of one answer.
const ANSWER_J: f64 = 60_000.0;
/// What the compute box draws at full load.
const COMPUTE_MAX: Watts = Watts(900.0);
/// Where prices come from.
const SPOT: &str = "exchange/spot";

/// The simulated house and its engine. Clones are the same one.
#[derive(Clone)]
pub(super) struct House {
    clock: Clock,
    inside: Arc<Mutex<Inside>>,
}

pub(super) struct Inside {
    at: Timestamp,
    model: Model,
    /// What the engine may draw, and does.
    budget: Watts,
    /// Energy of the answer in the making.
    joules: f64,
    pub(super) receipts: Vec<Receipt>,
    /// The setpoints that each control took.
    pub(super) taken: BTreeMap<String, Vec<Setting>>,
    /// The devices that an earlier run had left set.
    pub(super) given_back: BTreeSet<DeviceId>,
    /// What was published on each topic.
    pub(super) published: BTreeMap<String, Vec<Vec<u8>>>,
    /// The broker's ends of its connections.
    clients: Vec<mpsc::Sender<LinkEvent>>,
    /// Whose task panics, and when; each once.
    pub(super) panics: BTreeMap<&'static str, Timestamp>,
}

impl House {
    pub(super) fn new(clock: &Clock, loaded: &Loaded) -> Self {
        let inside = Inside {
            at: clock.now(),
            model: Model::new(&loaded.site),
            budget: Watts::ZERO,
            joules: 0.0,
            receipts: Vec::new(),
            taken: BTreeMap::new(),
            given_back: BTreeSet::new(),
            published: BTreeMap::new(),
            clients: Vec::new(),
            panics: BTreeMap::new(),
        };
        Self { clock: clock.clone(), inside: Arc::new(Mutex::new(inside)) }
    }

    /// Does something with the house as it is by now.
    pub(super) fn with<T>(&self, what: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = self.inside.lock().unwrap();
        inside.live_until(self.clock.now());
        what(&mut inside)
    }

    /// Panics where that is due.
    fn may_panic(&self, who: &str) {
        let now = self.clock.now();
        let due = self
            .with(|inside| inside.panics.get(who).is_some_and(|at| *at <= now) && inside.panics.remove(who).is_some());
        assert!(!due, "a mistake in {who}");
    }

    fn status(&self) -> Status {
        self.with(|inside| Status {
            state: if inside.budget > Watts::ZERO { client::State::Busy } else { client::State::Paused },
            expert: Some("stand-in".into()),
            power_w: inside.budget.0,
            measured: true,
            budget_w: Some(inside.budget.0),
            duty: 1.0,
            idle_w: 0.0,
            max_w: COMPUTE_MAX.0,
            tokens_per_second: 10.0,
            utilisation: 1.0,
            busy_seconds: 0.0,
            active: 1,
            waiting: 0,
            interactive: 0,
            last_receipt: inside.receipts.len() as u64,
            error: None,
        })
    }
}

impl Inside {
    fn live_until(&mut self, now: Timestamp) {
        let dt = elapsed(self.at, now);
        if dt.is_zero() {
            return;
        }
        // A clear noon that clouds over at half past, and a household that is never quite the same.
        let sun = if now.timestamp() % 3600 < 1800 { 1.0 } else { 0.05 };
        let ripple = (now.timestamp_millis() as f64 / 60_000.0).sin();
        let around = Around {
            pv: Watts(8_000.0 * sun),
            sun: 800.0 * sun,
            outdoor: Celsius(18.0),
            household: Watts(500.0 + 150.0 * ripple),
            hot_water: Watts(200.0),
            compute: self.budget,
            export_pays: true,
        };
        self.model.step(self.at, around, dt);
        self.at = now;
        self.joules += self.budget.0 * dt.as_secs_f64();
        while self.joules >= ANSWER_J {
            self.joules -= ANSWER_J;
            self.answer();
        }
    }

    /// An engine that forgot its newest numbers in a crash would count the same answer twice: so does this one.
    fn answer(&mut self) {
        let number = self.receipts.len() as u64 / 2;
        for twice in 1..=2 {
            self.receipts.push(Receipt {
                id: format!("answer-{number}"),
                sequence: 2 * number + twice,
                journal: None,
                job: None,
                whole: None,
                expert: "stand-in".into(),
                interactive: false,
                tokens_in: 100,
                tokens_out: 400,
                joules: ANSWER_J,
                seconds: 60.0,
                finished_at_ms: 0,
            });
        }
    }
}

impl Outside for House {
    type Engine = Self;
    type Broker = Self;

    fn device(
        &self,
        config: DeviceConfig,
        channels: Channels,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        self.clone().device(config, channels, stop)
    }

    fn broker(&self, loaded: &Loaded) -> Option<Self> {
        loaded.broker.as_ref().map(|_| self.clone())
    }

    fn engine(&self, _: &Loaded) -> Result<(Self, String)> {
        Ok((self.clone(), "http://127.0.0.1:1".into()))
    }

    fn apart(&self, task: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> + Send + 'static {
        task
    }

    /// On the test's own clock, which a thread of its own would not see.
    async fn drive(&self, host: Host, inputs: Inputs, shutdown: CancellationToken) -> Result<GracefulShutdown> {
        Ok(host.run(inputs, shutdown).await)
    }
}

impl House {
    /// A device that says everything once a second, takes each new setpoint at once, and ends under its own control.
    async fn device(self, config: DeviceConfig, mut channels: Channels, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut held: BTreeMap<Control, Setpoint> = BTreeMap::new();
        // What an earlier run left set is given back first.
        for Debt { control, .. } in channels.debts.known.clone() {
            let setpoint = Setpoint { device: config.id.clone(), setting: control.safe(), reason: Reason::Off };
            self.take(&setpoint, &channels).await;
            self.with(|inside| inside.given_back.insert(config.id.clone()));
        }
        loop {
            tokio::select! {
                biased;
                Ok(()) = channels.wanted.changed() => {
                    let wanted = channels.wanted.borrow_and_update().setpoints.setpoints.clone();
                    for setpoint in wanted.into_iter().filter(|setpoint| setpoint.device == config.id) {
                        let control = setpoint.setting.control();
                        if held.get(&control).map(|held| held.setting) != Some(setpoint.setting) {
                            self.take(&setpoint, &channels).await;
                            held.insert(control, setpoint);
                        }
                    }
                    channels.leases.send_replace(held.values().map(lease).collect());
                }
                () = stop.cancelled() => break,
                _ = ticks.tick() => {
                    self.may_panic(&config.id.0);
                    let points = config.points.clone().unwrap_or_else(|| config.definition.usual_points());
                    let values = self.with(|inside| {
                        points.into_iter().map(|point| (point, inside.model.value(point))).collect()
                    });
                    let _ = channels.reports.send(Report::Values { device: config.id.clone(), values }).await;
                }
            }
        }
        for setpoint in held.into_values().filter(|setpoint| !setpoint.setting.is_safe()) {
            let setting = setpoint.setting.control().safe();
            self.take(&Setpoint { setting, ..setpoint }, &channels).await;
        }
    }

    async fn take(&self, setpoint: &Setpoint, channels: &Channels) {
        let (device, control) = (setpoint.device.clone(), setpoint.setting.control());
        if !setpoint.setting.is_safe() {
            let debt = Debt { device: device.clone(), control, place: None, registers: Vec::new() };
            channels.debts.owe(debt, None).await.unwrap();
        }
        self.with(|inside| {
            inside.model.obey(setpoint.setting);
            let taken = inside.taken.entry(setpoint.setting.control().to_string()).or_default();
            taken.push(setpoint.setting);
        });
        if setpoint.setting.is_safe() {
            channels.debts.settle(device, control).await;
        }
        let _ = channels.reports.send(Report::Applied { setpoint: setpoint.clone(), error: None }).await;
    }
}

fn lease(setpoint: &Setpoint) -> LeaseStatus {
    let setting = setpoint.setting;
    let state = if setting.is_safe() { LeaseState::Own } else { LeaseState::Held };
    let (device, control) = (setpoint.device.clone(), setting.control());
    LeaseStatus { device, control, state, setting: Some(setting), error: None }
}

impl Engine for House {
    fn start(&self) -> io::Result<Process> {
        Ok(Process::elsewhere())
    }

    async fn status(&self) -> Result<Status, Error> {
        self.may_panic("engine");
        Ok(self.status())
    }

    async fn receipts(&self, place: &Place) -> Result<Vec<Receipt>, Error> {
        let newer = |receipt: &&Receipt| receipt.sequence > place.sequence;
        Ok(self.with(|inside| inside.receipts.iter().filter(newer).cloned().collect()))
    }

    async fn set_budget(&self, watts: Option<f64>, _: Duration) -> Result<Status, Error> {
        self.with(|inside| inside.budget = watts.map_or(COMPUTE_MAX, Watts));
        Ok(self.status())
    }
}

impl Dial for House {
    type Link = Self;

    /// Whoever listens to prices gets those of two days, all of them below zero.
    fn dial(&self, session: Session) -> (Self, mpsc::Receiver<LinkEvent>) {
        let (client, events) = mpsc::channel(16);
        client.try_send(LinkEvent::Connected).unwrap();
        if session.client.subscriptions.iter().any(|topic| topic == SPOT) {
            let slot = Slot::containing(self.clock.now());
            let price = |ahead| json!({"start": slot.plus(ahead).start(), "eur_per_kwh": -0.05});
            let payload = json!({"slots": (0..192).map(price).collect::<Vec<_>>()}).to_string().into_bytes();
            client.try_send(LinkEvent::Message { topic: SPOT.into(), payload, retain: true }).unwrap();
        }
        self.with(|inside| inside.clients.push(client));
        (self.clone(), events)
    }
}

impl Publish for House {
    fn publish(&self, topic: impl Into<String>, payload: impl Into<Vec<u8>>, _: bool) {
        self.may_panic("publisher");
        self.with(|inside| inside.published.entry(topic.into()).or_default().push(payload.into()));
    }

    fn taken(&self) {}

    async fn close(&self) {}
}
