//! One look at a device, for a person at the command line.

use super::config::DeviceConfig;
use super::registers::Registers;
use super::topics::Topics;
use super::values::{self, Parts};
use crate::address::Address;
use crate::definition::{Definition, Parameters, unit};
use crate::error::Error;
use crate::mqtt::{self, Broker, LinkEvent};
use plant::point::Point;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

/// How long an MQTT device may take to say everything.
const PATIENCE: Duration = Duration::from_secs(8);

/// One value of a device: a canonical point, or a part of one as the definition names it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// Its value; `None` where the device has none.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
}

/// Reads everything once: the canonical points first, then the parts they are made of.
///
/// # Errors
/// The configuration cannot work, or the device cannot be reached or read.
pub async fn read_once(config: &DeviceConfig) -> Result<Vec<Reading>, Error> {
    let definition = &config.definition;
    config.check()?;
    let parameters = config.parameters()?;
    let names: BTreeSet<String> = match &config.points {
        Some(points) => definition.needed(points),
        None => definition.point.iter().map(|row| row.name.clone()).collect(),
    };
    let mut parts = match &config.address {
        Address::Mqtt(topic) => {
            let broker = Broker::of(topic, config.broker.as_ref()).ok_or(Error::NoBroker)?;
            listen(broker, definition, &parameters, &names).await?
        }
        Address::Tcp(_) | Address::Rtu(_) | Address::RtuOverTcp(_) => {
            let mut registers = Registers::new(config, parameters.clone(), &names)?;
            registers.round().await.map_err(|fault| config.failure(fault))?.parts
        }
    };
    values::derive(definition, &parameters, &mut parts);
    let wanted = config.wanted();
    Ok(readings(definition, &wanted, &parts))
}

fn readings(definition: &Definition, wanted: &BTreeSet<Point>, parts: &Parts) -> Vec<Reading> {
    let canonical = wanted.iter().map(|point| Reading {
        name: point.name().to_owned(),
        value: parts.get(point.name()).copied().flatten(),
        unit: point.unit().to_owned(),
    });
    let rows = definition.point.iter().filter(|row| !row.name.contains('.'));
    let inner = rows.filter_map(|row| {
        let (_, family) = unit::factor(&row.unit)?;
        let unit = if family.is_empty() { &row.unit } else { family };
        Some(Reading { name: row.name.clone(), value: *parts.get(&row.name)?, unit: unit.to_owned() })
    });
    canonical.chain(inner).collect()
}

async fn listen(
    broker: Broker,
    definition: &Definition,
    parameters: &Parameters,
    names: &BTreeSet<String>,
) -> Result<Parts, Error> {
    let mut topics = Topics::new(definition, parameters, names);
    let (link, mut events) =
        mqtt::connect(broker, mqtt::random_id(), None, topics.subscriptions(), CancellationToken::new());
    let mut failure = None;
    let heard = timeout(PATIENCE, async {
        let mut ticks = interval(Duration::from_millis(100));
        let mut now = ticks.tick().await;
        loop {
            tokio::select! {
                at = ticks.tick() => now = at,
                event = events.recv() => match event {
                    None => return,
                    Some(LinkEvent::Connected) => {
                        for talk in &definition.talk {
                            link.publish(parameters.apply(&talk.topic), parameters.apply(&talk.payload), false);
                        }
                    }
                    Some(LinkEvent::Disconnected { error }) => {
                        failure = Some(error);
                        return;
                    }
                    Some(LinkEvent::Message { topic, payload, retain }) => {
                        topics.message(&topic, &payload, retain, now);
                        if topics.gone() {
                            failure = Some(Error::Offline);
                            return;
                        }
                    }
                },
            }
            if topics.heard().len() == names.len() {
                return;
            }
        }
    })
    .await;
    link.close().await;
    if let Some(error) = failure {
        return Err(error);
    }
    if heard.is_err() && topics.heard().is_empty() {
        let topics = topics.subscriptions().join(", ");
        return Err(Error::Unheard { seconds: PATIENCE.as_secs(), topics });
    }
    Ok(topics.parts())
}
