//! What a plan intends for battery and heat pump, in words for a person.

use super::{HeatPumpIntent, HouseIntent, Stores};
use crate::reason::Reason;
use crate::units::{Celsius, Percent, Watts};

/// Less than this is none.
const SOME: Watts = Watts(0.5);
/// A device that moves less than this rests.
const RESTING: Watts = Watts(30.0);
/// What charges by this share from the grid does so from nothing else, as far as a person cares.
const ALL: f64 = 0.95;
/// A battery above this takes nothing because it is full.
const FULL: Percent = Percent(95.0);

impl HouseIntent {
    /// What the battery is to do and why, at `soc` afterwards; `None` where there is none that can be set.
    ///
    /// Example: `Charges at 3.4 kW, 2.1 kW of it from the grid: power is cheaper now than when it will be needed.`
    pub fn battery_sentence(&self, soc: Option<Percent>) -> Option<String> {
        let intent = self.battery?;
        let none = |bound: Option<Watts>| bound.is_some_and(|most| most <= SOME);
        let does = if intent.charge_min > SOME {
            self.charges(intent.charge_min.max(-self.battery_power))
        } else if self.gives_beside_room() {
            return Some(format!("Gives {}.", short(self.battery_power)));
        } else if none(intent.discharge_max) {
            "Keeps its energy".to_owned()
        } else if none(intent.charge_max) && soc.is_some_and(|soc| soc >= FULL) {
            return Some("Takes nothing more: it is full.".to_owned());
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

    /// That it charges with `power`, and what of it the grid is expected to give.
    fn charges(&self, power: Watts) -> String {
        let (does, bought) = (format!("Charges at {}", short(power)), self.grid.min(power));
        if bought >= power * ALL {
            format!("{does} from the grid")
        } else if bought > RESTING {
            format!("{does}, {} of it from the grid", short(bought))
        } else {
            format!("{does}, from the grid where the sun falls short")
        }
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
        let why = if waits { "heat is cheaper later" } else { self.heat_pump_clause(intent) };
        Some(format!("{does}{}.", clause(self.heat_pump_reason, why)))
    }

    /// Why the heat pump runs, by what it does.
    fn heat_pump_clause(&self, HeatPumpIntent { room, tank, cooling }: HeatPumpIntent) -> &'static str {
        let runs = |power: Option<Watts>| power.is_some_and(|power| power > RESTING);
        let sentence = self.heat_pump_reason.sentence();
        match (self.heat_pump_reason, runs(room), runs(tank), runs(cooling)) {
            (Reason::Comfort, true, false, _) => "the rooms need the heat",
            (Reason::Comfort, false, true, _) => "the tank needs the heat",
            (Reason::Comfort, false, false, true) => "the rooms need to be cooled",
            (Reason::Preheat, false, false, true) => "cooling is cheaper now than later",
            _ => sentence,
        }
    }
}

impl Stores {
    /// What is known of them: `battery 61 %, room 20.6 °C, tank 49.0 °C`; empty where nothing is.
    pub fn words(&self) -> String {
        let soc = self.soc.map(|soc| format!("battery {:.0} %", soc.0));
        let warm = |name: &str, at: Option<Celsius>| at.map(|at| format!("{name} {at}"));
        let parts = [soc, warm("room", self.room), warm("tank", self.tank)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
            stores_without: None,
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
                "Charges at 2.1 kW, 800 W of it from the grid: power is cheaper now than when it will be needed.",
            ),
            (
                BatteryIntent { charge_min: Watts(700.0), ..free },
                Reason::GridCharge,
                -700.0,
                "Charges at 700 W from the grid: power is cheaper now than when it will be needed.",
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
            let intent = HouseIntent { grid: Watts(800.0), ..intent };
            assert_eq!(intent.battery_sentence(Some(Percent(60.0))).as_deref(), Some(expected));
        }
        let intent = |battery, reason| intent(battery, HeatPumpIntent::default(), [reason, Reason::OwnRule], 0.0);
        let sunny = HouseIntent {
            grid: Watts(-900.0),
            ..intent(BatteryIntent { charge_min: Watts(2000.0), ..free }, Reason::GridCharge)
        };
        let words = sunny.battery_sentence(None).unwrap();
        assert!(words.starts_with("Charges at 2.0 kW, from the grid where the sun falls short: "), "{words}");
        let full = intent(BatteryIntent { charge_max: Some(Watts::ZERO), ..free }, Reason::KeepRoom);
        assert_eq!(full.battery_sentence(Some(Percent(98.0))).as_deref(), Some("Takes nothing more: it is full."));
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
            (
                both,
                Reason::Comfort,
                "Heats the rooms at 800 W and heats the tank at 1.2 kW: room or tank need the heat.",
            ),
            (
                HeatPumpIntent { room: Some(Watts(900.0)), ..own },
                Reason::Comfort,
                "Heats the rooms at 900 W: the rooms need the heat.",
            ),
            (
                HeatPumpIntent { cooling: Some(Watts(900.0)), ..own },
                Reason::Comfort,
                "Cools the rooms at 900 W: the rooms need to be cooled.",
            ),
            (
                HeatPumpIntent { cooling: Some(Watts(900.0)), ..own },
                Reason::Preheat,
                "Cools the rooms at 900 W: cooling is cheaper now than later.",
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
        assert_eq!((none.battery_sentence(None), none.heat_pump_sentence()), (None, None));
    }
}
