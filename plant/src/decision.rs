//! What is commanded this second, and what came of it.

use crate::error::UnknownWord;
use crate::point::{DeviceId, Role};
use crate::reason::{Reason, Worth};
use crate::time::Timestamp;
use crate::units::{Percent, Watts};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the battery is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatteryMode {
    /// The battery's own control.
    Normal,
    /// May charge, must not discharge.
    Hold,
    /// Charge from the grid.
    Charge,
}

/// What the heat pump is set to, in the four states of SG Ready (BWP regulation for the label, version 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatPumpMode {
    /// Switched off by the utility (state 1).
    Block,
    /// The heat pump's own control (state 2).
    Normal,
    /// Recommended to run (state 3).
    Boost,
    /// Ordered to run (state 4).
    Force,
}

/// Something of a device that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Control {
    /// Power the engine may draw, in W.
    #[serde(rename = "compute.budget")]
    ComputeBudget,
    /// The battery's mode.
    #[serde(rename = "battery.mode")]
    BatteryMode,
    /// The heat pump's SG-Ready state.
    #[serde(rename = "heat_pump.mode")]
    HeatPumpMode,
    /// PV surplus offered to the heat pump, in W.
    #[serde(rename = "heat_pump.surplus")]
    HeatPumpSurplus,
    /// Cap on PV output, in % of its rating.
    #[serde(rename = "pv.limit")]
    PvLimit,
}

impl Control {
    /// Every control.
    pub const ALL: [Control; 5] = [
        Control::ComputeBudget,
        Control::BatteryMode,
        Control::HeatPumpMode,
        Control::HeatPumpSurplus,
        Control::PvLimit,
    ];

    /// The canonical name, written `role.control`.
    pub fn name(self) -> &'static str {
        match self {
            Control::ComputeBudget => "compute.budget",
            Control::BatteryMode => "battery.mode",
            Control::HeatPumpMode => "heat_pump.mode",
            Control::HeatPumpSurplus => "heat_pump.surplus",
            Control::PvLimit => "pv.limit",
        }
    }

    /// The role it belongs to.
    pub fn role(self) -> Role {
        match self {
            Control::ComputeBudget => Role::Compute,
            Control::BatteryMode => Role::Battery,
            Control::HeatPumpMode | Control::HeatPumpSurplus => Role::HeatPump,
            Control::PvLimit => Role::Pv,
        }
    }

    /// The value with which the device is under its own control.
    pub fn safe(self) -> Setting {
        match self {
            Control::ComputeBudget => Setting::ComputeBudget(Watts::ZERO),
            Control::BatteryMode => Setting::BatteryMode(BatteryMode::Normal),
            Control::HeatPumpMode => Setting::HeatPumpMode(HeatPumpMode::Normal),
            Control::HeatPumpSurplus => Setting::HeatPumpSurplus(Watts::ZERO),
            Control::PvLimit => Setting::PvLimit(Percent(100.0)),
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Control {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Control::ALL
            .into_iter()
            .find(|control| control.name() == text)
            .ok_or_else(|| UnknownWord::Control(text.to_owned()))
    }
}

/// A control together with the value it is set to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "control", content = "value")]
pub enum Setting {
    /// Power the engine may draw.
    #[serde(rename = "compute.budget")]
    ComputeBudget(Watts),
    /// The battery's mode.
    #[serde(rename = "battery.mode")]
    BatteryMode(BatteryMode),
    /// The heat pump's SG-Ready state.
    #[serde(rename = "heat_pump.mode")]
    HeatPumpMode(HeatPumpMode),
    /// PV surplus offered to the heat pump.
    #[serde(rename = "heat_pump.surplus")]
    HeatPumpSurplus(Watts),
    /// Cap on PV output, in % of its rating.
    #[serde(rename = "pv.limit")]
    PvLimit(Percent),
}

impl Setting {
    /// The control it sets.
    pub fn control(self) -> Control {
        match self {
            Setting::ComputeBudget(_) => Control::ComputeBudget,
            Setting::BatteryMode(_) => Control::BatteryMode,
            Setting::HeatPumpMode(_) => Control::HeatPumpMode,
            Setting::HeatPumpSurplus(_) => Control::HeatPumpSurplus,
            Setting::PvLimit(_) => Control::PvLimit,
        }
    }

    /// Whether the device keeps its own control under this value.
    pub fn is_safe(self) -> bool {
        self == self.control().safe()
    }
}

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
