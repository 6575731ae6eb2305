//! What the real house taught: what heat it needs under which weather, how far the heat pump's COP is from its formula, and what the
//! battery loses.
//!
//! Needed heat is linear in what it depends on, so recursive least squares learn it (Ljung, System Identification, chapter 11), from
//! slots in which the heat pump runs between its limits:
//!
//! ```text
//! COP * P - scale * gain * (setpoint - room) = loss * (setpoint - outside) - a * household - b * sun - c - scale * compute's heat
//! ```
//!
//! `scale` is 1 where the COP's formula is right: compute's heat shows it. The room does not: thermometers show it in steps that are as
//! large as what it moves by. A pump that goes on and off says nothing in the slots in which it does, so only slots count that follow one
//! in which it ran between its limits too. Before there is anything to learn from, the estimate by
//! living area holds, each number with the width in which such numbers lie.
//!
//! One way of the battery: with `C` charged, `D` discharged and `S` more stored, `S = e C - D / e`, solved for `e`.

use crate::house::room;
use crate::site::Site;
use crate::time::Slot;
use serde::{Deserialize, Serialize};

/// Numbers that are learnt.
const N: usize = 5;
/// What a slot is forgotten by: it counts a third after 40 days of heating.
const FORGET: f64 = 1.0 - 1.0 / (40.0 * 96.0);
/// Standard deviation of a slot's heat before any is known, kW.
const NOISE: f64 = 0.3;
/// Least standard deviation of a slot's heat that the filter believes in, kW.
const NOISE_MIN: f64 = 0.02;
/// Slots after which the scatter that was seen counts.
const SEEN: f64 = 96.0;
/// A surprise counts for at most so many standard deviations: a window stood open.
const SURPRISE_MAX: f64 = 4.0;
/// Relative width of the COP's formula: what heating curves that nobody stated make of it.
const COP_WIDTH: f64 = 0.15;
/// The scale's bounds: no heating curve is further off.
const SCALE: [f64; 2] = [0.7, 1.4];
/// Energy for which the stated efficiency of the battery counts, kWh through it.
const CELLS_PRIOR: f64 = 20.0;
/// What is counted of the battery is halved beyond this, kWh: cells age.
const CELLS_MAX: f64 = 1000.0;

/// What was learnt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Learnt {
    /// The heat that is needed.
    heat: Option<Regression>,
    /// The newest slot in which the heat pump ran between its limits.
    between: Option<Slot>,
    /// The battery.
    pub cells: CellsSeen,
}

/// What needed heat depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Causes {
    /// Setpoint less outside, K.
    pub below: f64,
    /// The household, kW.
    pub household: f64,
    /// Sun on the ground, kW/m2.
    pub sun: f64,
    /// Compute's heat into the room, kW.
    pub compute: f64,
    /// `gain * (setpoint - room)`, kW.
    pub thermostat: f64,
}

impl Causes {
    fn vector(&self) -> [f64; N] {
        [self.below, self.household, self.sun, 1.0, -self.compute]
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Regression {
    theta: [f64; N],
    covariance: [[f64; N]; N],
    /// Mean square of the surprises, kW2.
    scatter: f64,
    seen: f64,
}

impl Learnt {
    /// Begins with the estimate where nothing was learnt.
    pub(super) fn prepare(&mut self, site: &Site) {
        if self.heat.is_none() {
            self.heat = Some(Regression::prior(site));
        }
    }

    /// Heat that is needed under `causes` but their last, in kW of the COP's formula.
    pub(super) fn needed(&self, causes: &Causes) -> f64 {
        let vector = Causes { compute: 0.0, ..*causes }.vector();
        self.heat.as_ref().map_or(0.0, |heat| dot(&heat.theta, &vector))
    }

    /// The heat that the formula makes of a real kilowatt of heat.
    pub(super) fn scale(&self) -> f64 {
        self.heat.as_ref().map_or(1.0, |heat| heat.theta[N - 1].clamp(SCALE[0], SCALE[1]))
    }

    /// Whether it has seen as much as a day of it.
    pub(super) fn has_seen(&self) -> bool {
        self.heat.as_ref().is_some_and(|heat| heat.seen >= SEEN)
    }

    /// One standard deviation of the needed heat of a slot, kW.
    pub(super) fn heat_deviation(&self) -> f64 {
        self.heat.as_ref().map_or(NOISE, |heat| heat.deviation())
    }

    /// One relative standard deviation of the scale.
    pub(super) fn scale_deviation(&self) -> f64 {
        self.heat.as_ref().map_or(COP_WIDTH, |heat| heat.covariance[N - 1][N - 1].max(0.0).sqrt().min(COP_WIDTH))
    }

    /// The heat pump ran between its limits in `slot`; whether it did in the one before, too.
    pub(super) fn steady(&mut self, slot: Slot) -> bool {
        self.between.replace(slot).is_some_and(|last| last.plus(1) == slot)
    }

    /// The heat pump gave `heat` kW, by the COP's formula, under `causes`.
    pub(super) fn observe(&mut self, causes: &Causes, heat: f64) {
        let scale = self.scale();
        if let Some(regression) = &mut self.heat {
            regression.observe(&causes.vector(), heat - scale * causes.thermostat);
        }
    }
}

impl Regression {
    fn prior(site: &Site) -> Self {
        let fabric = room::estimated(site);
        let area = site.building.area_m2.max(1.0);
        let theta = [room::loss(&fabric), -fabric.gain_of_household, -fabric.gain_of_sun_m2, -fabric.gain_kw, 1.0];
        let width = [0.4 * theta[0], 0.3, 0.02 * area, 0.002 * area, COP_WIDTH];
        let mut covariance = [[0.0; N]; N];
        for (index, width) in width.iter().enumerate() {
            covariance[index][index] = width * width;
        }
        Self { theta, covariance, scatter: NOISE * NOISE, seen: 0.0 }
    }

    fn deviation(&self) -> f64 {
        let trust = (self.seen / SEEN).min(1.0);
        (trust * self.scatter + (1.0 - trust) * NOISE * NOISE).sqrt().max(NOISE_MIN)
    }

    fn observe(&mut self, vector: &[f64; N], value: f64) {
        let deviation = self.deviation();
        let gained: [f64; N] = std::array::from_fn(|row| dot(&self.covariance[row], vector));
        let expected = dot(vector, &gained);
        let bound = SURPRISE_MAX * (deviation * deviation + expected).sqrt();
        let surprise = (value - dot(&self.theta, vector)).clamp(-bound, bound);
        let weight = FORGET * deviation * deviation + expected;
        for (theta, gained) in self.theta.iter_mut().zip(&gained) {
            *theta += gained / weight * surprise;
        }
        for (row, of_row) in self.covariance.iter_mut().zip(&gained) {
            for (value, of_column) in row.iter_mut().zip(&gained) {
                *value = (*value - of_row * of_column / weight) / FORGET;
            }
        }
        self.hold();
        self.seen += 1.0;
        let share = 1.0 / self.seen.min(10.0 * SEEN);
        self.scatter += share * (surprise * surprise - self.scatter);
    }

    /// What does not vary for long is not forgotten without bound: no variance exceeds the widest of [`WIDTH_MAX`].
    fn hold(&mut self) {
        const WIDTH_MAX: [f64; N] = [1.0, 1.0, 20.0, 2.0, COP_WIDTH];
        for (index, width) in WIDTH_MAX.iter().enumerate() {
            let most = width * width;
            if self.covariance[index][index] > most {
                let shrink = (most / self.covariance[index][index]).sqrt();
                for other in 0..N {
                    self.covariance[index][other] *= shrink;
                    self.covariance[other][index] *= shrink;
                }
            }
        }
    }
}

fn dot(left: &[f64; N], right: &[f64; N]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// What the real battery showed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CellsSeen {
    charged: f64,
    discharged: f64,
    stored: f64,
    /// The lowest state of charge seen, in %.
    pub lowest_soc: f64,
}

impl Default for CellsSeen {
    fn default() -> Self {
        Self { charged: 0.0, discharged: 0.0, stored: 0.0, lowest_soc: 100.0 }
    }
}

impl CellsSeen {
    /// Takes a slot in: `power` kW, discharge positive, while the state of charge went from the one to the other.
    pub(super) fn observe(&mut self, power: Option<f64>, soc: Option<(f64, f64)>, capacity: f64) {
        let Some((from, to)) = soc else { return };
        self.lowest_soc = self.lowest_soc.min(from).min(to);
        let Some(power) = power else { return };
        self.charged += (-power).max(0.0) * super::HOURS;
        self.discharged += power.max(0.0) * super::HOURS;
        self.stored += (to - from) / 100.0 * capacity;
        if self.charged > CELLS_MAX {
            self.charged /= 2.0;
            self.discharged /= 2.0;
            self.stored /= 2.0;
        }
    }

    /// Share of energy left after one way; `stated` counts as much as [`CELLS_PRIOR`] through it.
    pub(super) fn one_way(&self, stated: f64) -> f64 {
        let charged = self.charged + CELLS_PRIOR;
        let discharged = self.discharged + CELLS_PRIOR * stated * stated;
        let stored = self.stored;
        let seen = (stored + (stored * stored + 4.0 * charged * discharged).sqrt()) / (2.0 * charged);
        seen.clamp(0.7, 1.0)
    }
}
