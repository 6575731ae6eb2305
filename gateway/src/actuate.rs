//! Carries setpoints to the devices and the engine, and remembers which device is owed its own control back.

use crate::store::{Owed, StateStore};
use plant::decision::{Outcome, Setpoint, Setting};
use plant::point::DeviceId;
use plant::reason::Reason;
use plant::units::Watts;
use std::collections::BTreeMap;
use tokio::sync::{mpsc, watch};

/// Setpoints that may wait for one device.
pub const ORDERS_MAX: usize = 16;

/// The ways to the devices and to the engine.
#[derive(Debug)]
pub struct Actuators {
    devices: BTreeMap<DeviceId, mpsc::Sender<Setpoint>>,
    budget: watch::Sender<Watts>,
}

impl Actuators {
    /// Ways to `devices`; the engine's budget starts at nothing.
    pub fn new(devices: BTreeMap<DeviceId, mpsc::Sender<Setpoint>>) -> Self {
        Self { devices, budget: watch::Sender::new(Watts::ZERO) }
    }

    /// The engine's budget, to be watched.
    pub fn budget(&self) -> watch::Receiver<Watts> {
        self.budget.subscribe()
    }

    /// Sends a setpoint on its way; what became of it comes back as a report, unless it could not even be sent.
    pub fn apply(&self, setpoint: Setpoint, state: &mut StateStore) -> Option<Outcome> {
        if let Setting::ComputeBudget(watts) = setpoint.setting {
            self.budget.send_if_modified(|budget| std::mem::replace(budget, watts) != watts);
            return None;
        }
        if !setpoint.setting.is_safe()
            && let Err(error) = state.owe(&setpoint)
        {
            // A crash would leave the device under an order that nobody remembers.
            return Some(failed(setpoint, format!("not sent: it could not be remembered ({error})")));
        }
        let Some(orders) = self.devices.get(&setpoint.device) else {
            return Some(failed(setpoint, "there is no such device".into()));
        };
        match orders.try_send(setpoint) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(setpoint)) => Some(failed(setpoint, "the device is too slow".into())),
            Err(mpsc::error::TrySendError::Closed(setpoint)) => Some(failed(setpoint, "its driver has ended".into())),
        }
    }

    /// Gives every device that a crash left under an order its own control back.
    pub fn restore(&self, owed: &[Owed]) {
        for (device, control) in owed {
            let Some(orders) = self.devices.get(device) else {
                tracing::warn!(%device, %control, "is owed its own control, but is no longer configured");
                continue;
            };
            let setpoint = Setpoint { device: device.clone(), setting: control.safe(), reason: Reason::Idle };
            if orders.try_send(setpoint).is_ok() {
                tracing::info!(%device, %control, "given back its own control after an unclean stop");
            }
        }
    }
}

fn failed(setpoint: Setpoint, error: String) -> Outcome {
    Outcome { setpoint, error: Some(error) }
}
