//! Charge against power: a battery that takes power becomes fuller.
//!
//! A *run* is a time in which the meter shows power in one direction only, at a twentieth of the capacity in an hour or more: what a
//! battery takes for itself empties it while it shows rest. Two minutes into the run the state of charge shows what was before it no
//! more; from then on power and charge are compared.
//!
//! Right: the charge has moved along by half of what flowed. Turned: 3 % of the capacity went one way, and the charge 2 % the other. A
//! step of several percent at once is the battery's own correction of its count, and begins anew.
//!
//! Still: 5 % went one way, and the charge moved by less than a quarter of it. Then power or charge is stuck.
//!
//! Example: 10 kWh, shown charging with 2.5 kW: after 10 min 0.3 kWh counted, and the charge fell from 54 to 51 %. The battery discharges.

use crate::observe::judgement::steps::Answer;
use crate::site::Battery;
use crate::time::Moment;
use std::time::Duration;

/// The least power of a run, in W for each kWh of capacity.
const LEAST: f64 = 50.0;
/// How late the state of charge is.
const LATE: Duration = Duration::from_secs(120);
/// What has to have flowed, in % of the capacity, and how far the charge has to have moved along.
const RIGHT: (f64, f64) = (0.3, 0.25);
/// The same for the opposite: half of all batteries show steps of 1 %.
const TURNED: (f64, f64) = (3.0, 2.0);
/// What has to have flowed while the charge stood still, and the share of it that is still.
const STILL: (f64, f64) = (5.0, 0.25);
/// Share of what flowed by which the charge has to move to have an opinion.
const OPINION: f64 = 0.5;
/// A step of the charge above this, in %, is a correction.
const CORRECTION: f64 = 1.5;
/// No reading stands for a longer time than this.
const GAP: Duration = Duration::from_secs(60);

/// The run that lasts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Charge {
    run: Option<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    charging: bool,
    since: Moment,
    last: (Moment, f64),
    /// The charge that is compared with, in %.
    began: f64,
    /// What flowed since then, in % of the capacity.
    flow: f64,
}

impl Charge {
    /// Whether the charge stands still though much flowed.
    pub(super) fn is_still(&self) -> bool {
        self.run.is_some_and(|run| run.flow >= STILL.0 && (run.last.1 - run.began).abs() < STILL.1 * run.flow)
    }

    /// Takes in that the battery shows `power` (discharge +) and `soc`; the verdict, where one is due.
    pub(super) fn observe(&mut self, battery: &Battery, now: Moment, power: f64, soc: f64) -> Option<Answer> {
        let capacity = battery.capacity.0.max(0.1);
        if power.abs() < LEAST * capacity {
            self.run = None;
            return None;
        }
        let charging = power < 0.0;
        let lasts = |run: &&mut Run| {
            run.charging == charging && now.since(run.last.0) <= GAP && (soc - run.last.1).abs() <= CORRECTION
        };
        let Some(run) = self.run.as_mut().filter(lasts) else {
            self.run = Some(Run { charging, since: now, last: (now, soc), began: soc, flow: 0.0 });
            return None;
        };
        let seconds = now.since(run.last.0).as_secs_f64();
        run.last = (now, soc);
        if now.since(run.since) < LATE {
            run.began = soc;
            return None;
        }
        run.flow += power.abs() * seconds / 36_000.0 / capacity;
        let moved = if charging { soc - run.began } else { run.began - soc };
        let verdict = match () {
            () if run.flow >= RIGHT.0 && moved >= RIGHT.1.max(OPINION * run.flow) => Answer::Right,
            () if run.flow >= TURNED.0 && -moved >= TURNED.1.max(OPINION * run.flow) => Answer::Turned,
            () => return None,
        };
        (run.began, run.flow) = (soc, 0.0);
        Some(verdict)
    }
}
