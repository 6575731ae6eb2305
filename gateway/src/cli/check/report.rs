//! A resolved site for a person to read.

use super::row::{Row, plain, row};
use super::{connection, money};
use crate::config::Loaded;
use crate::schedule::{Action, Entry, next_due};
use chrono::TimeDelta;
use chrono_tz::Tz;
use plant::command::{Command, Mode, Scheduled};
use plant::site::{Battery, Compute, HeatSink, HeatSource, Store};
use plant::time::Timestamp;
use plant::units::Currency;
use std::collections::BTreeMap;

/// Lines are broken before they get longer than this.
const WIDTH: usize = 100;
/// Width of the column of names.
const NAMES: usize = 12;

/// The whole site, `now` being the moment from which schedules are looked at.
pub(super) fn text(loaded: &Loaded, advice: &[String], now: Timestamp) -> String {
    let site = &loaded.site;
    let mut text = format!("{} ({})\n\n", site.name, site.timezone);
    rows(&mut text, house(loaded));
    rows(&mut text, money::rows(loaded, now));
    text += "\nDevices\n";
    rows(&mut text, devices(loaded));
    text += "\nAround it\n";
    rows(&mut text, around(loaded));
    if !loaded.schedule.is_empty() {
        text += "\nSchedule\n";
        rows(&mut text, loaded.schedule.iter().map(|entry| scheduled(entry, site.timezone, now)).collect());
    }
    if !advice.is_empty() {
        text += "\nWorth knowing\n";
        for words in advice {
            text += &format!("  - {words}\n");
        }
    }
    text + &format!("\n{} is right.\n", loaded.file.display())
}

fn rows(text: &mut String, rows: Vec<Row>) {
    for (name, words) in rows {
        let mut line = format!("  {name:<NAMES$}");
        let mut is_empty = true;
        for word in words.split(' ') {
            if !is_empty && line.chars().count() + word.chars().count() >= WIDTH {
                *text += &format!("{}\n", line.trim_end());
                line = format!("  {:<NAMES$}", "");
            }
            line += &format!(" {word}");
            is_empty = false;
        }
        *text += &format!("{}\n", line.trim_end());
    }
}

fn house(loaded: &Loaded) -> Vec<Row> {
    let site = &loaded.site;
    let mut rows = connection::rows(loaded);
    rows.extend(site.pv.map(|pv| row("pv", format!("{} peak", pv.peak))));
    rows.extend(site.battery.map(|battery| row("battery", self::battery(battery))));
    rows.extend(site.wallbox.map(|wallbox| row("wallbox", connection::wallbox(wallbox))));
    rows.push(row("compute", compute(&site.compute)));
    rows.push(row(
        "its heat",
        site.displaced.as_ref().map_or("saves nothing".into(), |source| displaced(source, site.currency)),
    ));
    rows.extend(site.room.map(|room| row("room", store(room))));
    rows.extend(site.tank.map(|tank| row("tank", store(tank))));
    rows
}

fn battery(battery: Battery) -> String {
    format!(
        "{:.1}, {} in, {} out, {} % come back; compute leaves {} in it",
        battery.capacity,
        battery.charge_max,
        battery.discharge_max,
        plain(battery.round_trip * 100.0),
        battery.reserve
    )
}

fn compute(compute: &Compute) -> String {
    let sink = match compute.heat_into {
        HeatSink::Room => "heats the room",
        HeatSink::Tank => "heats the tank",
        HeatSink::HeatPumpSource => "warms the heat pump's source",
        HeatSink::Outside => "its heat leaves the house",
    };
    let too_hot = compute.temperature_max.map(|most| format!(", stops above {most}")).unwrap_or_default();
    format!("{} to {}, {} idle, {sink}{too_hot}", compute.min, compute.max, compute.idle)
}

fn displaced(source: &HeatSource, currency: Currency) -> String {
    match source {
        HeatSource::HeatPump { flow, power_max, .. } => format!("saves a heat pump's ({flow} flow, {power_max})"),
        HeatSource::Gas { price, efficiency } => {
            format!("saves gas at {}, burnt to {} %", currency.price(*price), plain(efficiency * 100.0))
        }
        HeatSource::Electric => "saves direct electric heating's".into(),
    }
}

fn store(store: Store) -> String {
    format!("{} to {}, {} kWh for a degree", store.low, store.high, plain(store.capacity_kwh_per_k))
}

fn devices(loaded: &Loaded) -> Vec<Row> {
    let mut rows = Vec::new();
    for device in super::devices(loaded) {
        let unit = device.unit.map(|unit| format!(", unit {unit}")).unwrap_or_default();
        let place = match device.address.strip_prefix("mqtt:///") {
            Some(topic) => format!("{} at the topic {topic}", device.definition),
            None => format!("{} at {}{unit}, every {} s", device.definition, device.address, device.interval_s),
        };
        rows.push(row(device.name, place));
        let mut roles: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (role, quantity) in device.points.iter().filter_map(|point| point.name().split_once('.')) {
            roles.entry(role).or_default().push(quantity);
        }
        let read = roles.into_iter().map(|(role, quantities)| format!("{role} ({})", quantities.join(", ")));
        rows.push(row("", format!("reads {}", read.collect::<Vec<_>>().join(", "))));
        if !device.controls.is_empty() {
            let controls: Vec<&str> = device.controls.keys().map(|control| control.name()).collect();
            rows.push(row("", format!("may be set: {}", controls.join(", "))));
        }
    }
    rows
}

fn around(loaded: &Loaded) -> Vec<Row> {
    let config = &loaded.config;
    let page = loaded.http_listen;
    let mut rows = vec![match page.ip().is_unspecified() {
        true => row("page", format!("http://localhost:{}, also from other machines", page.port())),
        false => row("page", format!("http://{page}")),
    }];
    if let Some(broker) = &loaded.broker {
        let login = broker.username.as_ref().map(|name| format!(", as {name}")).unwrap_or_default();
        let tls = if broker.tls { ", encrypted" } else { "" };
        rows.push(row("broker", format!("{broker}{login}{tls}")));
        if config.home_assistant.enabled {
            rows.push(row("", format!("Home Assistant finds it there as {}", config.home_assistant.node_id)));
        }
    }
    if config.influx.enabled {
        rows.push(row("history", format!("to {}, every {} s", config.influx.url, config.influx.interval_s)));
    }
    if !config.forecast.is_empty() {
        let sources: Vec<&str> = config.forecast.iter().map(|forecast| forecast.source.name()).collect();
        rows.push(row("forecasts", format!("from {}", sources.join(", else "))));
    }
    rows.push(match &config.worker.url {
        Some(url) => row("engine", format!("at {url}")),
        None => row(
            "engine",
            format!("started here, with {}", config.worker.expert.as_deref().unwrap_or("the first expert")),
        ),
    });
    rows.push(row("experts", loaded.experts_dir.display()));
    rows.push(row("data", loaded.data_dir.display()));
    rows
}

fn scheduled(entry: &Entry, timezone: Tz, now: Timestamp) -> Row {
    let action = match entry.action {
        Action::Command(Command::SetMode(mode)) => format!("mode {mode}"),
        Action::Command(Command::Boost(duration)) => format!("boost for {} s", duration.as_secs()),
        Action::Command(Command::SetPowerLimit(watts)) => format!("at most {watts} for compute"),
        Action::Command(Command::Scheduled(Scheduled { mode, boost, overrides })) => {
            let what =
                if mode == Mode::Boost { format!("boost for {} s", boost.as_secs()) } else { format!("mode {mode}") };
            format!("{what}{}", if overrides { ", whatever a person set" } else { "" })
        }
        Action::Command(Command::GridDimming(_)) => "dimming".into(),
        Action::Summary => "a summary of the day is queued".into(),
    };
    let due = next_due(&entry.schedule, timezone, now);
    let shown = due.map_or("never again".into(), |due| {
        let form = if due - now < TimeDelta::days(6) { "%a %H:%M" } else { "%d.%m. %H:%M" };
        due.with_timezone(&timezone).format(form).to_string()
    });
    row(shown, format!("{action} ({})", entry.schedule))
}
