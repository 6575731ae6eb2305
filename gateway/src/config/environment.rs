//! What a host offers the gateway: Home Assistant's Supervisor hands each app the credentials of the broker app, and knows
//! under which address Home Assistant shows the app's page, and passes on what the app asks Home Assistant; systemd gives a service a folder of its own. Each stands for a
//! variable of the environment.

use super::dimming::Signal;
use super::forecast::ForecastService;
use super::spot::SpotService;
use crate::addon::supervisor;
use chrono_tz::Tz;
use serde_json::{Map, Value};
use std::path::Path;

/// The variables and the keys of `[mqtt]` that they complete. What the file says itself is kept.
const VARIABLES: &[(&str, &str)] = &[
    ("HEATMINE_MQTT_HOST", "host"),
    ("HEATMINE_MQTT_PORT", "port"),
    ("HEATMINE_MQTT_USERNAME", "username"),
    ("HEATMINE_MQTT_PASSWORD", "password"),
    ("HEATMINE_MQTT_TLS", "tls"),
];

/// The variable that names the machine's time zone; the Supervisor sets it to that of Home Assistant.
const TIMEZONE: &str = "TZ";
/// Where the machine's time zone lies: a link into the folder of zones.
const LOCALTIME: &str = "/etc/localtime";
const ZONES: &str = "/zoneinfo/";

/// What the machine says: its environment, and where that names no time zone, its own.
pub fn of_machine(name: &str) -> Option<String> {
    let set = std::env::var(name).ok().filter(|value| !value.is_empty());
    set.or_else(|| if name == TIMEZONE { localtime(&std::fs::read_link(LOCALTIME).ok()?) } else { None })
}

fn localtime(link: &Path) -> Option<String> {
    link.to_str()?.rsplit_once(ZONES).map(|(_, zone)| zone.to_owned())
}

/// The zone of a place; `None` for UTC and the like, which is what servers have and no house is in.
fn place(zone: &str) -> Option<String> {
    let zone = zone.trim_start_matches(':');
    let zone = zone.rsplit_once(ZONES).map_or(zone, |(_, zone)| zone);
    let known = zone.parse::<Tz>().is_ok() && zone.contains('/') && !zone.starts_with("Etc/");
    known.then(|| zone.to_owned())
}

/// Completes what the file leaves open.
pub(super) fn complete(document: &mut Value, variable: impl Fn(&str) -> Option<String>) {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    complete_value(document, "http", "url", || set("HEATMINE_HTTP_URL"));
    // systemd names several folders with colons between them; ours is the first.
    let folder = || set("STATE_DIRECTORY").and_then(|folders| folders.split(':').next().map(str::to_owned));
    complete_value(document, "data", "dir", folder);
    complete_value(document, "site", "timezone", || place(&set(TIMEZONE)?));
    complete_home_assistant(document, set);
    complete_broker(document, set);
}

/// An app reaches Home Assistant through the Supervisor, with the token that it was given.
fn complete_home_assistant(document: &mut Value, set: impl Fn(&str) -> Option<String>) {
    let dims = document.pointer("/dimming/signal").is_some_and(|signal| signal == Signal::HomeAssistant.name());
    let prices = asks_home_assistant(document.pointer("/tariff/spot"));
    let forecasts = document.get("forecast").and_then(Value::as_array);
    let foretells = forecasts.into_iter().flatten().any(|forecast| asks_home_assistant(Some(forecast)));
    let asked = dims || prices || foretells;
    let own = document.pointer("/home_assistant/url").is_some();
    if let (true, false, Some(token)) = (asked, own, set(supervisor::TOKEN)) {
        let url = supervisor::home_assistant(set(supervisor::ELSEWHERE).as_deref());
        complete_value(document, "home_assistant", "url", || Some(url));
        complete_value(document, "home_assistant", "token", || Some(token));
    }
}

/// Whether Home Assistant is the source that a section names.
fn asks_home_assistant(section: Option<&Value>) -> bool {
    let source = section.and_then(|section| section.get("source")).and_then(Value::as_str);
    source
        .is_some_and(|name| [SpotService::HomeAssistant.name(), ForecastService::HomeAssistant.name()].contains(&name))
}

/// Sets a key where the file does not name it.
fn complete_value(document: &mut Value, section: &str, key: &str, value: impl FnOnce() -> Option<String>) {
    if document.pointer(&format!("/{section}/{key}")).is_some() {
        return;
    }
    let (Some(value), Value::Object(sections)) = (value(), document) else { return };
    if let Value::Object(section) = sections.entry(section).or_insert_with(|| Value::Object(Map::new())) {
        section.insert(key.to_owned(), Value::String(value));
    }
}

/// Completes `[mqtt]` where the file names no host of its own.
fn complete_broker(document: &mut Value, set: impl Fn(&str) -> Option<String>) {
    let own = document.pointer("/mqtt/host").is_some_and(|host| host.as_str() != Some(""));
    if own || set("HEATMINE_MQTT_HOST").is_none() {
        return;
    }
    let Value::Object(sections) = document else { return };
    let Value::Object(mqtt) = sections.entry("mqtt").or_insert_with(|| Value::Object(Map::new())) else { return };
    for (name, key) in VARIABLES {
        if let Some(value) = set(name) {
            let parsed = match *key {
                "port" | "tls" => serde_json::from_str(&value).unwrap_or(Value::String(value)),
                _ => Value::String(value),
            };
            mqtt.insert((*key).to_owned(), parsed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn completed(mut document: Value) -> Value {
        complete(&mut document, |name| match name {
            "HEATMINE_MQTT_HOST" => Some("core-mosquitto".into()),
            "HEATMINE_MQTT_PORT" => Some("1883".into()),
            "HEATMINE_MQTT_TLS" => Some("false".into()),
            "HEATMINE_MQTT_USERNAME" => Some("addons".into()),
            _ => None,
        });
        document
    }

    #[test]
    fn the_hosts_broker_is_used_where_the_owner_names_none() {
        let broker = json!({"host": "core-mosquitto", "port": 1883, "username": "addons", "tls": false});
        assert_eq!(completed(json!({})), json!({"mqtt": broker}));
        assert_eq!(completed(json!({"mqtt": {"host": ""}})), json!({"mqtt": broker}));
        let own = json!({"mqtt": {"host": "mine"}});
        assert_eq!(completed(own.clone()), own);
    }

    #[test]
    fn a_house_is_where_its_owner_or_else_its_machine_says() {
        let completed = |mut document: Value, zone: &'static str| {
            complete(&mut document, |name| (name == "TZ").then(|| zone.into()));
            document.pointer("/site/timezone").cloned()
        };
        let rows = [
            ("Europe/London", Some("Europe/London")),
            (":America/New_York", Some("America/New_York")),
            ("/usr/share/zoneinfo/Asia/Tokyo", Some("Asia/Tokyo")),
            ("UTC", None),
            ("Etc/UTC", None),
            ("CET-1CEST", None),
            ("", None),
        ];
        for (zone, expected) in rows {
            assert_eq!(completed(json!({}), zone), expected.map(Value::from), "{zone}");
            let own = json!({"site": {"timezone": "Europe/Vienna"}});
            assert_eq!(completed(own, zone), Some("Europe/Vienna".into()), "{zone}");
        }
        assert_eq!(localtime(Path::new("/usr/share/zoneinfo/Europe/Paris")).as_deref(), Some("Europe/Paris"));
        assert_eq!(localtime(Path::new("../usr/share/zoneinfo/Europe/Paris")).as_deref(), Some("Europe/Paris"));
    }

    #[test]
    fn a_service_keeps_its_data_in_its_own_folder_unless_the_owner_names_another() {
        let completed = |mut document: Value| {
            complete(&mut document, |name| (name == "STATE_DIRECTORY").then(|| "/var/lib/heatmine:/b".into()));
            document
        };
        assert_eq!(completed(json!({})), json!({"data": {"dir": "/var/lib/heatmine"}}));
        let own = json!({"data": {"dir": "/mnt/heatmine"}});
        assert_eq!(completed(own.clone()), own);
    }

    #[test]
    fn an_app_asks_home_assistant_through_the_supervisor_where_an_entity_dims() {
        let completed = |mut document: Value| {
            complete(&mut document, |name| (name == "SUPERVISOR_TOKEN").then(|| "t0".into()));
            document
        };
        let asks = json!({"signal": "home_assistant", "entity": "binary_sensor.dimming"});
        let reached = json!({"url": "http://supervisor/core", "token": "t0"});
        assert_eq!(completed(json!({"dimming": asks})), json!({"dimming": asks, "home_assistant": reached}));
        for own in [
            json!({"dimming": asks, "home_assistant": {"url": "http://mine", "token": "t1"}}),
            json!({"dimming": {"signal": "rest"}}),
            json!({}),
        ] {
            assert_eq!(completed(own.clone()), own);
        }
    }

    #[test]
    fn the_page_is_where_the_owner_or_else_the_host_says() {
        let completed = |mut document: Value| {
            complete(&mut document, |name| (name == "HEATMINE_HTTP_URL").then(|| "homeassistant://app/x".into()));
            document
        };
        assert_eq!(completed(json!({})), json!({"http": {"url": "homeassistant://app/x"}}));
        let own = json!({"http": {"url": "http://mine"}});
        assert_eq!(completed(own.clone()), own);
        assert_eq!(completed(json!({"http": 5})), json!({"http": 5}));
    }
}
