//! Limits: the last word. Whatever plan and dispatch want, this is what stays.
//!
//! In order: off, engine down or starting, meters that contradict each other, stale data, island operation, too hot, fuse, dimming by the grid operator, fuses of the
//! phases, battery reserve, minimum times, least power. Most only lower, and so set a *ceiling*; what raises (the minimum time on)
//! never goes beyond it. The last limit that acted is the decision's reason.
//!
//! Example: dispatch wants 1000 W; the fuse allows 17,250 W of import, of which 2 % are left alone; the meter shows 16,500 W, 200 W
//! of them compute. 16,905 - (16,500 - 200) = 605 W stay, and the reason is `fuse_limit`. Were the least power 700 W, nothing would.
//!
//! And when an input says nothing? Without the grid's power the fuse cannot be guarded: compute stops (`stale_data`). For each of the
//! others its file says it. An engine that is not known to run does not run.

/// The fuse of the sum, and dimming.
mod connection;
/// Temperatures.
mod heat;
/// The grid is lost.
mod island;
/// The fuses of the phases.
mod phases;
/// The battery's reserve.
mod reserve;
/// Minimum times.
mod times;
/// Meters that contradict each other.
mod trust;

use crate::act::dispatch::Wanted;
use crate::act::limits::heat::Heat;
use crate::act::limits::phases::PhaseLoads;
use crate::act::limits::reserve::Reserve;
use crate::act::limits::times::Times;
use crate::command::Mode;
use crate::decision::LimitHit;
use crate::point::Point;
use crate::reason::Reason;
use crate::time::Moment;
use crate::units::Watts;
use crate::value::situation::Situation;
use crate::work::WorkerState;

pub(super) use crate::act::limits::island::is_island;
pub(super) use crate::act::limits::reserve::is_near;

/// Share of the fuse that compute leaves to the next second's surprises: chosen, 345 W of a connection of 17.25 kW, what a refrigerator takes as it starts.
pub(super) const FUSE_MARGIN: f64 = 0.02;

/// What the limits remember from one second to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    heat: Heat,
    phases: PhaseLoads,
    reserve: Reserve,
    times: Times,
}

/// What the limits leave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// Compute power.
    pub budget: Watts,
    /// What compute is about to take: its budget, and the surplus that it waits to start on or that the heat pump gives up for it.
    pub claimed: Watts,
    /// Why: the limit that had the last word, or what dispatch had in mind.
    pub reason: Reason,
    /// The limits that acted.
    pub hits: Vec<LimitHit>,
    /// What compute would have but for a battery that is not seen to hold yet.
    pub awaited: Watts,
}

/// Power on its way through the limits.
struct Passage {
    power: Watts,
    ceiling: Watts,
    hits: Vec<LimitHit>,
    /// Why compute may not run at all, whatever is wanted.
    forbidden: Option<Reason>,
}

impl Passage {
    fn lower(&mut self, reason: Reason, to: Watts) {
        let to = to.positive();
        self.ceiling = self.ceiling.min(to);
        if self.power > to {
            self.power = to;
            self.hits.push(LimitHit { reason, to });
        }
    }

    fn forbid(&mut self, reason: Reason) {
        self.forbidden.get_or_insert(reason);
        self.lower(reason, Watts::ZERO);
    }

    fn raise(&mut self, reason: Reason, to: Watts) {
        let to = to.min(self.ceiling);
        if self.power < to {
            self.power = to;
            self.hits.push(LimitHit { reason, to });
        }
    }
}

impl Limits {
    /// Since when compute runs; `None` while it does not.
    pub(super) fn running_since(&self) -> Option<Moment> {
        self.times.on_since
    }

    /// What stays of `wanted` beside a battery that is set to hold since `held`.
    pub(super) fn clamp(&mut self, situation: &Situation<'_>, wanted: &Wanted, held: Option<Moment>) -> Verdict {
        let max = situation.max();
        let sound = if wanted.power.0.is_finite() { wanted.power } else { Watts::ZERO };
        let power = sound.between(Watts::ZERO, max);
        let mut passage = Passage { power, ceiling: max, hits: Vec::new(), forbidden: None };
        if situation.mode() == Mode::Off {
            passage.lower(Reason::Off, Watts::ZERO);
        }
        match situation.worker {
            WorkerState::Down => passage.forbid(Reason::WorkerDown),
            WorkerState::Starting => passage.forbid(Reason::WorkerStarting),
            WorkerState::Idle | WorkerState::Busy | WorkerState::Paused => {}
        }
        trust::guard(situation, wanted, &mut passage);
        if situation.image.get(Point::GridPower).fresh().is_none() {
            passage.forbid(Reason::StaleData);
        }
        island::guard(situation, &mut passage);
        self.heat.guard(situation, &mut passage);
        connection::guard(situation, &mut passage);
        self.phases.guard(situation, &mut passage);
        let before = passage.power;
        let waits = self.reserve.guard(situation, held, &mut passage);
        let awaited = if waits { before } else { Watts::ZERO };
        // Minimum times pass; what waits for them stays claimed.
        let ceiling = passage.ceiling;
        self.times.guard(situation, wanted, &mut passage);
        least(situation, &mut passage);
        self.times.note(situation, &passage, wanted);
        let budget = passage.power;
        let claimed = Some(wanted.claimed.min(ceiling)).filter(|claimed| *claimed >= situation.site.compute.min);
        let claimed = claimed.map_or(budget, |claimed| claimed.max(budget));
        let reason = reason(situation, wanted, &passage);
        Verdict { budget, claimed, reason, hits: passage.hits, awaited }
    }
}

/// Less than its least power is none.
fn least(situation: &Situation<'_>, passage: &mut Passage) {
    if passage.power > Watts::ZERO && passage.power < situation.site.compute.min {
        let reason = passage.hits.last().map_or(Reason::Idle, |hit| hit.reason);
        passage.lower(reason, Watts::ZERO);
    }
}

fn reason(situation: &Situation<'_>, wanted: &Wanted, passage: &Passage) -> Reason {
    if let Some(hit) = passage.hits.last() {
        return hit.reason;
    }
    // Nothing was wanted, but more would not have been possible: that is what a person should know.
    let rests = passage.power <= Watts::ZERO && situation.mode() != Mode::Off;
    passage.forbidden.filter(|_| rests).unwrap_or(wanted.reason)
}
