//! Every mistake in a configuration gets its own message: file, place, key, value, expectation and the nearest known key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

mod connection;
mod files;
mod forecast;
mod mistakes;
mod options;
mod tariff;

use gateway::config::{Loaded, load, load_toml};
use std::path::Path;

/// A house that is right; `extra` goes behind it.
const HOUSE: &str = r#"
[grid]
import_limit_w = 17250
[pv]
peak_w = 9800
[battery]
capacity_kwh = 10
charge_max_w = 5000
discharge_max_w = 5000
[compute]
max_w = 900
[mqtt]
host = "broker"
[[device]]
name = "inverter"
type = "fronius-gen24"
address = "tcp://192.168.1.20:502"
"#;

/// The house with each `(from, to)` replaced.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(HOUSE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    })
}

fn loaded(text: &str) -> Loaded {
    load_toml(Path::new("house.toml"), text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn complaint(text: &str) -> String {
    load_toml(Path::new("house.toml"), text).map(|_| ()).expect_err(text).to_string()
}

#[test]
fn a_house_that_is_right_resolves() {
    let loaded = loaded(HOUSE);
    assert_eq!(loaded.site.compute.max.0, 900.0);
    assert_eq!(loaded.site.compute.min.0, 117.0);
    assert_eq!(loaded.site.devices.len(), 1);
    assert_eq!(loaded.broker.map(|broker| broker.host).as_deref(), Some("broker"));
    assert_eq!(loaded.schedule.len(), 1);
}

#[test]
fn every_mistake_is_reported_together_in_the_order_of_the_file() {
    let text = changed(&[
        ("import_limit_w = 17250", "import_limit_w = \"much\""),
        ("peak_w = 9800", "peak_kwp = 9.8"),
        ("max_w = 900", "max_w = 900\nidle_w = 1000"),
    ]);
    let found = complaint(&text);
    let keys: Vec<&str> = found.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(keys.len(), 4, "{found}");
    assert!(keys[0].starts_with("grid.import_limit_w"), "{found}");
}

#[test]
fn two_devices_do_not_measure_the_same_connection() {
    let second = "[[device]]\nname = \"second\"\ntype = \"fronius-gen24\"\naddress = \"tcp://192.168.1.30\"\n";
    let found = complaint(&format!("{HOUSE}{second}"));
    assert!(
        found.contains("device[1].name = \"second\": grid.power comes from device \"inverter\" already"),
        "{found}"
    );
    loaded(&format!("{HOUSE}{second}points = [\"pv.power\"]\n"));
}

#[test]
fn a_control_needs_what_it_controls() {
    let text = changed(&[("[battery]\ncapacity_kwh = 10\ncharge_max_w = 5000\ndischarge_max_w = 5000\n", "")]);
    let found = complaint(&format!("{text}controls = [\"battery.mode\"]\n"));
    assert!(found.contains("device[0].controls = \"battery.mode\": needs a section [battery]"), "{found}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), "geheim\n").unwrap();
    let file = dir.path().join("house.toml");
    std::fs::write(&file, changed(&[("host = \"broker\"", "host = \"broker\"\npassword_file = \"secret\"")])).unwrap();
    let loaded = load(&file).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.broker.as_ref().and_then(|broker| broker.password.as_deref()), Some("geheim"));
    let shown = format!("{:?} {}", loaded.config, serde_json::to_string(&loaded.config).unwrap());
    assert!(!shown.contains("geheim") && shown.contains("***"), "{shown}");
}

#[test]
fn a_device_is_listed_once_under_its_own_name() {
    let again = "[[device]]\nname = \"inverter\"\ntype = \"shelly-plug\"\ntopic = \"plug\"\n";
    let found = complaint(&format!("{HOUSE}{again}"));
    assert_eq!(
        found,
        "house.toml:19:1: device[1].name = \"inverter\": is the name of another device already; expected a name of its own"
    );
    let plug = |name: &str| format!("[[device]]\nname = \"{name}\"\ntype = \"shelly-plug\"\ntopic = \"plug\"\n");
    let found = complaint(&format!("{HOUSE}{}{}", plug("plug"), plug("socket")));
    assert!(
        found.contains("device[2].name = \"socket\": is at the same address as \"plug\" and would be counted twice"),
        "{found}"
    );
}
