//! The battery: as planned, or by the rule of `hold` where the plan says nothing.
//!
//! Its bounds are those of the plan; within them it follows the house by itself. What happens between two plans has the last word:
//!
//! ```text
//!   planned                     set                                            but
//!   charges from the grid       charge, with the planned power                 no more than fuse, phases and dimming leave, and only
//!                                                                              at a published price; else it holds
//!   gives nothing               hold                                           charging goes on
//!   charges no more than x      a limit; zero keeps room                       nothing of it while the sun is curtailed
//!   gives no more than x        a limit; hold where that is next to nothing
//!   nothing                     its own control                                hold where compute would take what is dearer, or the
//!                                                                              battery is at its reserve
//! ```
//!
//! Where grid or charge are not known, the grid is lost or its meter is not believed, it is under its own control: nothing is bought
//! blindly. One that charges with a power of its own does so only where that is about what is planned.
//!
//! Example: 3000 W are to come from the grid, whose fuse leaves 2300 W: it charges with 2300 W at once, and with 3000 W again a minute
//! after the kettle is done.

use crate::act::devices::hold::Hold;
use crate::act::devices::pump::unset;
use crate::act::limits::{FUSE_MARGIN, Verdict, is_island};
use crate::decision::{BatteryMode, Control};
use crate::image::Trust;
use crate::observe::flows::Flows;
use crate::plan::{BatteryIntent, HouseIntent};
use crate::point::Point;
use crate::reason::Reason;
use crate::site::{Battery, Phases};
use crate::time::Moment;
use crate::units::{Percent, Watts};
use crate::value::dimming;
use crate::value::situation::Situation;
use std::time::Duration;

/// Least time in a mode, and of a limit that was lifted: the battery is written to, and its control takes some seconds to change.
const LEAST: Duration = Duration::from_secs(120);
/// Charging is raised when more was possible for this long, in steps of so much.
const RAISES: Duration = Duration::from_secs(60);
const STEP: f64 = 50.0;
/// More is worth a write from here on, and less charging than this is none: converters lose about as much.
const BAND: Watts = Watts(150.0);
/// A battery at its reserve holds until it is so much above it: two of the steps in which batteries show their charge.
const RECOVERED: Percent = Percent(2.0);
/// A limit to less than this share is none at all for devices that know no limits.
const NOTHING: f64 = 0.1;

/// What the battery is set to, for devices of every kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Set {
    /// The mode.
    pub mode: BatteryMode,
    /// Why.
    pub reason: Reason,
    /// Power from the grid in mode `charge`.
    pub charge: Watts,
    /// The most that it may charge with, as a share.
    pub charge_share: f64,
    /// The most that it may give, as a share.
    pub discharge_share: f64,
}

impl Set {
    fn own(reason: Reason) -> Self {
        Self { mode: BatteryMode::Normal, reason, charge: Watts::ZERO, charge_share: 1.0, discharge_share: 1.0 }
    }

    fn hold(reason: Reason) -> Self {
        Self { mode: BatteryMode::Hold, ..Self::own(reason) }
    }
}

/// What is remembered of the battery.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Storage {
    hold: Hold,
    /// Since when it gives nothing.
    kept: Option<Moment>,
    /// What the plan set, and since when.
    planned: Option<(Set, Moment)>,
    /// Whether it is below its reserve.
    low: bool,
    /// Power from the grid, and since when more is possible.
    charge: Watts,
    more: Option<Moment>,
    /// When the sun was last curtailed.
    curtailed: Option<Moment>,
}

impl Storage {
    /// Since when it is kept from giving; `None` while it is under its own control.
    pub(super) fn kept_since(&self) -> Option<Moment> {
        self.kept
    }

    /// What the battery is set to in this cycle.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, verdict: &Verdict) -> Set {
        let ruled = self.hold.decide(situation, verdict);
        let set = match planned(situation) {
            Some((battery, bus, house, intent)) => {
                let set = self.planned(situation, verdict, (battery, bus, intent), house.battery_reason);
                let held = Set { mode: BatteryMode::Hold, reason: verdict.reason, ..set };
                if ruled && set.mode == BatteryMode::Normal { held } else { set }
            }
            None => {
                (self.planned, self.charge, self.more, self.low) = (None, Watts::ZERO, None, false);
                if ruled { Set::hold(verdict.reason) } else { Set::own(unset(situation, situation.soc.is_some())) }
            }
        };
        let gives = set.mode == BatteryMode::Normal;
        self.kept = if gives { None } else { self.kept.or(Some(situation.moment)) };
        set
    }

    fn planned(
        &mut self,
        situation: &Situation<'_>,
        verdict: &Verdict,
        (battery, bus, intent): (&Battery, Flows, BatteryIntent),
        reason: Reason,
    ) -> Set {
        let now = situation.moment;
        let soc = situation.soc.unwrap_or_default();
        let guards = battery.reserve > Percent::ZERO;
        self.low = guards && soc <= if self.low { battery.reserve + RECOVERED } else { battery.reserve };
        let wanted = match () {
            () if intent.charge_min > Watts::ZERO => self.charging(situation, verdict, (battery, bus, intent)),
            () if self.low => Set::hold(Reason::BatteryReserve),
            () if intent.mode() == BatteryMode::Hold => Set::hold(kept(reason)),
            () => Set::own(Reason::OwnRule),
        };
        if wanted.mode != BatteryMode::Charge {
            (self.charge, self.more) = (Watts::ZERO, None);
        }
        let wanted = self.limited(situation, battery, intent, wanted);
        // Between plans it does not go to and fro: what is kept is kept for a while. What guards does not wait.
        match self.planned {
            Some((before, since)) if before.mode == wanted.mode => self.planned = Some((wanted, since)),
            Some((before, since)) if before.mode == BatteryMode::Hold && now.since(since) < LEAST => {
                return Set { mode: before.mode, reason: before.reason, charge: Watts::ZERO, ..wanted };
            }
            Some(_) | None => self.planned = Some((wanted, now)),
        }
        wanted
    }

    /// Charging from the grid, with no more than may be bought; what may not be bought is at least not given.
    fn charging(
        &mut self,
        situation: &Situation<'_>,
        verdict: &Verdict,
        (battery, bus, intent): (&Battery, Flows, BatteryIntent),
    ) -> Set {
        let (most, limit) = most(situation, verdict, bus);
        // One that charges with a power of its own may take all that it can.
        let own_power = !situation.site.controls(Control::BatteryChargePower);
        let fits = intent.charge_min >= battery.charge_max * 0.5 && most >= battery.charge_max;
        if !situation.may_buy() || (own_power && !fits) {
            return Set::hold(Reason::HoldForLater);
        }
        let sun = (bus.surplus() - verdict.claimed).min(intent.charge_max.unwrap_or(battery.charge_max));
        let wanted = intent.charge_min.max(sun).min(battery.charge_max);
        let allowed = Watts((wanted.min(most).0 / STEP).floor() * STEP);
        let now = situation.moment;
        self.more = (allowed > self.charge + BAND).then(|| self.more.unwrap_or(now));
        let raises = self.charge <= Watts::ZERO || self.more.is_some_and(|at| now.since(at) >= RAISES);
        let lowers = most < self.charge || allowed < self.charge - BAND;
        if lowers || raises {
            (self.charge, self.more) = (allowed, None);
        }
        if self.charge < BAND.min(wanted) {
            self.charge = Watts::ZERO;
            return Set::hold(limit.unwrap_or(Reason::HoldForLater));
        }
        Set { mode: BatteryMode::Charge, charge: self.charge, ..Set::own(Reason::GridCharge) }
    }

    /// With the planned limits of charging and giving.
    fn limited(&mut self, situation: &Situation<'_>, battery: &Battery, intent: BatteryIntent, set: Set) -> Set {
        let now = situation.moment;
        if situation.at_cap() {
            self.curtailed = Some(now);
        }
        let curtails = self.curtailed.is_some_and(|at| now.since(at) < LEAST);
        let share = |most: Option<Watts>, greatest: Watts| {
            most.map_or(1.0, |most| (most / greatest.max(Watts(1.0))).clamp(0.0, 1.0))
        };
        let charge_share = if curtails { 1.0 } else { share(intent.charge_max, battery.charge_max) };
        Set { charge_share, discharge_share: share(intent.discharge_max, battery.discharge_max), ..set }
    }
}

impl Set {
    /// The mode for a device that may not know how to limit what the battery gives.
    pub(super) fn mode_for(&self, limits_discharge: bool) -> BatteryMode {
        let nothing = self.discharge_share < NOTHING && !limits_discharge;
        if nothing && self.mode == BatteryMode::Normal { BatteryMode::Hold } else { self.mode }
    }
}

/// The plan's intention for the battery, with what it is judged by; `None` where there is none or the mode follows no plan.
fn planned<'a>(situation: &Situation<'a>) -> Option<(&'a Battery, Flows, &'a HouseIntent, BatteryIntent)> {
    let house = situation.intended()?;
    situation.soc?;
    // It carries a house that has lost the grid, and no meter guards the fuse that is not believed.
    if is_island(situation) || situation.image.trust == Trust::Contradicted {
        return None;
    }
    Some((situation.site.battery.as_ref()?, situation.bus?, house, house.battery?))
}

/// Why it gives nothing.
fn kept(reason: Reason) -> Reason {
    if reason == Reason::OwnRule || reason == Reason::Unset { Reason::HoldForLater } else { reason }
}

/// The most that may flow into the battery from the grid, and what limits it. Compute that was let start counts before it draws.
fn most(situation: &Situation<'_>, verdict: &Verdict, bus: Flows) -> (Watts, Option<Reason>) {
    let pending = (verdict.claimed - bus.compute).positive();
    let free = situation.site.grid.import_limit * (1.0 - FUSE_MARGIN) - bus.grid;
    let free = situation.site.grid.phases.as_ref().map_or(free, |phases| free.min(on_phases(situation, bus, phases)));
    let fuse = (bus.charge() - bus.discharge() + free - pending).positive();
    match dimming::for_battery(situation, verdict.budget) {
        Some(limit) if limit < fuse => (limit, Some(Reason::GridDimmed)),
        Some(_) | None => (fuse, Some(Reason::FuseLimit)),
    }
}

/// What the fullest phase still bears. One that nobody measures may carry all of it; on one whose meter is silent nothing is added.
fn on_phases(situation: &Situation<'_>, bus: Flows, phases: &Phases) -> Watts {
    let fuse = Watts(phases.limit_a * phases.voltage) * (1.0 - FUSE_MARGIN);
    const PHASES: [(Point, Point); 3] = [
        (Point::GridPowerL1, Point::GridCurrentL1),
        (Point::GridPowerL2, Point::GridCurrentL2),
        (Point::GridPowerL3, Point::GridCurrentL3),
    ];
    let load = |(power, current): (Point, Point)| {
        let known = |point| situation.image.points.get(&point);
        let read = known(power).is_some() || known(current).is_some();
        let shown = |point, scale: f64| known(point).and_then(|known| known.fresh()).map(|value| Watts(value * scale));
        let load = shown(power, 1.0).into_iter().chain(shown(current, phases.voltage)).reduce(Watts::max);
        if read { load.unwrap_or(fuse) } else { bus.grid }
    };
    PHASES.into_iter().map(|points| fuse - load(points)).reduce(Watts::min).unwrap_or_default()
}
