//! Coordination of the other devices: they follow the plan, and where it says nothing they do not work against compute.
//!
//! There is one decider, the plan: what it intends for battery, heat pump and compute's heat is set as far as the owner lists controls
//! for it (`battery`, `pump`, `route`). It intends modes and bounds; within them the devices follow the house by themselves, and what
//! happens between two plans has the last word. Where there is no plan for the whole house, rules take its place: *hold* keeps the
//! battery from discharging (`hold`), *boost* recommends the heat pump to run (SG Ready state 3, `boost`), an *offer* is the surplus
//! that a heat pump may take (`offer`). All other times a device is under its own control.
//!
//! What a mode means for them, within the controls that the owner lists:
//!
//! | mode | battery | heat pump | compute's heat |
//! |---|---|---|---|
//! | `off` | own control | own control | own way |
//! | `auto`, `eco` | as planned: charges from the grid, holds, keeps room; without a plan, and where compute would take what is dearer than the grid's power, held | as planned: by power, by set point, or offered; without a plan boost and offers of what is left over, and of what the grid pays for | as planned |
//! | `surplus` | own control, but kept from feeding compute | boost and offers of what is left over | own way |
//! | `heat` | own control | own control | own way |
//! | `boost` | held at its reserve, so that compute takes nothing below it | own control | own way |
//! | any, data stale | own control | own control | own way without a plan |
//!
//! Data is stale where the powers of grid or battery are not known; for the battery also where its charge is not, for the heat pump
//! where the thermometers of room and tank are silent. Where the meter of the heat pump is silent, it counts as one without a meter.
//!
//! A heat pump that can only be offered power is offered what the plan means it to take beyond its own rule, whoever makes it, and
//! nothing of the surplus that the grid pays more for than its heat is worth.
//!
//! Example: 4300 W flow to the grid, compute draws 200 W of its budget of 1000 W. What will be left over is 4300 - 800 = 3500 W: a
//! heat pump that takes an offer is offered 3500 W, one with SG Ready is boosted.
//!
//! Compute comes first. While it waits to start on surplus, that surplus is its own and not offered; what the heat pump takes of a
//! standing offer or boost it gives up when compute could use it (`yields`). Compute claims that, and takes it when the meter shows it:
//! nothing is imported for it meanwhile. A sun that falls therefore takes from the heat pump first.
//!
//! Example: 900 W are left over. Compute of 200 to 1000 W claims them from the first second and starts after a minute; the heat pump
//! is offered nothing. Had the heat pump taken them before compute had work, its offer would end, and compute start a minute later.
//!
//! Invariants: `pv.limit` is never touched. While the grid operator dims, no more of the grid's power is offered than compute leaves of
//! the limit, and above the fuse nothing is offered, whatever the least times say.

/// The battery as planned, or by its rule.
mod battery;
/// The recommendation to run.
mod boost;
/// What of it goes to the controls of each device.
mod decided;
/// The battery that is kept from feeding compute.
mod hold;
/// What the plan means to be offered.
mod meant;
/// The surplus that may be taken.
mod offer;
/// The heat pump as planned.
mod pump;
/// The way of compute's heat.
mod route;
/// What compute leaves over.
mod spare;

use crate::act::devices::battery::Storage;
use crate::act::devices::boost::Boost;
use crate::act::devices::decided::Decided;
use crate::act::devices::meant::Meant;
use crate::act::devices::offer::{Bounds, Offer};
use crate::act::devices::pump::{Pump, unset};
use crate::act::devices::route::Way;
use crate::act::devices::spare::{Allowed, LeftOver, Spare};
use crate::act::heating::cold;
use crate::act::limits::{FUSE_MARGIN, Verdict};
use crate::command::Mode;
use crate::decision::{Control, Setpoint, Setting};
use crate::observe::flows::Flows;
use crate::point::{DeviceId, Point, Role, WORKER};
use crate::reason::Reason;
use crate::site::{ControlRange, HeatSource};
use crate::time::Moment;
use crate::units::{EurPerKwh, Watts};
use crate::value::dimming;
use crate::value::situation::Situation;

/// What a boosted heat pump takes where nobody says how much: the smallest take about as much.
const BOOSTED: Watts = Watts(1000.0);

/// What coordination remembers from one second to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Coordination {
    spare: Spare,
    offer: Offer,
    boost: Boost,
    battery: Storage,
    pump: Pump,
    way: Way,
    /// What the heat pump takes, and gives up when compute could use it.
    yields: Watts,
    /// Whether the room and the tank were taking heat.
    room: bool,
    tank: bool,
}

impl Coordination {
    /// Since when the battery is kept from giving; `None` while it is under its own control.
    pub(super) fn held_since(&self) -> Option<Moment> {
        self.battery.kept_since()
    }

    /// The setpoints of the engine and of every device.
    pub(super) fn settle(&mut self, situation: &Situation<'_>, verdict: &Verdict) -> Vec<Setpoint> {
        self.heat_pump(situation, verdict);
        let battery = self.battery.decide(situation, verdict);
        let mut decided = Decided {
            limits_discharge: situation.site.controls(Control::BatteryDischargeLimit),
            has_modes: situation.site.controls(Control::BatteryMode),
            battery,
            charge: battery.charge,
            offered: self.offer.power,
            boosted: self.boost.since.is_some(),
            parts: self.pump.decide(situation, verdict.budget),
            offers: why(situation),
            unset: unset(situation, true),
        };
        let mut setpoints = vec![Setpoint {
            device: DeviceId(WORKER.to_owned()),
            setting: Setting::ComputeBudget(verdict.budget),
            reason: verdict.reason,
        }];
        for device in &situation.site.devices {
            for (control, range) in device.controls.iter().filter(|(control, _)| **control != Control::PvLimit) {
                let (setting, reason) = match control.role() {
                    Role::Compute if *control == Control::ComputeHeatRoute => {
                        let (sink, reason) = self.way.decide(situation, range);
                        (Setting::ComputeHeatRoute(sink), reason)
                    }
                    Role::Compute => {
                        (Setting::ComputeBudget(verdict.budget.min(Watts(range.max)).positive()), verdict.reason)
                    }
                    Role::Battery => decided.of_battery(*control, range),
                    Role::HeatPump => decided.of_heat_pump(*control, range),
                    Role::Grid | Role::House | Role::Pv | Role::Wallbox | Role::Tank | Role::Room | Role::Outdoor => {
                        (control.safe(), Reason::Unset)
                    }
                };
                setpoints.push(Setpoint { device: device.id.clone(), setting, reason });
            }
        }
        setpoints
    }

    /// What the heat pump takes of offer and boost, and gives up when compute could use it.
    pub(super) fn yields(&self) -> Watts {
        self.yields
    }

    /// Follows with boost and offer what compute leaves over.
    fn heat_pump(&mut self, situation: &Situation<'_>, verdict: &Verdict) {
        let now = situation.moment;
        self.yields = Watts::ZERO;
        let takes = self.takes_heat(situation);
        let fuse = situation.site.grid.import_limit * (1.0 - FUSE_MARGIN);
        let served = match situation.mode() {
            Mode::Auto | Mode::Eco | Mode::Surplus => true,
            Mode::Off | Mode::Heat | Mode::Boost => false,
        };
        if !served {
            // Who sets another mode waits for no pause.
            (self.offer, self.boost, self.spare) = (Offer::default(), Boost::default(), Spare::default());
            return;
        }
        let Some(bus) = situation.bus.filter(|bus| takes && bus.grid <= fuse) else {
            self.offer.end(now);
            self.boost.end(now);
            self.spare.forget();
            return;
        };
        self.dim(situation, verdict);
        let meant = Meant::of(situation);
        let mut left_over = self.left_over(situation, bus, verdict);
        meant.bound(&mut left_over, fuse - bus.grid);
        let bounds = bounds(situation);
        if let Some(bounds) = bounds {
            self.offer.follow(now, left_over.power, bounds);
        }
        if controls(situation, Control::HeatPumpMode).next().is_some() {
            let least = situation.site.compute.min;
            let starves = verdict.claimed >= least && verdict.claimed - situation.yields < least && !meant.is_more();
            self.boost.follow(now, &left_over, starves);
        }
        self.yields = match self.boost.since {
            // What the plan means for it is its own.
            _ if meant.is_more() => Watts::ZERO,
            Some(_) => self.boost.yields(now, left_over.taken),
            None => bounds.map_or(Watts::ZERO, |bounds| self.offer.yields(now, left_over.taken, bounds.least)),
        };
    }

    /// Takes back what is more than the grid operator leaves.
    fn dim(&mut self, situation: &Situation<'_>, verdict: &Verdict) {
        let Some(limit) = dimming::for_heat_pump(situation, verdict.budget) else { return };
        if let Some(bounds) = bounds(situation) {
            self.offer.cap(situation.moment, limit, bounds.least);
        }
        if boosted(situation) > limit {
            self.boost.end(situation.moment);
        }
    }

    fn left_over(&mut self, situation: &Situation<'_>, bus: Flows, verdict: &Verdict) -> LeftOver {
        let boosted = self.boost.since.map_or(Watts::ZERO, |_| boosted(situation));
        let since = self.boost.since.unwrap_or_default().max(self.offer.since());
        let allowed = Allowed { power: self.offer.power.max(boosted), since };
        let mut left_over = self.spare.left_over(situation, bus, verdict.claimed, allowed);
        if let Some(limit) = dimming::for_heat_pump(situation, verdict.budget) {
            left_over.power.least = left_over.power.least.min(limit);
            left_over.power.most = left_over.power.most.min(limit);
        }
        left_over
    }

    /// Whether room or tank takes heat; where neither is measured, the heat pump knows for itself. A thermometer that is silent
    /// takes none.
    fn takes_heat(&mut self, situation: &Situation<'_>) -> bool {
        let (site, temperatures) = (situation.site, &situation.temperatures);
        let measured = |point| situation.image.points.contains_key(&point);
        let room = site.room.is_some() && measured(Point::RoomTemperature);
        let tank = site.tank.is_some() && measured(Point::TankTemperature);
        self.room = room && cold(site.room, temperatures.room, self.room);
        self.tank = tank && cold(site.tank, temperatures.tank, self.tank);
        if room || tank { self.room || self.tank } else { true }
    }
}

fn controls<'a>(situation: &Situation<'a>, control: Control) -> impl Iterator<Item = &'a ControlRange> {
    situation.site.devices.iter().filter_map(move |device| device.controls.get(&control))
}

/// What the controls that take an offer bear; `None` where there are none.
fn bounds(situation: &Situation<'_>) -> Option<Bounds> {
    let ranges = || controls(situation, Control::HeatPumpSurplus);
    Some(Bounds {
        least: Watts(ranges().map(|range| range.min).reduce(f64::min)?),
        most: Watts(ranges().map(|range| range.max).sum()),
        interval: ranges().map(|range| range.min_interval).max()?,
        at_once: negative(situation),
    })
}

/// What a boosted heat pump may take.
fn boosted(situation: &Situation<'_>) -> Watts {
    match situation.site.displaced {
        Some(HeatSource::HeatPump { power_max, .. }) => power_max,
        Some(HeatSource::Gas { .. } | HeatSource::Electric) | None => BOOSTED,
    }
}

fn why(situation: &Situation<'_>) -> Reason {
    if let Some((house, _)) = pump::planned(situation).filter(|_| Meant::of(situation).is_more()) {
        return house.heat_pump_reason;
    }
    if negative(situation) { Reason::NegativePrice } else { Reason::Surplus }
}

/// Whether the grid pays for power that is taken, in a mode that takes it.
fn negative(situation: &Situation<'_>) -> bool {
    let buys = match situation.mode() {
        Mode::Auto | Mode::Eco => true,
        Mode::Off | Mode::Surplus | Mode::Heat | Mode::Boost => false,
    };
    buys && situation.published.import.is_some_and(|price| price < EurPerKwh::ZERO)
}
