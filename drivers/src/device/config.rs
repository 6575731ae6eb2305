//! Everything a device's task needs to know of its device.

use crate::address::Address;
use crate::definition::{Definition, Parameters};
use crate::error::Error;
use crate::modbus::Fault;
use crate::mqtt;
use plant::decision::Control;
use plant::point::{DeviceId, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

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
    /// What of it may be set.
    pub controls: BTreeSet<Control>,
    /// The site's broker, for MQTT devices whose address names none.
    pub broker: Option<mqtt::Broker>,
    /// The definition's parameters.
    pub parameters: BTreeMap<String, String>,
    /// House time between two reads of the fast points.
    pub interval: Duration,
}

impl DeviceConfig {
    /// Refuses what can never work.
    ///
    /// # Errors
    /// The device is not reached over the address's transport, or a parameter is missing or unknown.
    pub fn check(&self) -> Result<(), Error> {
        let (definition, transport) = (&self.definition, self.address.transport());
        if !definition.speaks(transport) {
            let (definition, expected) = (definition.id.clone(), definition.transport.join(", "));
            return Err(Error::Transport { definition, transport, expected });
        }
        self.parameters().map(|_| ())
    }

    /// The Modbus unit that is asked.
    pub(super) fn unit(&self) -> u8 {
        self.unit.unwrap_or(self.definition.unit)
    }

    /// A fault with the address and unit that it came from.
    pub(super) fn failure(&self, fault: Fault) -> Error {
        let address = self.address.to_string();
        match fault {
            Fault::Lost(why) => Error::Lost { address, why },
            Fault::Exception(_) | Fault::Timeout(_) | Fault::Garbled(_) => {
                Error::Unit { address, unit: self.unit(), fault }
            }
        }
    }

    /// The parameters with defaults, and `{topic}` from the address.
    pub(super) fn parameters(&self) -> Result<Parameters, Error> {
        let mut parameters = Parameters::fill(&self.definition, &self.parameters)?;
        if let Address::Mqtt(topic) = &self.address {
            let given = Some(topic.topic.clone()).filter(|topic| !topic.is_empty());
            let topic = given.or_else(|| self.definition.topic.clone());
            let (address, wrong) = (self.address.to_string(), "names no topic".to_owned());
            let topic = topic.ok_or(Error::Address { address, wrong, expected: "mqtt://host/topic" })?;
            parameters.0.insert("topic".to_owned(), topic);
        }
        Ok(parameters)
    }

    /// The points the site wants.
    pub(super) fn wanted(&self) -> BTreeSet<Point> {
        self.points.clone().unwrap_or_else(|| self.definition.usual_points())
    }
}
