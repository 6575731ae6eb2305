//! Carries the core's setpoints to the leases of devices and engine.
//!
//! Invariant: nothing here waits. What a device is owed is written down by its own task before it is written to
//! ([`crate::debts`]).

use drivers::lease::Wanted;
use plant::decision::{Control, Outcome, Setpoint, Setpoints};
use plant::point::DeviceId;
use std::collections::BTreeSet;
use tokio::sync::watch;

/// The way to the leases. They hold the devices; only the newest cycle counts.
#[derive(Debug)]
pub struct Actuators {
    devices: BTreeSet<DeviceId>,
    wanted: watch::Sender<Wanted>,
    /// What could not be sent in the last cycle.
    failing: BTreeSet<(DeviceId, Control)>,
}

impl Actuators {
    /// A way to `devices`.
    pub fn new(devices: BTreeSet<DeviceId>) -> Self {
        Self { devices, wanted: watch::Sender::default(), failing: BTreeSet::new() }
    }

    /// What the core wants, to be watched.
    pub fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    /// Sends a cycle's setpoints on their way; what becomes of them comes back as reports. Returns what could not even be
    /// sent, once: its control is given back.
    pub fn apply(&mut self, mut setpoints: Setpoints) -> Vec<Outcome> {
        let before = std::mem::take(&mut self.failing);
        let mut failures = Vec::new();
        setpoints.setpoints.retain(|setpoint| {
            let key = key(setpoint);
            // The engine is always there.
            if key.1 == Control::ComputeBudget || self.devices.contains(&key.0) {
                return true;
            }
            if !before.contains(&key) {
                let error = Some("there is no such device".into());
                failures.push(Outcome { setpoint: setpoint.clone(), error });
            }
            self.failing.insert(key);
            false
        });
        self.wanted.send_replace(Wanted::new(setpoints));
        failures
    }

    /// Wants nothing more of anybody: the leases give everything back.
    pub fn end(&mut self) {
        self.wanted.send_modify(|wanted| wanted.setpoints.setpoints.clear());
    }
}

fn key(setpoint: &Setpoint) -> (DeviceId, Control) {
    (setpoint.device.clone(), setpoint.setting.control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::decision::{BatteryMode, Setting};
    use plant::reason::Reason;

    #[test]
    fn what_cannot_be_sent_is_said_once_and_not_wanted() {
        let mut actuators = Actuators::new(BTreeSet::new());
        for (cycle, said) in [(1, 1), (2, 0)] {
            let setting = Setting::BatteryMode(BatteryMode::Hold);
            let setpoint = Setpoint { device: DeviceId("box".into()), setting, reason: Reason::Surplus };
            assert_eq!(actuators.apply(Setpoints { cycle, setpoints: vec![setpoint] }).len(), said);
            assert_eq!(actuators.wanted().borrow().setpoints, Setpoints { cycle, setpoints: Vec::new() });
        }
    }
}
