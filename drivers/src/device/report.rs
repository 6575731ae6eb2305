//! What a device's task tells its host.

use plant::decision::Setpoint;
use plant::point::{DeviceId, Point};
use serde::Serialize;

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
