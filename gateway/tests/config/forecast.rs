//! Where forecasts come from, and which way the roof looks.

use crate::{HOUSE, complaint, loaded};
use gateway::config::load_with;

const PLANES: &str = "[[plane]]\npeak_w = 5000\ntilt_deg = 30\nazimuth_deg = 90\n\
                      [[plane]]\npeak_w = 4800\ntilt_deg = 30\nazimuth_deg = 270\n";

#[test]
fn a_house_may_name_several_sources() {
    let text = format!(
        "{HOUSE}{PLANES}[[forecast]]\nsource = \"open-meteo\"\nlatitude = 48.4\nlongitude = 10.9\n\
         [[forecast]]\nsource = \"forecast.solar\"\nlatitude = 48.4\nlongitude = 10.9\nkey = \"k\"\n\
         [[forecast]]\nsource = \"solcast\"\nsite = \"a-1, b-2\"\nkey = \"k\"\nrefresh_s = 3600\n\
         [[forecast]]\nsource = \"home_assistant\"\nentity = \"weather.home\"\nurl = \"http://ha:8123\"\nkey = \"k\"\n"
    );
    let config = loaded(&text).config;
    assert_eq!((config.plane.len(), config.forecast.len()), (2, 4));
    assert_eq!(config.forecast[2].parts(), ["a-1", "b-2"]);
    assert!(!format!("{config:?}").contains("Some(\"k\")"), "keys are not shown");
}

/// A section, and what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "[[forecast]]\nsource = \"open-meteo\"\nlatitude = 48.4\n",
        "forecast[0].longitude: missing; source = \"open-meteo\" needs the house's place, as 10.89",
    ),
    (
        "[[forecast]]\nsource = \"open-meteo\"\nlatitude = 98.4\nlongitude = 10\n",
        "forecast[0].latitude = 98.4: expected a number from -90 to 90",
    ),
    (
        "[[forecast]]\nsource = \"openmeteo\"\n",
        "forecast[0].source = \"openmeteo\": expected one of open-meteo, forecast.solar, solcast or home_assistant",
    ),
    (
        "[[forecast]]\nsource = \"forecast.solar\"\nlatitude = 48.4\nlongitude = 10\n",
        "forecast[0]: source = \"forecast.solar\" needs to know the roof; expected a [[plane]]",
    ),
    (
        "[[forecast]]\nsource = \"solcast\"\nsite = \"a\"\n",
        "forecast[0].key: missing; source = \"solcast\" needs the key that the service gave you (or key_file)",
    ),
    (
        "[[forecast]]\nsource = \"solcast\"\nsite = \"a\"\nkey = \"k\"\nlatitude = 4\n",
        "forecast[0].latitude = 4: source = \"solcast\" has no latitude; expected none",
    ),
    (
        "[[forecast]]\nsource = \"home_assistant\"\nentity = \"weather.home, sun\"\n",
        "forecast[0].entity = \"sun\": expected an entity, as sensor.energy_production_today",
    ),
    (
        "[[forecast]]\nsource = \"home_assistant\"\nentity = \"weather.home\"\n",
        "home_assistant.url: missing; forecast[0].source = \"home_assistant\" asks there",
    ),
    (
        "[[forecast]]\nsource = \"solcast\"\nsite = \"a\"\nkey = \"k\"\nkey_file = \"file\"\n",
        "forecast[0].key_file = \"file\": expected either forecast[0].key or its file, not both",
    ),
    (
        "[[plane]]\npeak_w = 5000\ntilt_deg = 30\nazimuth_deg = -90\n",
        "plane[0].azimuth_deg = -90: expected a number from 0 to 360",
    ),
    ("[[plane]]\npeak_w = 5000\ntilt = 30\nazimuth_deg = 90\n", "plane[0].tilt = 30: unknown key"),
    (
        "[[plane]]\npeak_w = 5000\ntilt_deg = 30\nazimuth_deg = 90\n",
        "plane: the planes have 5000 W together; expected about pv.peak_w, 9800 W",
    ),
];

#[test]
fn each_service_says_what_it_lacks() {
    for (section, expected) in MISTAKES {
        let found = complaint(&format!("{HOUSE}{section}"));
        assert!(found.contains(expected), "{section}\n{found}\nlacks\n{expected}");
    }
}

#[test]
fn the_app_asks_home_assistant_with_the_token_that_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("house.toml");
    let own = |name: &str| (name == "SUPERVISOR_TOKEN").then(|| "given".to_owned());
    let sections = [
        "[[forecast]]\nsource = \"home_assistant\"\nentity = \"weather.home\"\n",
        "[tariff.spot]\nsource = \"home_assistant\"\nentity = \"sensor.prices\"\n",
    ];
    for section in sections {
        std::fs::write(&file, format!("{HOUSE}{section}")).unwrap();
        let config = load_with(&file, own).unwrap_or_else(|errors| panic!("{errors}")).config.home_assistant;
        assert_eq!(config.token.map(|token| token.reveal().to_owned()).as_deref(), Some("given"));
        assert!(config.url.is_some_and(|url| url.contains("supervisor")));
    }
}
