//! The app's options have the structure of heatmine.toml: its own schema asks for nothing that the gateway would refuse,
//! and leaves out only what belongs to files, ports and addresses of its container.

use gateway::config::check::Schema;
use gateway::config::{load, load_with};
use serde_json::{Value, json};
use std::path::Path;

/// Keys that the app's form leaves to /config/heatmine.toml.
const ELSEWHERE: &[&str] = &[
    "compute.start_cost_eur",
    "data",
    "forecast.key_file",
    "home_assistant.token",
    "home_assistant.token_file",
    "home_assistant.url",
    "http.api_token_file",
    "http.listen",
    "http.url",
    "influx.measurement_prefix",
    "influx.password_file",
    "influx.token_file",
    "mqtt.password_file",
    "tariff.spot.key_file",
    "version",
    "worker.experts_dir",
    "worker.listen",
];

#[test]
fn options_of_the_app_are_the_same_structure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("options.json");
    let options = r#"{"compute": {"max_w": 900, "temperature_max_c": null}, "battery": null, "pv": {},
        "device": [{"name": "inverter", "type": "fronius-gen24", "address": "tcp://192.168.1.20"}]}"#;
    std::fs::write(&file, options).unwrap();
    let loaded = load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.data_dir, dir.path().join("heatmine-data"));
    assert!(loaded.site.battery.is_none() && loaded.site.pv.is_none());
}

#[test]
fn comfort_is_what_is_stated_else_what_room_and_tank_keep() {
    let comfort = |mut options: Value| {
        options["compute"] = json!({"max_w": 900});
        options["mqtt"] = json!({"host": "broker"});
        options["device"] = json!([
            {"name": "inverter", "type": "fronius-gen24", "address": "tcp://192.168.1.20"},
            {"name": "house", "type": "generic-mqtt", "address": "mqtt://broker:1883/house", "points": ["room.temperature", "tank.temperature"]},
        ]);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("options.json");
        std::fs::write(&file, options.to_string()).unwrap();
        load(&file).unwrap_or_else(|errors| panic!("{errors}")).site.building.comfort
    };
    let band = |options| {
        let comfort = comfort(options);
        [comfort.room_low, comfort.room_high, comfort.room_high_summer, comfort.tank_low].map(|edge| edge.0)
    };
    // Nobody states anything: the usual thermostat may hold more than the least that is comfortable.
    assert_eq!(band(json!({})), [20.0, 23.0, 26.0, 45.0]);
    assert_eq!(band(json!({"building": {"setpoint_c": 19}})), [19.0, 23.0, 26.0, 45.0]);
    let store =
        |low: f64, high: f64| json!({"low_c": low, "high_c": high, "capacity_kwh_per_k": 1, "loss_kw_per_k": 0.1});
    assert_eq!(band(json!({"room": store(21.0, 22.5), "tank": store(48.0, 60.0)})), [21.0, 22.5, 26.0, 48.0]);
    // The heating of a tank that is heated later is not planned to be earlier.
    assert_eq!(band(json!({"tank": store(48.0, 60.0), "building": {"hot_water_on_c": 43}}))[3], 43.0);
    let stated = json!({"comfort_low_c": 19.5, "comfort_high_c": 24, "comfort_high_summer_c": 25.5,
        "comfort_hot_water_c": 42, "cold_eur_per_kh": 1, "warm_eur_per_kh": 0, "hot_water_eur_per_kh": 0.3});
    let all = json!({"room": store(21.0, 22.5), "tank": store(48.0, 60.0), "building": stated});
    assert_eq!(band(all.clone()), [19.5, 24.0, 25.5, 42.0]);
    let comfort = comfort(all);
    assert_eq!([comfort.cold_eur_per_kh, comfort.warm_eur_per_kh, comfort.tank_eur_per_kh], [1.0, 0.0, 0.3]);
}

#[test]
fn who_sets_the_hot_water_runs_the_programme_against_legionella() {
    let programme = |controls: Value, building: Value| {
        let pump = json!({"name": "heat_pump", "type": "lambda-eu-l", "address": "tcp://192.168.1.30",
            "controls": controls, "parameters": {"hot_water_c": "50"}});
        let options = json!({
            "compute": {"max_w": 900},
            "device": [{"name": "inverter", "type": "fronius-gen24", "address": "tcp://192.168.1.20"}, pump],
            "tank": {"low_c": 45, "high_c": 60, "capacity_kwh_per_k": 0.35, "loss_kw_per_k": 0.0025},
            "heat": {"kind": "heat_pump"},
            "building": building,
        });
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("options.json");
        std::fs::write(&file, options.to_string()).unwrap();
        let loaded = load(&file).unwrap_or_else(|errors| panic!("{errors}"));
        loaded.site.building.legionella.map(|programme| (programme.after.as_secs() / 86_400, programme.hour))
    };
    assert_eq!(programme(json!([]), json!({})), None, "its own control has its own programme");
    assert_eq!(programme(json!(["heat_pump.hot_water_shift"]), json!({})), Some((6, 12)));
    let stated = json!({"legionella_days": 14, "legionella_hour": 3});
    assert_eq!(programme(json!(["heat_pump.hot_water_shift"]), stated.clone()), Some((14, 3)));
    assert_eq!(programme(json!([]), stated), Some((14, 3)));
}

#[test]
fn mistakes_in_options_are_named_like_those_in_a_file() {
    let rows = [
        (json!({"compute": {"max_w": "900"}}), r#"compute.max_w = "900": expected a number from 5 to 1000000, in W"#),
        (json!({"http": {"ingress_only": "true"}}), r#"http.ingress_only = "true": expected true or false"#),
        (json!({"mqtt": {"port": "1883"}}), r#"mqtt.port = "1883": expected a whole number from 1 to 65535"#),
        (json!({"mqtt": {"port": 1883.5}}), "mqtt.port = 1883.5: expected a whole number from 1 to 65535"),
        (
            json!({"grid": {"import_limit_w": 1e300}}),
            "grid.import_limit_w = 1e+300: expected a number from 100 to 1000000, in W",
        ),
        (json!({"device": {"name": "a"}}), "device = {..}: expected a list of sections, each headed [[device]]"),
        (
            json!({"device": ["inverter"]}),
            r#"device[0] = "inverter": expected a section of the list device, with keys and values"#,
        ),
        (
            json!({"compute": {"max_kw": 0.9}}),
            "compute.max_kw = 0.9: wrong unit; expected W, as max_w = 900; did you mean max_w?",
        ),
        (
            json!({"battery": {"capacity_kwh": [10]}}),
            "battery.capacity_kwh = [..]: expected a number from 0.1 to 10000, in kWh",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("options.json");
    for (options, expected) in rows {
        std::fs::write(&file, options.to_string()).unwrap();
        let found = load(&file).map(|_| ()).expect_err(expected).to_string();
        let expected = format!("{}: {expected}", file.display());
        assert!(found.lines().any(|line| line == expected), "{found}\nlacks\n{expected}");
    }
}

#[test]
fn the_app_as_it_is_installed_lacks_nothing_but_its_devices() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("options.json");
    let mut options = app()["options"].clone();
    std::fs::write(&file, options.to_string()).unwrap();
    let found = load_with(&file, |_| None).map(|_| ()).expect_err("a house without a meter").to_string();
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.contains(": device: no device offers grid.power; expected a [[device]]"), "{found}");

    options["device"] = json!([{"name": "meter", "type": "fronius-gen24", "address": "tcp://192.168.1.20"}]);
    std::fs::write(&file, options.to_string()).unwrap();
    let broker = |name: &str| (name == "HEATMINE_MQTT_HOST").then(|| "core-mosquitto".to_owned());
    let loaded = load_with(&file, broker).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.broker.map(|broker| broker.host).as_deref(), Some("core-mosquitto"));
    assert!(loaded.config.http.ingress_only);
}

#[test]
fn the_form_of_the_app_offers_the_keys_of_the_file_and_no_others() {
    let root = Schema::of_config().json().clone();
    let mut wrong = Vec::new();
    compare("", &app()["schema"], &root, &root, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Holds the form's element `theirs` against `ours`, the part of the configuration's schema at the same path.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn compare(path: &str, theirs: &Value, ours: &Value, root: &Value, wrong: &mut Vec<String>) {
    let ours = resolved(ours, root);
    match theirs {
        Value::Object(keys) => {
            let known = ours["properties"].as_object().unwrap_or_else(|| panic!("{path} is no section"));
            for (key, theirs) in keys {
                match known.get(key) {
                    Some(ours) => compare(&below(path, key), theirs, ours, root, wrong),
                    None => wrong.push(format!("{} is unknown to the gateway", below(path, key))),
                }
            }
            for key in known.keys().map(|key| below(path, key)) {
                let offered = keys.contains_key(key.rsplit('.').next().unwrap_or_default());
                if offered == ELSEWHERE.contains(&key.as_str()) {
                    wrong.push(format!("{key} is {}", if offered { "offered" } else { "not offered" }));
                }
            }
        }
        // Tables with free keys, as lists of name=value.
        Value::Array(_) if ours["additionalProperties"]["type"] == "string" => {}
        Value::Array(items) => compare(path, &items[0], &ours["items"], root, wrong),
        Value::String(kind) => {
            wrong.extend(differs(kind.trim_end_matches('?'), ours).map(|why| format!("{path}: {kind}, {why}")))
        }
        other => panic!("{path}: {other}"),
    }
}

/// What the form's kind of value lets through that the gateway refuses, or the other way round.
fn differs(kind: &str, ours: &Value) -> Option<String> {
    let (word, arguments) = kind.split_once('(').map_or((kind, ""), |(word, rest)| (word, rest.trim_end_matches(')')));
    let mut types = ours["type"].as_array().into_iter().flatten().chain([&ours["type"]]).filter_map(Value::as_str);
    let ours_is = types.find(|name| *name != "null").unwrap_or("string");
    let expected = match word {
        "float" => "number",
        "int" | "port" => "integer",
        "bool" => "boolean",
        _ => "string",
    };
    if ours_is != expected {
        return Some(format!("the gateway expects a {ours_is}"));
    }
    match word {
        "float" | "int" => {
            let (least, most) = arguments.split_once(',').unwrap_or_default();
            let same =
                |text: &str, bound: &Value| text.parse().ok().is_none_or(|number: f64| bound.as_f64() == Some(number));
            let right = same(least, &ours["minimum"]) && same(most, &ours["maximum"]);
            (!right).then(|| format!("the gateway takes {} to {}", ours["minimum"], ours["maximum"]))
        }
        "list" => {
            let text = ours.to_string();
            let refused: Vec<&str> =
                arguments.split('|').filter(|word| !text.contains(&format!("\"{word}\""))).collect();
            (!refused.is_empty()).then(|| format!("the gateway refuses {}", refused.join(", ")))
        }
        "match" => {
            let pattern = ours["pattern"].as_str().unwrap_or_default();
            (format!("match({pattern})") != kind).then(|| format!("the gateway's pattern is {pattern}"))
        }
        _ => None,
    }
}

fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(root.pointer(reference.trim_start_matches('#')).unwrap(), root);
    }
    let alternatives = schema["anyOf"].as_array();
    let present = alternatives.and_then(|all| all.iter().find(|one| one["type"] != "null"));
    present.map_or(schema, |present| resolved(present, root))
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The app's own description.
fn app() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ha-addon/config.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let mut lines: Vec<(usize, String)> =
        lines.map(|line| (line.len() - line.trim_start().len(), line.trim().to_owned())).collect();
    lines.reverse();
    block(&mut lines, 0)
}

/// The block of YAML that is indented by `indent`; the next line is the last of `lines`. Only what that file uses is read.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn block(lines: &mut Vec<(usize, String)>, indent: usize) -> Value {
    let mut value = Value::Null;
    while let Some((_, text)) = lines.pop_if(|(depth, _)| *depth == indent) {
        if let Some(item) = text.strip_prefix("- ") {
            let item = if item.contains(": ") || item.ends_with(':') {
                lines.push((indent + 2, item.to_owned()));
                block(lines, indent + 2)
            } else {
                scalar(item)
            };
            match &mut value {
                Value::Array(items) => items.push(item),
                _ => value = json!([item]),
            }
            continue;
        }
        let (key, rest) = text.split_once(':').unwrap_or_else(|| panic!("{text}"));
        let content = match (rest.trim(), lines.last()) {
            ("", Some((depth, _))) if *depth > indent => block(lines, lines.last().unwrap().0),
            (rest, _) => scalar(rest),
        };
        value[key] = content;
    }
    value
}

fn scalar(text: &str) -> Value {
    match text {
        "{}" => json!({}),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}
