//! Charge against power: a battery that takes power becomes fuller.
//!
//! What the meter shows is summed up from one verdict to the next. When 3 % of the capacity have gone one way, the state of charge has
//! to have gone the same way; where it went the other by half of that, the sign is wrong. A step of several percent at once is the
//! battery's own correction of its count, and begins anew.
//!
//! Example: 10 kWh, shown charging with 2.5 kW: after 7 min 0.3 kWh, and the charge fell from 54 to 51 %. The battery discharges.
//!
//! At the reserve there is no time for that: a charge that falls by one reading while power is shown to flow in is enough, and until
//! the sign is proven, power that is shown to flow in proves nothing.

use crate::observe::judgement::steps::Answer;
use crate::site::Battery;
use crate::time::Moment;

/// Share of the capacity after which the charge is looked at, in %.
const LOOKED_AT: f64 = 3.0;
/// The same, where the battery is at its reserve.
const LOOKED_AT_LOW: f64 = 0.3;
/// How far above its reserve a battery counts as being at it, in %: one step of its charge.
const NEAR: f64 = 1.0;
/// Share of what flowed by which the charge has to move to have an opinion.
const OPINION: f64 = 0.5;
/// A step of the charge above this, in %, is a correction: half of all batteries show steps of 1 %.
const CORRECTION: f64 = 1.5;
/// No reading stands for a longer time than this, in s.
const GAP: f64 = 300.0;

/// What flowed since the last verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge {
    began: Option<f64>,
    last: Option<(Moment, f64)>,
    /// What flowed in since then, in % of the capacity.
    inflow: f64,
}

impl Charge {
    /// Takes in that the battery shows `power` (discharge +) and `soc`; the verdict, where one is due.
    pub(super) fn observe(&mut self, battery: &Battery, now: Moment, power: f64, soc: f64) -> Option<Answer> {
        let (Some((at, before)), Some(began)) = (self.last.replace((now, soc)), self.began) else {
            self.begin(soc);
            return None;
        };
        let seconds = now.since(at).as_secs_f64();
        if seconds > GAP || (soc - before).abs() > CORRECTION {
            self.begin(soc);
            return None;
        }
        self.inflow -= power * seconds / 36_000.0 / battery.capacity.0.max(0.1);
        let low = soc <= battery.reserve.0 + NEAR;
        if self.inflow.abs() < if low { LOOKED_AT_LOW } else { LOOKED_AT } {
            return None;
        }
        let moved = (soc - began) * self.inflow.signum();
        let opinion = moved.abs() >= OPINION * self.inflow.abs();
        // A charge shown in whole percents has no opinion yet; it is waited for.
        if !opinion && self.inflow.abs() < 2.0 * LOOKED_AT {
            return None;
        }
        self.begin(soc);
        opinion.then_some(if moved > 0.0 { Answer::Right } else { Answer::Turned })
    }

    fn begin(&mut self, soc: f64) {
        (self.began, self.inflow) = (Some(soc), 0.0);
    }
}
