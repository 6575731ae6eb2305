//! The device's description, on fabricated records.

use super::*;
use crate::config::home_assistant::HomeAssistantConfig;
use crate::publish::home_assistant::fixture::record;
use plant::point::{Point, Role};
use std::collections::BTreeSet;

fn described(record: &Record) -> Value {
    discovery(record, &Topics::new(&HomeAssistantConfig::default(), "heatmine"), Some("http://127.0.0.1:8099/"))
}

#[test]
fn the_house_has_its_entities_with_their_classes() {
    let described = described(&record());
    let components = &described["components"];
    let rows = [
        ("grid_power", "power", "measurement", "W"),
        ("compute_power", "power", "measurement", "W"),
        ("surplus", "power", "measurement", "W"),
        ("battery_soc", "battery", "measurement", "%"),
        ("grid_power_l2", "power", "measurement", "W"),
        ("grid_current_l3", "current", "measurement", "A"),
        ("wallbox_power", "power", "measurement", "W"),
        ("wallbox_energy", "energy", "total_increasing", "kWh"),
        ("room_temperature", "temperature", "measurement", "°C"),
        ("grid_import_energy", "energy", "total_increasing", "kWh"),
        ("heat_used_energy", "energy", "total_increasing", "kWh"),
        ("earnings_today", "monetary", "total", "EUR"),
        ("earnings_total", "monetary", "total", "EUR"),
        ("bill_today", "monetary", "total", "EUR"),
        ("bill_without_today", "monetary", "total", "EUR"),
        ("heat_saved_today", "monetary", "total", "EUR"),
        ("revenue_today", "monetary", "total", "EUR"),
        ("revenue_total", "monetary", "total", "EUR"),
        ("forecast_error_today", "monetary", "total", "EUR"),
    ];
    for (key, device_class, state_class, unit) in rows {
        let component = &components[key];
        assert_eq!(component["device_class"], json!(device_class), "{key}");
        assert_eq!(component["state_class"], json!(state_class), "{key}");
        assert_eq!(component["unit_of_measurement"], json!(unit), "{key}");
        assert_eq!(component["unique_id"], json!(format!("heatmine_{key}")));
    }
    for (key, attributes) in [("battery_intent", "battery_why"), ("heat_pump_intent", "heat_pump_why")] {
        assert_eq!(components[key]["options"], components["reason"]["options"], "{key}");
        assert_eq!(components[key]["value_template"], json!(format!("{{{{ value_json.{key} }}}}")));
        let template = json!(format!("{{{{ value_json.{attributes} | tojson }}}}"));
        assert_eq!(components[key]["json_attributes_template"], template);
    }
    for key in ["expected_cost_today", "expected_cost_without_today"] {
        assert_eq!(
            (&components[key]["unit_of_measurement"], &components[key]["device_class"]),
            (&json!("EUR"), &Value::Null)
        );
    }
    assert_eq!(components["reason"]["options"].as_array().unwrap().len(), Reason::ALL.len());
    assert_eq!(components["mode"]["command_topic"], json!("heatmine/mode/set"));
    assert_eq!(components["power_limit"]["max"], json!(600.0));
    assert!(described["origin"]["name"].is_string());
}

#[test]
fn money_that_begins_anew_says_when_and_what_is_no_money_is_no_money() {
    let described = described(&record());
    let components = described["components"].as_object().unwrap();
    for (key, component) in components.iter().filter(|(_, component)| component["device_class"] == json!("monetary")) {
        let reset = component.get("last_reset_value_template").is_some();
        let whole = key.ends_with("_total") || key == "earnings_yesterday";
        assert_eq!(reset, !whole, "{key}");
        // Home Assistant takes no other state class for money; a day that is over adds up to nothing.
        let class = if key == "earnings_yesterday" { Value::Null } else { json!("total") };
        assert_eq!(component["state_class"], class, "{key}");
    }
    let own = &components["household_value_today"];
    assert_eq!((&own["device_class"], &own["state_class"]), (&Value::Null, &json!("measurement")), "never money");
    assert_eq!(components["earnings_today"]["value_template"], json!("{{ value_json.today.gain }}"));
    assert_eq!(
        components["earnings_yesterday"]["json_attributes_template"],
        json!("{{ value_json.yesterday | tojson }}")
    );
}

#[test]
fn only_what_the_site_has_is_announced() {
    let mut record = record();
    record.points.retain(|point, _| point.role() != Role::Battery);
    let described = described(&record);
    for key in ["battery_power", "battery_soc", "battery_charge_energy", "battery_intent"] {
        assert_eq!(described["components"][key], json!({"platform": "sensor"}), "{key} is removed");
    }
    assert_eq!(described["components"]["grid_island"]["platform"], json!("binary_sensor"));
    assert!(described["components"]["grid_island"]["unique_id"].is_string());
    record.points.remove(&Point::GridIsland);
    assert_eq!(self::described(&record)["components"]["grid_island"], json!({"platform": "binary_sensor"}));
    record.points.remove(&Point::ComputePower);
    let compute = &super::discovery(&record, &Topics::new(&HomeAssistantConfig::default(), "h"), None)["components"];
    assert!(compute["compute_power"]["unique_id"].is_string(), "the engine itself knows its power");
}

#[test]
fn every_unique_id_is_unique() {
    let described = described(&record());
    let components = described["components"].as_object().unwrap();
    let ids: Vec<&str> = components.values().filter_map(|component| component["unique_id"].as_str()).collect();
    let different: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), different.len());
}
