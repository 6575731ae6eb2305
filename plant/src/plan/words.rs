//! What a plan intends for battery and heat pump, in words for a person.

use super::HouseIntent;
use crate::reason::Reason;
use crate::units::Watts;

/// Less than this is none.
const SOME: Watts = Watts(0.5);
/// A device that moves less than this rests.
const RESTING: Watts = Watts(30.0);

impl HouseIntent {
    /// What the battery is to do and why; `None` where there is none that can be set.
    ///
    /// Example: `Charges at 2.1 kW, from the grid where need be: power is cheaper now than when it will be needed.`
    pub fn battery_sentence(&self) -> Option<String> {
        let intent = self.battery?;
        let none = |bound: Option<Watts>| bound.is_some_and(|most| most <= SOME);
        let does = if intent.charge_min > SOME {
            let power = intent.charge_min.max(-self.battery_power);
            format!("Charges at {}, from the grid where need be", short(power))
        } else if self.gives_beside_room() {
            return Some(format!("Gives {}.", short(self.battery_power)));
        } else if none(intent.discharge_max) {
            "Keeps its energy".to_owned()
        } else if none(intent.charge_max) {
            "Takes nothing".to_owned()
        } else if let Some(most) = intent.charge_max {
            format!("Takes no more than {}", short(most))
        } else if let Some(most) = intent.discharge_max {
            format!("Gives no more than {}", short(most))
        } else if self.battery_power.abs() < RESTING {
            "Rests".to_owned()
        } else if self.battery_power > Watts::ZERO {
            format!("Gives {}", short(self.battery_power))
        } else {
            format!("Charges at {}", short(-self.battery_power))
        };
        Some(format!("{does}{}.", clause(self.battery_reason, self.battery_reason.sentence())))
    }

    /// Whether it gives while room is kept: what it must not take plays no part then.
    fn gives_beside_room(&self) -> bool {
        self.battery_reason == Reason::KeepRoom && self.battery_power > RESTING
    }

    /// What the heat pump is to do and why; `None` where there is none that can be set.
    ///
    /// Example: `Heats the rooms at 1.6 kW: heat is cheaper now than later.`
    pub fn heat_pump_sentence(&self) -> Option<String> {
        let intent = self.heat_pump?;
        let sinks =
            [(intent.room, "heats the rooms"), (intent.tank, "heats the tank"), (intent.cooling, "cools the rooms")];
        let running =
            sinks.into_iter().filter_map(|(power, does)| Some((power.filter(|power| *power > RESTING)?, does)));
        let running: Vec<String> = running.map(|(power, does)| format!("{does} at {}", short(power))).collect();
        let waits = self.heat_pump_reason == Reason::HoldForLater;
        if running.is_empty() && self.heat_pump_power <= RESTING && self.heat_pump_reason == Reason::Idle {
            return Some("Rests: no heat is needed.".to_owned());
        }
        let does = if !running.is_empty() {
            capitalised(&running.join(" and "))
        } else if self.heat_pump_power > RESTING {
            format!("Runs at {}", short(self.heat_pump_power))
        } else if waits {
            "Waits".to_owned()
        } else {
            "Rests".to_owned()
        };
        let why = if waits { "heat is cheaper later" } else { self.heat_pump_reason.sentence() };
        Some(format!("{does}{}.", clause(self.heat_pump_reason, why)))
    }
}

/// Why, as the end of a sentence.
fn clause(reason: Reason, why: &str) -> String {
    if matches!(reason, Reason::OwnRule | Reason::Unset | Reason::Idle) {
        ", by its own rule".to_owned()
    } else {
        format!(": {why}")
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// `850 W`, `2.1 kW`.
pub(crate) fn short(power: Watts) -> String {
    if power.abs().0 < 999.5 { format!("{power}") } else { format!("{:.1} kW", power.0 / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BatteryIntent, HeatPumpIntent, MarginalValues};
    use crate::units::Eur;

    fn intent(battery: BatteryIntent, heat_pump: HeatPumpIntent, reasons: [Reason; 2], power: f64) -> HouseIntent {
        HouseIntent {
            battery: Some(battery),
            battery_reason: reasons[0],
            heat_pump: Some(heat_pump),
            heat_pump_reason: reasons[1],
            route: None,
            battery_power: Watts(power),
            grid: Watts::ZERO,
            heat_pump_power: heat_pump.room.unwrap_or_default() + heat_pump.tank.unwrap_or_default(),
            curtailed: Watts::ZERO,
            room: None,
            tank: None,
            values: MarginalValues::default(),
            cost: Eur::ZERO,
            cost_without: None,
        }
    }

    #[test]
    fn a_battery_is_described() {
        let free = BatteryIntent::default();
        let rows = [
            (
                BatteryIntent { charge_min: Watts(2100.0), ..free },
                Reason::GridCharge,
                -2100.0,
                "Charges at 2.1 kW, from the grid where need be: power is cheaper now than when it will be needed.",
            ),
            (
                BatteryIntent { discharge_max: Some(Watts::ZERO), ..free },
                Reason::HoldForLater,
                0.0,
                "Keeps its energy: its energy is worth more later.",
            ),
            (
                BatteryIntent { charge_max: Some(Watts::ZERO), ..free },
                Reason::KeepRoom,
                0.0,
                "Takes nothing: room is kept for the sun that is to come.",
            ),
            (BatteryIntent { charge_max: Some(Watts::ZERO), ..free }, Reason::KeepRoom, 450.0, "Gives 450 W."),
            (free, Reason::OwnRule, 850.0, "Gives 850 W, by its own rule."),
            (free, Reason::OwnRule, -1200.0, "Charges at 1.2 kW, by its own rule."),
            (free, Reason::Unset, 0.0, "Rests, by its own rule."),
        ];
        for (battery, reason, power, expected) in rows {
            let intent = intent(battery, HeatPumpIntent::default(), [reason, Reason::OwnRule], power);
            assert_eq!(intent.battery_sentence().as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_heat_pump_is_described() {
        let own = HeatPumpIntent::default();
        let both = HeatPumpIntent { room: Some(Watts(800.0)), tank: Some(Watts(1200.0)), cooling: None };
        let rows = [
            (
                both,
                Reason::Preheat,
                "Heats the rooms at 800 W and heats the tank at 1.2 kW: heat is cheaper now than later.",
            ),
            (
                HeatPumpIntent { tank: Some(Watts(900.0)), ..own },
                Reason::Legionella,
                "Heats the tank at 900 W: the tank is heated against legionella.",
            ),
            (HeatPumpIntent { room: Some(Watts::ZERO), ..own }, Reason::HoldForLater, "Waits: heat is cheaper later."),
            (HeatPumpIntent { room: Some(Watts::ZERO), ..own }, Reason::Idle, "Rests: no heat is needed."),
            (own, Reason::OwnRule, "Rests, by its own rule."),
        ];
        for (heat_pump, reason, expected) in rows {
            let intent = intent(BatteryIntent::default(), heat_pump, [Reason::OwnRule, reason], 0.0);
            assert_eq!(intent.heat_pump_sentence().as_deref(), Some(expected));
        }
        let none = HouseIntent {
            battery: None,
            heat_pump: None,
            ..intent(BatteryIntent::default(), own, [Reason::Unset; 2], 0.0)
        };
        assert_eq!((none.battery_sentence(), none.heat_pump_sentence()), (None, None));
    }
}
