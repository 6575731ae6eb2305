//! Values as the cycle sees them: fresh, stale or missing, and frozen while it decides.

use crate::point::Point;
use crate::time::{Moment, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the house takes is the sum of these points, each with its sign.
pub const HOUSE_BALANCE: [(Point, f64); 6] = [
    (Point::GridPower, 1.0),
    (Point::PvPower, 1.0),
    (Point::BatteryPower, 1.0),
    (Point::HeatPumpPower, -1.0),
    (Point::WallboxPower, -1.0),
    (Point::ComputePower, -1.0),
];

/// A value together with how much it can be trusted. Unknown is never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Known<T> {
    /// Received within its maximum age.
    Fresh {
        /// The value.
        value: T,
    },
    /// The last value, too old to act on.
    Stale {
        /// The last value.
        value: T,
        /// Its age in seconds.
        age_s: u64,
    },
    /// Never received, or the device said it has none.
    #[default]
    Missing,
}

impl<T: Copy> Known<T> {
    /// The value, only if it is fresh.
    pub fn fresh(self) -> Option<T> {
        match self {
            Known::Fresh { value } => Some(value),
            Known::Stale { .. } | Known::Missing => None,
        }
    }

    /// The last value, fresh or stale: for showing, not for acting.
    pub fn last(self) -> Option<T> {
        match self {
            Known::Fresh { value } | Known::Stale { value, .. } => Some(value),
            Known::Missing => None,
        }
    }

    /// The same trust with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Known::Fresh { value } => Known::Fresh { value: f(value) },
            Known::Stale { value, age_s } => Known::Stale { value: f(value), age_s },
            Known::Missing => Known::Missing,
        }
    }

    /// A value received `age` ago that may be at most `max_age` old.
    pub fn aged(value: T, age: Duration, max_age: Duration) -> Self {
        if age <= max_age { Known::Fresh { value } } else { Known::Stale { value, age_s: age.as_secs() } }
    }
}

/// How far the meters of a moment can be trusted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Nothing contradicts.
    #[default]
    Sound,
    /// Nothing contradicts, but nothing would show it either: PV is unknown, and the grid meter has not answered to compute yet.
    Unproven,
    /// Something contradicts, and the answer to compute at its least power will tell what.
    Trial,
    /// The grid's power cannot be what its meter shows.
    Contradicted,
}

/// The house at one moment: every point, as `observe/readings.rs` puts together the devices that offer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The time.
    pub at: Timestamp,
    /// The same on the steady clock.
    pub moment: Moment,
    /// The points the site has; a point that no device offers is not in the map.
    pub points: BTreeMap<Point, Known<f64>>,
    /// When the points were read last; where several devices add up, the oldest of them.
    pub taken: BTreeMap<Point, Moment>,
    /// How far they can be trusted together.
    pub trust: Trust,
}

impl Image {
    /// The value of a point; missing where the site has none.
    pub fn get(&self, point: Point) -> Known<f64> {
        self.points.get(&point).copied().unwrap_or_default()
    }
}
