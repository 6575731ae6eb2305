//! What battery and heat pump do and are meant to do.

use super::{moment, rounded};
use plant::decision::Setpoint;
use plant::plan::{HouseIntent, PlannedSlot};
use plant::point::Role;
use plant::reason::Reason;
use plant::record::Record;
use plant::time::Slot;
use plant::units::Watts;
use serde_json::{Value, json};

/// Slots of the house's plan that are shown: 36 hours. With them, its attributes stay below what Home Assistant's recorder keeps.
pub(super) const HOUSE_SLOTS_MAX: usize = 144;

/// Why a device is set as it is: its own rule where nothing of it is set; `None` where the plan and the decision know nothing of it.
pub(super) fn reason(record: &Record, role: Role) -> Option<Reason> {
    if !record.points.keys().any(|point| point.role() == role) {
        return None;
    }
    let set = setpoints(record, role).find(|setpoint| !setpoint.setting.is_safe());
    Some(set.map_or(Reason::OwnRule, |setpoint| setpoint.reason))
}

fn setpoints(record: &Record, role: Role) -> impl Iterator<Item = &Setpoint> {
    record.decision.settings.iter().filter(move |setpoint| setpoint.setting.control().role() == role)
}

/// The battery's attributes: what it does in words, what is planned, and the numbers.
pub(super) fn battery(record: &Record) -> Value {
    let slot = record.plan.as_ref().and_then(|plan| plan.at(record.at));
    let house = slot.and_then(|slot| slot.house.as_ref());
    json!({
        "explanation": record.battery_explanation,
        "planned": slot.and_then(|slot| slot.house?.battery_sentence(slot.battery_soc)),
        "planned_w": house.map(|house| rounded(house.battery_power.0, 0)),
        "planned_soc": slot.and_then(|slot| slot.battery_soc).map(|soc| rounded(soc.0, 0)),
        "stored_value": house.map(|house| rounded(house.values.stored.0, 4)),
        "settings": settings(record, Role::Battery),
    })
}

/// The same of the heat pump.
pub(super) fn heat_pump(record: &Record) -> Value {
    let house = record.plan.as_ref().and_then(|plan| plan.at(record.at)?.house.as_ref());
    json!({
        "explanation": record.heat_pump_explanation,
        "planned": house.and_then(HouseIntent::heat_pump_sentence),
        "planned_w": house.map(|house| rounded(house.heat_pump_power.0, 0)),
        "planned_room": house.and_then(|house| house.room).map(|room| rounded(room.0, 1)),
        "planned_tank": house.and_then(|house| house.tank).map(|tank| rounded(tank.0, 1)),
        "room_heat_value": house.map(|house| rounded(house.values.room.0, 4)),
        "tank_heat_value": house.map(|house| rounded(house.values.tank.0, 4)),
        "settings": settings(record, Role::HeatPump),
    })
}

/// The controls of a role and their values.
fn settings(record: &Record, role: Role) -> Value {
    let row = |setpoint: &Setpoint| {
        let mut row = json!({"device": setpoint.device.0, "reason": setpoint.reason.name()});
        if let (Value::Object(row), Ok(Value::Object(setting))) = (&mut row, serde_json::to_value(setpoint.setting)) {
            row.extend(setting);
        }
        row
    };
    setpoints(record, role).map(row).collect()
}

/// The slots ahead as columns: what the house is expected to do.
pub(super) fn ahead(slots: &[&PlannedSlot]) -> Value {
    let slots = &slots[..slots.len().min(HOUSE_SLOTS_MAX)];
    let column = |of: &dyn Fn(&PlannedSlot) -> Option<Value>| -> Value {
        slots.iter().map(|slot| of(slot).unwrap_or(Value::Null)).collect()
    };
    let watts = |watts: Watts| rounded(watts.0, 0);
    json!({
        "start": slots.first().map(|slot| moment(slot.start)),
        "step_minutes": Slot::SECONDS / 60,
        "load_w": column(&|slot| slot.load.map(watts)),
        "pv_spread_w": column(&|slot| Some(watts(slot.pv_spread))),
        "battery_soc": column(&|slot| slot.battery_soc.map(|soc| rounded(soc.0, 0))),
        "battery_w": column(&|slot| Some(watts(slot.house?.battery_power))),
        "battery": column(&|slot| Some(slot.house?.battery_reason.name().into())),
        "heat_pump_w": column(&|slot| Some(watts(slot.house?.heat_pump_power))),
        "heat_pump": column(&|slot| Some(slot.house?.heat_pump_reason.name().into())),
        "grid_w": column(&|slot| Some(watts(slot.house?.grid))),
        "room": column(&|slot| slot.house?.room.map(|room| rounded(room.0, 1))),
        "tank": column(&|slot| slot.house?.tank.map(|tank| rounded(tank.0, 1))),
        "cost": column(&|slot| Some(rounded(slot.house?.cost.0, 3))),
        "cost_without": column(&|slot| Some(rounded(slot.house?.cost_without?.0, 3))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::decision::{BatteryMode, Setting};
    use plant::point::DeviceId;
    use plant::units::Eur;

    fn noon() -> Record {
        crate::http::fixture::record("2026-11-21T11:30:00Z".parse().unwrap())
    }

    #[test]
    fn a_battery_says_why_it_is_set_and_what_is_planned() {
        let mut record = noon();
        assert_eq!(reason(&record, Role::Battery), Some(Reason::OwnRule), "nothing is set");
        let setting = Setting::BatteryMode(BatteryMode::Charge);
        let setpoint = Setpoint { device: DeviceId("inverter".into()), setting, reason: Reason::GridCharge };
        record.decision.settings.push(setpoint);
        record.battery_explanation = Some("Charging.".into());
        assert_eq!(reason(&record, Role::Battery), Some(Reason::GridCharge));
        let why = battery(&record);
        assert_eq!(why["explanation"], "Charging.");
        assert!(why["planned"].as_str().unwrap().starts_with("Charges at 2.1 kW"), "{why}");
        assert_eq!((&why["planned_w"], &why["stored_value"]), (&json!(-2057), &json!(0.26)));
        let row = json!({"device": "inverter", "control": "battery.mode", "value": "charge", "reason": "grid_charge"});
        assert_eq!(why["settings"], json!([row]));
        assert_eq!(why["planned_soc"], json!(60));
        record.points.retain(|point, _| point.role() != Role::Battery);
        assert_eq!(reason(&record, Role::Battery), None);
    }

    #[test]
    fn a_plan_by_rule_expects_no_costs() {
        let mut record = noon();
        let (expected, without) = record.expected_today();
        assert!(expected.is_some() && without.is_some(), "{expected:?} {without:?}");
        // A plan for the rest of the day that costs a cent a slot: half of the running one is left.
        record.at = "2026-11-21T11:37:30Z".parse().unwrap();
        for slot in &mut record.plan.as_mut().unwrap().slots {
            slot.house.as_mut().unwrap().cost = Eur(0.01);
        }
        let so_far = record.today.cost.0 - record.today.revenue.0;
        let slots_left = 45.5; // From 12:37:30 in Berlin.
        assert!((record.expected_today().0.unwrap().0 - so_far - slots_left * 0.01).abs() < 1e-9);
        record.plan.as_mut().unwrap().slots.truncate(20);
        assert_eq!(record.expected_today(), (None, None), "it ends before the day");
        let mut record = noon();
        record.plan.as_mut().unwrap().slots[3].house = None;
        assert_eq!(record.expected_today(), (None, None));
    }

    #[test]
    fn a_plan_of_the_house_fits_into_the_recorder() {
        let record = noon();
        let mut plan = record.plan.unwrap();
        for slot in &mut plan.slots {
            let house = slot.house.as_mut().unwrap();
            (house.battery_reason, house.heat_pump_reason) = (Reason::HoldForLater, Reason::HoldForLater);
            (house.battery_power, house.grid, house.heat_pump_power) =
                (Watts(-12345.0), Watts(-12345.0), Watts(12345.0));
            (house.cost, house.cost_without) = (Eur(-1.234), Some(Eur(-1.234)));
            (slot.pv_spread, slot.load) = (Watts(12345.0), Some(Watts(12345.0)));
        }
        let slots: Vec<&PlannedSlot> = plan.slots.iter().collect();
        let text = ahead(&slots).to_string();
        assert!(text.len() < 16_000, "{} bytes of attributes", text.len());
    }
}
