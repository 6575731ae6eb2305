//! The demo's house with another gateway in it, whose wires a test can cut.

use super::gateway::Gateway;
use super::proxy::Proxy;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

/// The demo's house, whose own gateway keeps its hands off; and what another gateway needs to live in it.
pub(super) struct House {
    /// The configuration of a gateway of this house, whose wires go through the proxies.
    pub config: toml::Table,
    /// The wire to the inverter.
    pub inverter: Proxy,
    /// The wire to the heat pump.
    pub heat_pump: Proxy,
    /// Where the other gateway lives.
    pub folder: TempDir,
    _demo: Gateway,
}

impl House {
    /// A house at the pace of the wall's clock in which power from the grid costs `price` EUR/kWh.
    pub(super) async fn start(experts: &Path, price: f64) -> Result<Self> {
        let folder = TempDir::new()?;
        let data = folder.path().join("house");
        let arguments = ["--speed", "1", "--experts"].map(OsStr::new);
        let arguments = [arguments.as_slice(), &[experts.as_os_str()]].concat();
        let demo = Gateway::demo(&data, &folder.path().join("house.log"), &arguments).await?;
        demo.set_mode("off").await?;
        let mut config: toml::Table = std::fs::read_to_string(data.join("heatmine.toml"))?.parse()?;
        config.insert("tariff".into(), toml::toml! { import.kind = "fixed" }.into());
        config["tariff"]["import"].as_table_mut().context("a tariff")?.insert("price_eur_per_kwh".into(), price.into());
        // The house's own gateway has the name on the broker.
        config.insert("home_assistant".into(), toml::toml! { enabled = false }.into());
        config.remove("jobs");
        let mut wires = Vec::new();
        for device in config["device"].as_array_mut().context("devices")?.iter_mut() {
            let Some(address) = device.get("address").and_then(toml::Value::as_str) else { continue };
            let proxy = Proxy::to(address.trim_start_matches("tcp://")).await?;
            device["address"] = format!("tcp://{}", proxy.address).into();
            wires.push(proxy);
        }
        let heat_pump = wires.pop().context("a heat pump")?;
        let inverter = wires.pop().context("an inverter")?;
        Ok(Self { config, inverter, heat_pump, folder, _demo: demo })
    }

    /// Starts the other gateway.
    pub(super) async fn gateway(&self) -> Result<Gateway> {
        Gateway::run(self.folder.path(), self.config.clone()).await
    }
}
