//! Carries the core's setpoints to the leases of devices and engine, and writes the debts down. The process that starts after a
//! crash reads them and gives those controls back first.
//!
//! Terms: a *debt* is a control that may hold one of our settings. It is written down before its setpoint goes out, so that a
//! process that is killed leaves it behind (a power cut may take the newest), and settled when the device took its safe value and
//! nothing else is wanted of it.

use crate::store::{Owed, StateStore};
use drivers::lease::Wanted;
use plant::decision::{Control, Outcome, Setpoint, Setpoints};
use plant::point::DeviceId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::watch;

/// The way to the leases. They hold the devices; only the newest cycle counts.
#[derive(Debug)]
pub struct Actuators {
    devices: BTreeSet<DeviceId>,
    wanted: watch::Sender<Wanted>,
    debts: BTreeSet<Owed>,
    /// What could not be sent in the last cycle, and why.
    failing: BTreeMap<Owed, String>,
}

impl Actuators {
    /// A way to `devices`, with what an earlier run owes.
    pub fn new(devices: BTreeSet<DeviceId>, debts: &[Owed]) -> Self {
        Self {
            devices,
            wanted: watch::Sender::default(),
            debts: debts.iter().cloned().collect(),
            failing: BTreeMap::new(),
        }
    }

    /// What the core wants, to be watched.
    pub fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    /// What an earlier run owes a device.
    pub fn debts(&self, device: &DeviceId) -> BTreeSet<Control> {
        self.debts.iter().filter(|(owed, _)| owed == device).map(|(_, control)| *control).collect()
    }

    /// The debts of devices that are there.
    pub fn owed(&self) -> impl Iterator<Item = &Owed> {
        self.debts.iter().filter(|(device, _)| self.devices.contains(device))
    }

    /// Sends a cycle's setpoints on their way; what becomes of them comes back as reports. Returns what could not even be
    /// sent, once for each reason: its control is given back.
    pub fn apply(&mut self, mut setpoints: Setpoints, state: &mut StateStore) -> Vec<Outcome> {
        let before = std::mem::take(&mut self.failing);
        let mut failures = Vec::new();
        setpoints.setpoints.retain(|setpoint| {
            let Err(error) = self.remember(setpoint, state) else { return true };
            let key = key(setpoint);
            if before.get(&key) != Some(&error) {
                failures.push(Outcome { setpoint: setpoint.clone(), error: Some(error.clone()) });
            }
            self.failing.insert(key, error);
            false
        });
        self.wanted.send_replace(Wanted::new(setpoints));
        failures
    }

    /// Takes note of what came of a setpoint. Its debt is settled only here: as long as a write may be on its way, nobody knows what
    /// the device holds.
    pub fn settle(&mut self, setpoint: &Setpoint, error: Option<&str>, state: &mut StateStore) {
        let key = key(setpoint);
        if !setpoint.setting.is_safe() {
            // Even where it was refused: a write that came late may have been taken.
            let _ = self.remember(setpoint, state);
        } else if error.is_none() && !self.is_wanted(&key) && self.debts.contains(&key) {
            match state.settle(&key) {
                Ok(()) => drop(self.debts.remove(&key)),
                Err(error) => {
                    tracing::warn!(device = %key.0, %error, "has its own control back, which could not be written down");
                }
            }
        }
    }

    /// Wants nothing more of anybody: the leases give everything back.
    pub fn end(&mut self) {
        self.wanted.send_modify(|wanted| wanted.setpoints.setpoints.clear());
    }

    /// Whether the control is to hold another value than its safe one, as after a fall-back.
    fn is_wanted(&self, (device, control): &Owed) -> bool {
        let wanted = self.wanted.borrow();
        wanted.setpoints.get(device, *control).is_some_and(|setpoint| !setpoint.setting.is_safe())
    }

    /// Writes a debt down before its setpoint goes out.
    fn remember(&mut self, setpoint: &Setpoint, state: &mut StateStore) -> Result<(), String> {
        let key = key(setpoint);
        // A budget ends by itself with the gateway.
        if key.1 == Control::ComputeBudget {
            return Ok(());
        }
        if !self.devices.contains(&setpoint.device) {
            return Err("there is no such device".into());
        }
        if setpoint.setting.is_safe() || self.debts.contains(&key) {
            return Ok(());
        }
        // A crash would leave the device set, and nobody would know.
        state.owe(setpoint).map_err(|error| format!("not sent: it could not be remembered ({error})"))?;
        self.debts.insert(key);
        Ok(())
    }
}

fn key(setpoint: &Setpoint) -> Owed {
    (setpoint.device.clone(), setpoint.setting.control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Disk, Memory};
    use plant::decision::{BatteryMode, Setting};
    use plant::reason::Reason;

    const HOLD: Setting = Setting::BatteryMode(BatteryMode::Hold);
    const NORMAL: Setting = Setting::BatteryMode(BatteryMode::Normal);

    fn setpoint(setting: Setting) -> Setpoint {
        Setpoint { device: DeviceId("box".into()), setting, reason: Reason::Surplus }
    }

    /// What happens: a cycle wants this, or this was written.
    enum Step {
        Wants(Setting),
        Took(Setting),
        Ends,
    }

    #[test]
    fn a_debt_stands_until_the_device_is_its_own_and_nothing_else_is_wanted() {
        use Step::{Ends, Took, Wants};
        // What happens, and whether the device is owed its own control afterwards.
        let rows: [&[(Step, bool)]; 6] = [
            &[(Wants(NORMAL), false), (Took(NORMAL), false)],
            &[(Wants(HOLD), true), (Took(HOLD), true), (Wants(NORMAL), true), (Took(NORMAL), false)],
            // A fall-back in between, taken back again.
            &[
                (Wants(HOLD), true),
                (Took(NORMAL), true),
                (Took(HOLD), true),
                (Wants(NORMAL), true),
                (Took(NORMAL), false),
            ],
            // The end after a fall-back: the keeper says once more what the device holds.
            &[(Wants(HOLD), true), (Took(NORMAL), true), (Ends, true), (Took(NORMAL), false)],
            // Wanted, withdrawn, and wanted again while the first write is on its way.
            &[(Wants(HOLD), true), (Wants(NORMAL), true), (Took(HOLD), true), (Took(NORMAL), false)],
            // A write that comes late is owed again.
            &[
                (Wants(HOLD), true),
                (Wants(NORMAL), true),
                (Took(NORMAL), false),
                (Took(HOLD), true),
                (Took(NORMAL), false),
            ],
        ];
        for steps in rows {
            let mut state = StateStore::open(&Disk::Memory(Memory::new("debts").into())).unwrap();
            let mut actuators = Actuators::new([DeviceId("box".into())].into(), &[]);
            for (number, (step, owed)) in (1..).zip(steps) {
                match step {
                    Wants(setting) => {
                        let setpoints = Setpoints { cycle: number, setpoints: vec![setpoint(*setting)] };
                        assert!(actuators.apply(setpoints, &mut state).is_empty());
                    }
                    Took(setting) => actuators.settle(&setpoint(*setting), None, &mut state),
                    Ends => actuators.end(),
                }
                assert_eq!(!state.owed().unwrap().is_empty(), *owed, "step {number}");
            }
        }
    }

    #[test]
    fn what_cannot_be_sent_is_said_once_and_not_wanted() {
        let mut state = StateStore::open(&Disk::Memory(Memory::new("refusals").into())).unwrap();
        let mut actuators = Actuators::new(BTreeSet::new(), &[]);
        for (cycle, said) in [(1, 1), (2, 0)] {
            let setpoints = Setpoints { cycle, setpoints: vec![setpoint(HOLD)] };
            assert_eq!(actuators.apply(setpoints, &mut state).len(), said);
            assert_eq!(actuators.wanted().borrow().setpoints, Setpoints { cycle, setpoints: Vec::new() });
        }
    }
}
