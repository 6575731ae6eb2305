//! From what the owner wrote to what the gateway works with: addresses parsed, definitions found, secrets read, and
//! everything that must fit together checked together.

mod building;
mod connections;
mod devices;
mod forecast;
mod grid;
mod site;
mod spot;
mod tariff;
mod times;

use super::Config;
use super::error::ConfigError;
use super::home_assistant::HomeAssistantConfig;
use super::http::HttpConfig;
use super::installation::SiteConfig;
use super::jobs::DataConfig;
use super::mqtt::MqttConfig;
use crate::addon::data_folder;
use crate::schedule;
use drivers::device::DeviceConfig;
use drivers::mqtt::Broker;
use plant::site::Site;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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

/// Where the page listens if nothing else is known.
const HTTP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8099);

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

/// What a configuration says that is right, whatever else is wrong.
#[derive(Clone, Debug)]
pub struct Known {
    /// The site's name.
    pub site: String,
    /// `[http]`.
    pub http: HttpConfig,
    /// `[home_assistant]`.
    pub home_assistant: HomeAssistantConfig,
    /// First part of every topic.
    pub topic_prefix: String,
    /// The devices that can be addressed as they were meant, and where each stands in the file.
    pub devices: Vec<(String, DeviceConfig)>,
    /// The broker, where there is one.
    pub broker: Option<Broker>,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the page listens; the usual place where that is not known.
    pub http_listen: SocketAddr,
}

impl From<&Loaded> for Known {
    fn from(loaded: &Loaded) -> Self {
        let devices = loaded.devices.iter().map(|device| (device.id.0.clone(), device.clone())).collect();
        let (broker, http_listen) = (loaded.broker.clone(), loaded.http_listen);
        Self { devices, broker, http_listen, ..Self::of(&loaded.config, loaded.data_dir.clone()) }
    }
}

impl Known {
    /// What is known where the file says nothing.
    pub(super) fn nothing(file: &Path) -> Self {
        let data = DataConfig::default().dir;
        Self {
            site: SiteConfig::default().name,
            http: HttpConfig::default(),
            home_assistant: HomeAssistantConfig::default(),
            topic_prefix: MqttConfig::default().topic_prefix,
            devices: Vec::new(),
            broker: None,
            data_dir: file.parent().unwrap_or(Path::new("")).join(data),
            http_listen: HTTP_LISTEN,
        }
    }

    /// What `config` says, with mistakes left out and replaced by defaults.
    fn of(config: &Config, data_dir: PathBuf) -> Self {
        let mqtt = config.mqtt.clone().unwrap_or_default();
        Self {
            site: config.site.name.clone(),
            http: config.http.clone(),
            home_assistant: config.home_assistant.clone(),
            topic_prefix: mqtt.topic_prefix,
            devices: Vec::new(),
            broker: None,
            data_dir,
            http_listen: config.http.listen.parse().unwrap_or(HTTP_LISTEN),
        }
    }

    /// Without what depends on the keys that are wrong in themselves.
    pub(super) fn without(mut self, faulty: &BTreeSet<String>) -> Self {
        if faulty.iter().any(|key| is_below(key, "mqtt")) {
            self.broker = None;
            self.devices.iter_mut().for_each(|(_, device)| device.broker = None);
        }
        self.devices.retain(|(section, _)| !faulty.iter().any(|key| devices::misleads(key, section)));
        self
    }
}

/// What came of resolving a configuration.
pub(super) struct Resolution {
    /// All of it, where nothing is wrong.
    pub(super) loaded: Option<Loaded>,
    /// What is right.
    pub(super) known: Known,
    /// What is wrong.
    pub(super) errors: Vec<ConfigError>,
}

/// Resolves `config`, read from `file`.
pub(super) fn resolve(file: &Path, mut config: Config) -> Resolution {
    let mut faults = Faults::default();
    let beside = file.parent().unwrap_or(Path::new(""));
    connections::read_secrets(&mut config, beside, &mut faults);
    let addresses = connections::addresses(&config, &mut faults);
    forecast::check(&config, &mut faults);
    let broker = config.mqtt.as_ref().map(connections::broker);
    let (devices, addressable) = devices::resolve(&config, broker.as_ref(), beside, &mut faults);
    let site = site::resolve(&config, &devices, &mut faults);
    let schedule = times::resolve(&config, &mut faults);
    let named = config.data.dir != data_folder::DATA_DIR;
    let data_dir = data_folder::of(file, beside.join(&config.data.dir), named);
    let data_dir = data_dir.map_err(|words| faults.about("data.dir", words)).unwrap_or_default();
    let experts_dir =
        config.worker.experts_dir.as_ref().map_or_else(|| data_dir.join("experts"), |dir| beside.join(dir));
    let known = Known { devices: addressable, broker: broker.clone(), ..Known::of(&config, data_dir.clone()) };
    let loaded = match (site, addresses) {
        (Some(site), Some((http_listen, worker_listen))) if faults.errors.is_empty() => Some(Loaded {
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
        _ => None,
    };
    Resolution { loaded, known, errors: faults.errors }
}

/// Whether `key` is `section` or stands in it.
fn is_below(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
