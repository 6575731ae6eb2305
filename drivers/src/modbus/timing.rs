//! The pace a Modbus device can bear, as its definition states it.

use serde::{Deserialize, Serialize};

/// The pace a Modbus device can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// Silence after connecting.
    pub connect_delay_ms: u64,
    /// Silence between two requests.
    pub min_gap_ms: u64,
    /// Patience with one answer.
    pub timeout_ms: u64,
    /// Silence after a write.
    pub settle_ms: u64,
    /// The most registers of one read.
    pub max_registers: u16,
    /// Unused registers a read may bridge.
    pub max_gap: u16,
    /// How many clients the device serves at once, where that is known to be few. One connection is all that is opened.
    pub client_limit: u16,
    /// Points of the class `slow` are read every so many rounds.
    pub slow_every: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_delay_ms: 0,
            min_gap_ms: 10,
            timeout_ms: 3000,
            settle_ms: 0,
            max_registers: 120,
            max_gap: 16,
            client_limit: 0,
            slow_every: 10,
        }
    }
}
