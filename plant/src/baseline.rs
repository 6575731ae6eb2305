//! The baseline: the same house without compute, carried along slot by slot beside the real one.
//!
//! Terms: the *difference* is the real house less the baseline. Both live under the same weather, household and hot water, so that
//! these cancel: what has to be followed is only what compute changed. *Needed* heat is what the building loses at the thermostat's
//! setpoint less its gains; the real heat pump shows it whenever it runs between its limits, and elsewhere it is computed: from the
//! building's numbers where somebody has measured them ([`Building::fabric`]), else by what was learnt. A heat pump that a plan steers
//! shows nothing of what is needed: while it does, the building counts as its history shows it, by the response of its rooms. The battery
//! of the baseline follows its own rule at all times, whatever a plan does with the real one.
//!
//! Switching from the one to the other makes no jump, because it is the difference that is carried along. A need that was reckoned wrong
//! makes a difference in the rooms that corrects it within hours; what is left is the loss of a room so much warmer or colder.
//!
//! ```text
//! real heat pump --+--> needed heat --> own rule at the baseline's room --> heat pump of the baseline --+
//! compute's heat --+                       ^                                                            |
//!                                          +-- room of the baseline = real room - difference <--heat----+
//! household - PV + heat pump of the baseline --> battery of the baseline --> import, export, curtailed sun
//! ```
//!
//! Invariant: a slot whose household, PV or battery nobody knows has no baseline; it is never zero.
//!
//! And when an input says nothing? A room, tank or air outside that is silent is where it was for [`REMEMBERED`] slots, then at the
//! setpoint, at the same difference, mild. A heat pump that is silent does what its rule says. After [`GAP_MAX`] slots without any
//! reading both houses are the same again.
//!
//! Example: the real pump takes 400 W at COP 3 in a room at its setpoint while compute warms it by 900 W: 2100 W are needed. The
//! baseline's room is as warm, so its pump takes 700 W. A quarter hour later the real room may be 0.02 K warmer than the baseline's.
//!
//! [`Building::fabric`]: crate::site::building::Building::fabric

/// What the real heat pump taught.
mod learnt;
/// Readings of a slot, each where it is known or was lately.
mod readings;
/// Heat pump, room and tank of the baseline.
mod warmth;

use crate::baseline::learnt::Learnt;
use crate::baseline::readings::{Readings, Remembered};
use crate::baseline::warmth::{HeatPumps, Warm};
use crate::house::battery::{Bounds, Cells};
use crate::house::connection;
use crate::house::room;
use crate::knowing::Fitted;
use crate::plan::HeatRoute;
use crate::point::Point;
use crate::site::{HeatSource, Site};
use crate::time::Slot;
use crate::units::{Celsius, KilowattHours, Percent, Watts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Slots for which a silent thermometer counts as where it was: two hours.
const REMEMBERED: i64 = 8;
/// After so many slots without readings, six hours, nothing of the difference is known.
const GAP_MAX: i64 = 24;
/// Hours of a slot.
const HOURS: f64 = Slot::SECONDS as f64 / 3600.0;
/// Below this the sun that an inverter leaves on the roof is noise, kW.
const CURTAILS: f64 = 0.05;

/// One slot of the real house as its meters had it: means over what was observed of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Passed {
    /// The slot.
    pub slot: Slot,
    /// How much of it was observed.
    pub observed: Duration,
    /// The sun's offer, as far as the inverter shows it; `None` where unknown, and where there is no PV.
    pub pv: Option<Watts>,
    /// The household, without compute and heat pump; with the heat pump where no device measures that.
    pub load: Option<Watts>,
    /// At the meter, import positive: stands in for PV and household where one of them is unknown.
    pub grid: Option<Watts>,
    /// Compute.
    pub compute: Option<Watts>,
    /// Where compute's heat was sent; `None`: where its own rule sends it.
    pub route: Option<HeatRoute>,
    /// Whether the heat pump was set to cool.
    pub cools: bool,
    /// The heat pump.
    pub heat_pump: Option<Watts>,
    /// The part of its power that heats the tank.
    pub hot_water: Option<Watts>,
    /// The battery, discharge positive.
    pub battery: Option<Watts>,
    /// Whether the heat pump ran under its own rule.
    pub own_rule: bool,
    /// Outside.
    pub outdoor: Option<Celsius>,
    /// Sun on the ground, W/m2.
    pub sun: Option<f64>,
    /// The room at its start and at its end.
    pub room: (Option<Celsius>, Option<Celsius>),
    /// The tank.
    pub tank: (Option<Celsius>, Option<Celsius>),
    /// The battery's state of charge.
    pub soc: (Option<Percent>, Option<Percent>),
    /// Whether PV made power when it was known last: only then may something be curtailed.
    pub sunny: bool,
    /// Whether export is paid for; where it is not, the inverter curtails.
    pub export_pays: Option<bool>,
}

/// The same slot of the baseline, for what was observed of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// Bought.
    pub import: KilowattHours,
    /// Sold.
    pub export: KilowattHours,
    /// The sun's, without what is curtailed; `None` where the real roof is unknown.
    pub pv: Option<KilowattHours>,
    /// Into the battery, at its terminals.
    pub charged: KilowattHours,
    /// Out of the battery.
    pub discharged: KilowattHours,
    /// The heat pump's electricity, or that of direct electric heating beyond the real house's, where no device measures it.
    pub heat_pump: KilowattHours,
    /// Of it for the tank.
    pub hot_water: KilowattHours,
    /// Fuel that the boiler burns beyond what the real house's burnt; estimated.
    pub fuel: KilowattHours,
    /// One standard deviation of the import, where the building is estimated. It adds up over slots and days: what a model gets wrong, it gets
    /// wrong each day.
    pub spread: KilowattHours,
}

/// The real house less the baseline, at the end of the last slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stores {
    /// Energy in the battery; `None` where one of the two is unknown.
    pub battery: Option<KilowattHours>,
    /// Room air, K.
    pub room_k: f64,
    /// Heat in air and mass.
    pub room_heat: KilowattHours,
    /// Heat in the tank.
    pub tank_heat: KilowattHours,
}

/// What the checkpoint keeps of the baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BaselineState {
    /// The last slot that passed.
    slot: Option<Slot>,
    /// Energy in the baseline's battery, kWh.
    stored: Option<f64>,
    /// Energy in the real one, kWh.
    stored_really: Option<f64>,
    /// Room and tank.
    warm: Warm,
    /// The newest readings.
    remembered: Remembered,
    /// What the real house taught.
    learnt: Learnt,
}

/// The house without compute.
#[derive(Clone, Debug)]
pub(crate) struct Baseline {
    state: BaselineState,
    /// The building as its history shows it; `None` before it says anything.
    building: Option<Fitted>,
}

impl Baseline {
    /// The baseline of `site`, as `state` left it.
    pub(crate) fn new(site: &Site, state: Option<&BaselineState>) -> Self {
        let mut state = state.cloned().unwrap_or_default();
        state.learnt.prepare(site);
        Self { state, building: None }
    }

    /// Takes over what the history shows of the building.
    pub(crate) fn know(&mut self, building: &Fitted) {
        self.building = (building.days > 0).then(|| building.clone());
    }

    /// What a checkpoint keeps.
    pub(crate) fn state(&self) -> &BaselineState {
        &self.state
    }

    /// The real house less the baseline.
    pub(crate) fn difference(&self, site: &Site) -> Stores {
        let state = &self.state;
        let fabric = room::fabric(site);
        let (room, tank) = (state.warm.room, state.warm.tank);
        let battery = state.stored.zip(state.stored_really).map(|(stored, really)| KilowattHours(really - stored));
        let room_heat = fabric.air_kwh_per_k * room.air + fabric.mass_kwh_per_k * room.mass;
        Stores {
            battery,
            room_k: room.air,
            room_heat: KilowattHours(room_heat),
            tank_heat: KilowattHours(site.tank.map_or(0.0, |store| store.capacity_kwh_per_k) * tank),
        }
    }

    /// Brings the baseline to the real house's state: the same battery, room and tank. What it learnt stays.
    pub(crate) fn return_to_real(&mut self) {
        self.state.stored = None;
        self.state.warm.return_to_real();
    }

    /// Passes a slot; `None` where what it needs is unknown.
    pub(crate) fn pass(&mut self, site: &Site, passed: &Passed) -> Option<Without> {
        self.elapse(site, passed.slot);
        let readings = Readings::of(site, passed, &mut self.state.remembered);
        let cells = self.cells(site, &readings);
        let capacity = cells.map(|cells| cells.capacity);
        let stored = |soc: Option<Percent>| Some(soc?.0 / 100.0 * capacity?);
        self.state.stored = self.state.stored.or(stored(passed.soc.0));
        self.state.stored_really = stored(passed.soc.1);
        let pumps = self.state.warm.pass(site, &readings, (&mut self.state.learnt, self.building.as_ref()));
        let residual = residual(site, passed, &readings);
        let lacking = residual.zip(passed.compute).map(|(residual, _)| residual + pumps.added);
        let change = stored(passed.soc.1).zip(stored(passed.soc.0)).map_or(0.0, |(to, from)| to - from);
        let power = match (cells, self.state.stored, lacking) {
            (Some(cells), Some(stored), Some(lacking)) => {
                let (power, after) = cells.step(stored, lacking, Bounds::OWN, HOURS);
                self.state.stored = Some(after);
                power
            }
            // What cannot be followed moves as the real one does.
            (Some(cells), Some(stored), None) => {
                self.state.stored = Some((stored + change).clamp(0.0, cells.capacity));
                return None;
            }
            (Some(_), None, _) => return None,
            (None, _, _) => 0.0,
        };
        Some(without(site, passed, &pumps, (lacking?, power)))
    }

    /// Lets the slots pass that nobody observed.
    fn elapse(&mut self, site: &Site, slot: Slot) {
        let missed = self.state.slot.map_or(0, |last| slot.0.saturating_sub(last.0) - 1);
        self.state.slot = Some(slot);
        if !(0..=GAP_MAX).contains(&missed) {
            self.return_to_real();
        } else if missed > 0 {
            // The real battery went somewhere else meanwhile, and the baseline's too.
            self.state.stored = None;
            self.state.warm.elapse(site, missed);
        }
    }

    fn cells(&mut self, site: &Site, readings: &Readings) -> Option<Cells> {
        let battery = site.battery?;
        let cells = &mut self.state.learnt.cells;
        let capacity = battery.capacity.0;
        let one_way = cells.one_way(battery.round_trip.sqrt());
        cells.observe(readings.battery, readings.soc, capacity);
        Some(Cells {
            capacity,
            reserve: battery.reserve.0.min(cells.lowest_soc) / 100.0 * capacity,
            charge: battery.charge_max.0 / 1000.0,
            discharge: battery.discharge_max.0 / 1000.0,
            one_way,
        })
    }
}

/// The household less PV, kW: by their meters, else by the one at the grid where nothing is curtailed.
fn residual(site: &Site, passed: &Passed, readings: &Readings) -> Option<f64> {
    let kw = |watts: Option<Watts>| watts.map(|watts| watts.0 / 1000.0);
    let pv = if site.pv.is_some() { kw(passed.pv) } else { Some(0.0) };
    if let Some((load, pv)) = kw(passed.load).zip(pv) {
        // What follows from the balance holds the fan that carries compute's heat out.
        let fan = if site.offers(Point::HousePower) { 0.0 } else { readings.fan };
        return Some(load - fan - pv);
    }
    let grid = kw(passed.grid)?;
    let battery = if site.battery.is_some() { kw(passed.battery)? } else { 0.0 };
    let heat_pump = if readings.metered { readings.heat_pump? } else { 0.0 };
    let capped = site.grid.export_limit.is_some_and(|cap| -grid >= cap.0 / 1000.0 - CURTAILS);
    let unpaid = passed.sunny && passed.export_pays == Some(false) && grid < CURTAILS;
    (!capped && !unpaid).then_some(grid + battery - kw(passed.compute)? - heat_pump - readings.fan)
}

/// The slot's energies where the house lacks `lacking` kW and its battery gives `power` kW.
fn without(site: &Site, passed: &Passed, pumps: &HeatPumps, (lacking, power): (f64, f64)) -> Without {
    let hours = passed.observed.as_secs_f64() / 3600.0;
    let cap = site.grid.export_limit.map(|cap| cap.0 / 1000.0);
    let exchange = connection::exchange(lacking - power, cap, passed.export_pays != Some(false));
    let kwh = |kilowatts: f64| KilowattHours(kilowatts * hours);
    let fuel = match site.displaced {
        Some(HeatSource::Gas { efficiency, .. }) => pumps.boiler_heat / efficiency.max(0.1),
        Some(HeatSource::HeatPump { .. } | HeatSource::Electric) | None => 0.0,
    };
    Without {
        import: kwh(exchange.import),
        export: kwh(exchange.export),
        pv: passed.pv.map(|pv| kwh(pv.0 / 1000.0 - exchange.curtailed)),
        charged: kwh((-power).max(0.0)),
        discharged: kwh(power.max(0.0)),
        heat_pump: kwh(pumps.electric),
        hot_water: kwh(pumps.hot_water),
        fuel: kwh(fuel),
        spread: kwh(pumps.spread),
    }
}
