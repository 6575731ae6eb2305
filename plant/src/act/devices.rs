//! Coordination of the other devices, so that they do not work against compute: the battery does not discharge into cheap power, the
//! heat pump takes what compute leaves over.
//!
//! Terms: *hold* keeps the battery from discharging, *boost* recommends the heat pump to run (SG Ready state 3), an *offer* is the
//! surplus that a heat pump may take. All other times a device is under its own control.
//!
//! ```text
//!                  compute takes more than the surplus, and the grid is cheaper than stored energy or the battery is low
//!   own control  ------------------------------------------------------------------------------------------------------>  hold
//!
//!                  more than 1000 W are left over and the house can take heat (hysteresis)
//!   own control  ------------------------------------------------------------------------->  boost
//!                <-------------------------------------------------------------------------
//!                  less than 200 W are left over
//! ```
//!
//! Example: 4300 W flow to the grid, compute draws 200 W of its budget of 1000 W. What will be left over is 4300 - 800 = 3500 W: a
//! heat pump that takes an offer is offered 3500 W, one with SG Ready is boosted.
//!
//! Invariant: without the powers of grid and battery, or in mode `off`, every device is under its own control. `pv.limit` is never
//! touched. While the grid operator dims, the heat pump is offered no more than compute leaves of the limit.

use crate::act::limits::{FUSE_MARGIN, Verdict};
use crate::decision::{BatteryMode, Control, HeatPumpMode, Setpoint, Setting};
use crate::point::{DeviceId, Point, WORKER};
use crate::reason::Reason;
use crate::site::{ControlRange, Store};
use crate::units::{EurPerKwh, Watts};
use crate::value::dimming;
use crate::value::situation::Situation;

/// Hysteresis of the boost: surplus with which the heat pump is asked to run, and without which it is left alone again. A small
/// heat pump takes about 1000 W; below 200 W most of its power would be imported.
const BOOST_ABOVE: Watts = Watts(1000.0);
const BOOST_BELOW: Watts = Watts(200.0);
/// Offers are rounded down to this, in W, so that they do not change with every reading.
const STEP: f64 = 50.0;

/// What coordination remembers from one second to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Coordination {
    boosting: bool,
    holding: bool,
}

impl Coordination {
    /// The setpoints of the engine and of every device.
    pub(super) fn settle(&mut self, situation: &Situation<'_>, verdict: &Verdict) -> Vec<Setpoint> {
        let own = situation.mode() == crate::command::Mode::Off || situation.bus.is_none();
        let spare = if own { Watts::ZERO } else { self.spare(situation, verdict) };
        self.holding = !own && self.hold(situation, verdict);
        self.boosting = !own && takes_heat(situation) && spare > if self.boosting { BOOST_BELOW } else { BOOST_ABOVE };
        let mut setpoints = vec![Setpoint {
            device: DeviceId(WORKER.to_owned()),
            setting: Setting::ComputeBudget(verdict.budget),
            reason: verdict.reason,
        }];
        for device in &situation.site.devices {
            for (control, range) in device.controls.iter().filter(|(control, _)| **control != Control::PvLimit) {
                let (setting, reason) = self.setting(situation, verdict, (*control, range), spare);
                setpoints.push(Setpoint { device: device.id.clone(), setting, reason });
            }
        }
        setpoints
    }

    fn setting(
        &self,
        situation: &Situation<'_>,
        verdict: &Verdict,
        (control, range): (Control, &ControlRange),
        spare: Watts,
    ) -> (Setting, Reason) {
        let why = if negative(situation) { Reason::NegativePrice } else { Reason::Surplus };
        match control {
            Control::ComputeBudget => {
                (Setting::ComputeBudget(verdict.budget.min(Watts(range.max)).positive()), verdict.reason)
            }
            Control::BatteryMode if self.holding => (Setting::BatteryMode(BatteryMode::Hold), verdict.reason),
            Control::HeatPumpMode if self.boosting => (Setting::HeatPumpMode(HeatPumpMode::Boost), why),
            Control::HeatPumpSurplus if takes_heat(situation) && spare > Watts::ZERO => {
                let offered = Watts((spare.0 / STEP).floor() * STEP).between(Watts(range.min), Watts(range.max));
                (Setting::HeatPumpSurplus(offered), why)
            }
            Control::BatteryMode | Control::HeatPumpMode | Control::HeatPumpSurplus | Control::PvLimit => {
                (control.safe(), Reason::Idle)
            }
        }
    }

    /// What is left of the surplus once compute has taken its budget; while the grid pays, everything the heat pump takes.
    fn spare(&self, situation: &Situation<'_>, verdict: &Verdict) -> Watts {
        let Some(bus) = situation.bus else { return Watts::ZERO };
        let dimmed = dimming::for_heat_pump(situation, verdict.budget).unwrap_or(Watts(f64::MAX));
        if negative(situation) {
            let fuse = situation.site.grid.import_limit * (1.0 - FUSE_MARGIN);
            let headroom = fuse - bus.grid - (verdict.budget - bus.compute).positive();
            return headroom.positive().min(dimmed);
        }
        // What a boosted heat pump takes is still spare: the boost shall not end because the pump follows it.
        let taking = if self.boosting {
            situation.image.get(Point::HeatPumpPower).fresh().map_or(Watts::ZERO, Watts).positive()
        } else {
            Watts::ZERO
        };
        (taking - bus.grid - bus.discharge() - (verdict.budget - bus.compute).positive()).positive().min(dimmed)
    }

    /// Whether compute takes more than the surplus, and the grid's power is cheaper than what the battery would give, or the battery
    /// is at its reserve.
    fn hold(&self, situation: &Situation<'_>, verdict: &Verdict) -> bool {
        let (Some(battery), Some(bus)) = (&situation.site.battery, situation.bus) else { return false };
        let margin = if self.holding { 0.0 } else { situation.site.compute.min.0 * 0.5 };
        let beyond = verdict.budget.0 > bus.surplus().positive().0 + margin;
        let cheap = situation.prices.import.is_some() && situation.values.import < situation.values.stored;
        let low = situation.soc.is_none_or(|soc| soc <= battery.reserve);
        verdict.budget > Watts::ZERO && beyond && (cheap || low)
    }
}

fn negative(situation: &Situation<'_>) -> bool {
    situation.published.import.is_some_and(|price| price < EurPerKwh::ZERO)
}

/// Whether room or tank can take heat; where neither is measured, the heat pump knows for itself. A thermometer that is
/// silent takes none.
fn takes_heat(situation: &Situation<'_>) -> bool {
    let below = |store: Option<Store>, point| {
        let (store, known) = store.zip(situation.image.points.get(&point))?;
        Some(known.fresh().is_some_and(|now| now < store.high.0))
    };
    let room = below(situation.site.room, Point::RoomTemperature);
    let tank = below(situation.site.tank, Point::TankTemperature);
    match (room, tank) {
        (None, None) => true,
        (room, tank) => room.unwrap_or(false) || tank.unwrap_or(false),
    }
}
