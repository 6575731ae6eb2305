//! The account: whether the limits hold, by true powers alone. It knows no formula of `act/limits.rs`.
//!
//! A connection is above its limit *through compute* while it is above it, compute is on, and what all others took then would have
//! left compute less than it takes. How long that may last: until a reading from after its beginning arrives, one cycle, and the
//! time the box takes to obey. Where no such reading comes, until the last one is stale.
//!
//! Example: others rise from 12 to 16 kW at 10:00:03 beside 5 kW of compute at a fuse of 17.25 kW. The meter reads at 10:00:05 and
//! shows it at 10:00:07, the cycle comes at 10:00:08, the box obeys within 4 s: from 10:00:12 on it is a fault.

use super::truth::Truth;
use std::collections::{BTreeMap, VecDeque};

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Guarded {
    Connection,
    Phase(usize),
    /// What the dimmed loads draw from the grid.
    Dimming,
    Reserve,
    Off,
    /// A dead grid meter.
    Blind,
}

/// The limits of the house, in W, and the times it needs, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub connection: f64,
    /// Of each phase, and on which of them compute is.
    pub phase: Option<(f64, Vec<usize>)>,
    /// Whether compute is one of the dimmed loads, and whether heat pump and battery are.
    pub dims: (bool, bool, bool),
    /// The battery's reserve in %, and for how many seconds compute may take from it below that, until it is read and obeyed.
    pub reserve: Option<(f64, f64)>,
    /// How long the box may take to obey, its start aside.
    pub obeys: f64,
    /// When the grid's reading is stale.
    pub max_age: f64,
    /// How long any power may be behind the truth: for dimming, and for phases that follow from the whole house.
    pub behind: f64,
    /// Whether the phases are read.
    pub phased: bool,
}

/// One step, as it truly was.
#[derive(Clone, Copy, Debug)]
struct Past {
    t: f64,
    truth: Truth,
    dimmed: Option<f64>,
}

/// What happens besides the powers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub t: f64,
    pub dt: f64,
    pub budget: f64,
    pub off: bool,
    pub dimmed: Option<f64>,
    /// The box does not hear: it is judged by what it was set to.
    pub deaf: bool,
    /// The grid's meter repeats itself, or some meter does: nobody can see what flows.
    pub stuck: (bool, bool),
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub bounds: Bounds,
    /// What broke, with the moment and the numbers; the first of each kind.
    pub faults: BTreeMap<Guarded, String>,
    /// Seconds for which each limit was passed through compute, allowed or not.
    pub beyond: BTreeMap<Guarded, f64>,
    /// Wh that compute took out of a battery below its reserve for longer than that.
    pub below_reserve: f64,
    past: VecDeque<Past>,
    /// Arrival and moment of the grid's readings.
    seen: VecDeque<(f64, f64)>,
    off_since: Option<f64>,
    taking_since: Option<f64>,
    deaf_until: f64,
    stuck_until: (f64, f64),
}

/// The core decides once a second.
const CYCLE: f64 = 1.0;
/// The house moves in steps; what happens within one is not seen.
const SLACK: f64 = 0.45;
/// Below this no power counts: a meter's last digit, in W.
const DIGIT: f64 = 2.0;
/// What is remembered, in seconds: longer than any reading's age and the time to obey.
const MEMORY: f64 = 260.0;

impl Account {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            faults: BTreeMap::new(),
            beyond: BTreeMap::new(),
            below_reserve: 0.0,
            past: VecDeque::new(),
            seen: VecDeque::new(),
            off_since: None,
            taking_since: None,
            deaf_until: 0.0,
            stuck_until: (0.0, 0.0),
        }
    }

    /// A reading of the grid that was true at `taken` arrives.
    pub(crate) fn grid_seen(&mut self, t: f64, taken: f64) {
        self.seen.push_back((t, taken));
        while self.seen.front().is_some_and(|(arrived, _)| t - arrived > MEMORY) {
            self.seen.pop_front();
        }
    }

    pub(crate) fn step(&mut self, truth: Truth, now: Circumstances) {
        let t = now.t;
        self.past.push_back(Past { t, truth, dimmed: now.dimmed });
        while self.past.front().is_some_and(|past| t - past.t > MEMORY) {
            self.past.pop_front();
        }
        if now.deaf {
            self.deaf_until = t + self.bounds.obeys + CYCLE;
        }
        let after = t + self.bounds.obeys + CYCLE;
        if now.stuck.0 {
            self.stuck_until.0 = after + self.bounds.max_age;
        }
        if now.stuck.1 {
            self.stuck_until.1 = after + self.bounds.behind;
        }
        let compute = if t < self.deaf_until { truth.compute.min(now.budget) } else { truth.compute };
        self.reserve(&Truth { compute, ..truth }, &now);
        self.silence(compute, &now);
        if compute <= DIGIT {
            return;
        }
        if t >= self.stuck_until.0 {
            self.watch(Guarded::Connection, compute, &now);
            let phases = self.bounds.phase.as_ref().map_or(Vec::new(), |(_, phases)| phases.clone());
            phases.into_iter().for_each(|phase| self.watch(Guarded::Phase(phase), compute, &now));
        }
        if self.bounds.dims.0 && now.dimmed.is_some() && t >= self.stuck_until.1 {
            self.watch(Guarded::Dimming, compute, &now);
        }
    }

    /// How far above its limit what is guarded would have been in `past` with `compute`.
    fn excess(&self, guarded: Guarded, past: &Past, compute: f64) -> f64 {
        let truth = &past.truth;
        match guarded {
            Guarded::Phase(phase) => {
                let Some((limit, computing)) = &self.bounds.phase else { return f64::MIN };
                let share = computing.len() as f64;
                truth.phases[phase] + (compute - truth.compute) / share - limit
            }
            Guarded::Dimming => {
                let Some(dimmed) = past.dimmed else { return f64::MIN };
                let (_, heat_pump, battery) = self.bounds.dims;
                let pump = if heat_pump { truth.heat_pump } else { 0.0 };
                let charge = if battery { (-truth.battery).max(0.0) } else { 0.0 };
                // Own sun is free: the loads draw no more from the grid than the house does.
                (compute + pump + charge).min((truth.others() + compute).max(0.0)) - dimmed
            }
            Guarded::Connection | Guarded::Reserve | Guarded::Off | Guarded::Blind => {
                truth.others() + compute - self.bounds.connection
            }
        }
    }

    fn watch(&mut self, guarded: Guarded, compute: f64, now: &Circumstances) {
        let Some(newest) = self.past.back() else { return };
        if self.excess(guarded, newest, compute) <= DIGIT {
            return;
        }
        *self.beyond.entry(guarded).or_default() += now.dt;
        // Since when it is above the limit, and what compute takes would have been too much.
        let fine = |past: &&Past| {
            let was = past.truth.compute.min(compute);
            self.excess(guarded, past, was) <= DIGIT || self.excess(guarded, past, compute) <= DIGIT
        };
        let Some(began) = self.past.iter().rev().find(fine).map(|past| past.t) else {
            let from = self.past.front().map_or(now.t, |past| past.t);
            return self.fault(guarded, now, format!("above since before {from:.1} with {compute:.0} W: {newest:?}"));
        };
        let read = self.seen.iter().find(|(_, taken)| *taken > began).map(|(arrived, _)| *arrived);
        let stale = began + self.bounds.max_age;
        let known = match guarded {
            Guarded::Dimming => began + self.bounds.behind,
            Guarded::Phase(_) if !self.bounds.phased => began + self.bounds.behind,
            Guarded::Connection | Guarded::Phase(_) | Guarded::Reserve | Guarded::Off | Guarded::Blind => {
                read.map_or(stale, |read| read.min(stale))
            }
        };
        if now.t > known + CYCLE + self.bounds.obeys + SLACK {
            let excess = self.excess(guarded, newest, compute);
            let words = format!(
                "{excess:.0} W above since {began:.1}, known at {known:.1}, with {compute:.0} of {:.0} W: {:?}",
                now.budget, newest.truth
            );
            self.fault(guarded, now, words);
        }
    }

    /// No compute in mode `off`, and none on a dead meter.
    fn silence(&mut self, compute: f64, now: &Circumstances) {
        self.off_since = now.off.then(|| self.off_since.unwrap_or(now.t));
        let may = CYCLE + self.bounds.obeys + SLACK;
        if compute > DIGIT && self.off_since.is_some_and(|since| now.t > since + may) {
            self.fault(Guarded::Off, now, format!("{compute:.0} W in mode off"));
        }
        let heard = self.seen.back().map_or(0.0, |(arrived, _)| *arrived);
        if compute > DIGIT && now.t > heard + self.bounds.max_age + may {
            self.fault(Guarded::Blind, now, format!("{compute:.0} W, and the meter is silent since {heard:.1}"));
        }
    }

    fn reserve(&mut self, truth: &Truth, now: &Circumstances) {
        let Some((reserve, noticed)) = self.bounds.reserve else { return };
        let taken = truth.battery_through_compute();
        self.taking_since = (truth.soc < reserve && taken > DIGIT).then(|| self.taking_since.unwrap_or(now.t));
        if self.taking_since.is_some_and(|since| now.t > since + noticed) && now.t >= self.stuck_until.1 {
            self.below_reserve += taken * now.dt / 3600.0;
        }
        if self.below_reserve > 0.1 {
            let words = format!("{:.0} Wh taken below the reserve: {truth:?}", self.below_reserve);
            self.fault(Guarded::Reserve, now, words);
        }
    }

    pub(crate) fn fault(&mut self, guarded: Guarded, now: &Circumstances, words: String) {
        self.faults.entry(guarded).or_insert_with(|| format!("at {:.1} s: {words}", now.t));
    }
}
