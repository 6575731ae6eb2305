//! Limits: the last word. Whatever plan and dispatch want, this is what stays.
//!
//! In order: off, engine down, meters that contradict each other, stale data, too hot, fuse, dimming by the grid operator, feed-in cap, battery reserve,
//! minimum times, least power. Most only lower, and so set a *ceiling*; what raises (the feed-in cap, the minimum time on) never
//! goes beyond it. The last limit that acted is the decision's reason. Temperature and reserve have a hysteresis: they let go at
//! another value than the one at which they began.
//!
//! Example: dispatch wants 1000 W; the fuse allows 17,250 W of import, of which 2 % are left alone; the meter shows 16,500 W, 200 W
//! of them compute. 16,905 - (16,500 - 200) = 605 W stay, and the reason is `fuse_limit`. Were the least power 700 W, nothing would.
//!
//! Without the grid's power the fuse cannot be guarded, without the box's temperature its heat cannot: compute stops
//! (`stale_data`).

use crate::act::dispatch::Wanted;
use crate::command::Mode;
use crate::decision::LimitHit;
use crate::image::Trust;
use crate::point::Point;
use crate::reason::Reason;
use crate::site::{HeatSink, HeatSource};
use crate::time::Moment;
use crate::units::{Celsius, Percent, Watts};
use crate::value::situation::{AT_CAP, Situation};
use crate::work::WorkerState;
use std::time::Duration;

/// Share of the fuse that compute leaves to the next second's surprises: chosen, 345 W of a connection of 17.25 kW, what a refrigerator takes as it starts.
pub(super) const FUSE_MARGIN: f64 = 0.02;
/// Hysteresis: how far a hot place has to cool before compute starts again, in K. Chosen above the swing of a fan's control.
const COOLING: f64 = 3.0;
/// How far above its upper temperature a store may be where compute's heat cannot be rejected, in K. Chosen: a thermostat's band.
const STORE_MARGIN: f64 = 1.0;
/// Hysteresis: a battery at its reserve has to be charged this much above it before compute may take from it again. Batteries show
/// their charge in steps of 1 %.
const RECOVERED: Percent = Percent(2.0);
/// A battery that moves less than this is at rest: inverters hold zero to within some tens of watts.
const RESTING: Watts = Watts(50.0);
/// How long a battery may take to obey: the slowest known gateways poll once a minute.
const OBEYING: Duration = Duration::from_secs(60);

/// What the limits remember from one second to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    on_since: Option<Moment>,
    off_since: Option<Moment>,
    /// Whether the minimum time on binds: an answer given at once does not oblige.
    obliged: bool,
    hot: bool,
    guarding: bool,
    taking_since: Option<Moment>,
}

/// What the limits leave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// Compute power.
    pub budget: Watts,
    /// Why: the limit that had the last word, or what dispatch had in mind.
    pub reason: Reason,
    /// The limits that acted.
    pub hits: Vec<LimitHit>,
}

/// Power on its way through the limits.
struct Passage {
    power: Watts,
    ceiling: Watts,
    hits: Vec<LimitHit>,
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
        self.on_since
    }

    /// What stays of `wanted`.
    pub(super) fn clamp(&mut self, situation: &Situation<'_>, wanted: &Wanted) -> Verdict {
        let max = situation.max();
        let sound = if wanted.power.0.is_finite() { wanted.power } else { Watts::ZERO };
        let mut passage = Passage { power: sound.between(Watts::ZERO, max), ceiling: max, hits: Vec::new() };
        if situation.mode() == Mode::Off {
            passage.lower(Reason::Off, Watts::ZERO);
        }
        if situation.worker == WorkerState::Down {
            passage.lower(Reason::WorkerDown, Watts::ZERO);
        }
        match situation.image.trust {
            Trust::Unproven if !follows(wanted) => {}
            Trust::Sound => {}
            Trust::Unproven | Trust::Trial => passage.lower(Reason::Implausible, situation.site.compute.min),
            Trust::Contradicted => passage.lower(Reason::Implausible, Watts::ZERO),
        }
        if blind(situation) {
            passage.lower(Reason::StaleData, Watts::ZERO);
        }
        self.heat(situation, &mut passage);
        connection(situation, &mut passage);
        self.reserve(situation, &mut passage);
        self.times(situation, wanted, &mut passage);
        least(situation, &mut passage);
        self.note(situation.moment, passage.power, wanted);
        Verdict { budget: passage.power, reason: reason(situation, wanted, &passage), hits: passage.hits }
    }

    fn heat(&mut self, situation: &Situation<'_>, passage: &mut Passage) {
        let above = |now: Option<f64>, limit: Celsius, hot: bool| {
            now.is_some_and(|now| now > if hot { limit.0 - COOLING } else { limit.0 })
        };
        let fresh = |point| situation.image.get(point).fresh();
        let compute = &situation.site.compute;
        let boxed =
            compute.temperature_max.is_some_and(|limit| above(fresh(Point::ComputeTemperature), limit, self.hot));
        let store = match compute.heat_into {
            HeatSink::Room => situation.site.room.map(|store| (store, fresh(Point::RoomTemperature))),
            HeatSink::Tank => situation.site.tank.map(|store| (store, fresh(Point::TankTemperature))),
            HeatSink::HeatPumpSource | HeatSink::Outside => None,
        };
        // Where unwanted heat can be rejected, a warm store does not stop compute; it only makes its heat worthless.
        let captive = compute.reject_share <= 0.0;
        let stored = store.is_some_and(|(store, now)| {
            captive && now.is_some_and(|now| now > store.high.0 + if self.hot { 0.0 } else { STORE_MARGIN })
        });
        self.hot = boxed || stored;
        if self.hot {
            passage.lower(Reason::TooHot, Watts::ZERO);
        }
    }

    /// Compute never takes a battery below its reserve.
    fn reserve(&mut self, situation: &Situation<'_>, passage: &mut Passage) {
        let Some(battery) = &situation.site.battery else { return };
        let now = situation.moment;
        let low = situation.soc.is_none_or(|soc| soc <= battery.reserve);
        let recovered = situation.soc.is_some_and(|soc| soc > battery.reserve + RECOVERED);
        let Some(bus) = situation.bus else {
            // What the battery gives is not known: it may only be above its reserve.
            if !recovered {
                passage.lower(Reason::StaleData, Watts::ZERO);
            }
            return;
        };
        let computing = match situation.image.get(Point::ComputePower).fresh() {
            Some(power) => power > RESTING.0,
            None => self.on_since.is_some(),
        };
        let taking = low && bus.discharge() > RESTING && computing;
        self.taking_since = taking.then(|| self.taking_since.unwrap_or(now));
        // A battery that can hold is asked to when compute starts; it gets a moment to obey.
        let grace = if situation.can_hold() { OBEYING } else { Duration::ZERO };
        let disobeys = self.taking_since.is_some_and(|since| now.since(since) >= grace);
        self.guarding = !recovered && (self.guarding || disobeys);
        if self.guarding {
            let reason = if situation.soc.is_some() { Reason::BatteryReserve } else { Reason::StaleData };
            passage.lower(reason, bus.surplus().positive());
        }
    }

    fn times(&mut self, situation: &Situation<'_>, wanted: &Wanted, passage: &mut Passage) {
        let compute = &situation.site.compute;
        let now = situation.moment;
        if let Some(since) = self.on_since
            && self.obliged
            && now.since(since) < compute.min_on
            && passage.ceiling >= compute.min
        {
            passage.raise(Reason::MinOnTime, compute.min);
        }
        if let Some(since) = self.off_since
            && now.since(since) < compute.min_off
            && !wanted.at_once
        {
            passage.lower(Reason::MinOffTime, Watts::ZERO);
        }
    }

    fn note(&mut self, now: Moment, power: Watts, wanted: &Wanted) {
        let brief = wanted.reason == Reason::Interactive;
        if power > Watts::ZERO {
            self.obliged = if self.on_since.is_none() { !brief } else { self.obliged || !brief };
            self.off_since = None;
            self.on_since.get_or_insert(now);
        } else if self.on_since.take().is_some() {
            self.off_since = Some(now);
        }
    }
}

/// Whether it is the grid meter that says how much is wanted.
fn follows(wanted: &Wanted) -> bool {
    matches!(wanted.reason, Reason::Surplus | Reason::Curtailment | Reason::NegativePrice)
}

/// Without the grid's power the fuse cannot be guarded; without the box's temperature, its heat cannot.
fn blind(situation: &Situation<'_>) -> bool {
    let image = situation.image;
    let unknown = |point| image.points.get(&point).is_some_and(|known| known.fresh().is_none());
    let temperature = situation.site.compute.temperature_max.is_some() && unknown(Point::ComputeTemperature);
    image.get(Point::GridPower).fresh().is_none() || temperature
}

/// The fuse, the grid operator, and the feed-in cap, which raises.
fn connection(situation: &Situation<'_>, passage: &mut Passage) {
    let grid = &situation.site.grid;
    if let Some(power) = situation.image.get(Point::GridPower).fresh().map(Watts) {
        let compute = situation.image.get(Point::ComputePower).fresh().map_or(Watts::ZERO, Watts).positive();
        passage.lower(Reason::FuseLimit, grid.import_limit * (1.0 - FUSE_MARGIN) - (power - compute));
    }
    if let Some(dimmed) = situation.commands.grid_dimming {
        let heat_pump = match situation.image.points.get(&Point::HeatPumpPower) {
            Some(known) => known.last().map_or_else(|| heat_pump_max(situation), Watts).positive(),
            None => Watts::ZERO,
        };
        passage.lower(Reason::GridDimmed, dimmed - heat_pump);
    }
    if let (Some(limit), Some(bus)) = (grid.export_limit, situation.bus)
        && situation.at_cap()
        && limit > Watts::ZERO
        && situation.demand.any()
    {
        let probe = situation.site.compute.max * 0.1;
        passage.raise(Reason::Curtailment, bus.compute + (-bus.grid - limit * AT_CAP) + probe);
    }
}

/// What a heat pump draws that does not say what it draws.
fn heat_pump_max(situation: &Situation<'_>) -> Watts {
    match situation.site.displaced {
        Some(HeatSource::HeatPump { power_max, .. }) => power_max,
        Some(HeatSource::Gas { .. } | HeatSource::Electric) | None => Watts::ZERO,
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
    match () {
        () if passage.power > Watts::ZERO || situation.mode() == Mode::Off => wanted.reason,
        () if situation.worker == WorkerState::Down => Reason::WorkerDown,
        () if situation.image.trust == Trust::Contradicted => Reason::Implausible,
        () if blind(situation) => Reason::StaleData,
        () => wanted.reason,
    }
}
