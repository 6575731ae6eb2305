//! What is decided for battery and heat pump, on its way to the controls of each device: as much of it as that control knows.

use crate::act::devices::battery::Set;
use crate::act::devices::pump::{Part, Parts};
use crate::decision::{BatteryMode, Control, HeatPumpMode, Setting};
use crate::reason::Reason;
use crate::site::ControlRange;
use crate::units::{Kelvins, Percent, Watts};

/// What is decided for the devices together.
pub(super) struct Decided {
    /// Whether a device can limit what the battery gives, and whether one has modes.
    pub limits_discharge: bool,
    pub has_modes: bool,
    pub battery: Set,
    /// Power from the grid, and surplus, that no device has got yet.
    pub charge: Watts,
    pub offered: Watts,
    pub boosted: bool,
    pub parts: Parts,
    /// Why power is offered.
    pub offers: Reason,
    /// Why nothing is set.
    pub unset: Reason,
}

impl Decided {
    /// What a control of the battery is set to, and why.
    pub(super) fn of_battery(&mut self, control: Control, range: &ControlRange) -> (Setting, Reason) {
        let Set { mode, reason, charge_share, discharge_share, .. } = self.battery;
        let own = (control.safe(), if mode == BatteryMode::Normal { reason } else { Reason::OwnRule });
        match control {
            Control::BatteryMode => (Setting::BatteryMode(self.mode(range)), reason),
            Control::BatteryChargePower => match share(self.charge, range) {
                Watts::ZERO => own,
                charge => {
                    self.charge -= charge;
                    (Setting::BatteryChargePower(charge), reason)
                }
            },
            Control::BatteryChargeLimit if charge_share < 1.0 => {
                (Setting::BatteryChargeLimit(percent(charge_share, range)), Reason::KeepRoom)
            }
            // Without a mode, a limit holds it.
            Control::BatteryDischargeLimit if mode != BatteryMode::Normal && !self.has_modes => {
                (Setting::BatteryDischargeLimit(percent(0.0, range)), reason)
            }
            Control::BatteryDischargeLimit if discharge_share < 1.0 => {
                (Setting::BatteryDischargeLimit(percent(discharge_share, range)), Reason::HoldForLater)
            }
            Control::BatteryChargeLimit
            | Control::BatteryDischargeLimit
            | Control::ComputeBudget
            | Control::ComputeHeatRoute
            | Control::HeatPumpMode
            | Control::HeatPumpSurplus
            | Control::HeatPumpRoomPower
            | Control::HeatPumpHotWaterPower
            | Control::HeatPumpCoolingPower
            | Control::HeatPumpRoomShift
            | Control::HeatPumpHotWaterShift
            | Control::PvLimit => own,
        }
    }

    /// What a control of the heat pump is set to, and why.
    pub(super) fn of_heat_pump(&mut self, control: Control, range: &ControlRange) -> (Setting, Reason) {
        let Parts { room, tank, cooling } = self.parts;
        let power = |part: Part| part.power.and_then(|power| bounded(power, range));
        let shift = |part: Part| Kelvins(part.shift.0.clamp(range.min.min(0.0), range.max.max(0.0)));
        let own = (control.safe(), self.unset);
        match control {
            Control::HeatPumpMode if self.boosted => (Setting::HeatPumpMode(HeatPumpMode::Boost), self.offers),
            Control::HeatPumpSurplus => match share(self.offered, range) {
                Watts::ZERO => own,
                offered => {
                    self.offered -= offered;
                    (Setting::HeatPumpSurplus(offered), self.offers)
                }
            },
            Control::HeatPumpRoomPower => (Setting::HeatPumpRoomPower(power(room)), room.reason),
            Control::HeatPumpHotWaterPower => (Setting::HeatPumpHotWaterPower(power(tank)), tank.reason),
            Control::HeatPumpCoolingPower => (Setting::HeatPumpCoolingPower(power(cooling)), cooling.reason),
            Control::HeatPumpRoomShift => (Setting::HeatPumpRoomShift(shift(room)), room.reason),
            Control::HeatPumpHotWaterShift => (Setting::HeatPumpHotWaterShift(shift(tank)), tank.reason),
            Control::HeatPumpMode
            | Control::ComputeBudget
            | Control::ComputeHeatRoute
            | Control::BatteryMode
            | Control::BatteryChargePower
            | Control::BatteryChargeLimit
            | Control::BatteryDischargeLimit
            | Control::PvLimit => own,
        }
    }

    /// The mode of a device that knows these: one that cannot charge from the grid at least gives nothing, and so does one that knows no
    /// limit of next to nothing.
    fn mode(&self, range: &ControlRange) -> BatteryMode {
        let mode = self.battery.mode_for(self.limits_discharge);
        let charges = range.words.know(Setting::BatteryMode(BatteryMode::Charge));
        if mode == BatteryMode::Charge && !charges { BatteryMode::Hold } else { mode }
    }
}

/// The part of `offered` that a control can use.
fn share(offered: Watts, range: &ControlRange) -> Watts {
    let share = offered.min(Watts(range.max));
    if share.0 < range.min { Watts::ZERO } else { share.positive() }
}

/// A power that a control takes; its own rule where that knows no power so small.
fn bounded(power: Watts, range: &ControlRange) -> Option<Watts> {
    (power.0 >= range.min / 2.0).then(|| power.between(Watts(range.min), Watts(range.max)))
}

/// A share as whole percent that a control takes.
fn percent(share: f64, range: &ControlRange) -> Percent {
    Percent((share * 100.0).round().clamp(range.min, range.max))
}
