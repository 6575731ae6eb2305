//! What of a device can be set, and to what.

use crate::error::UnknownWord;
use crate::point::Role;
use crate::units::{Kelvins, Percent, Watts};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the battery is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatteryMode {
    /// The battery's own control.
    Normal,
    /// May charge, must not discharge.
    Hold,
    /// Charge from the grid.
    Charge,
}

/// What the heat pump is set to, in the four states of SG Ready (BWP regulation for the label, version 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatPumpMode {
    /// Switched off by the utility (state 1).
    Block,
    /// The heat pump's own control (state 2).
    Normal,
    /// Recommended to run (state 3).
    Boost,
    /// Ordered to run (state 4).
    Force,
}

/// Where compute's heat goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatSink {
    /// Into the heated room.
    Room,
    /// Into the tank.
    Tank,
    /// Into the heat pump's source side.
    HeatPumpSource,
    /// Out of the house.
    Outside,
}

macro_rules! controls {
    ($($(#[$doc:meta])* $variant:ident($value:ty) $name:literal $role:ident $unit:literal, safe $safe:expr;)*) => {
        /// Something of a device that can be set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Control { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        /// A control together with the value it is set to.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "control", content = "value")]
        pub enum Setting { $($(#[$doc])* #[serde(rename = $name)] $variant($value),)* }

        impl Control {
            /// Every control.
            pub const ALL: &'static [Control] = &[$(Control::$variant,)*];

            /// The canonical name, written `role.control`.
            pub fn name(self) -> &'static str { match self { $(Control::$variant => $name,)* } }
            /// The role it belongs to.
            pub fn role(self) -> Role { match self { $(Control::$variant => Role::$role,)* } }
            /// The unit of its values; empty where they are words.
            pub fn unit(self) -> &'static str { match self { $(Control::$variant => $unit,)* } }
            /// The value with which the device is under its own control.
            pub fn safe(self) -> Setting { match self { $(Control::$variant => Setting::$variant($safe),)* } }
        }

        impl Setting {
            /// The control it sets.
            pub fn control(self) -> Control { match self { $(Setting::$variant(_) => Control::$variant,)* } }
        }
    };
}

controls! {
    /// Power the engine may draw, in W.
    ComputeBudget(Watts) "compute.budget" Compute "W", safe Watts::ZERO;
    /// Where compute's heat goes; `None`: by the house's own rule.
    ComputeHeatRoute(Option<HeatSink>) "compute.heat_route" Compute "", safe None;
    /// The battery's mode.
    BatteryMode(BatteryMode) "battery.mode" Battery "", safe BatteryMode::Normal;
    /// Power with which the battery charges from the grid in mode `charge`, in W.
    BatteryChargePower(Watts) "battery.charge_power" Battery "W", safe Watts::ZERO;
    /// Cap on the battery's charging, in % of its greatest charging power. Zero keeps room for the sun to come.
    BatteryChargeLimit(Percent) "battery.charge_limit" Battery "%", safe Percent(100.0);
    /// Cap on what the battery gives, in % of its greatest discharging power.
    BatteryDischargeLimit(Percent) "battery.discharge_limit" Battery "%", safe Percent(100.0);
    /// The heat pump's SG-Ready state.
    HeatPumpMode(HeatPumpMode) "heat_pump.mode" HeatPump "", safe HeatPumpMode::Normal;
    /// PV surplus offered to the heat pump, in W.
    HeatPumpSurplus(Watts) "heat_pump.surplus" HeatPump "W", safe Watts::ZERO;
    /// Electric power with which the heat pump heats the rooms, in W; `None`: by its own rule.
    HeatPumpRoomPower(Option<Watts>) "heat_pump.room_power" HeatPump "W", safe None;
    /// Electric power with which it heats the tank, in W; `None`: by its own rule.
    HeatPumpHotWaterPower(Option<Watts>) "heat_pump.hot_water_power" HeatPump "W", safe None;
    /// Electric power with which it cools the rooms, in W; `None`: by its own rule.
    HeatPumpCoolingPower(Option<Watts>) "heat_pump.cooling_power" HeatPump "W", safe None;
    /// Added to the heat pump's own set point for the rooms, in K.
    HeatPumpRoomShift(Kelvins) "heat_pump.room_shift" HeatPump "K", safe Kelvins::ZERO;
    /// Added to its own set point for the tank, in K.
    HeatPumpHotWaterShift(Kelvins) "heat_pump.hot_water_shift" HeatPump "K", safe Kelvins::ZERO;
    /// Cap on PV output, in % of its rating.
    PvLimit(Percent) "pv.limit" Pv "%", safe Percent(100.0);
}

/// Every setting that is a word.
const WORDS: &[Setting] = &[
    Setting::ComputeHeatRoute(None),
    Setting::ComputeHeatRoute(Some(HeatSink::Room)),
    Setting::ComputeHeatRoute(Some(HeatSink::Tank)),
    Setting::ComputeHeatRoute(Some(HeatSink::HeatPumpSource)),
    Setting::ComputeHeatRoute(Some(HeatSink::Outside)),
    Setting::BatteryMode(BatteryMode::Normal),
    Setting::BatteryMode(BatteryMode::Hold),
    Setting::BatteryMode(BatteryMode::Charge),
    Setting::HeatPumpMode(HeatPumpMode::Block),
    Setting::HeatPumpMode(HeatPumpMode::Normal),
    Setting::HeatPumpMode(HeatPumpMode::Boost),
    Setting::HeatPumpMode(HeatPumpMode::Force),
];

impl Control {
    /// The settings of a control whose values are words; none of one whose values are numbers.
    pub fn words(self) -> impl Iterator<Item = Setting> {
        WORDS.iter().copied().filter(move |setting| setting.control() == self)
    }

    /// Whether its values are numbers.
    pub fn is_numeric(self) -> bool {
        self.words().next().is_none()
    }

    /// Whether its numbers may be left to the device's own rule, the word `normal` of definitions.
    pub fn has_own_rule(self) -> bool {
        self.is_numeric() && self.safe().number().is_none()
    }
}

impl Setting {
    /// Whether the device keeps its own control under this value.
    pub fn is_safe(self) -> bool {
        self == self.control().safe()
    }

    /// The number it holds, in the control's unit; `None` where it is a word, or the device's own rule decides.
    pub fn number(self) -> Option<f64> {
        match self {
            Setting::ComputeBudget(watts) | Setting::BatteryChargePower(watts) | Setting::HeatPumpSurplus(watts) => {
                Some(watts.0)
            }
            Setting::BatteryChargeLimit(percent)
            | Setting::BatteryDischargeLimit(percent)
            | Setting::PvLimit(percent) => Some(percent.0),
            Setting::HeatPumpRoomShift(kelvins) | Setting::HeatPumpHotWaterShift(kelvins) => Some(kelvins.0),
            Setting::HeatPumpRoomPower(watts)
            | Setting::HeatPumpHotWaterPower(watts)
            | Setting::HeatPumpCoolingPower(watts) => watts.map(|watts| watts.0),
            Setting::ComputeHeatRoute(_) | Setting::BatteryMode(_) | Setting::HeatPumpMode(_) => None,
        }
    }

    /// The same control at another number; a word, and the device's own rule, stay what they are.
    #[must_use]
    pub fn with_number(self, number: f64) -> Self {
        match self {
            Setting::ComputeBudget(_) => Setting::ComputeBudget(Watts(number)),
            Setting::BatteryChargePower(_) => Setting::BatteryChargePower(Watts(number)),
            Setting::BatteryChargeLimit(_) => Setting::BatteryChargeLimit(Percent(number)),
            Setting::BatteryDischargeLimit(_) => Setting::BatteryDischargeLimit(Percent(number)),
            Setting::HeatPumpSurplus(_) => Setting::HeatPumpSurplus(Watts(number)),
            Setting::HeatPumpRoomPower(Some(_)) => Setting::HeatPumpRoomPower(Some(Watts(number))),
            Setting::HeatPumpHotWaterPower(Some(_)) => Setting::HeatPumpHotWaterPower(Some(Watts(number))),
            Setting::HeatPumpCoolingPower(Some(_)) => Setting::HeatPumpCoolingPower(Some(Watts(number))),
            Setting::HeatPumpRoomShift(_) => Setting::HeatPumpRoomShift(Kelvins(number)),
            Setting::HeatPumpHotWaterShift(_) => Setting::HeatPumpHotWaterShift(Kelvins(number)),
            Setting::PvLimit(_) => Setting::PvLimit(Percent(number)),
            Setting::HeatPumpRoomPower(None)
            | Setting::HeatPumpHotWaterPower(None)
            | Setting::HeatPumpCoolingPower(None)
            | Setting::ComputeHeatRoute(_)
            | Setting::BatteryMode(_)
            | Setting::HeatPumpMode(_) => self,
        }
    }

    /// Its word in definitions; `normal` where the device's own rule decides, `None` where it is a number.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Setting::BatteryMode(BatteryMode::Normal)
            | Setting::HeatPumpMode(HeatPumpMode::Normal)
            | Setting::ComputeHeatRoute(None)
            | Setting::HeatPumpRoomPower(None)
            | Setting::HeatPumpHotWaterPower(None)
            | Setting::HeatPumpCoolingPower(None) => Some("normal"),
            Setting::BatteryMode(BatteryMode::Hold) => Some("hold"),
            Setting::BatteryMode(BatteryMode::Charge) => Some("charge"),
            Setting::HeatPumpMode(HeatPumpMode::Block) => Some("block"),
            Setting::HeatPumpMode(HeatPumpMode::Boost) => Some("boost"),
            Setting::HeatPumpMode(HeatPumpMode::Force) => Some("force"),
            Setting::ComputeHeatRoute(Some(HeatSink::Room)) => Some("room"),
            Setting::ComputeHeatRoute(Some(HeatSink::Tank)) => Some("tank"),
            Setting::ComputeHeatRoute(Some(HeatSink::HeatPumpSource)) => Some("heat_pump_source"),
            Setting::ComputeHeatRoute(Some(HeatSink::Outside)) => Some("outside"),
            Setting::ComputeBudget(_)
            | Setting::BatteryChargePower(_)
            | Setting::BatteryChargeLimit(_)
            | Setting::BatteryDischargeLimit(_)
            | Setting::HeatPumpSurplus(_)
            | Setting::HeatPumpRoomPower(Some(_))
            | Setting::HeatPumpHotWaterPower(Some(_))
            | Setting::HeatPumpCoolingPower(Some(_))
            | Setting::HeatPumpRoomShift(_)
            | Setting::HeatPumpHotWaterShift(_)
            | Setting::PvLimit(_) => None,
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Control {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Control::ALL
            .iter()
            .copied()
            .find(|control| control.name() == text)
            .ok_or_else(|| UnknownWord::Control(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Setpoint;
    use crate::point::DeviceId;
    use crate::reason::Reason;

    #[test]
    fn every_setting_reads_as_it_was_written() {
        let numbers = Control::ALL.iter().map(|control| control.safe().with_number(50.0));
        let powers = [
            Setting::HeatPumpRoomPower(Some(Watts(700.0))),
            Setting::HeatPumpHotWaterPower(Some(Watts(0.0))),
            Setting::HeatPumpCoolingPower(Some(Watts(400.0))),
        ];
        for setting in WORDS.iter().copied().chain(numbers).chain(powers) {
            let setpoint = Setpoint { device: DeviceId("d".into()), setting, reason: Reason::Idle };
            let text = serde_json::to_string(&setpoint).unwrap();
            assert_eq!(serde_json::from_str::<Setpoint>(&text).unwrap(), setpoint, "{text}");
            assert_eq!(setting.control().name().parse(), Ok(setting.control()));
            assert!(setting.number().is_none() || setting.word().is_none(), "{text}");
        }
    }

    #[test]
    fn what_a_device_does_by_itself_is_the_safe_value() {
        let rows = [
            (Control::BatteryChargePower, r#"{"control":"battery.charge_power","value":0.0}"#),
            (Control::BatteryChargeLimit, r#"{"control":"battery.charge_limit","value":100.0}"#),
            (Control::BatteryDischargeLimit, r#"{"control":"battery.discharge_limit","value":100.0}"#),
            (Control::HeatPumpRoomPower, r#"{"control":"heat_pump.room_power","value":null}"#),
            (Control::HeatPumpHotWaterPower, r#"{"control":"heat_pump.hot_water_power","value":null}"#),
            (Control::HeatPumpCoolingPower, r#"{"control":"heat_pump.cooling_power","value":null}"#),
            (Control::HeatPumpRoomShift, r#"{"control":"heat_pump.room_shift","value":0.0}"#),
            (Control::HeatPumpHotWaterShift, r#"{"control":"heat_pump.hot_water_shift","value":0.0}"#),
            (Control::ComputeHeatRoute, r#"{"control":"compute.heat_route","value":null}"#),
        ];
        for (control, text) in rows {
            assert_eq!(serde_json::to_string(&control.safe()).unwrap(), text);
            assert_eq!(serde_json::from_str::<Setting>(text).unwrap(), control.safe());
            assert!(control.safe().is_safe());
        }
        assert!(!Setting::HeatPumpRoomPower(Some(Watts::ZERO)).is_safe(), "off is not the own rule");
    }

    #[test]
    fn words_and_numbers_are_told_apart() {
        let own: Vec<Control> = Control::ALL.iter().copied().filter(|control| control.has_own_rule()).collect();
        assert_eq!(own, [Control::HeatPumpRoomPower, Control::HeatPumpHotWaterPower, Control::HeatPumpCoolingPower]);
        let words = |control: Control| control.words().filter_map(Setting::word).collect::<Vec<_>>();
        assert_eq!(words(Control::BatteryMode), ["normal", "hold", "charge"]);
        assert_eq!(words(Control::ComputeHeatRoute), ["normal", "room", "tank", "heat_pump_source", "outside"]);
        assert_eq!(words(Control::PvLimit), [""; 0]);
    }
}
