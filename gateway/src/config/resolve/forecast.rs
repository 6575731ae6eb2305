//! `[[forecast]]`: what each service needs to know.

use super::{Faults, quoted};
use crate::config::Config;
use crate::config::forecast::{ForecastService, ForecastSource};

/// Sources of forecasts, at most.
const SOURCES_MAX: usize = 8;
/// Planes of PV modules, at most: Forecast.Solar has twelve questions an hour.
const PLANES_MAX: usize = 6;
/// Shares by which the planes may differ from the PV system.
const PEAK_RANGE: std::ops::RangeInclusive<f64> = 0.8..=1.25;

/// Checks that the services have what they need, and nothing that they do not know.
pub(super) fn check(config: &Config, faults: &mut Faults) {
    if config.forecast.len() > SOURCES_MAX {
        faults.about("forecast", format!("names {} sources; expected at most {SOURCES_MAX}", config.forecast.len()));
    }
    for (index, source) in config.forecast.iter().enumerate() {
        check_source(&format!("forecast[{index}]"), source, config, faults);
    }
    check_planes(config, faults);
}

fn check_planes(config: &Config, faults: &mut Faults) {
    if config.plane.is_empty() {
        return;
    }
    if config.plane.len() > PLANES_MAX {
        let words = format!(
            "names {} planes; expected at most {PLANES_MAX}: put those together that look the same way",
            config.plane.len()
        );
        faults.about("plane", words);
    }
    let Some(pv) = &config.pv else {
        return faults.about("plane", "needs a PV system; expected a section [pv]");
    };
    let sum: f64 = config.plane.iter().map(|plane| plane.peak_w).sum();
    if !PEAK_RANGE.contains(&(sum / pv.peak_w)) {
        let words = format!("the planes have {sum:.0} W together; expected about pv.peak_w, {:.0} W", pv.peak_w);
        faults.about("plane", words);
    }
}

fn check_source(path: &str, source: &ForecastSource, config: &Config, faults: &mut Faults) {
    let service = source.source;
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let fields = [
        ("latitude", number(source.latitude)),
        ("longitude", number(source.longitude)),
        ("site", source.site.as_deref().map(quoted)),
        ("entity", source.entity.as_deref().map(quoted)),
        ("key", source.key.as_ref().map(|_| quoted("***"))),
    ];
    let (needed, welcome) = takes(service);
    for (name, value) in fields {
        let needs = needed.iter().find(|(needed, _)| *needed == name);
        match (value, needs) {
            (None, Some((_, what))) => {
                faults.about(format!("{path}.{name}"), format!("missing; source = \"{service}\" needs {what}"));
            }
            (Some(value), None) if welcome != name => {
                let words = format!("source = \"{service}\" has no {name}; expected none");
                faults.wrong(format!("{path}.{name}"), value, words);
            }
            (Some(_) | None, _) => {}
        }
    }
    if service == ForecastService::ForecastSolar && config.plane.is_empty() {
        faults.about(path, format!("source = \"{service}\" needs to know the roof; expected a [[plane]]"));
    }
    if service == ForecastService::HomeAssistant {
        check_entities(path, source, config, faults);
    }
}

fn check_entities(path: &str, source: &ForecastSource, config: &Config, faults: &mut Faults) {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    for entity in source.parts() {
        if !entity.split_once('.').is_some_and(|(domain, name)| plain(domain) && plain(name)) {
            let expected = "expected an entity, as sensor.energy_production_today";
            faults.wrong(format!("{path}.entity"), quoted(&entity), expected);
        }
    }
    if source.url.is_none() && config.home_assistant.url.is_none() {
        faults.about("home_assistant.url", format!("missing; {path}.source = \"home_assistant\" asks there"));
    }
}

/// What a service needs, each with words about it, and what it takes beside.
fn takes(service: ForecastService) -> (&'static [(&'static str, &'static str)], &'static str) {
    const LATITUDE: (&str, &str) = ("latitude", "the house's place, as 48.37");
    const LONGITUDE: (&str, &str) = ("longitude", "the house's place, as 10.89");
    match service {
        ForecastService::OpenMeteo | ForecastService::ForecastSolar => (&[LATITUDE, LONGITUDE], "key"),
        ForecastService::Solcast => {
            (&[("site", "the site's id"), ("key", "the key that the service gave you (or key_file)")], "")
        }
        ForecastService::HomeAssistant => (&[("entity", "an entity, as sensor.energy_production_today")], "key"),
    }
}
