//! The rows of a definition file about what of a device can be set, as they are written.

use crate::error::Error;
use crate::modbus::{Number, WordOrder};
use plant::decision::{Control, Setting};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Something of the device that can be set. Numeric controls have `write`; modes have one list of writes per mode. Numbers that may be
/// left to the device's own rule have both: `write`, and the mode `normal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRow {
    /// As `battery.mode`.
    pub name: Control,
    /// Bounds of the value, for numeric controls.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// The least time between two different values.
    #[serde(default)]
    pub min_interval_s: f64,
    /// The device's watchdog forgets a value after this; it is renewed in less than half of it. The safe value is not: a device
    /// that forgets it is under its own control all the same, and renewing it all day wears memory out.
    #[serde(default)]
    pub keep_alive_s: Option<f64>,
    /// Whether the safe value is renewed as well, because the device takes silence for a fault.
    #[serde(default)]
    pub renew_safe: bool,
    /// Whether what was written is read again and compared. Not so only where the device does not show it.
    #[serde(default = "yes")]
    pub read_back: bool,
    /// Writes a day, the way back included, where the registers lie in memory that wears out.
    #[serde(default)]
    pub writes_a_day: Option<u32>,
    /// What the device must show before it is set.
    #[serde(default)]
    pub requires: Vec<Requirement>,
    /// Where the device tells after how many seconds it ends by itself what is set; 0 for never.
    #[serde(default)]
    pub revert: Option<Write>,
    /// What the owner must have switched on.
    #[serde(default)]
    pub needs: String,
    /// Written before a value where the device holds something else: what takes control.
    #[serde(default)]
    pub before: Vec<Write>,
    /// The writes of a numeric control, in order.
    #[serde(default)]
    pub write: Vec<Write>,
    /// The writes of each mode, in order; also of a number that is part of it, by the last word of its control's name.
    #[serde(default)]
    pub mode: BTreeMap<String, Vec<Write>>,
    /// The control with whose modes it is written, because both are about the same registers: it has no writes of its own.
    #[serde(default)]
    pub part_of: Option<Control>,
    /// Written after the safe value, which gives control back where nobody knows what the device held before.
    #[serde(default)]
    pub restore: Vec<Write>,
}

impl ControlRow {
    /// The least time between two different values.
    pub fn min_interval(&self) -> Duration {
        Duration::from_secs_f64(self.min_interval_s.max(0.0))
    }

    /// The time after which the device forgets a value.
    pub fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive_s.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)))
    }

    /// Its modes that take the device out of its own control.
    pub(crate) fn unsafe_modes(&self) -> Vec<Setting> {
        let all = self.name.words().filter(|setting| !setting.is_safe());
        all.filter(|setting| setting.word().is_some_and(|word| self.mode.contains_key(word))).collect()
    }

    /// The writes of a value, in order.
    ///
    /// # Errors
    /// The device does not know the mode, or the value is no number.
    pub fn writes(&self, setting: Setting) -> Result<&[Write], Error> {
        let control = self.name.name();
        let part = (setting.control() != self.name).then(|| part_word(setting.control()));
        if let Some(mode) = part.or(setting.word()) {
            let known = || self.mode.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let writes = self.mode.get(mode).map(Vec::as_slice);
            return writes.ok_or_else(|| Error::Mode { control, mode, expected: known() });
        }
        match setting.number() {
            Some(value) if !value.is_finite() => Err(Error::Value { control, value }),
            Some(_) | None => Ok(&self.write),
        }
    }
}

fn yes() -> bool {
    true
}

/// The word for a control that is part of another one: `charge_power` for `battery.charge_power`.
pub(super) fn part_word(control: Control) -> &'static str {
    control.name().rsplit('.').next().unwrap_or_default()
}

/// A register that the device must show before it is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Modbus function that reads it: 3 or 4.
    pub fc: u8,
    /// Address as the maker writes it.
    pub address: u32,
    /// What the maker's first register is called: 0 or 1.
    #[serde(default)]
    pub doc_base: u8,
    /// Type of the number.
    #[serde(rename = "type")]
    pub number: Number,
    /// The numbers that will do.
    pub one_of: Vec<f64>,
    /// What its owner has to do where it holds another.
    pub says: String,
}

/// One write: to registers, to a SunSpec point or to a topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Write {
    /// Modbus function: 6 single register, 16 several.
    pub fc: Option<u8>,
    /// Address as the maker writes it.
    pub address: Option<u32>,
    /// What the maker's first register is called: 0 or 1.
    pub doc_base: u8,
    /// Type of the number.
    #[serde(rename = "type")]
    pub number: Option<Number>,
    /// Order of the words.
    pub words: WordOrder,
    /// SunSpec model.
    pub model: Option<u16>,
    /// The point's key in the model; its scale factor is applied.
    pub sunspec: Option<String>,
    /// A fixed value; where absent, the value of the setting.
    pub value: Option<f64>,
    /// A parameter that holds the value.
    pub parameter: Option<String>,
    /// A parameter that is added to the value of the setting: a set point that is shifted.
    pub above_parameter: Option<String>,
    /// The value is written as a share of this point of the same SunSpec model.
    pub share_of: Option<String>,
    /// Address of a holding register of the same kind in which the device tells the value: a limit of its own.
    pub same_as: Option<u32>,
    /// Address of a holding register of 16 bits in which the device tells the most that it bears of the value.
    pub at_most: Option<u32>,
    /// Factor from that register to the value.
    pub at_most_scale: Option<f64>,
    /// Whether it goes out with the write before it, in one request: its register follows that one's.
    pub joined: bool,
    /// Factor from the value to the raw number.
    pub scale: Option<f64>,
    /// Topic.
    pub topic: Option<String>,
    /// Payload; `{value}` stands for the value.
    pub payload: Option<String>,
    /// Not read again when the control is.
    pub no_read_back: bool,
    /// Written only where the device holds something else: memory that wears out, timers that must not restart.
    pub when_changed: bool,
}
