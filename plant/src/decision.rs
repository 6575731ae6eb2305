//! What is commanded this second, and what came of it.

mod setting;

pub use setting::{BatteryMode, Control, HeatPumpMode, HeatSink, Setting};

use crate::point::DeviceId;
use crate::reason::{Reason, Worth};
use crate::time::Timestamp;
use crate::units::Watts;
use serde::{Deserialize, Serialize};

/// A control of a device, the value it is set to, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setpoint {
    /// The device.
    pub device: DeviceId,
    /// The control and its value.
    #[serde(flatten)]
    pub setting: Setting,
    /// Its reason.
    pub reason: Reason,
}

/// All that the core wants in one cycle, also what it wanted before. Who sees the number grow knows that the core lives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Setpoints {
    /// Counts the cycles since the start, from 1.
    pub cycle: u64,
    /// One for each control that the owner allows; a control without one is to be under the device's own control.
    pub setpoints: Vec<Setpoint>,
}

impl Setpoints {
    /// What is wanted of a control.
    pub fn get(&self, device: &DeviceId, control: Control) -> Option<&Setpoint> {
        let wanted = |setpoint: &&Setpoint| setpoint.device == *device && setpoint.setting.control() == control;
        self.setpoints.iter().find(wanted)
    }
}

/// What came of a setpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The setpoint.
    pub setpoint: Setpoint,
    /// What went wrong, in words for a person; `None` when the device took it.
    pub error: Option<String>,
}

/// A limit that took something from what was wanted, or forced something on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitHit {
    /// Which limit.
    pub reason: Reason,
    /// Compute power after it.
    pub to: Watts,
}

/// The decision of one cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When it was taken.
    pub at: Timestamp,
    /// Compute power that dispatch wanted.
    pub wanted: Watts,
    /// Compute power that the limits left.
    pub budget: Watts,
    /// Its reason.
    pub reason: Reason,
    /// The three numbers here and now.
    pub worth: Worth,
    /// The limits that acted, in the order they acted.
    pub limits: Vec<LimitHit>,
    /// The setpoints of the engine and the other devices.
    pub settings: Vec<Setpoint>,
}
