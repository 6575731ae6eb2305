//! `heatmine device`: what is known about devices, and a look at the real ones before they go into a configuration.

mod description;
mod read;
mod scan;
mod watch;

use super::{Failure, Outcome, print_json, print_text};
use crate::config::{self, Loaded};
use crate::source::Source;
use clap::{Args, Subcommand};
use drivers::address::{Address, Topic};
use drivers::definition::{self, Definition};
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use plant::point::DeviceId;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Arguments of `heatmine device`.
#[derive(Debug, Args)]
pub(super) struct Device {
    #[command(subcommand)]
    action: Action,
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Every kind of device that is known: products, points, controls.
    List,
    /// One kind of device: its registers or topics, what of it can be set, what its owner must switch on.
    Show {
        /// Its name in `heatmine device list`, or a definition file.
        name: String,
    },
    /// Who answers at an address or in a network: SunSpec devices with their models, others by their unit id.
    Scan(scan::Scan),
    /// Reads every point once.
    Read(Target),
    /// Reads again and again and prints what changes, until Ctrl-C.
    Watch(watch::Watch),
}

impl Device {
    /// Does it.
    pub(super) fn run(self) -> Outcome {
        match self.action {
            Action::List => list(self.json),
            Action::Show { name } => show(&name, self.json),
            Action::Scan(scan) => scan.run(self.json),
            Action::Read(target) => read::run(&target.find(None)?, self.json),
            Action::Watch(watch) => watch.run(self.json),
        }
    }
}

/// The device to look at.
#[derive(Debug, Args)]
struct Target {
    /// The kind of device (`heatmine device list` shows all) or a definition file; without URI, a device of the
    /// configuration.
    name: String,
    /// Where it is: tcp://host:port, rtu:///dev/ttyUSB0?baud=9600, rtu+tcp://host:port or mqtt://host:port/topic.
    uri: Option<String>,
    /// Its Modbus unit, where it is not the usual one.
    #[arg(long, value_name = "N")]
    unit: Option<u8>,
    /// What its definition asks for (`heatmine device show` tells); may be repeated.
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// The configuration that names the device, and the broker for mqtt:///topic [default: heatmine.toml, in the add-on
    /// its own].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Target {
    /// The device as a driver wants it, read every `interval`.
    fn find(self, interval: Option<Duration>) -> Result<DeviceConfig, Failure> {
        let Some(uri) = &self.uri else { return self.configured(interval) };
        let usage = |words: String| Failure::new(Failure::USAGE, words);
        let address: Address = uri.parse().map_err(|error: drivers::Error| usage(error.to_string()))?;
        let definition = definition(&self.name)?;
        if let (Address::Mqtt(_), Some(unit)) = (&address, self.unit) {
            return Err(usage(format!("--unit {unit} is for Modbus devices; expected none with {address}")));
        }
        let broker = match &address {
            Address::Mqtt(Topic { host, .. }) if host.is_empty() || self.config.is_some() => self.broker(&address)?,
            Address::Mqtt(_) | Address::Tcp(_) | Address::Rtu(_) | Address::RtuOverTcp(_) => None,
        };
        let config = DeviceConfig {
            id: DeviceId(definition.id.clone()),
            definition: Arc::new(definition),
            address,
            unit: self.unit,
            points: None,
            broker,
            controls: std::collections::BTreeSet::new(),
            parameters: self.parameters.into_iter().collect(),
            interval: interval.unwrap_or(Duration::from_secs(2)),
        };
        config.check().map_err(|error| usage(error.to_string()))?;
        Ok(config)
    }

    fn configured(self, interval: Option<Duration>) -> Result<DeviceConfig, Failure> {
        let file = self.config.clone().unwrap_or_else(|| Source::new(None).file());
        if self.config.is_none() && !file.exists() {
            let words = format!(
                "where is '{}'? expected an address after it, as tcp://192.168.1.20:502, or a configuration that names it ({} is not here)",
                self.name,
                file.display()
            );
            return Err(Failure::new(Failure::USAGE, words));
        }
        let mut loaded = load(&file)?;
        let names: Vec<String> = loaded.devices.iter().map(|device| device.id.to_string()).collect();
        let found = loaded.devices.iter().position(|device| device.id.0 == self.name);
        let Some(index) = found else {
            let words = format!(
                "there is no device '{}' in {}; expected {}, or an address after the name of a definition",
                self.name,
                file.display(),
                names.join(", ")
            );
            return Err(Failure::new(Failure::USAGE, words));
        };
        let mut device = loaded.devices.swap_remove(index);
        device.unit = self.unit.or(device.unit);
        device.parameters.extend(self.parameters);
        device.interval = interval.unwrap_or(device.interval);
        Ok(device)
    }

    fn broker(&self, address: &Address) -> Result<Option<Broker>, Failure> {
        let file = self.config.clone().unwrap_or_else(|| Source::new(None).file());
        let broker = load(&file)?.broker;
        let words = || format!("{} has no section [mqtt]; expected one, or the broker in {address}", file.display());
        broker.map(Some).ok_or_else(|| Failure::new(Failure::USAGE, words()))
    }
}

fn load(file: &Path) -> Result<Loaded, Failure> {
    Ok(config::load(file)?)
}

/// A definition that ships, or a file.
fn definition(name: &str) -> Result<Definition, Failure> {
    let found = if name.ends_with(".toml") { definition::from_file(Path::new(name)) } else { definition::find(name) };
    found.map_err(|error| Failure::new(Failure::USAGE, error.to_string()))
}

/// A definition in the list.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    products: &'a [String],
    transport: &'a [String],
    points: Vec<&'static str>,
    controls: Vec<&'static str>,
}

fn list(json: bool) -> Outcome {
    let mut definitions = definition::load_builtin();
    definitions.sort_by(|a, b| a.id.cmp(&b.id));
    if json {
        let listed = definitions.iter().map(|definition| Listed {
            id: &definition.id,
            products: &definition.products,
            transport: &definition.transport,
            points: definition.points().into_iter().map(|point| point.name()).collect(),
            controls: definition.control.iter().map(|row| row.name.name()).collect(),
        });
        return print_json(&listed.collect::<Vec<_>>());
    }
    let text: String = definitions.iter().map(description::summary).collect();
    print_text(format!(
        "{text}{} kinds of devices. `heatmine device show NAME` tells more about one.\n",
        definitions.len()
    ))
}

fn show(name: &str, json: bool) -> Outcome {
    let definition = definition(name)?;
    if json {
        return print_json(&description::without_empty(&serde_json::to_value(&definition).unwrap_or_default()));
    }
    print_text(description::page(&definition))
}

/// A number as a person reads it: no more than three places after the point.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
