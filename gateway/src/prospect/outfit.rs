//! The site as if everything that it describes were there and measured.

use plant::point::{DeviceId, Point};
use plant::site::{Device, HeatSource, Site};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The name of what is not there yet.
const PLANNED: &str = "planned";

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
    let mut site = site.clone();
    if !points.is_empty() {
        site.devices.push(Device {
            id: DeviceId(PLANNED.into()),
            points,
            max_age: Duration::from_secs(300),
            slow: BTreeMap::new(),
            controls: BTreeMap::new(),
        });
        site.devices.sort_by(|a, b| a.id.0.cmp(&b.id.0));
    }
    site
}
