//! The devices around the loop.

use super::outside::Outside;
use crate::actuate::Actuators;
use crate::clock::Clock;
use crate::leases::Leases;
use drivers::device::{Channels, DeviceConfig, Report};
use drivers::pace::Pace;
use plant::site::Site;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
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
    /// Cancelled when the loop has ended: then each device gets its own control back.
    pub stop: &'a CancellationToken,
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
            let (wanted, debts) = (actuators.wanted(), actuators.debts(&config.id));
            let channels = Channels { reports: self.reports.clone(), wanted, leases: sender, debts };
            self.tracker.spawn(self.outside.device(config, channels, self.stop.clone()));
        }
        leases
    }
}
