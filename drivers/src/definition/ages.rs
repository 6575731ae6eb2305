//! How old samples of a device may become before they are stale, from how often they are read. A house whose time runs
//! fast is read over wires that do not, so that much of its time passes between two readings. What comes over MQTT is as
//! old as its row allows.

use super::rows::{Definition, PointRow};
use crate::pace::Pace;
use plant::point::Point;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Readings that may be missed before a sample is stale.
const MISSED: u32 = 3;
/// No sample is stale earlier, in house time: devices think about other things at times.
const LEAST: Duration = Duration::from_secs(10);
/// No sample is stale earlier, in wall time: so do machines.
const LEAST_WALL: Duration = Duration::from_secs(3);
/// What a request takes beyond the silence that the device wants between two of them.
const REQUEST: Duration = Duration::from_millis(20);

/// What guards the fuses. Over MQTT they are reported when a message brings them and not again, so that their samples
/// are as old as the messages.
pub(crate) const GUARDS: [Point; 9] = [
    Point::GridPower,
    Point::GridPowerL1,
    Point::GridPowerL2,
    Point::GridPowerL3,
    Point::GridCurrentL1,
    Point::GridCurrentL2,
    Point::GridCurrentL3,
    Point::BatteryPower,
    Point::ComputePower,
];

/// How old samples may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Those of most points.
    pub usual: Duration,
    /// Those of points of the class `slow`.
    pub slow: BTreeMap<Point, Duration>,
}

impl Definition {
    /// How old samples may be when the device is read every `interval` of house time.
    pub fn ages(&self, interval: Duration, pace: Pace) -> Ages {
        let rows = self.point.iter().filter(|row| row.topic.is_none()).count() as u32;
        let wires = (Duration::from_millis(self.timing.min_gap_ms) + REQUEST) * rows;
        let round = interval.max(pace.house(pace.real(interval).max(wires)));
        let usual = (round * MISSED).max(LEAST).max(pace.house(LEAST_WALL.max(self.between_messages())));
        let slow = usual.max(round * self.timing.slow_every.max(1) * MISSED);
        Ages { usual, slow: self.slow_points().into_iter().map(|point| (point, slow)).collect() }
    }

    /// The longest silence that the messages about [`GUARDS`] may leave.
    fn between_messages(&self) -> Duration {
        let names = self.needed(&GUARDS.into());
        let rows = self.point.iter().filter(|row| row.topic.is_some() && names.contains(&row.name));
        rows.map(PointRow::max_age).max().unwrap_or_default()
    }

    /// The points that nothing but slow rows tells.
    fn slow_points(&self) -> BTreeSet<Point> {
        let slow = |row: &&PointRow| row.slow && row.topic.is_none();
        let mut names: BTreeSet<&str> = self.point.iter().filter(slow).map(|row| row.name.as_str()).collect();
        for row in &self.derived {
            if row.ingredients().all(|part| names.contains(part.as_str())) {
                names.insert(&row.name);
            }
        }
        names.into_iter().filter_map(|name| name.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::find;
    use super::*;

    #[test]
    fn what_is_read_seldom_may_be_older_and_a_fast_house_waits_for_its_wires() {
        let pump = find("lambda-eu-l").unwrap();
        let seconds = Duration::from_secs;
        let real = pump.ages(seconds(2), Pace::default());
        assert_eq!(real.usual, seconds(10));
        let slow = [Point::OutdoorTemperature, Point::HeatPumpEnergy, Point::HeatPumpHeatEnergy];
        // Nine rows at 320 ms take longer than the interval.
        assert_eq!(real.slow, slow.map(|point| (point, Duration::from_millis(9 * 320 * 15 * 3))).into());
        let sped = pump.ages(seconds(2), Pace { speed: 60.0 });
        assert!(sped.usual >= seconds(180) && sped.slow[&Point::HeatPumpEnergy] >= sped.usual * 15, "{sped:?}");
        assert_eq!(pump.ages(seconds(60), Pace::default()).usual, seconds(180));
    }

    #[test]
    fn messages_may_be_as_old_as_their_rows_allow() {
        let usual = |id: &str, pace| find(id).unwrap().ages(Duration::from_secs(2), pace).usual.as_secs();
        for (id, expected) in
            [("evcc", 90), ("tasmota-sml", 60), ("victron-gx-mqtt", 60), ("shelly-plug", 180), ("heishamon", 10)]
        {
            assert_eq!(usual(id, Pace::default()), expected, "{id}");
        }
        assert_eq!(usual("shelly-plug", Pace { speed: 60.0 }), 180 * 60);
    }

    #[test]
    fn a_point_of_slow_parts_is_slow_and_one_with_a_fast_part_is_not() {
        let slow = find("fronius-gen24").unwrap().slow_points();
        assert!(slow.contains(&Point::PvEnergy) && !slow.contains(&Point::PvPower), "{slow:?}");
    }
}
