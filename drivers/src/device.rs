//! A device of the site at work: read regularly, told things, watched, and given its safe values back on the way out.

/// Who is there.
pub mod probe;

mod controls;
mod reading;
mod registers;
mod reporter;
mod topics;
mod values;
mod work;
mod writer;

pub use reading::{Reading, read_once};
pub(crate) use values::{ingredients, needed, unit_factor};

use crate::address::Address;
use crate::definition::Definition;
use crate::definition::parameters::Parameters;
use crate::modbus::Fault;
use crate::mqtt;
use crate::pace::Pace;
use plant::decision::Setpoint;
use plant::point::{DeviceId, Point};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Everything a device's task needs to know.
#[derive(Clone, Debug)]
pub struct DeviceConfig {
    /// Its name in the site.
    pub id: DeviceId,
    /// What kind of device it is.
    pub definition: Arc<Definition>,
    /// Where it is.
    pub address: Address,
    /// Its Modbus unit id, where it is not the definition's.
    pub unit: Option<u8>,
    /// The points the site wants from it; `None` for all it has.
    pub points: Option<BTreeSet<Point>>,
    /// The site's broker, for MQTT devices whose address names none.
    pub broker: Option<mqtt::Broker>,
    /// The definition's parameters.
    pub parameters: BTreeMap<String, String>,
    /// House time between two reads of the fast points.
    pub interval: Duration,
}

/// What a device's task tells its host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "report")]
pub enum Report {
    /// What was read, in canonical units and signs.
    Values {
        /// The device.
        device: DeviceId,
        /// Points that were read this time; `None` where the device has no value for one.
        values: Vec<(Point, Option<f64>)>,
    },
    /// The device cannot be read.
    Unavailable {
        /// The device.
        device: DeviceId,
        /// In words for a person.
        why: String,
    },
    /// What came of an order.
    Applied {
        /// The order.
        setpoint: Setpoint,
        /// What went wrong; `None` when the device took it.
        error: Option<String>,
    },
}

/// Runs a device until `shutdown`; then writes the safe value of every control that it changed and that does not hold it,
/// and returns. Never blocks on a slow reader of `reports`: newer values replace those not yet taken.
pub async fn run(
    config: DeviceConfig,
    pace: Pace,
    reports: mpsc::Sender<Report>,
    orders: mpsc::Receiver<Setpoint>,
    shutdown: CancellationToken,
) {
    work::run(config, pace, reports, orders, shutdown).await;
}

impl DeviceConfig {
    /// Refuses what can never work: another transport than the device's, a parameter that is missing or unknown.
    ///
    /// # Errors
    /// What is wrong and what was expected, in words.
    pub fn check(&self) -> Result<(), String> {
        let (definition, transport) = (&self.definition, self.address.transport());
        if !definition.speaks(transport) {
            let known = definition.transport.join(", ");
            return Err(format!("{} is not reached over {transport}; expected {known}", definition.id));
        }
        self.parameters().map(|_| ())
    }

    /// The Modbus unit that is asked.
    fn unit(&self) -> u8 {
        self.unit.unwrap_or(self.definition.unit)
    }

    /// A fault in words for a person.
    fn failure(&self, fault: &Fault) -> String {
        match fault {
            Fault::Lost(why) => format!("{}: {why}", self.address),
            Fault::Exception(_) | Fault::Timeout(_) | Fault::Garbled(_) => {
                format!("{} unit {}: {fault}", self.address, self.unit())
            }
        }
    }

    /// The parameters with defaults, and `{topic}` from the address.
    fn parameters(&self) -> Result<Parameters, String> {
        let mut parameters = Parameters::fill(&self.definition, &self.parameters)?;
        if let Address::Mqtt(topic) = &self.address {
            let given = Some(topic.topic.clone()).filter(|topic| !topic.is_empty());
            let topic = given.or_else(|| self.definition.topic.clone());
            let topic = topic
                .ok_or_else(|| format!("address '{}' names no topic; expected mqtt://host/topic", self.address))?;
            parameters.0.insert("topic".to_owned(), topic);
        }
        Ok(parameters)
    }

    /// The points the site wants.
    fn wanted(&self) -> BTreeSet<Point> {
        self.points.clone().unwrap_or_else(|| self.definition.points())
    }
}
