//! Stuck meters: a value that stays the same to the last digit while the powers around it move is old, however fresh its
//! samples look.
//!
//! Example: the grid meter repeats 1234.5 W for three minutes while PV, battery, heat pump and compute together move by 600 W.
//! The house's own consumption would have had to change by exactly the opposite: the meter counts as stale.

use crate::image::{HOUSE_BALANCE, Known};
use crate::point::Point;
use crate::site::Site;
use crate::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// The others have to move by this much, in W.
const MOVED: f64 = 500.0;
/// A meter this close to zero, in W, may be held there by the battery's control.
const RESTING: f64 = 20.0;

/// What one meter showed since its value last changed.
#[derive(Clone, Debug)]
pub(super) struct StuckMeter {
    point: Point,
    patience: Duration,
    held_at: Vec<f64>,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    value: f64,
    since: Moment,
    cycles: u32,
    others_low: f64,
    others_high: f64,
}

impl StuckMeter {
    /// The meters that are watched: those that must move when anything in the house does, the battery, which serves it, and
    /// PV, which the sky moves.
    pub(super) fn all(site: &Site) -> BTreeMap<Point, StuckMeter> {
        let watch = |point, minutes: u64, held_at| {
            (point, StuckMeter { point, patience: Duration::from_secs(60 * minutes), held_at, seen: None })
        };
        let export = site.grid.export_limit.map(|limit| -limit.0);
        // Full power either way is kept for hours.
        let battery = site.battery.as_ref().map(|battery| [battery.discharge_max.0, -battery.charge_max.0]);
        let peak = site.pv.map(|pv| pv.peak.0);
        BTreeMap::from([
            watch(Point::GridPower, 3, export.into_iter().collect()),
            watch(Point::HousePower, 10, Vec::new()),
            watch(Point::BatteryPower, 10, battery.into_iter().flatten().collect()),
            watch(Point::PvPower, 45, peak.into_iter().collect()),
        ])
    }

    /// For how long the meter has been stuck at `now`; `None` while it lives.
    pub(super) fn stuck_for(&mut self, points: &BTreeMap<Point, Known<f64>>, now: Moment) -> Option<Duration> {
        let value = points.get(&self.point)?.fresh()?;
        let others = self.others(points)?;
        match &mut self.seen {
            Some(seen) if seen.value.to_bits() == value.to_bits() => {
                seen.cycles = seen.cycles.saturating_add(1);
                seen.others_low = seen.others_low.min(others);
                seen.others_high = seen.others_high.max(others);
            }
            Some(_) | None => {
                self.seen = Some(Seen { value, since: now, cycles: 1, others_low: others, others_high: others });
            }
        }
        let seen = self.seen?;
        let held = value.abs() < RESTING || self.held_at.iter().any(|hold| (value - hold).abs() < 0.02 * hold.abs());
        let age = now.since(seen.since);
        let moved = seen.others_high - seen.others_low > MOVED.max(0.2 * value.abs());
        (!held && moved && age >= self.patience && seen.cycles >= 8).then_some(age)
    }

    /// What the rest of the house moves in sum; it cannot change alone.
    fn others(&self, points: &BTreeMap<Point, Known<f64>>) -> Option<f64> {
        let mut sum = 0.0;
        for (point, sign) in HOUSE_BALANCE {
            if point == self.point {
                continue;
            }
            if let Some(known) = points.get(&point) {
                sum += sign * known.fresh()?;
            }
        }
        Some(sum)
    }
}
