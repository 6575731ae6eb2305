//! Dispatch: the power that compute wants this second. It follows the real surplus inside what the plan intends.
//!
//! Terms: the plan gives a *floor* (power from wherever it comes) and a *ceiling* (power on surplus). *Available* is the surplus
//! that compute may have, what the battery should charge with deducted. Start and stop have a hysteresis in time (debounce): the
//! surplus has to stay above, or below, the least power for `enable_delay` or `disable_delay`.
//!
//! ```text
//!                surplus > min + dead band for enable_delay
//!   waiting  -------------------------------------------------->  following
//!            <--------------------------------------------------
//!                surplus < min for disable_delay
//! ```
//!
//! Following (`follow.rs`), compute draws what is left over, at least its least power; the plan's floor holds in either state.
//!
//! Example: least power 300 W, delays of 60 s and 120 s, no floor, ceiling 1000 W. The surplus rises to 800 W at 10:00:00: compute
//! starts at 10:01:00 with 800 W. A cloud takes the surplus to 100 W at 10:20:00: compute falls to 300 W with the first reading that
//! shows it, draws 200 W from elsewhere, and stops at 10:22:00 if the cloud has not passed.
//!
//! Compute *claims* the surplus that it follows or waits to start on, with what the heat pump would give up of it: the heat pump is
//! offered the rest. It draws no more than what is there.
//!
//! With the surplus unknown only the floor stays, and what would follow it waits (`stale_data`).

use crate::act::follow::{DEAD_BAND, Follower};
use crate::act::heating::Heating;
use crate::command::Mode;
use crate::reason::{Reason, Worth};
use crate::time::Moment;
use crate::units::{EurPerKwh, Watts};
use crate::value::situation::Situation;
use std::time::Duration;

/// What dispatch wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Compute power.
    pub power: Watts,
    /// Its reason.
    pub reason: Reason,
    /// The three numbers at that power.
    pub worth: Worth,
    /// What compute takes of the surplus, is about to take, or would take if the heat pump gave it up.
    pub claimed: Watts,
    /// Whether the owner waits for it, so that compute starts although it has just stopped.
    pub at_once: bool,
}

/// What dispatch remembers from one second to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dispatch {
    following: bool,
    /// Since when the surplus has been on the other side of the threshold.
    crossed: Option<Moment>,
    follower: Follower,
    claimed: Watts,
    heating: Heating,
}

/// The bounds for this second.
#[derive(Clone, Copy, Debug)]
struct Intention {
    floor: Watts,
    ceiling: Watts,
    battery_first: bool,
    reason: Reason,
}

impl Intention {
    fn nothing(reason: Reason) -> Self {
        Self { floor: Watts::ZERO, ceiling: Watts::ZERO, battery_first: true, reason }
    }

    fn surplus(ceiling: Watts) -> Self {
        Self { ceiling, ..Self::nothing(Reason::Idle) }
    }
}

impl Dispatch {
    /// What compute should draw in `situation`.
    pub(super) fn dispatch(&mut self, situation: &Situation<'_>) -> Wanted {
        let max = situation.max();
        self.claimed = Watts::ZERO;
        let intention = match situation.mode() {
            Mode::Off => return self.rest(situation, Reason::Off),
            Mode::Boost => {
                // What the surplus did before and does meanwhile says nothing of the time after.
                (self.crossed, self.follower) = (None, Follower::default());
                return wanted(situation, max, Reason::Boost, situation.demand.next());
            }
            Mode::Surplus => Intention::surplus(max),
            Mode::Heat => self.heat(situation),
            Mode::Auto | Mode::Eco => intended(situation),
        };
        let (power, reason) = self.follow(situation, &intention);
        if let Some(interactive) = interactive(situation) {
            return interactive;
        }
        Wanted { claimed: self.claimed, ..wanted(situation, power, reason, situation.demand.next()) }
    }

    /// Heat demand, else what was promised.
    fn heat(&mut self, situation: &Situation<'_>) -> Intention {
        if let Some(power) = self.heating.demand(situation) {
            return Intention { floor: power, ceiling: power, battery_first: true, reason: Reason::HeatDemand };
        }
        let promised = situation.planned.filter(|planned| planned.reason == Reason::Deadline);
        promised.map_or(Intention::nothing(Reason::Idle), |planned| Intention {
            floor: planned.floor,
            ceiling: planned.floor,
            battery_first: true,
            reason: Reason::Deadline,
        })
    }

    fn follow(&mut self, situation: &Situation<'_>, intention: &Intention) -> (Watts, Reason) {
        let Some(available) = situation.available(intention.battery_first) else {
            (self.following, self.crossed, self.follower) = (false, None, Follower::default());
            let waiting = intention.floor <= Watts::ZERO && intention.ceiling > Watts::ZERO;
            return (intention.floor, if waiting { Reason::StaleData } else { intention.reason });
        };
        let compute = &situation.site.compute;
        let margin = if self.following { Watts::ZERO } else { compute.max * DEAD_BAND };
        // What the heat pump gives up counts for what runs; to start on, it has to be there.
        let claimable = available + situation.yields;
        let reaches = |surplus: Watts| surplus >= compute.min + margin && intention.ceiling >= compute.min;
        let enough = reaches(if self.following { claimable } else { available });
        if reaches(claimable) && situation.demand.any() {
            self.claimed = claimable.min(intention.ceiling);
        }
        self.cross(situation, enough, intention.floor >= compute.min);
        if !self.following || intention.ceiling < compute.min {
            self.follower = Follower::default();
            return (intention.floor, intention.reason);
        }
        let followed = self.follower.follow(situation, available.between(compute.min, intention.ceiling));
        if followed <= intention.floor {
            return (intention.floor, intention.reason);
        }
        let reason = if intention.floor > Watts::ZERO { intention.reason } else { surplus_reason(situation) };
        (followed, reason)
    }

    /// Moves between waiting and following. Compute that runs anyway has nothing to wait for.
    fn cross(&mut self, situation: &Situation<'_>, enough: bool, runs_anyway: bool) {
        if enough == self.following {
            self.crossed = None;
            return;
        }
        let now = situation.moment;
        let since = *self.crossed.get_or_insert(now);
        let compute = &situation.site.compute;
        let delay = match (enough, runs_anyway) {
            (true, true) => Duration::ZERO,
            (true, false) => compute.enable_delay,
            (false, _) => compute.disable_delay,
        };
        if now.since(since) >= delay {
            self.following = enough;
            self.crossed = None;
        }
    }

    fn rest(&mut self, situation: &Situation<'_>, reason: Reason) -> Wanted {
        *self = Self::default();
        wanted(situation, Watts::ZERO, reason, situation.demand.next())
    }
}

/// The plan's bounds; without a plan, only surplus that brings more here than on the grid.
fn intended(situation: &Situation<'_>) -> Intention {
    if let Some(planned) = situation.planned {
        let max = situation.max();
        let floor = planned.floor.min(max);
        // The plan counts on a battery that holds. Where it does not, it would feed what is worth only the grid's price.
        let worth = || situation.worth(floor, situation.demand.next()).net();
        let unheld = situation.disobeyed && worth() <= EurPerKwh::ZERO;
        // What was promised is kept, also at a price that nobody has said yet.
        let promised = planned.reason == Reason::Deadline;
        return Intention {
            floor: if promised || (!unheld && situation.may_buy()) { floor } else { Watts::ZERO },
            ceiling: planned.ceiling.min(max),
            battery_first: planned.battery_first,
            reason: planned.reason_when_idle(),
        };
    }
    // What surplus costs is known where the feed-in is; what import costs need not be, since nothing is bought.
    if situation.prices.export.is_none() {
        return Intention::nothing(Reason::StaleData);
    }
    if situation.demand.any() && situation.worth_of_surplus().net() > EurPerKwh::ZERO {
        Intention::surplus(situation.max())
    } else {
        Intention::nothing(Reason::Idle)
    }
}

/// A question gets full power at once, where the owner values answers more than they cost.
fn interactive(situation: &Situation<'_>) -> Option<Wanted> {
    if situation.questions == 0 {
        return None;
    }
    let wanted = wanted(situation, situation.max(), Reason::Interactive, situation.site.work.interactive);
    (wanted.worth.net() > EurPerKwh::ZERO).then_some(wanted)
}

fn wanted(situation: &Situation<'_>, power: Watts, reason: Reason, revenue: EurPerKwh) -> Wanted {
    let at_once = matches!(reason, Reason::Interactive | Reason::Boost | Reason::Deadline);
    Wanted { power, reason, worth: situation.worth(power, revenue), claimed: Watts::ZERO, at_once }
}

fn surplus_reason(situation: &Situation<'_>) -> Reason {
    let unpaid = situation.prices.export.is_some_and(|price| price <= EurPerKwh::ZERO);
    match () {
        () if situation.prices.import.is_some_and(|price| price < EurPerKwh::ZERO) => Reason::NegativePrice,
        () if situation.at_cap() || unpaid => Reason::Curtailment,
        () => Reason::Surplus,
    }
}
