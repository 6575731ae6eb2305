//! The demo's configuration, as a person would write it down.

use super::Demo;
use crate::config::influx::InfluxApi;
use drivers::mqtt::Broker;
use drivers::sim;
use plant::units::Watts;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The compute box of the demo.
const COMPUTE_MAX: Watts = Watts(1500.0);
/// How old a reading of the heat pump may be: it sends the slow ones every 150 s.
const HEAT_PUMP_AGE_S: f64 = 450.0;

/// Seconds of wall time within which the engine and its plug draw what they are set to, a start aside: measured one to two seconds.
const OBEYS_S: f64 = 2.5;
/// Seconds of wall time within which the engine starts: its next batch waits for this long at most.
const STARTS_S: f64 = 2.5;
/// What the house of a fast clock is taken to be at most, in s: the greatest that `obeys_within_s` may be.
const OBEYS_MAX_S: f64 = 300.0;

/// The house as a person would write it down. The clock runs `speed` times faster than the model does, so a token stands
/// for as many: the price list says so.
pub(super) fn configuration(demo: &Demo, broker: &Broker, inverter: SocketAddr, heat_pump: SocketAddr) -> String {
    let speed = demo.speed;
    let mut text = format!(
        include_str!("house.toml"),
        inverter = inverter,
        heat_pump = heat_pump,
        speed = speed,
        spot = sim::SPOT,
        outlook = sim::OUTLOOK,
        max = COMPUTE_MAX.0,
        heat_pump_age = (10.0 * speed).max(HEAT_PUMP_AGE_S),
        obeys = (OBEYS_S * speed).clamp(4.0, OBEYS_MAX_S),
        starts = (STARTS_S * speed).clamp(6.0, OBEYS_MAX_S),
        tokens = 250_000.0 / speed,
        price_in = 0.4 * speed,
        price_out = 1.2 * speed,
        host = quoted(&broker.host),
    );
    // Writing into a String cannot fail.
    let _ = broker.port.map(|port| writeln!(text, "port = {port}"));
    let _ = broker.username.as_ref().map(|name| writeln!(text, "username = {}", quoted(name)));
    let _ = broker.password.as_ref().map(|word| writeln!(text, "password = {}", quoted(word)));
    let _ = write!(
        text,
        "\n[http]\nlisten = {}\nurl = {}\n\n[worker]\nparallel = 2\nexperts_dir = {}\n\n[jobs]\ndaily_summary = true\n\n[data]\ndir = \".\"\n",
        quoted(&demo.http),
        quoted(&format!("http://{}", demo.http)),
        quoted(&demo.experts.to_string_lossy())
    );
    if let Some((url, api)) = &demo.influx {
        let api = match api {
            InfluxApi::V1 => "v1",
            InfluxApi::V2 => "v2",
            InfluxApi::V3 => "v3",
        };
        let _ = write!(text, "\n[influx]\nenabled = true\nurl = {}\napi = \"{api}\"\n", quoted(url));
    }
    text
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
