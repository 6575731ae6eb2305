//! What the house says over MQTT: the plug that measures the compute box, a Shelly Plus Plug S, the spot prices, and the
//! forecast of the weather service.
//!
//! The plug's prefix is [`PREFIX`]: `online` (retained, `false` by last will), `status/switch:0` as JSON on change and
//! every few seconds, `command/switch:0` takes `on`, `off` and `toggle`, `command` takes `status_update`.

use super::faults::{Device, Fault, Faults};
use super::outlook::Outlook;
use super::tariff::Market;
use super::world::World;
use crate::mqtt::{self, Link, LinkEvent, Will};
use chrono::{NaiveDate, SecondsFormat};
use plant::time::{Slot, Timestamp};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The plug's topic prefix, which on a Shelly is its device id.
pub const PREFIX: &str = "shellyplusplugs-compute";
/// Where the spot prices are retained.
pub const SPOT: &str = "demo/spot";

/// Where the forecast is retained.
pub const OUTLOOK: &str = "demo/outlook";

/// Between two looks at the house.
const LOOK: Duration = Duration::from_millis(200);
/// The status is repeated after so many looks without a change.
const REPEAT: u32 = 15;
/// A change of power below this is no change, W.
const NOTICEABLE: f64 = 1.0;

/// The MQTT side of the simulated house.
pub(super) struct Voices {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) market: Market,
    pub(super) outlook: Outlook,
    pub(super) faults: Faults,
    pub(super) broker: mqtt::Broker,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Shown {
    on: bool,
    watts: f64,
    total_wh: f64,
}

impl Voices {
    /// Speaks until `shutdown`; then the plug says that it is gone.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        tokio::join!(self.plug(shutdown.clone()), self.feeds(shutdown.clone()));
    }

    async fn plug(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let gone = self.faults.until(Device::Plug, Fault::Refused, true);
            self.plugged(&shutdown, gone).await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.faults.until(Device::Plug, Fault::Refused, false) => {}
            }
        }
    }

    /// The plug from joining the network to leaving it.
    async fn plugged(&self, shutdown: &CancellationToken, gone: impl Future<Output = ()>) {
        let online = format!("{PREFIX}/online");
        let will = Will { topic: online.clone(), payload: b"false".to_vec(), retain: true };
        let topics = vec![format!("{PREFIX}/command"), format!("{PREFIX}/command/switch:0")];
        let (link, mut events) =
            mqtt::connect(self.broker.clone(), PREFIX, Some(will), topics, CancellationToken::new());
        link.publish(&online, "true", true);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = gone => {}
            () = self.measure(&link, &mut events) => {}
        }
        link.publish(&online, "false", true);
        link.close().await;
    }

    async fn measure(&self, link: &Link, events: &mut mpsc::Receiver<LinkEvent>) {
        let mut shown: Option<Shown> = None;
        let mut unchanged = 0;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = look.tick() => false,
                event = events.recv() => match event {
                    Some(LinkEvent::Message { topic, payload, retain: false }) => self.obey(&topic, &payload),
                    Some(LinkEvent::Connected) => true,
                    Some(LinkEvent::Message { .. } | LinkEvent::Disconnected { .. }) => false,
                    None => return,
                },
            };
            let fault = self.faults.of(Device::Plug);
            let seen = self.seen();
            let now = if fault == Fault::Frozen { shown.unwrap_or(seen) } else { seen };
            unchanged += 1;
            let changed =
                shown.is_none_or(|before| before.on != now.on || (before.watts - now.watts).abs() >= NOTICEABLE);
            if fault != Fault::Silent && (asked || changed || unchanged >= REPEAT) {
                link.publish(format!("{PREFIX}/status/switch:0"), status(&now, fault == Fault::Nan), false);
                shown = Some(now);
                unchanged = 0;
            }
        }
    }

    fn seen(&self) -> Shown {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner).shown_by(Device::Plug);
        Shown {
            on: world.controls.plug_on,
            watts: world.flows.compute.0,
            total_wh: world.state.counters.compute.0 * 1e3,
        }
    }

    /// Carries out a command; whether the status is wanted now.
    fn obey(&self, topic: &str, payload: &[u8]) -> bool {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let on = world.controls.plug_on;
        let switched = topic.ends_with("/switch:0");
        world.controls.plug_on = match payload {
            b"on" if switched => true,
            b"off" if switched => false,
            b"toggle" if switched => !on,
            b"status_update" if !switched => on,
            _ => return false,
        };
        true
    }

    async fn feeds(&self, shutdown: CancellationToken) {
        let (link, mut events) =
            mqtt::connect(self.broker.clone(), "demo-feeds", None, Vec::new(), CancellationToken::new());
        let mut days: Option<(NaiveDate, NaiveDate)> = None;
        let mut issue: Option<i64> = None;
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = look.tick() => {}
                // A retained message outlives reconnects in the link; events only have to be taken.
                Some(_) = events.recv() => continue,
            }
            let now = self.world.lock().unwrap_or_else(PoisonError::into_inner).at;
            let known = self.market.known_days(now);
            if days.replace(known) != Some(known) {
                link.publish(SPOT, prices(&self.market, now), true);
            }
            let newest = Outlook::issue(now);
            if issue.replace(newest) != Some(newest) {
                link.publish(OUTLOOK, forecast(&self.outlook, now), true);
            }
        }
        link.close().await;
    }
}

fn prices(market: &Market, now: Timestamp) -> String {
    let slots =
        market.published(now).into_iter().map(|(slot, price)| json!({ "start": start(slot), "eur_per_kwh": price.0 }));
    json!({ "slots": slots.collect::<Vec<_>>() }).to_string()
}

fn forecast(outlook: &Outlook, now: Timestamp) -> String {
    let slots = outlook.published(now).into_iter().map(|expected| {
        json!({ "start": start(expected.slot), "w": expected.pv.0.round(), "c": (expected.outdoor.0 * 10.0).round() / 10.0 })
    });
    json!({ "slots": slots.collect::<Vec<_>>() }).to_string()
}

fn start(slot: Slot) -> String {
    slot.start().to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn status(shown: &Shown, blind: bool) -> String {
    let measured = |value: f64, decimals: i32| {
        let scale = 10f64.powi(decimals);
        if blind { json!(null) } else { json!((value * scale).round() / scale) }
    };
    json!({
        "id": 0,
        "source": "MQTT",
        "output": shown.on,
        "apower": measured(shown.watts, 1),
        "voltage": measured(231.2, 1),
        "current": measured(shown.watts / 231.2, 3),
        "aenergy": { "total": measured(shown.total_wh, 3) },
        "temperature": { "tC": measured(31.0 + shown.watts / 150.0, 1) },
    })
    .to_string()
}
