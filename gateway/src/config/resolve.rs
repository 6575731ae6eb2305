//! From what the owner wrote to what the gateway works with: addresses parsed, definitions found, secrets read, and
//! everything that must fit together checked together.

mod connections;
mod devices;
mod site;
mod times;

use super::Config;
use super::error::ConfigError;
use crate::addon::data_folder;
use crate::schedule;
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use plant::site::Site;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A checked configuration and all that follows from it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The file it came from.
    pub file: PathBuf,
    /// What was written, completed by defaults; secrets from files filled in.
    pub config: Config,
    /// What the core works on.
    pub site: Site,
    /// The devices, in the order of the site.
    pub devices: Vec<DeviceConfig>,
    /// The broker, where there is one.
    pub broker: Option<Broker>,
    /// Where ledger, history and jobs are kept.
    pub data_dir: PathBuf,
    /// Where the experts are kept.
    pub experts_dir: PathBuf,
    /// Where the page listens.
    pub http_listen: SocketAddr,
    /// Where the gateway's own worker listens.
    pub worker_listen: SocketAddr,
    /// Everything done at fixed local times, the daily summary included.
    pub schedule: Vec<schedule::Entry>,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
struct Faults {
    errors: Vec<ConfigError>,
}

impl Faults {
    /// Remembers that `key` has a value it must not have.
    fn wrong(&mut self, key: impl Into<String>, value: impl ToString, expected: impl Into<String>) {
        self.errors.push(ConfigError::new(key, Some(value.to_string()), expected));
    }

    /// Remembers that something about `key` is missing or does not fit.
    fn about(&mut self, key: impl Into<String>, expected: impl Into<String>) {
        self.errors.push(ConfigError::new(key, None, expected));
    }

    /// The value, or a remembered mistake.
    fn take<T>(&mut self, key: &str, value: &str, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|expected| self.wrong(key, quoted(value), expected)).ok()
    }
}

/// Resolves `config`, read from `file`.
pub(super) fn resolve(file: &Path, mut config: Config) -> Result<Loaded, Vec<ConfigError>> {
    let mut faults = Faults::default();
    let beside = file.parent().unwrap_or(Path::new(""));
    connections::read_secrets(&mut config, beside, &mut faults);
    let addresses = connections::addresses(&config, &mut faults);
    let broker = config.mqtt.as_ref().map(connections::broker);
    let devices = devices::resolve(&config, broker.as_ref(), beside, &mut faults);
    let site = site::resolve(&config, &devices, &mut faults);
    let schedule = times::resolve(&config, &mut faults);
    let named = config.data.dir != data_folder::DATA_DIR;
    let data_dir = data_folder::of(file, beside.join(&config.data.dir), named);
    let data_dir = data_dir.map_err(|words| faults.about("data.dir", words)).unwrap_or_default();
    let experts_dir =
        config.worker.experts_dir.as_ref().map_or_else(|| data_dir.join("experts"), |dir| beside.join(dir));
    match (site, addresses) {
        (Some(site), Some((http_listen, worker_listen))) if faults.errors.is_empty() => Ok(Loaded {
            file: file.to_owned(),
            config,
            site,
            devices: devices.into_iter().map(|resolved| resolved.config).collect(),
            broker,
            data_dir,
            experts_dir,
            http_listen,
            worker_listen,
            schedule,
        }),
        _ => Err(faults.errors),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
