//! Counters against power: what a meter counts in and out goes the way that its power shows.
//!
//! Two counters, of import and export or of charge and discharge, are compared with the power that was shown meanwhile, summed up. Net
//! of each other: some meters count each phase for itself, and then both at once. Steps of a counter (0.01 to 1 kWh, or what flows
//! in the quarter of an hour until it is read again) do not matter where four of them have passed.
//!
//! A clamp that is turned often turns its counters with it: counters that agree prove nothing. Counters that run against the
//! power do: one of them has the wrong sign.
//!
//! Example: -479 W shown for 40 min are 0.32 kWh of export; the import counter went from 812.40 to 812.72 kWh, the other stands.

use crate::time::Moment;
use std::time::Duration;

/// The least energy that is looked at, in kWh.
const LEAST: f64 = 0.3;
/// Steps of a counter that have to have passed.
const STEPS: f64 = 4.0;
/// Share of what flowed in and out together that has to be net.
const NET: f64 = 0.5;
/// Share by which counters and power may differ: losses of a battery, and readings that are missing.
const EXACT: f64 = 0.3;
/// After so much without a verdict all begins anew, in kWh.
const MOST: f64 = 8.0;
/// No reading of the power stands for a longer time than this.
const GAP: Duration = Duration::from_secs(60);

/// What flowed since the last verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    seen: Option<Seen>,
    against: bool,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Moment,
    began: [f64; 2],
    last: [f64; 2],
    /// The greatest step of a counter.
    step: f64,
    /// What the power shows to have flowed in and out, in kWh.
    flowed: [f64; 2],
}

impl Counters {
    /// Takes in that the meter shows `power` (in +) and what it counted in and out.
    pub(super) fn observe(&mut self, now: Moment, power: f64, counted: [f64; 2]) {
        let runs = |seen: &Seen| now.since(seen.at) <= GAP && (0..2).all(|way| counted[way] >= seen.last[way]);
        let Some(mut seen) = self.seen.filter(runs) else {
            self.begin(now, counted, 0.0);
            return;
        };
        let energy = power * now.since(seen.at).as_secs_f64() / 3.6e6;
        seen.flowed[usize::from(energy < 0.0)] += energy.abs();
        let steps = [counted[0] - seen.last[0], counted[1] - seen.last[1]];
        seen.step = seen.step.max(steps[0]).max(steps[1]);
        (seen.at, seen.last) = (now, counted);
        self.seen = Some(seen);
        let (net, gross) = (seen.flowed[0] - seen.flowed[1], seen.flowed[0] + seen.flowed[1]);
        let net_counted = (counted[0] - seen.began[0]) - (counted[1] - seen.began[1]);
        if net.abs() >= LEAST.max(STEPS * seen.step) && net.abs() >= NET * gross {
            let along = net_counted / net;
            if (along - 1.0).abs() <= EXACT || (along + 1.0).abs() <= EXACT {
                self.against = along < 0.0;
                self.begin(now, counted, seen.step);
            }
        }
        if gross >= MOST {
            self.begin(now, counted, seen.step);
        }
    }

    /// Whether the counters run against the power.
    pub(super) fn run_against(&self) -> bool {
        self.against
    }

    fn begin(&mut self, now: Moment, counted: [f64; 2], step: f64) {
        self.seen = Some(Seen { at: now, began: counted, last: counted, step, flowed: [0.0; 2] });
    }
}
