//! How late the devices of the house show and obey, in house time.
//!
//! Example: the meter reads every second and shows what it read the time before. A kettle of 2 kW that is switched on just after a
//! reading is read a second later and shown after another: two seconds in which whoever reads the meter sees no kettle.
//!
//! In a fast house (the demo's second is a minute) these times pass within a look of the gateway, so that the demo stays calm.

use super::faults::Device;
use std::time::Duration;

/// The times of the house's devices; zero for what shows or obeys at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Between two renewals of the inverter's registers.
    pub inverter: Duration,
    /// Between two readings of the grid meter, which shows each when the next is taken.
    pub meter: Duration,
    /// Between two renewals of the heat pump's registers.
    pub heat_pump: Duration,
    /// Between two readings of the plug.
    pub plug: Duration,
    /// Between two looks of the heat pump at what it is offered.
    pub offer: Duration,
    /// Time constant of the battery's own control.
    pub battery: Duration,
}

impl Latency {
    /// Everything at once, for those who compare exact values.
    pub const NONE: Latency = Latency {
        inverter: Duration::ZERO,
        meter: Duration::ZERO,
        heat_pump: Duration::ZERO,
        plug: Duration::ZERO,
        offer: Duration::ZERO,
        battery: Duration::ZERO,
    };

    /// Between two readings of `device`.
    pub(super) fn of(&self, device: Device) -> Duration {
        match device {
            Device::Inverter => self.inverter,
            Device::Meter => self.meter,
            Device::HeatPump => self.heat_pump,
            Device::Plug => self.plug,
        }
    }
}

impl Default for Latency {
    /// As people find them: hybrid inverters and their meters renew once a second, heat pumps every ten seconds, plugs every
    /// few; a battery follows the house within some seconds, and a heat pump looks at an offer twice a minute.
    fn default() -> Self {
        Self {
            inverter: Duration::from_secs(1),
            meter: Duration::from_secs(1),
            heat_pump: Duration::from_secs(10),
            plug: Duration::from_secs(5),
            offer: Duration::from_secs(30),
            battery: Duration::from_secs(2),
        }
    }
}
