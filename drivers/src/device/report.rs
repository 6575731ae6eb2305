//! What a device's task and its host have to say to each other.

use crate::debt::Debts;
use crate::lease::Wanted;
use plant::decision::Setpoint;
use plant::point::{DeviceId, Point};
use plant::record::LeaseStatus;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

/// The ways between a device's task and its host.
#[derive(Debug)]
pub struct Channels {
    /// What was read, and what came of setpoints.
    pub reports: mpsc::Sender<Report>,
    /// The newest cycle of the core. The value that stands there at the start is taken for an old one.
    pub wanted: watch::Receiver<Wanted>,
    /// Who holds the device's controls. It does not lead through the core's loop, which may be what hangs.
    pub leases: watch::Sender<Vec<LeaseStatus>>,
    /// What an earlier run owes the device, which it gets first, and where new debts are written down.
    pub debts: Debts,
}

/// What a device's task reports.
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
    /// What came of a setpoint.
    Applied {
        /// What was wanted, within the control's bounds.
        setpoint: Setpoint,
        /// What went wrong; `None` when the device took it.
        error: Option<String>,
    },
}
