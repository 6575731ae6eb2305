//! `[mqtt]`, `[home_assistant]`, `[influx]`, `[http]`, `[worker]` and the sources of `[tariff]`: secrets read from their
//! files, addresses and topics checked.

use super::{Faults, quoted, spot};
use crate::config::Config;
use crate::config::influx::InfluxApi;
use crate::config::mqtt::MqttConfig;
use crate::config::secret::Secret;
use crate::config::spot::SpotService;
use drivers::mqtt::Broker;
use std::net::SocketAddr;
use std::path::Path;

/// The longest secret that is read from a file.
const SECRET_MAX: usize = 4096;

/// How the broker is reached.
pub(super) fn broker(config: &MqttConfig) -> Broker {
    Broker {
        host: config.host.clone(),
        port: config.port,
        username: config.username.clone(),
        password: config.password.as_ref().map(|secret| secret.reveal().to_owned()),
        tls: config.tls,
    }
}

/// Fills in every secret that stands in a file of its own.
pub(super) fn read_secrets(config: &mut Config, beside: &Path, faults: &mut Faults) {
    if let Some(mqtt) = &mut config.mqtt {
        read_secret("mqtt.password", &mut mqtt.password, mqtt.password_file.as_deref(), beside, faults);
    }
    let influx = &mut config.influx;
    read_secret("influx.token", &mut influx.token, influx.token_file.as_deref(), beside, faults);
    read_secret("influx.password", &mut influx.password, influx.password_file.as_deref(), beside, faults);
    let home_assistant = &mut config.home_assistant;
    let token_file = home_assistant.token_file.as_deref();
    read_secret("home_assistant.token", &mut home_assistant.token, token_file, beside, faults);
    let http = &mut config.http;
    read_secret("http.api_token", &mut http.api_token, http.api_token_file.as_deref(), beside, faults);
    if let Some(spot) = &mut config.tariff.spot {
        read_secret("tariff.spot.key", &mut spot.key, spot.key_file.as_deref(), beside, faults);
    }
    for (index, source) in config.forecast.iter_mut().enumerate() {
        let key = format!("forecast[{index}].key");
        read_secret(&key, &mut source.key, source.key_file.as_deref(), beside, faults);
    }
}

fn read_secret(key: &str, secret: &mut Option<Secret>, file: Option<&str>, beside: &Path, faults: &mut Faults) {
    let Some(file) = file else { return };
    let file_key = format!("{key}_file");
    if secret.is_some() {
        faults.wrong(file_key, quoted(file), format!("expected either {key} or its file, not both"));
        return;
    }
    match std::fs::read_to_string(beside.join(file)) {
        Ok(text) => match text.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() && line.len() <= SECRET_MAX => *secret = Some(Secret::new(line)),
            Some(_) | None => faults.wrong(file_key, quoted(file), "expected a file whose first line is the secret"),
        },
        Err(error) => faults.wrong(file_key, quoted(file), format!("cannot be read: {error}")),
    }
}

/// Checks every connection; the addresses to listen on are those of the page and of the worker.
pub(super) fn addresses(config: &Config, faults: &mut Faults) -> Option<(SocketAddr, SocketAddr)> {
    check_topics(config, faults);
    check_sources(config, faults);
    check_influx(config, faults);
    if let Some(url) = &config.worker.url {
        check_url("worker.url", url, faults);
    }
    if let Some(url) = &config.home_assistant.url {
        check_url("home_assistant.url", url, faults);
        if config.home_assistant.token.is_none() {
            faults.about("home_assistant.token", "missing; expected a long-lived access token for home_assistant.url");
        }
    }
    check_page(config.http.url.as_deref(), faults);
    let http = listen("http.listen", &config.http.listen, faults);
    let worker = listen("worker.listen", &config.worker.listen, faults);
    let (http, worker) = (http?, worker?);
    if config.worker.url.is_none() && http.port() != 0 && http.port() == worker.port() {
        let expected = format!("expected another port than that of http.listen, {}", http.port());
        faults.wrong("worker.listen", quoted(&config.worker.listen), expected);
    }
    Some((http, worker))
}

fn listen(key: &str, text: &str, faults: &mut Faults) -> Option<SocketAddr> {
    let expected = || "expected an IP address and a port, as 0.0.0.0:8099 or 127.0.0.1:8099".to_owned();
    faults.take(key, text, text.parse().map_err(|_| expected()))
}

/// Home Assistant takes an address of the web, or one of its own pages.
fn check_page(url: Option<&str>, faults: &mut Faults) {
    match url {
        Some(url) if !url.starts_with("homeassistant://") => check_url("http.url", url, faults),
        Some(_) | None => {}
    }
}

fn check_url(key: &str, url: &str, faults: &mut Faults) {
    let fine = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fine {
        faults.wrong(key, quoted(url), "expected an address that begins with http:// or https://");
    }
}

fn check_topics(config: &Config, faults: &mut Faults) {
    if let Some(mqtt) = &config.mqtt {
        check_topic("mqtt.topic_prefix", &mqtt.topic_prefix, faults);
    }
    let home_assistant = &config.home_assistant;
    check_topic("home_assistant.discovery_prefix", &home_assistant.discovery_prefix, faults);
    check_topic("home_assistant.status_topic", &home_assistant.status_topic, faults);
    let node = &home_assistant.node_id;
    let plain = node.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if node.is_empty() || node.len() > 64 || !plain {
        faults.wrong("home_assistant.node_id", quoted(node), "expected 1 to 64 of a-z, 0-9, _ and -");
    }
}

fn check_topic(key: &str, topic: &str, faults: &mut Faults) {
    let plain = !topic.contains(['+', '#', '\0']) && !topic.starts_with(['/', '$']) && !topic.ends_with('/');
    if topic.trim().is_empty() || !plain {
        faults.wrong(key, quoted(topic), "expected a topic without + and #, and without / at its ends");
    }
}

/// Spot prices and forecasts come from somewhere that exists.
fn check_sources(config: &Config, faults: &mut Faults) {
    let needs_broker = |key: &str, topic: &str, faults: &mut Faults| {
        check_topic(key, topic, faults);
        if config.mqtt.is_none() {
            faults.wrong(key, quoted(topic), "needs a broker; expected a section [mqtt]");
        }
    };
    if let Some(spot) = &config.tariff.spot {
        spot::check(spot, faults);
        match (spot.source, &spot.topic, &spot.url) {
            (None, Some(topic), None) => needs_broker("tariff.spot.topic", topic, faults),
            (_, None, Some(url)) => check_url("tariff.spot.url", url, faults),
            (Some(SpotService::HomeAssistant), _, None) if config.home_assistant.url.is_none() => {
                faults.about("home_assistant.url", "missing; tariff.spot.source = \"home_assistant\" asks there");
            }
            (Some(_), _, _) => {}
            (None, Some(_), Some(_)) | (None, None, None) => {
                faults.about("tariff.spot", "expected a source, or exactly one of topic and url");
            }
        }
    }
    for (index, source) in config.forecast.iter().enumerate() {
        if let Some(url) = &source.url {
            check_url(&format!("forecast[{index}].url"), url, faults);
        }
    }
    if let Some(outlook) = &config.tariff.outlook {
        needs_broker("tariff.outlook.topic", &outlook.topic, faults);
    }
}

fn check_influx(config: &Config, faults: &mut Faults) {
    let influx = &config.influx;
    if !influx.enabled {
        return;
    }
    check_url("influx.url", &influx.url, faults);
    let (key, value) = match influx.api {
        InfluxApi::V1 | InfluxApi::V3 => ("influx.database", &influx.database),
        InfluxApi::V2 => ("influx.bucket", &influx.bucket),
    };
    if value.is_empty() {
        faults.wrong(key, quoted(value), "expected a name");
    }
    let prefix = &influx.measurement_prefix;
    if prefix.len() > 64 || !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        faults.wrong("influx.measurement_prefix", quoted(prefix), "expected at most 64 letters, digits and _");
    }
}
