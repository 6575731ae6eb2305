//! The configuration: one structure, read from `heatmine.toml` or the add-on's options JSON, checked as a whole before
//! anything else happens. Beyond [`Loaded`] there are no raw strings.

/// `[building]`.
pub mod building;
/// `[[device]]`.
pub mod devices;
/// `[dimming]`.
pub mod dimming;
/// `[[plane]]` and `[[forecast]]`.
pub mod forecast;
/// `[grid]`.
pub mod grid;
/// `[home_assistant]`.
pub mod home_assistant;
/// `[http]`.
pub mod http;
/// `[influx]`.
pub mod influx;
/// `[site]` and what is installed in it.
pub mod installation;
/// `[jobs]`, `[[schedule]]` and `[data]`.
pub mod jobs;
/// `[mqtt]`.
pub mod mqtt;
/// A password or token, never shown.
pub mod secret;
/// `[tariff.spot]` and `[tariff.outlook]`.
pub mod spot;
/// `[tariff]`.
pub mod tariff;
/// `[worker]`.
pub mod worker;
/// Bidding zones.
pub mod zones;

/// A document against the schema.
pub mod check;
/// Contracts as data.
pub mod contract;
mod currency;
/// A file as a tree of values with their places.
pub mod document;
mod environment;
/// What is wrong with a configuration.
pub mod error;
mod form;
mod load;
/// From what was written to what the gateway works with.
pub mod resolve;
mod sections;
/// Units in the names of keys.
pub mod unit;

pub use environment::of_machine;
pub use error::{ConfigError, ConfigErrors};
pub use load::{Partial, load, load_partly, load_toml, load_unbuilt, load_with, own_data_dir};
pub use resolve::{Known, Loaded};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole configuration, as written by the owner and completed by defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Config {
    /// The version of the file's structure. One of a newer HeatMine is refused.
    #[serde(default = "version")]
    #[schemars(range(min = 1))]
    pub version: u32,
    /// The house as a whole.
    #[serde(default)]
    pub site: installation::SiteConfig,
    /// The grid connection.
    #[serde(default)]
    pub grid: grid::GridConfig,
    /// Dimming by the grid operator.
    #[serde(default)]
    pub dimming: dimming::DimmingConfig,
    /// What power costs and earns.
    #[serde(default)]
    pub tariff: tariff::TariffConfig,
    /// The network fee, where it is billed apart.
    #[serde(default)]
    pub network_fee: Option<tariff::NetworkFee>,
    /// Levies by the kilowatt-hour, where they are billed apart.
    #[serde(default)]
    pub levy: Vec<tariff::Levy>,
    /// Photovoltaics, where there are any.
    #[serde(default)]
    pub pv: Option<installation::PvConfig>,
    /// The planes of its modules, where services of forecasts are to know them.
    #[serde(default)]
    pub plane: Vec<forecast::PlaneConfig>,
    /// Where forecasts of PV power and weather come from; of several, the first that answers counts.
    #[serde(default)]
    pub forecast: Vec<forecast::ForecastSource>,
    /// The battery, where there is one.
    #[serde(default)]
    pub battery: Option<installation::BatteryConfig>,
    /// The wallbox, where it follows the surplus.
    #[serde(default)]
    pub wallbox: Option<installation::WallboxConfig>,
    /// The compute box.
    pub compute: installation::ComputeConfig,
    /// The heat source that compute's heat displaces.
    #[serde(default)]
    pub heat: installation::HeatConfig,
    /// The heated room, where its temperature counts.
    #[serde(default)]
    pub room: Option<installation::StoreConfig>,
    /// The tank, where its temperature counts.
    #[serde(default)]
    pub tank: Option<installation::StoreConfig>,
    /// What the house does by itself.
    #[serde(default)]
    pub building: building::BuildingConfig,
    /// What the work pays.
    #[serde(default)]
    pub work: installation::WorkConfig,
    /// The devices.
    #[serde(default)]
    pub device: Vec<devices::DeviceSection>,
    /// The MQTT broker, where there is one.
    #[serde(default)]
    pub mqtt: Option<mqtt::MqttConfig>,
    /// Home Assistant.
    #[serde(default)]
    pub home_assistant: home_assistant::HomeAssistantConfig,
    /// The history database.
    #[serde(default)]
    pub influx: influx::InfluxConfig,
    /// The page and the HTTP interface.
    #[serde(default)]
    pub http: http::HttpConfig,
    /// The engine's process.
    #[serde(default)]
    pub worker: worker::WorkerConfig,
    /// Deferrable work.
    #[serde(default)]
    pub jobs: jobs::JobsConfig,
    /// Things done at fixed local times.
    #[serde(default)]
    pub schedule: Vec<jobs::ScheduleConfig>,
    /// Where everything is kept.
    #[serde(default)]
    pub data: jobs::DataConfig,
}

/// The version of the configuration that this program knows; a file that states none is of this one.
const VERSION: u32 = 1;

fn version() -> u32 {
    VERSION
}

/// A whole number as a default value.
fn number<const VALUE: i64>() -> f64 {
    VALUE as f64
}

/// Thousandths as a default value.
fn thousandths<const VALUE: i64>() -> f64 {
    VALUE as f64 / 1000.0
}
