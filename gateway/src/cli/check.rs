//! `heatmine check`: what a configuration comes to, before anything is started on it.

mod advice;
mod connection;
mod money;
mod report;
mod row;

use super::{Outcome, print_json, print_text};
use crate::config::check::Schema;
use crate::config::{self, Config, Loaded};
use clap::Args;
use plant::decision::Control;
use plant::point::{DeviceId, Point};
use plant::site::{ControlRange, Site};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Arguments of `heatmine check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration.
    #[arg(default_value = "heatmine.toml")]
    file: PathBuf,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
    /// Print the JSON schema of every configuration, for editors; no file is read.
    #[arg(long, conflicts_with = "json")]
    schema: bool,
}

/// A checked configuration as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    site: &'a Site,
    devices: Vec<CheckedDevice<'a>>,
    page: SocketAddr,
    data_dir: &'a Path,
    experts_dir: &'a Path,
    config: &'a Config,
    advice: Vec<String>,
}

/// A device as its driver and as the core know it.
#[derive(Serialize)]
struct CheckedDevice<'a> {
    name: &'a DeviceId,
    #[serde(rename = "type")]
    definition: &'a str,
    address: String,
    unit: Option<u8>,
    interval_s: f64,
    points: &'a BTreeSet<Point>,
    controls: &'a BTreeMap<Control, ControlRange>,
}

impl Check {
    /// Checks the configuration.
    pub(super) fn run(self) -> Outcome {
        if self.schema {
            return print_json(Schema::of_config().json());
        }
        let loaded = config::load(&self.file)?;
        let advice = advice::of(&loaded);
        if self.json {
            return print_json(&checked(&loaded, advice));
        }
        print_text(report::text(&loaded, &advice, crate::clock::wall_time()))
    }
}

fn checked(loaded: &Loaded, advice: Vec<String>) -> Checked<'_> {
    Checked {
        file: &loaded.file,
        site: &loaded.site,
        devices: devices(loaded),
        page: loaded.http_listen,
        data_dir: &loaded.data_dir,
        experts_dir: &loaded.experts_dir,
        config: &loaded.config,
        advice,
    }
}

fn devices(loaded: &Loaded) -> Vec<CheckedDevice<'_>> {
    let pairs = loaded.devices.iter().zip(&loaded.site.devices);
    let devices = pairs.map(|(config, device)| CheckedDevice {
        name: &config.id,
        definition: &config.definition.id,
        address: config.address.to_string(),
        unit: config.unit,
        interval_s: config.interval.as_secs_f64(),
        points: &device.points,
        controls: &device.controls,
    });
    devices.collect()
}
