//! Bad days on demand: what a simulated device does wrong, switched while it runs.

use std::sync::Arc;
use tokio::sync::watch;

/// A device of the simulated house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The hybrid inverter (unit 1).
    Inverter,
    /// The grid meter behind it (unit 200).
    Meter,
    /// The heat pump.
    HeatPump,
    /// The plug of the compute box.
    Plug,
}

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Connected, but it never answers; the plug publishes nothing.
    Silent,
    /// It answers that it has no values: SunSpec's and the maker's sentinels, null from the plug.
    Nan,
    /// It repeats for ever what it showed when the fault began.
    Frozen,
    /// Its port is closed; the plug is gone and its last will is out. For the meter, as for the inverter it sits behind.
    Refused,
}

/// The switches.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    switches: Arc<[watch::Sender<Fault>; 4]>,
}

impl Device {
    /// Every device, in the order of the switches.
    pub(super) const ALL: [Device; 4] = [Device::Inverter, Device::Meter, Device::HeatPump, Device::Plug];
}

impl Faults {
    /// Switches a fault on, or with [`Fault::None`] off.
    pub fn set(&self, device: Device, fault: Fault) {
        self.switches[device as usize].send_replace(fault);
    }

    /// What is wrong with a device at present.
    pub fn of(&self, device: Device) -> Fault {
        *self.switches[device as usize].borrow()
    }

    /// Waits until `device` is, or is no longer, in `fault`.
    pub(super) async fn until(&self, device: Device, fault: Fault, present: bool) {
        let mut switch = self.switches[device as usize].subscribe();
        // The switch lives as long as `self`, so waiting cannot fail.
        let _ = switch.wait_for(|now| (*now == fault) == present).await;
    }
}
