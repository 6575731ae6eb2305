//! `heatmine check`.

use super::{Failure, Outcome, print_json};
use crate::config::{self, Loaded};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `heatmine check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration.
    #[arg(default_value = "heatmine.toml")]
    file: PathBuf,
    /// Print the resolved site as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks the configuration.
    pub fn run(self) -> Outcome {
        let loaded = config::load(&self.file).map_err(|errors| Failure::new(Failure::USAGE, errors.to_string()))?;
        if self.json {
            return print_json(&loaded.site);
        }
        print!("{}", table(&loaded));
        Ok(())
    }
}

fn table(loaded: &Loaded) -> String {
    let site = &loaded.site;
    let mut rows = vec![
        ("site", format!("{} ({})", site.name, site.timezone)),
        ("grid", format!("at most {} from it", site.grid.import_limit)),
        (
            "compute",
            format!("{} to {}, idle {}, heat into {:?}", site.compute.min, site.compute.max, site.compute.idle, site.compute.heat_into),
        ),
        ("page", loaded.http_listen.to_string()),
        ("data", loaded.data_dir.display().to_string()),
        ("experts", loaded.experts_dir.display().to_string()),
    ];
    if let Some(pv) = site.pv {
        rows.push(("pv", format!("{} peak", pv.peak)));
    }
    if let Some(battery) = site.battery {
        rows.push(("battery", format!("{}, reserve {}", battery.capacity, battery.reserve)));
    }
    if let Some(broker) = &loaded.broker {
        rows.push(("broker", broker.to_string()));
    }
    let mut text: String = rows.into_iter().map(|(name, value)| format!("{name:<10} {value}\n")).collect();
    for device in &site.devices {
        let points: Vec<&str> = device.points.iter().map(|point| point.name()).collect();
        let controls: Vec<&str> = device.controls.keys().map(|control| control.name()).collect();
        text += &format!("device     {}: {}", device.id, points.join(", "));
        if !controls.is_empty() {
            text += &format!("; may be told {}", controls.join(", "));
        }
        text.push('\n');
    }
    text + "The configuration is right.\n"
}
