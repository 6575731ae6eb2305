//! `heatmine run` and `heatmine demo`.

use super::{Failure, Outcome, expert, until_stopped};
use crate::clock::Clock;
use crate::config::influx::InfluxApi;
use crate::live::{Options, Shell};
use crate::notify::Notify;
use crate::source::{Found, Source};
use crate::{demo, live};
use clap::Args;
use drivers::mqtt::Broker;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `heatmine run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration [default: heatmine.toml, in the add-on /data/options.json].
    file: Option<PathBuf>,
    /// Start with what is there: where the configuration is missing or wrong, the page says what to correct, and the house starts
    /// once that is done.
    #[arg(long)]
    setup: bool,
    /// Record everything that happens and is decided into this file, for `heatmine replay`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Run {
    /// Runs the gateway.
    pub(super) fn run(self) -> Outcome {
        let Run { file, setup, record } = self;
        until_stopped(|shutdown| async move {
            let mut shell = Shell { notify: Notify::from_environment(), ..Shell::default() };
            let mut source = Source::new(file);
            let Found { configuration, mark, .. } = match source.read(&shell.troubles).await {
                found if setup || found.configuration.is_ok() => {
                    match live::setup(&mut source, found, &shell, true, &shutdown).await? {
                        Some(found) => found,
                        None => return Ok(()),
                    }
                }
                found => found,
            };
            let loaded = match configuration {
                Ok(loaded) => loaded,
                Err(partial) => {
                    live::give_back(&partial.known, &shutdown).await;
                    return Err(partial.errors.into());
                }
            };
            shell.source = Some((source, mark));
            let options = Options { clock: Clock::real(), record, draw: None, summaries: None, banner: true, shell };
            Ok(live::run(loaded, options, shutdown).await?)
        })
    }
}

/// Arguments of `heatmine demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the page listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8099", value_parser = listen)]
    http: String,
    /// The broker to use, as mqtt://[user:password@]host[:port]; an embedded one where not given.
    #[arg(long, value_name = "URL", value_parser = broker)]
    mqtt: Option<Broker>,
    /// Where everything is kept.
    #[arg(long, value_name = "FOLDER", default_value = "heatmine-demo")]
    data: PathBuf,
    /// Where the experts are; in the data folder where not given.
    #[arg(long, value_name = "FOLDER")]
    experts: Option<PathBuf>,
    /// Write history to this database, as http://host:8086.
    #[arg(long, value_name = "URL")]
    influx: Option<String>,
    /// Its write endpoint: v1, v2 or v3; VictoriaMetrics takes v2.
    #[arg(long, value_name = "VERSION", default_value = "v2", value_parser = influx_api)]
    influx_api: InfluxApi,
    /// House seconds in a second.
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = speed)]
    speed: f64,
    /// How long it runs, as 30s, 10m or 2h; until it is stopped where not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Record everything that happens and is decided into this file, for `heatmine replay`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

impl Demo {
    /// Runs the demo.
    pub(super) fn run(self) -> Outcome {
        let Demo { http, mqtt, data, experts, influx, influx_api, speed, duration, record } = self;
        let influx = influx.map(|url| (url, influx_api));
        let experts = experts.unwrap_or_else(|| data.join("experts"));
        let experts = std::path::absolute(&experts)
            .map_err(|error| Failure::new(Failure::USAGE, format!("{}: {error}", experts.display())))?;
        let demo = demo::Demo { http, mqtt, data, experts, influx, speed, duration, record };
        until_stopped(|shutdown| async move {
            demo::check(&demo).await?;
            match shutdown.run_until_cancelled(expert::install_default(&demo.experts)).await {
                None => return Ok(()),
                Some(installed) => installed?,
            }
            Ok(demo::run(demo, shutdown).await?)
        })
    }
}

fn listen(text: &str) -> Result<String, String> {
    let address = text.parse::<SocketAddr>().map(|address| address.to_string());
    address.map_err(|_| "expected an IP address and a port, as 127.0.0.1:8099".into())
}

fn influx_api(text: &str) -> Result<InfluxApi, String> {
    match text {
        "v1" => Ok(InfluxApi::V1),
        "v2" => Ok(InfluxApi::V2),
        "v3" => Ok(InfluxApi::V3),
        _ => Err("expected v1, v2 or v3".into()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|speed| (1.0..=600.0).contains(speed));
    speed.ok_or_else(|| "expected a number from 1 to 600".into())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number with its unit, as 30s, 10m or 2h".to_owned();
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(expected()),
    };
    let number = number.parse::<f64>().ok().filter(|number| *number > 0.0).ok_or_else(expected)?;
    Duration::try_from_secs_f64(number * factor).map_err(|_| expected())
}

fn broker(text: &str) -> Result<Broker, String> {
    let expected = || "expected mqtt://[user:password@]host[:port]".to_owned();
    let (tls, rest) = match (text.strip_prefix("mqtt://"), text.strip_prefix("mqtts://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err(expected()),
    };
    let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
    let (host, port) = match place.trim_end_matches('/').rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| expected())?)),
        None => (place.trim_end_matches('/'), None),
    };
    if host.is_empty() {
        return Err(expected());
    }
    let (username, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        Some((name, word)) => (Some(name.to_owned()), Some(word.to_owned()).filter(|word| !word.is_empty())),
        None => (None, None),
    };
    Ok(Broker { host: host.to_owned(), port, username, password, tls })
}
