//! What the books lack at present, since when, and why, in words for a person.
//!
//! Example: the box's plug falls silent at 14:03. From 14:04 on a problem says: "The books lack compute's energy, and what it costs and
//! earns, since 14:03: compute.power is not known". The energies of grid, PV, battery and heat pump go on.

use crate::books::account::Held;
use crate::point::Point;
use crate::time::Timestamp;
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// A shorter gap is nothing that anybody has to know.
const LASTING: TimeDelta = TimeDelta::seconds(60);

/// What the books lack while a point is silent.
const LACKING: [(Point, &str); 5] = [
    (Point::GridPower, "everything"),
    (Point::PvPower, "the energy of PV"),
    (Point::BatteryPower, "the energy of the battery, and the comparison with the house without compute,"),
    (Point::HeatPumpPower, "the energy of the heat pump"),
    (Point::ComputePower, "compute's energy, and what it costs and earns,"),
];

/// The points whose silence leaves a gap, and since when each is silent.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    since: BTreeMap<Point, Timestamp>,
    /// Whether PV made power when it was known last: an inverter that falls asleep in the evening leaves no gap.
    sunny: bool,
}

impl Gaps {
    /// Takes note of what is held from `now` on.
    pub(super) fn observe(&mut self, now: Timestamp, held: Option<&Held>) {
        self.sunny = held.and_then(Held::is_sunny).unwrap_or(self.sunny);
        let mut silent = held.map_or_else(|| vec![Point::GridPower], Held::silent);
        silent.retain(|point| *point != Point::PvPower || self.sunny);
        self.since.retain(|point, since| silent.contains(point) && *since <= now);
        for point in silent {
            self.since.entry(point).or_insert(now);
        }
    }

    /// Whether PV made power when it was known last.
    pub(super) fn is_sunny(&self) -> bool {
        self.sunny
    }

    /// What is lacking at `now`.
    pub(super) fn problems(&self, now: Timestamp, timezone: Tz) -> Vec<String> {
        let lasting = |(point, what): (Point, &str)| {
            let since = self.since.get(&point).filter(|since| now - **since >= LASTING)?;
            let since = since.with_timezone(&timezone).format("%H:%M");
            Some(format!("The books lack {what} since {since}: {point} is not known"))
        };
        LACKING.into_iter().filter_map(lasting).collect()
    }
}
