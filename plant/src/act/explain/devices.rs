//! What battery and heat pump do in words: what is seen of them, why they are set so, and the prices that speak for it.

use crate::decision::{BatteryMode, Control, Decision, HeatPumpMode, Setpoint, Setting};
use crate::plan::{HouseIntent, short};
use crate::point::{Point, Role};
use crate::reason::Reason;
use crate::units::{Currency, EurPerKwh, Watts};
use crate::value::situation::Situation;

/// A battery or heat pump that moves less than this rests.
const RESTING: Watts = Watts(30.0);

/// What the sentence is made of.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    setpoint: &'a Setpoint,
    /// Measured power; `None` where it is not known.
    power: Option<Watts>,
    /// What the grid gives, where it is known.
    grid: Option<Watts>,
    /// What power costs now.
    price: Option<EurPerKwh>,
    plan: Option<&'a HouseIntent>,
    currency: Currency,
}

impl<'a> Seen<'a> {
    /// What is seen of a role; `None` where nothing of it can be set.
    fn of(situation: &Situation<'a>, decision: &'a Decision, role: Role, power: Point) -> Option<Self> {
        let own = || decision.settings.iter().filter(|setpoint| setpoint.setting.control().role() == role);
        // What makes a device work says more than what keeps it from it.
        let set = || own().filter(|setpoint| !setpoint.setting.is_safe());
        let setpoint = set().find(|setpoint| !stops(setpoint.setting)).or_else(|| set().next());
        Some(Self {
            setpoint: setpoint.or_else(|| own().next())?,
            power: situation.image.get(power).fresh().map(Watts),
            grid: situation.image.get(Point::GridPower).fresh().map(Watts),
            price: situation.prices.import,
            plan: situation.planned.and_then(|planned| planned.house.as_ref()),
            currency: situation.site.currency,
        })
    }

    /// ` (0.19 EUR)`; nothing where the price is not known.
    fn bracket(&self, price: Option<EurPerKwh>) -> String {
        price.map_or(String::new(), |price| format!(" ({:.2} {})", price.0, self.currency))
    }

    /// Why, as the clause of a sentence.
    fn because(&self) -> String {
        let (now, plan) = (self.bracket(self.price), self.plan);
        let stored = self.bracket(plan.map(|plan| plan.values.stored));
        let heat = plan.map(|plan| plan.values.room.max(plan.values.tank));
        let reason = self.setpoint.reason;
        let is_battery = self.setpoint.setting.control().role() == Role::Battery;
        if reason == Reason::GridCharge {
            format!("power costs less now{now} than it will be worth{stored}")
        } else if reason == Reason::HoldForLater && is_battery {
            format!("it is worth more later{stored} than power costs now{now}")
        } else if reason == Reason::HoldForLater {
            "heat is cheaper later".to_owned()
        } else if reason == Reason::Preheat {
            let worth = |heat: EurPerKwh| format!(", when a kWh of it will be worth {:.2} {}", heat.0, self.currency);
            format!("heat is cheaper now than later{}", heat.map_or(String::new(), worth))
        } else if reason == Reason::Comfort {
            needed(self.setpoint.setting.control()).to_owned()
        } else if reason == Reason::NegativePrice {
            format!("{}{now}", reason.sentence())
        } else {
            reason.sentence().to_owned()
        }
    }
}

/// What a control of the heat pump is about needs it.
fn needed(control: Control) -> &'static str {
    if matches!(control, Control::HeatPumpRoomPower | Control::HeatPumpRoomShift) {
        "the rooms need the heat"
    } else if matches!(control, Control::HeatPumpHotWaterPower | Control::HeatPumpHotWaterShift) {
        "the tank needs the heat"
    } else if control == Control::HeatPumpCoolingPower {
        "the rooms need to be cooled"
    } else {
        Reason::Comfort.sentence()
    }
}

/// Whether a heat pump that is set so does not heat.
fn stops(setting: Setting) -> bool {
    let heats = setting.control().role() == Role::HeatPump;
    let nothing = setting.number().is_some_and(|number| number <= 0.0);
    heats && (nothing || setting == Setting::HeatPumpMode(HeatPumpMode::Block))
}

/// What the battery does and why; `None` where nothing of it can be set.
pub(crate) fn explain_battery(situation: &Situation<'_>, decision: &Decision) -> Option<String> {
    Seen::of(situation, decision, Role::Battery, Point::BatteryPower).map(|seen| battery(&seen))
}

/// What the heat pump does and why; `None` where nothing of it can be set.
pub(crate) fn explain_heat_pump(situation: &Situation<'_>, decision: &Decision) -> Option<String> {
    Seen::of(situation, decision, Role::HeatPump, Point::HeatPumpPower).map(|seen| heat_pump(&seen))
}

fn battery(seen: &Seen<'_>) -> String {
    let does = match seen.power {
        None => None,
        Some(power) if power > RESTING => Some(format!("giving {}", short(power))),
        Some(power) if power < -RESTING => Some(format!("charging at {}", short(-power))),
        Some(_) => Some("resting".to_owned()),
    };
    if seen.setpoint.setting.is_safe() {
        return own_rule(seen, does);
    }
    let (reason, because) = (seen.setpoint.reason, seen.because());
    let charging = seen.power.filter(|power| *power < -RESTING).map(|power| short(-power));
    let does = if seen.setpoint.setting == Setting::BatteryMode(BatteryMode::Charge) || reason == Reason::GridCharge {
        // What the sun gives may be enough.
        let from = if seen.grid.is_some_and(|grid| grid > RESTING) { " from the grid" } else { "" };
        charging.map_or("Set to charge from the grid".to_owned(), |power| format!("Charging at {power}{from}"))
    } else if reason == Reason::KeepRoom {
        "Kept from charging".to_owned()
    } else if matches!(
        reason,
        Reason::HoldForLater | Reason::BatteryReserve | Reason::FuseLimit | Reason::GridDimmed | Reason::Island
    ) {
        "Kept from giving its energy".to_owned()
    } else {
        "Kept from feeding compute".to_owned()
    };
    format!("{does}: {because}.")
}

fn heat_pump(seen: &Seen<'_>) -> String {
    let running = seen.power.filter(|power| *power > RESTING).map(short);
    if seen.setpoint.setting.is_safe() {
        let does = match (&running, seen.power) {
            (Some(power), _) => Some(format!("running at {power}")),
            (None, Some(_)) => Some("resting".to_owned()),
            (None, None) => None,
        };
        return own_rule(seen, does);
    }
    let with = running.map_or(String::new(), |power| format!(" with {power}"));
    let reason = seen.setpoint.reason;
    if reason == Reason::Idle && stops(seen.setpoint.setting) {
        return "Resting: no heat is needed.".to_owned();
    }
    let does = if reason == Reason::HoldForLater || stops(seen.setpoint.setting) {
        "Made to wait".to_owned()
    } else if reason == Reason::Preheat {
        format!("Heating ahead{with}")
    } else if reason == Reason::Legionella {
        format!("Heating the tank{with}")
    } else if reason == Reason::Comfort {
        format!("Heating{with}")
    } else if with.is_empty() {
        "Free to run".to_owned()
    } else {
        format!("Running{with}")
    };
    format!("{does}: {}.", seen.because())
}

/// A device under its own control; the plan may have left it there on purpose.
fn own_rule(seen: &Seen<'_>, does: Option<String>) -> String {
    let does = does.map_or(String::new(), |does| format!(", {does}"));
    let reason = seen.setpoint.reason;
    if matches!(reason, Reason::StaleData | Reason::Implausible) {
        format!("Under its own control{does}: {}.", reason.sentence())
    } else {
        format!("Under its own control{does}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::MarginalValues;
    use crate::point::DeviceId;
    use crate::units::Eur;

    const PLAN: HouseIntent = HouseIntent {
        battery: None,
        battery_reason: Reason::GridCharge,
        heat_pump: None,
        heat_pump_reason: Reason::Preheat,
        route: None,
        battery_power: Watts(-2100.0),
        grid: Watts(3000.0),
        heat_pump_power: Watts(1200.0),
        curtailed: Watts(0.0),
        room: None,
        tank: None,
        values: MarginalValues {
            power: EurPerKwh(0.19),
            stored: EurPerKwh(0.34),
            room: EurPerKwh(0.09),
            tank: EurPerKwh(0.07),
        },
        cost: Eur(0.1),
        cost_without: None,
        stores_without: None,
    };

    fn says(setting: Setting, reason: Reason, power: Option<f64>) -> String {
        let setpoint = Setpoint { device: DeviceId("device".into()), setting, reason };
        let seen = Seen {
            setpoint: &setpoint,
            power: power.map(Watts),
            grid: Some(Watts(-power.unwrap_or_default())),
            price: Some(EurPerKwh(0.19)),
            plan: Some(&PLAN),
            currency: Currency::EUR,
        };
        if setting.control().role() == Role::Battery { battery(&seen) } else { heat_pump(&seen) }
    }

    #[test]
    fn a_battery_says_what_it_does_and_why() {
        let mode = Setting::BatteryMode;
        let rows = [
            (
                mode(BatteryMode::Charge),
                Reason::GridCharge,
                Some(-2100.0),
                "Charging at 2.1 kW from the grid: power costs less now (0.19 EUR) than it will be worth (0.34 EUR).",
            ),
            (
                mode(BatteryMode::Charge),
                Reason::GridCharge,
                None,
                "Set to charge from the grid: power costs less now (0.19 EUR) than it will be worth (0.34 EUR).",
            ),
            (
                mode(BatteryMode::Hold),
                Reason::HoldForLater,
                Some(0.0),
                "Kept from giving its energy: it is worth more later (0.34 EUR) than power costs now (0.19 EUR).",
            ),
            (
                mode(BatteryMode::Hold),
                Reason::CheapPower,
                Some(0.0),
                "Kept from feeding compute: power is cheap enough now.",
            ),
            (
                mode(BatteryMode::Hold),
                Reason::BatteryReserve,
                Some(0.0),
                "Kept from giving its energy: the battery reserve is kept.",
            ),
            (mode(BatteryMode::Normal), Reason::OwnRule, Some(400.0), "Under its own control, giving 400 W."),
            (mode(BatteryMode::Normal), Reason::Unset, Some(5.0), "Under its own control, resting."),
            (
                mode(BatteryMode::Normal),
                Reason::StaleData,
                None,
                "Under its own control: a needed measurement is missing or old.",
            ),
        ];
        for (setting, reason, power, expected) in rows {
            assert_eq!(says(setting, reason, power), expected);
        }
    }

    #[test]
    fn a_heat_pump_says_what_it_does_and_why() {
        let mode = Setting::HeatPumpMode;
        let rows = [
            (
                mode(HeatPumpMode::Boost),
                Reason::Preheat,
                Some(1200.0),
                "Heating ahead with 1.2 kW: heat is cheaper now than later, when a kWh of it will be worth 0.09 EUR.",
            ),
            (
                mode(HeatPumpMode::Force),
                Reason::Legionella,
                Some(800.0),
                "Heating the tank with 800 W: the tank is heated against legionella.",
            ),
            (
                Setting::HeatPumpSurplus(Watts(900.0)),
                Reason::Surplus,
                Some(0.0),
                "Free to run: solar surplus would otherwise be exported.",
            ),
            (
                Setting::HeatPumpRoomPower(Some(Watts::ZERO)),
                Reason::HoldForLater,
                Some(0.0),
                "Made to wait: heat is cheaper later.",
            ),
            (Setting::HeatPumpRoomPower(Some(Watts::ZERO)), Reason::Idle, Some(0.0), "Resting: no heat is needed."),
            (
                Setting::HeatPumpRoomPower(Some(Watts(900.0))),
                Reason::Comfort,
                Some(880.0),
                "Heating with 880 W: the rooms need the heat.",
            ),
            (
                Setting::HeatPumpHotWaterPower(Some(Watts(900.0))),
                Reason::Comfort,
                Some(880.0),
                "Heating with 880 W: the tank needs the heat.",
            ),
            (Setting::HeatPumpHotWaterPower(Some(Watts::ZERO)), Reason::TooHot, None, "Made to wait: it is too hot."),
            (mode(HeatPumpMode::Normal), Reason::Idle, Some(650.0), "Under its own control, running at 650 W."),
        ];
        for (setting, reason, power, expected) in rows {
            assert_eq!(says(setting, reason, power), expected);
        }
    }
}
