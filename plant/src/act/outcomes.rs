//! What went wrong with the last setpoint of each control, until the device takes one.

use crate::decision::{Control, Outcome};
use crate::point::DeviceId;
use std::collections::BTreeMap;

/// The errors that stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    errors: BTreeMap<(DeviceId, Control), String>,
}

impl Outcomes {
    /// Takes note of what came of a setpoint.
    pub(crate) fn take(&mut self, outcome: &Outcome) {
        let key = (outcome.setpoint.device.clone(), outcome.setpoint.setting.control());
        match &outcome.error {
            Some(error) => self.errors.insert(key, error.clone()),
            None => self.errors.remove(&key),
        };
    }

    /// Whether some device does not do what this control is set to.
    pub(crate) fn disobeys(&self, control: Control) -> bool {
        self.errors.keys().any(|(_, failing)| *failing == control)
    }

    /// One error of each device that has any.
    pub(crate) fn errors(&self) -> BTreeMap<DeviceId, String> {
        self.errors.iter().map(|((device, _), error)| (device.clone(), error.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{BatteryMode, HeatPumpMode, Setpoint, Setting};
    use crate::reason::Reason;

    #[test]
    fn an_error_stands_until_its_own_control_is_taken() {
        const BATTERY: Setting = Setting::BatteryMode(BatteryMode::Hold);
        const PUMP: Setting = Setting::HeatPumpMode(HeatPumpMode::Boost);
        let rows = [(BATTERY, Some("busy"), Some("busy")), (PUMP, None, Some("busy")), (BATTERY, None, None)];
        let device = DeviceId("box".into());
        let mut outcomes = Outcomes::default();
        for (setting, error, expected) in rows {
            let setpoint = Setpoint { device: device.clone(), setting, reason: Reason::Surplus };
            outcomes.take(&Outcome { setpoint, error: error.map(str::to_owned) });
            assert_eq!(outcomes.errors().get(&device).map(String::as_str), expected, "{setting:?}");
        }
    }
}
