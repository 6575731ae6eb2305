//! The devices around the loop.

use super::outside::{Line, Outside};
use crate::actuate::ORDERS_MAX;
use crate::clock::Clock;
use drivers::device::{DeviceConfig, Report};
use drivers::pace::Pace;
use plant::decision::Setpoint;
use plant::point::DeviceId;
use plant::site::Site;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
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

/// Starts the devices, which report to `reports`; returns the channels for their setpoints.
pub(super) fn start(
    configs: Vec<DeviceConfig>,
    outside: &impl Outside,
    reports: &mpsc::Sender<Report>,
    stop: &CancellationToken,
    tracker: &TaskTracker,
) -> BTreeMap<DeviceId, mpsc::Sender<Setpoint>> {
    let started = configs.into_iter().map(|config| {
        let (sender, setpoints) = mpsc::channel(ORDERS_MAX);
        let id = config.id.clone();
        tracker.spawn(outside.device(config, Line { reports: reports.clone(), setpoints, stop: stop.clone() }));
        (id, sender)
    });
    started.collect()
}
