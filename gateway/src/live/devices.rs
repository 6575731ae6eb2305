//! The devices around the loop.

use super::outside::Outside;
use super::restart::Restart;
use crate::actuate::Actuators;
use crate::clock::Clock;
use crate::leases::{Leases, is_set};
use drivers::device::{Channels, DeviceConfig, Report};
use drivers::pace::Pace;
use plant::decision::Control;
use plant::record::LeaseStatus;
use plant::site::Site;
use std::collections::BTreeSet;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// A house whose time runs fast is read over wires that do not: samples may be as much older.
pub(super) fn follow_pace(site: &mut Site, configs: &[DeviceConfig], clock: &Clock) {
    if clock.speed() <= 1.0 {
        return;
    }
    for (device, config) in site.devices.iter_mut().zip(configs) {
        let ages = config.definition.ages(config.interval, Pace { speed: clock.speed() });
        device.max_age = device.max_age.max(ages.usual);
        device.slow = ages.slow;
    }
}

/// What starts the devices.
pub(super) struct Start<'a, O> {
    /// The world they are in.
    pub outside: &'a O,
    /// Where they report to.
    pub reports: mpsc::Sender<Report>,
    /// Keeps their tasks until the loop has ended: then each device gets its own control back.
    pub restart: Restart,
    /// Where their tasks are tracked.
    pub tracker: &'a TaskTracker,
}

impl<O: Outside> Start<'_, O> {
    /// Starts the devices under what `actuators` want of them; returns who holds their controls.
    pub(super) fn devices(self, configs: Vec<DeviceConfig>, actuators: &Actuators) -> Leases {
        let mut leases = Leases::default();
        for config in configs {
            let (sender, receiver) = watch::channel(Vec::new());
            leases.all.push(receiver);
            let debts = actuators.debts(&config.id);
            let (outside, restart) = (self.outside.clone(), self.restart.clone());
            let (reports, wanted, stop) = (self.reports.clone(), actuators.wanted(), restart.stop.clone());
            let name = format!("the task of the device {}", config.id);
            let kept = restart.keep(name, move || {
                let debts = owed(&debts, &sender.borrow());
                let (reports, wanted, leases) = (reports.clone(), wanted.clone(), sender.clone());
                let channels = Channels { reports, wanted, leases, debts };
                let (outside, config, stop) = (outside.clone(), config.clone(), stop.clone());
                async move {
                    outside.device(config, channels, stop).await;
                    Ok(())
                }
            });
            self.tracker.spawn(self.outside.apart(kept));
        }
        leases
    }
}

/// What a device is owed at a start: what the last run left set, and after a task that failed what its leases said last.
fn owed(debts: &BTreeSet<Control>, leases: &[LeaseStatus]) -> BTreeSet<Control> {
    if leases.is_empty() {
        return debts.clone();
    }
    leases.iter().filter(|lease| is_set(lease)).map(|lease| lease.control).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::decision::{BatteryMode, Setting};
    use plant::point::DeviceId;
    use plant::record::LeaseState;

    #[test]
    fn a_device_whose_task_failed_is_owed_what_its_leases_held() {
        let debts = BTreeSet::from([Control::HeatPumpSurplus]);
        assert_eq!(owed(&debts, &[]), debts, "what the last run left, before anything was written");
        let lease = |state, mode| LeaseStatus {
            device: DeviceId("inverter".into()),
            control: Control::BatteryMode,
            state,
            setting: Some(Setting::BatteryMode(mode)),
            error: None,
        };
        let held = lease(LeaseState::Held, BatteryMode::Hold);
        assert_eq!(owed(&debts, &[held]), BTreeSet::from([Control::BatteryMode]));
        assert_eq!(owed(&debts, &[lease(LeaseState::Own, BatteryMode::Normal)]), BTreeSet::new(), "all given back");
    }
}
