//! The site as if everything that it describes were there and measured.

use plant::decision::Control;
use plant::point::{DeviceId, Point, Role};
use plant::site::{ControlRange, Device, HeatSource, Site};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The name of what is not there yet.
const PLANNED: &str = "planned";

/// Whether the battery may be held without a word of the owner: no device is there yet, and what most hybrid inverters allow is assumed.
pub(super) fn holds_battery(site: &Site) -> bool {
    site.devices.is_empty() && site.battery.is_some()
}

/// Whether anything can be planned of the house without a box: its battery or its heat pump.
pub(super) fn is_planned(site: &Site) -> bool {
    let mut controls = site.devices.iter().flat_map(|device| device.controls.keys());
    holds_battery(site) || controls.any(|control| matches!(control.role(), Role::Battery | Role::HeatPump))
}

/// `site` with a device that offers what no other does: what a house like it usually measures.
pub(super) fn outfitted(site: &Site) -> Site {
    let heats = matches!(site.displaced, Some(HeatSource::HeatPump { .. } | HeatSource::Electric));
    let usual = [
        (Point::GridPower, true),
        (Point::OutdoorTemperature, true),
        (Point::RoomTemperature, site.room.is_some()),
        (Point::TankTemperature, site.tank.is_some()),
        (Point::PvPower, site.pv.is_some()),
        (Point::BatteryPower, site.battery.is_some()),
        (Point::BatterySoc, site.battery.is_some()),
        (Point::ComputePower, true),
        (Point::HeatPumpPower, heats),
    ];
    let lacks = usual.into_iter().filter(|(point, is_there)| *is_there && !site.offers(*point));
    let points: BTreeSet<Point> = lacks.map(|(point, _)| point).collect();
    let range = ControlRange {
        min_interval: Duration::from_secs(60),
        words: ["normal", "hold", "charge"].into_iter().collect(),
        ..ControlRange::default()
    };
    let controls = if holds_battery(site) { BTreeMap::from([(Control::BatteryMode, range)]) } else { BTreeMap::new() };
    let mut site = site.clone();
    if !points.is_empty() {
        site.devices.push(Device {
            id: DeviceId(PLANNED.into()),
            points,
            max_age: Duration::from_secs(300),
            slow: BTreeMap::new(),
            controls,
        });
        site.devices.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    }
    site
}
