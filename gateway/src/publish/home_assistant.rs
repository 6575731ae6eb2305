//! Home Assistant, over MQTT discovery: one device whose entities show the house, the decision and the books, and whose
//! select, number and button are the owner's commands.
//!
//! Below the gateway's base topic lie
//!
//! | topic | payload | kept by the broker |
//! |---|---|---|
//! | `status` | `online`, or `offline` as the will | yes |
//! | `live` | JSON: powers, temperatures, prices | no |
//! | `counters`, `earnings`, `decision`, `plan`, `health` | JSON | yes |
//! | `mode`, `power_limit` | a word, watts | yes |
//! | `mode/set`, `power_limit/set`, `boost/set`, `grid_dimming/set`, `job/set`, `confirm/set` | commands; see [`commands`]; `grid_dimming` where `dimming.signal` is `mqtt` | refused if kept |
//! | `error` | JSON: the refused topic and payload, and what was expected | no |
//!
//! The device's description and all states are sent again after every connect and when Home Assistant says that it has
//! started. `mode` and `power_limit` answer a command: they are sent when it is on the disk. Invariant: nothing here waits for the broker or for the loop; what cannot be handed over is refused or replaced.

/// What arrives on the command topics.
pub mod commands;
/// The device's description.
pub mod discovery;
/// The entities a site has.
pub mod entities;
/// The gateway's name on the broker.
pub mod identity;
/// The way of a command.
mod intake;
/// Which messages are due.
pub mod outbox;
/// What is said there before the configuration is right.
pub mod setup;
/// What a record says.
pub mod states;
/// Where everything lies on the broker.
pub mod topics;

#[cfg(test)]
mod fixture;

use crate::broker::{Dial, Publish, Session};
use crate::clock::Clock;
use crate::config::dimming::Signal;
use crate::config::home_assistant::HomeAssistantConfig;
use crate::jobs::Queue;
use crate::store::Disk;
use crate::troubles::Troubles;
use crate::wiring::Wiring;
use chrono_tz::Tz;
use discovery::{OFFLINE, ONLINE, discovery};
use drivers::mqtt::{self, Client, LinkEvent, Will};
use identity::Identity;
use outbox::{Outbox, TICK};
use plant::record::Record;
use states::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use topics::{State, Topics};
use tracing::{info, warn};

/// Ticks from Home Assistant's birth message to the answer: it is subscribing to its entities' topics just then.
const BIRTH_TICKS: u32 = 4;
/// Jobs that may be on their way to the queue at once.
const JOBS_MAX: usize = 16;
/// Commands that may be on their way to the disk at once.
const COMMANDS_MAX: usize = 64;
/// The longest wait at the end for what came last.
const LAST: Duration = Duration::from_secs(2);
/// Under this name it is said that the broker is away.
const TROUBLE: &str = "MQTT";

/// What is announced.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// `[home_assistant]` of the configuration.
    pub config: HomeAssistantConfig,
    /// First part of every topic.
    pub topic_prefix: String,
    /// The way of the grid operator's signal: a command counts as it only where that is MQTT.
    pub dimming: Signal,
    /// The site's time zone: its days and months are those of the earnings.
    pub timezone: Tz,
    /// Address of the page, shown with the device.
    pub page: Option<String>,
    /// Where the gateway's name on the broker is kept.
    pub disk: Disk,
    /// Where it is said that the broker is away.
    pub troubles: Troubles,
}

/// Publishes the newest record and carries commands back until the gateway stops. Jobs that automations ask for go to
/// `queue`, as handed in at the time of `clock`.
pub async fn run(announcement: Announcement, broker: impl Dial, wiring: Wiring, queue: Queue, clock: Clock) {
    let topics = Topics::new(&announcement.config, &announcement.topic_prefix);
    let will = Will { topic: topics.availability(), payload: OFFLINE.into(), retain: true };
    let identity = Identity::open(&announcement.disk);
    let client = Client {
        id: identity.client_id().to_owned(),
        will: Some(will),
        subscriptions: topics.subscriptions(),
        away: Some(identity.away()),
    };
    let (link, mut events) = broker.dial(Session { client, shutdown: wiring.shutdown.clone() });
    let mut publisher = Publisher {
        announcement,
        topics,
        identity,
        link,
        dealing: None,
        wiring,
        queue,
        clock,
        jobs: Arc::new(Semaphore::new(JOBS_MAX)),
        unanswered: Arc::new(Semaphore::new(COMMANDS_MAX)),
        outbox: Outbox::default(),
        shown: None,
        description: String::new(),
        messages: Vec::new(),
        described: String::new(),
        connected: false,
        flooded: false,
        greeting: None,
    };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = publisher.wiring.shutdown.cancelled() => break,
            event = events.recv() => match event {
                Some(event) => publisher.take(event),
                None => break,
            },
            _ = ticks.tick() => publisher.tick(),
        }
    }
    publisher.link.publish(publisher.topics.availability(), OFFLINE, true);
    publisher.end().await;
    publisher.link.close().await;
}

struct Publisher<L> {
    announcement: Announcement,
    topics: Topics,
    identity: Identity,
    link: L,
    /// Deals with the newest message, after those before it; whether it could.
    dealing: Option<JoinHandle<bool>>,
    wiring: Wiring,
    queue: Queue,
    clock: Clock,
    /// One permit for each job on its way to the queue.
    jobs: Arc<Semaphore>,
    /// One permit for each command on its way to the disk.
    unanswered: Arc<Semaphore>,
    outbox: Outbox,
    /// The record that the next two fields are about.
    shown: Option<Arc<Record>>,
    description: String,
    messages: Vec<Message>,
    /// The description that was sent last.
    described: String,
    connected: bool,
    /// Whether a message that was too large ended the last session.
    flooded: bool,
    /// Ticks until everything is sent again; `None` when nothing asks for it.
    greeting: Option<u32>,
}

impl<L: Publish> Publisher<L> {
    fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connected => {
                info!(topic = self.topics.base, "connected to the MQTT broker");
                self.connected = true;
                self.announcement.troubles.over(TROUBLE);
                self.greeting = Some(0);
                if std::mem::take(&mut self.flooded) {
                    let expected = "messages below 1 MiB; what the broker kept on the command topics is deleted";
                    self.refuse(&self.topics.command("+"), &[], expected);
                }
            }
            LinkEvent::Disconnected { error } => {
                if self.connected {
                    warn!(%error, "lost the MQTT broker; Home Assistant shows the gateway as unavailable");
                }
                self.connected = false;
                self.identity.disconnected();
                self.announcement.troubles.say(TROUBLE, format!("Home Assistant does not see HeatMine: {error}"));
                if error.to_string().contains(mqtt::TOO_LARGE) {
                    self.flooded = true;
                    for name in commands::NAMES {
                        self.link.publish(self.topics.command(name), "", true);
                    }
                }
            }
            LinkEvent::Message { topic, payload, .. } if topic == self.topics.birth => {
                if payload == ONLINE.as_bytes() {
                    self.greeting = Some(BIRTH_TICKS);
                }
                self.dealt_with(None);
            }
            LinkEvent::Message { topic, payload, retain } => {
                let work = self.command(&topic, &payload, retain);
                self.dealt_with(work);
            }
        }
    }

    fn tick(&mut self) {
        self.outbox.tick();
        let record = self.wiring.records.borrow_and_update().clone();
        let Some(record) = record.filter(|_| self.connected) else { return };
        self.identity.connected();
        match self.greeting {
            Some(0) => {
                self.greeting = None;
                self.outbox.clear();
                self.described.clear();
            }
            Some(ticks) => self.greeting = Some(ticks - 1),
            None => {}
        }
        self.publish(&record);
    }

    fn publish(&mut self, record: &Arc<Record>) {
        if !self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, record)) {
            self.description = discovery(record, &self.topics, self.announcement.page.as_deref()).to_string();
            self.messages = states::states(record, self.announcement.timezone);
            self.shown = Some(Arc::clone(record));
        }
        if self.described != self.description {
            self.link.publish(self.topics.discovery.clone(), self.description.clone(), true);
            self.link.publish(self.topics.availability(), ONLINE, true);
            self.described.clone_from(&self.description);
        }
        let answered = self.unanswered.available_permits() == COMMANDS_MAX;
        let answers = |message: &&Message| matches!(message.state, State::Mode | State::PowerLimit);
        let sayable: Vec<Message> =
            self.messages.iter().filter(|message| answered || !answers(message)).cloned().collect();
        for message in self.outbox.due(&sayable) {
            self.link.publish(self.topics.state(message.state), message.payload, message.state.retained());
        }
    }

    /// Has what came last dealt with, within bounds, and writes down that nobody is connected from now on.
    async fn end(&mut self) {
        if let Some(dealing) = self.dealing.take() {
            let _ = tokio::time::timeout(LAST, dealing).await;
        }
        if let Some(written) = self.identity.disconnected() {
            let _ = written.await;
        }
    }
}

#[cfg(test)]
#[path = "home_assistant/broker_test.rs"]
mod broker_test;
