//! The devices around the loop.

use super::outside::Outside;
use super::restart::Restart;
use crate::actuate::Actuators;
use crate::clock::Clock;
use crate::debts::Ways;
use crate::leases::Leases;
use drivers::debt::Debt;
use drivers::device::{Channels, DeviceConfig, Report};
use drivers::pace::Pace;
use plant::point::DeviceId;
use plant::record::LeaseStatus;
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
    /// Keeps their tasks until the loop has ended: then each device gets its own control back.
    pub restart: Restart,
    /// Where their tasks are tracked.
    pub tracker: &'a TaskTracker,
    /// Where their debts are written down.
    pub debts: Ways,
}

impl<O: Outside> Start<'_, O> {
    /// Starts the devices under what `actuators` want of them, and those that are `gone` to be given back; returns who holds
    /// their controls.
    pub(super) fn devices(self, configs: Vec<DeviceConfig>, gone: Vec<DeviceConfig>, actuators: &Actuators) -> Leases {
        let mut leases = Leases::default();
        for config in configs {
            let restart = self.restart.clone();
            leases.all.push(self.device(config, actuators, restart));
        }
        for config in gone {
            tracing::warn!(device = %config.id, address = %config.address, "is not configured any more; it is given back");
            let restart = Restart { stop: self.restart.stop.child_token(), ..self.restart.clone() };
            let stop = restart.stop.clone();
            self.tracker.spawn(stop_when_settled(config.id.clone(), self.debts.all.clone(), stop));
            leases.all.push(self.device(config, actuators, restart));
        }
        leases
    }

    /// Keeps the task of a device running. One that failed is owed what is written down for it.
    fn device(
        &self,
        config: DeviceConfig,
        actuators: &Actuators,
        restart: Restart,
    ) -> watch::Receiver<Vec<LeaseStatus>> {
        let (sender, receiver) = watch::channel(Vec::new());
        let (outside, debts, reports) = (self.outside.clone(), self.debts.clone(), self.reports.clone());
        let (wanted, stop) = (actuators.wanted(), restart.stop.clone());
        let name = format!("the task of the device {}", config.id);
        let start = move || {
            let (reports, wanted, leases) = (reports.clone(), wanted.clone(), sender.clone());
            let channels = Channels { reports, wanted, leases, debts: debts.of(&config) };
            let (outside, config, stop) = (outside.clone(), config.clone(), stop.clone());
            async move {
                outside.device(config, channels, stop).await;
                Ok(())
            }
        };
        let last = start.clone();
        let kept = async move {
            // A task that had failed when the end came gives its device back all the same.
            if !restart.keep(name, start).await {
                let _ = last().await;
            }
        };
        self.tracker.spawn(self.outside.apart(kept));
        receiver
    }
}

/// A device that is only there to be given back ends when it has been.
async fn stop_when_settled(device: DeviceId, mut all: watch::Receiver<Vec<Debt>>, stop: CancellationToken) {
    let settled = all.wait_for(|all| all.iter().all(|debt| debt.device != device));
    tokio::select! {
        Ok(_) = settled => {
            tracing::info!(%device, "was given back; nothing more is wanted of it");
            stop.cancel();
        }
        () = stop.cancelled() => {}
    }
}
