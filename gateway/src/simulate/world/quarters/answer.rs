//! What the devices of such a house are set to for the quarter hour that begins: not this second's power, but the bounds within which the
//! fast loop would move until the next plan.
//!
//! ```text
//! plan    floor, ceiling, battery first  --+
//! limits  what of it stays               --+-->  p_compute_w (floor), track_hi_w (ceiling), bat_first, p_bat_min_w (0: held)
//! box     may it stop, may it start      --+
//! ```
//!
//! What the core does not steer is `null`: the house's own rule. A battery that the fast loop would hold as soon as compute takes more
//! than the surplus is held for the whole quarter hour: while compute takes less, it has nothing to give anyway.

use super::seen::Seen;
use plant::decision::{BatteryMode, Control, LimitHit, Setting};
use plant::plan::{BatteryIntent, HeatRoute, HouseIntent, PlannedSlot};
use plant::reason::Reason;
use plant::record::Record;
use plant::site::Site;
use plant::units::{Percent, Watts};
use serde::Serialize;

/// What is to be done; `null` for the house's own rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(in crate::simulate::world) struct Answer {
    /// Power of compute, wherever it comes from.
    pub p_compute_w: f64,
    /// Up to here compute follows the surplus.
    pub track_hi_w: Option<f64>,
    /// Whether the battery charges before compute gets the surplus.
    pub bat_first: bool,
    /// The least power of the battery, charging positive: 0 while it is held.
    pub p_bat_min_w: Option<f64>,
    /// Its greatest: 0 while room is kept in it.
    pub p_bat_max_w: Option<f64>,
    /// Where compute's heat goes.
    pub heat_to: Option<HeatTo>,
    /// The heat pump for the room, for the tank and for cooling.
    pub p_hp_sh_w: Option<f64>,
    /// For the tank.
    pub p_hp_dhw_w: Option<f64>,
    /// For cooling.
    pub p_hp_cool_w: Option<f64>,
}

/// Compute's heat by its ways, as shares of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(in crate::simulate::world) struct HeatTo {
    room: f64,
    tank: f64,
    source: f64,
    outside: f64,
}

impl From<HeatRoute> for HeatTo {
    fn from(HeatRoute { room, tank, source }: HeatRoute) -> Self {
        Self { room, tank, source, outside: (1.0 - room - tank - source).max(0.0) }
    }
}

/// The answer to what is `seen`, where the core has decided `record`.
pub(super) fn answer(record: &Record, seen: &Seen, site: &Site) -> Answer {
    let bounds = Bounds::of(record, site).of_the_box(seen, site.compute.min);
    let track = bounds.ceiling > bounds.floor;
    let answer = Answer {
        p_compute_w: bounds.floor.0,
        track_hi_w: track.then_some(bounds.ceiling.0),
        bat_first: track && bounds.battery_first,
        p_bat_min_w: (bounds.holds && bounds.floor > Watts::ZERO).then_some(0.0),
        ..Answer::default()
    };
    match planned(record).and_then(|planned| planned.house) {
        Some(house) if !forbids(record.decision.reason) => of_the_house(answer, &house),
        Some(_) | None => answer,
    }
}

/// What the plan intends for the quarter hour that begins.
fn planned(record: &Record) -> Option<&PlannedSlot> {
    record.plan.as_ref().filter(|plan| plan.mode == record.mode)?.at(record.at)
}

/// The same with what battery, heat pump and compute's heat are to do.
fn of_the_house(answer: Answer, house: &HouseIntent) -> Answer {
    let BatteryIntent { charge_min, charge_max, discharge_max } = house.battery.unwrap_or_default();
    let heat_pump = house.heat_pump.unwrap_or_default();
    let power = |power: Option<Watts>| power.map(|power| power.0);
    Answer {
        p_bat_min_w: if charge_min > Watts::ZERO { Some(charge_min.0) } else { power(discharge_max).map(|most| -most) },
        p_bat_max_w: power(charge_max),
        heat_to: house.route.map(HeatTo::from),
        p_hp_sh_w: power(heat_pump.room),
        p_hp_dhw_w: power(heat_pump.tank),
        p_hp_cool_w: power(heat_pump.cooling),
        ..answer
    }
}

const HOLD: Setting = Setting::BatteryMode(BatteryMode::Hold);

/// The bounds of the fast loop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bounds {
    floor: Watts,
    ceiling: Watts,
    battery_first: bool,
    /// Whether the battery is kept from what compute takes beyond the surplus.
    holds: bool,
}

impl Bounds {
    /// What plan and limits leave.
    fn of(record: &Record, site: &Site) -> Self {
        let Some(planned) = planned(record) else { return Self::default() };
        if forbids(record.decision.reason) {
            return Self::default();
        }
        let max = site.compute.max.min(record.power_limit);
        // What was promised is kept, also at a price that nobody has said yet; nothing else is bought at one.
        let bought = planned.reason == Reason::Deadline || record.import_price.is_some();
        let floor = if bought { planned.floor.min(max) } else { Watts::ZERO };
        let known = |point| record.points.get(&point).copied().unwrap_or_default().fresh();
        let reserve = site.battery.map_or(Percent::ZERO, |battery| battery.reserve);
        let low = known(plant::point::Point::BatterySoc).is_some_and(|soc| soc < reserve.0);
        let mut bounds = Self {
            floor,
            ceiling: planned.ceiling.min(max).max(floor),
            battery_first: planned.battery_first || low,
            holds: record.decision.settings.iter().any(|setpoint| setpoint.setting == HOLD)
                || site.controls(Control::BatteryMode) && cheaper(planned),
        };
        record.decision.limits.iter().for_each(|hit| bounds.limit(hit));
        bounds.least(site.compute.min)
    }

    /// What one limit leaves.
    fn limit(&mut self, hit: &LimitHit) {
        match hit.reason {
            Reason::FuseLimit | Reason::GridDimmed | Reason::Implausible | Reason::TooHot | Reason::StaleData => {
                (self.floor, self.ceiling) = (self.floor.min(hit.to), self.ceiling.min(hit.to));
            }
            // A battery that holds is not taken from; it is asked to within seconds.
            Reason::BatteryReserve if !self.holds => self.floor = Watts::ZERO,
            // The box says what its times allow.
            Reason::BatteryReserve
            | Reason::MinOnTime
            | Reason::MinOffTime
            | Reason::Surplus
            | Reason::CheapPower
            | Reason::NegativePrice
            | Reason::Curtailment
            | Reason::HeatDemand
            | Reason::PaidWork
            | Reason::Deadline
            | Reason::Interactive
            | Reason::Boost
            | Reason::Idle
            | Reason::WorkerDown
            | Reason::WorkerStarting
            | Reason::Island
            | Reason::Off
            | Reason::GridCharge
            | Reason::KeepRoom
            | Reason::HoldForLater
            | Reason::Preheat
            | Reason::Legionella
            | Reason::Comfort
            | Reason::OwnRule
            | Reason::Unset => {}
        }
    }

    /// Less than the least power is none.
    fn least(self, min: Watts) -> Self {
        let none = |power: Watts| if power < min { Watts::ZERO } else { power };
        Self { floor: none(self.floor), ceiling: none(self.ceiling), ..self }
    }

    /// What the times of the box leave.
    fn of_the_box(self, seen: &Seen, min: Watts) -> Self {
        if !seen.compute_on && !seen.compute_may_start {
            return Self::default();
        }
        let floor = if seen.compute_on && !seen.compute_may_stop { self.floor.max(min) } else { self.floor };
        Self { floor, ceiling: self.ceiling.max(floor), ..self }
    }
}

/// Whether `reason` keeps compute from running at all.
fn forbids(reason: Reason) -> bool {
    match reason {
        Reason::StaleData
        | Reason::Implausible
        | Reason::TooHot
        | Reason::WorkerDown
        | Reason::WorkerStarting
        | Reason::Island
        | Reason::Off => true,
        Reason::Surplus
        | Reason::CheapPower
        | Reason::NegativePrice
        | Reason::Curtailment
        | Reason::HeatDemand
        | Reason::PaidWork
        | Reason::Deadline
        | Reason::Interactive
        | Reason::Boost
        | Reason::Idle
        | Reason::MinOnTime
        | Reason::MinOffTime
        | Reason::FuseLimit
        | Reason::GridDimmed
        | Reason::BatteryReserve
        | Reason::GridCharge
        | Reason::KeepRoom
        | Reason::HoldForLater
        | Reason::Preheat
        | Reason::Legionella
        | Reason::Comfort
        | Reason::OwnRule
        | Reason::Unset => false,
    }
}

/// Whether the grid's power is cheaper than what the battery would give.
fn cheaper(planned: &PlannedSlot) -> bool {
    planned.import_price.is_some_and(|import| import < planned.stored)
}
