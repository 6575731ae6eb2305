//! The services by name, and what an address without a name is taken for.

mod amber;
mod awattar;
mod easyenergy;
mod energidataservice;
mod energy_charts;
mod energyzero;
mod entsoe;
mod evcc;
mod home_assistant;
mod nordpool;
mod octopus;
mod tibber;

use super::answer::{Answer, Refused};
use super::days::after;
use super::lenient::json;
use super::rows;
use super::service::{Ask, Pace, Place, Service, european};
use crate::config::spot::{SpotService, SpotSource};
use crate::store::sha256;
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

/// How often an address is asked of which nobody knows when it has something new.
const REFRESH: Duration = Duration::from_secs(1800);

/// An address without a name: what is behind it shows in its answer.
static ADDRESS: Service = Service {
    base: |_| "",
    zone: european,
    earlier: TimeDelta::zero(),
    pace: Pace::Every(REFRESH),
    least: Duration::from_secs(60),
    asks: |place, days, _| {
        let (today, tomorrow) = (days.first, after(days.first));
        let url = place.base.replace("{today}", &today.to_string()).replace("{tomorrow}", &tomorrow.to_string());
        vec![Ask::get(url)]
    },
    read: by_form,
};

/// A source of prices: a service and whose prices are wanted of it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The service.
    pub service: &'static Service,
    /// Whose prices.
    pub place: Place,
    /// How its answer is read.
    pub read: fn(&[u8], &Place) -> Result<Answer, Refused>,
    /// Its name for people; no key is in it.
    pub title: String,
    /// The most time between two questions, where the owner names one.
    pub refresh: Option<Duration>,
}

impl Source {
    /// What tells it from any other source; no key is in it.
    pub(super) fn key(&self) -> String {
        let Place { base, zone, product, home, site, entity, key: _, currency, includes_taxes } = &self.place;
        let home = home.as_deref().unwrap_or_default();
        let place = format!("{base} {zone} {product} {home} {site} {entity} {currency} {includes_taxes}");
        format!("{} {}", self.title, sha256(&place))
    }
}

/// The service of a name.
fn of(name: SpotService) -> &'static Service {
    match name {
        SpotService::EnergyCharts => &energy_charts::SERVICE,
        SpotService::Awattar => &awattar::SERVICE,
        SpotService::Entsoe => &entsoe::SERVICE,
        SpotService::Nordpool => &nordpool::SERVICE,
        SpotService::Tibber => &tibber::SERVICE,
        SpotService::Octopus => &octopus::SERVICE,
        SpotService::Energidataservice => &energidataservice::SERVICE,
        SpotService::Amber => &amber::SERVICE,
        SpotService::Energyzero => &energyzero::SERVICE,
        SpotService::Easyenergy => &easyenergy::SERVICE,
        SpotService::Evcc => &evcc::SERVICE,
        SpotService::HomeAssistant => &home_assistant::SERVICE,
    }
}

/// The source that `config` names; `None` where it is a topic. `home_assistant` is where Home Assistant is reached, and its token.
pub(super) fn source(config: &SpotSource, currency: &str, home_assistant: Option<&Place>) -> Option<Source> {
    let known = |text: &Option<String>| text.clone().unwrap_or_default();
    let refresh = config.refresh_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let mut place = Place {
        base: known(&config.url).trim_end_matches('/').to_owned(),
        zone: known(&config.zone),
        product: known(&config.product),
        home: config.home.clone(),
        site: known(&config.site),
        entity: known(&config.entity),
        key: config.key.clone().unwrap_or_default(),
        currency: currency.to_owned(),
        includes_taxes: config.includes_taxes(),
    };
    let Some(name) = config.source else {
        return config.url.as_ref().map(|url| Source { refresh, ..by_address(url, place) });
    };
    let service = of(name);
    if let (SpotService::HomeAssistant, Some(own)) = (name, home_assistant)
        && place.base.is_empty()
    {
        place.base.clone_from(&own.base);
        if config.key.is_none() {
            place.key = own.key.clone();
        }
    }
    if place.base.is_empty() {
        place.base = (service.base)(&place).to_owned();
    }
    let parts = [&place.zone, &place.product, &place.entity].into_iter().filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.map(String::as_str).collect();
    let title = if parts.is_empty() { name.to_string() } else { format!("{name} ({})", parts.join(", ")) };
    Some(Source { service, read: service.read, place, title, refresh })
}

/// An address of a service that is known, without dates in it, is asked for the days that are needed; any other as it is.
fn by_address(url: &str, place: Place) -> Source {
    let plain = || Source {
        service: &ADDRESS,
        read: by_form,
        title: shown(url),
        place: Place { base: url.to_owned(), ..place.clone() },
        refresh: None,
    };
    let Ok(parsed) = reqwest::Url::parse(url) else { return plain() };
    let query = |name: &str| parsed.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if query("start").is_some() || query("end").is_some() || url.contains('{') {
        return plain();
    }
    let before = |path: &str| Some(parsed.as_str().split(['?', '#']).next()?.strip_suffix(path)?.to_owned());
    let found = match (before("/price"), before("/v1/marketdata")) {
        (Some(base), _) => query("bzn").map(|zone| (base, zone, SpotService::EnergyCharts)),
        (None, Some(base)) => {
            let austrian = parsed.host_str().is_some_and(|host| host.ends_with(".at"));
            Some((base, if austrian { "AT" } else { "DE" }.to_owned(), SpotService::Awattar))
        }
        (None, None) => None,
    };
    let Some((base, zone, name)) = found else { return plain() };
    let title = format!("{name} ({zone})");
    Source { service: of(name), read: by_form, title, place: Place { base, zone, ..place }, refresh: None }
}

/// An address for people: without what may hold a key, its query, and a name and a password before the host.
fn shown(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

/// Reads an answer of any of the forms that need no place.
fn by_form(body: &[u8], _: &Place) -> Result<Answer, Refused> {
    let body = json(body)?;
    if body.get("unix_seconds").is_some() {
        return energy_charts::read(&body);
    }
    if body.get("data").is_some_and(Value::is_array) {
        return awattar::read(&body);
    }
    let list = ["rates", "prices", "slots"].into_iter().find_map(|name| body.get(name)).or(Some(&body));
    match list.filter(|list| list.is_array()) {
        Some(list) => Answer::of(rows::entries(list)?, body.get("currency").and_then(Value::as_str)),
        None => Err(Refused::Wrong(
            "is neither aWATTar's market data (data, marketprice) nor Energy-Charts' prices (unix_seconds, price) nor a list of start and value"
                .into(),
        )),
    }
}

#[cfg(test)]
#[path = "services_test.rs"]
mod tests;
