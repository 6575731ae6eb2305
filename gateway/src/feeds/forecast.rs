//! Services of forecasts: PV power, outdoor temperature and irradiance for the time ahead.
//!
//! ```text
//!   service --Ask--> fetch --body--> Service::read --Brought--> whole --Outlook--> Desk (ranking) --> loop, cache, board
//! ```
//!
//! A service is asked as often as its free plan allows, and its last answer outlasts a restart, which costs none of the questions that an
//! hour or a day has. Several questions of a round, one for each plane of the roof, are one answer: where one of them fails, all of it does,
//! for half a roof is no forecast.

/// Entities of Home Assistant.
mod home_assistant;
/// Between two moments.
mod line;
/// Open-Meteo.
mod open_meteo;
/// Forecast.Solar.
mod solar;
/// Solcast.
mod solcast;

use super::answer::{Entry, Refused};
use super::desk::{Desk, Feed};
use super::fetch::{self, Failure, fetch};
use super::lenient::json;
use super::schedule;
use super::service::Ask;
use super::slots::{Needs, spread};
use crate::config::Config;
use crate::config::forecast::{ForecastService, ForecastSource, PlaneConfig};
use crate::config::secret::Secret;
use crate::store::sha256;
use chrono::{Days, NaiveTime, TimeDelta};
use plant::outlook::Outlook;
use plant::time::{Slot, Timestamp};
use plant::units::{Celsius, Watts};
use reqwest::Client;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What is plausible: PV power in W, outdoor temperature in °C, irradiance in W/m2.
const POWER: RangeInclusive<f64> = 0.0..=1e6;
const OUTDOOR: RangeInclusive<f64> = -60.0..=60.0;
const IRRADIANCE: RangeInclusive<f64> = 0.0..=1600.0;
/// The most of what a service says itself that is passed on.
const SAID_MAX: usize = 160;

/// A service, as data.
#[derive(Debug)]
pub(super) struct Service {
    /// Its usual address.
    base: fn(&Place) -> &'static str,
    /// What it is asked, one question after the other.
    asks: fn(&Place) -> Vec<Ask>,
    /// Reads the answer to the question of this number.
    read: fn(&[u8], &Place, usize) -> Result<Brought, Refused>,
    /// The time between two rounds of questions.
    pace: fn(&Place) -> Duration,
    /// The least time between two rounds, whatever failed or the owner asks for: what its free plan allows.
    least: fn(&Place) -> Duration,
    /// How long it is left alone after it refused to answer with this body.
    demanded: fn(&[u8], Timestamp) -> Option<TimeDelta>,
    /// How the PV power of several answers adds up.
    adds: Adds,
}

/// How the PV power of several answers adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Adds {
    /// Each answer is a part of the roof: a slot that one of them lacks is unknown.
    Parts,
    /// An answer may be for another day than the next one.
    DaysOrParts,
}

/// What an answer brings, by its times.
#[derive(Clone, Debug, Default, PartialEq)]
struct Brought {
    /// PV power in W.
    pv: Vec<Entry>,
    /// Outdoor temperature in °C; in °F where that was said.
    outdoor: Vec<Entry>,
    /// Whether temperatures are in °F.
    fahrenheit: bool,
    /// Global irradiance in W/m2.
    irradiance: Vec<Entry>,
    /// Under which terms it may be shown.
    license: Option<&'static str>,
}

/// What a service needs to know of the house.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The address that stands in for the usual one, without a `/` at its end.
    base: String,
    latitude: f64,
    longitude: f64,
    planes: Vec<PlaneConfig>,
    /// Sites or entities.
    parts: Vec<String>,
    key: Secret,
}

/// A source of forecasts.
#[derive(Clone, Debug)]
pub(super) struct Source {
    service: &'static Service,
    place: Place,
    /// Its name for people; no key is in it.
    title: String,
    refresh: Option<Duration>,
}

/// The sources that `config` names, the one that counts first first.
pub(super) fn sources(config: &Config) -> Vec<Source> {
    config.forecast.iter().map(|source| of(source, config)).collect()
}

fn of(config: &ForecastSource, house: &Config) -> Source {
    let service = match config.source {
        ForecastService::OpenMeteo => &open_meteo::SERVICE,
        ForecastService::ForecastSolar => &solar::SERVICE,
        ForecastService::Solcast => &solcast::SERVICE,
        ForecastService::HomeAssistant => &home_assistant::SERVICE,
    };
    let mut place = Place {
        base: config.url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned(),
        latitude: config.latitude.unwrap_or_default(),
        longitude: config.longitude.unwrap_or_default(),
        planes: house.plane.clone(),
        parts: config.parts(),
        key: config.key.clone().unwrap_or_default(),
    };
    if let (ForecastService::HomeAssistant, Some(url), true) =
        (config.source, &house.home_assistant.url, place.base.is_empty())
    {
        url.trim_end_matches('/').clone_into(&mut place.base);
        if config.key.is_none() {
            place.key = house.home_assistant.token.clone().unwrap_or_default();
        }
    }
    if place.base.is_empty() {
        (service.base)(&place).clone_into(&mut place.base);
    }
    let title = match place.parts.as_slice() {
        [] => config.source.to_string(),
        parts => format!("{} ({})", config.source, parts.join(", ")),
    };
    let refresh = config.refresh_s.map(|seconds| Duration::from_secs(u64::from(seconds)));
    Source { service, place, title, refresh }
}

impl Source {
    /// What tells it from any other source; no key is in it.
    fn key(&self) -> String {
        let Place { base, latitude, longitude, planes, parts, key: _ } = &self.place;
        format!("{} {}", self.title, sha256(&format!("{base} {latitude} {longitude} {planes:?} {parts:?}")))
    }

    /// The time between two rounds of questions.
    fn pace(&self) -> TimeDelta {
        let pace = self.refresh.unwrap_or_else(|| (self.service.pace)(&self.place));
        delta(pace.max((self.service.least)(&self.place)))
    }

    /// The whole of its answers.
    fn whole(&self, answers: Vec<Brought>, now: Timestamp) -> (Outlook, Option<String>) {
        let fahrenheit = answers.iter().any(|answer| answer.fahrenheit);
        let license = answers.iter().find_map(|answer| answer.license).map(str::to_owned);
        let mut outlook = Outlook::default();
        let mut roofs: Vec<BTreeMap<Slot, f64>> = Vec::new();
        for Brought { pv, outdoor, irradiance, .. } in answers {
            let slots = |entries, plausible| spread(entries, plausible, Needs::Part, now).known;
            if !pv.is_empty() {
                roofs.push(slots(pv, &POWER));
            }
            let celsius = |at: f64| if fahrenheit { (at - 32.0) / 1.8 } else { at };
            let outdoor = outdoor.into_iter().map(|entry| Entry { price: entry.price.map(celsius), ..entry }).collect();
            outlook.outdoor.extend(slots(outdoor, &OUTDOOR).into_iter().map(|(slot, at)| (slot, Celsius(at))));
            outlook.irradiance.extend(slots(irradiance, &IRRADIANCE));
        }
        let count = roofs.len();
        let mut sums: BTreeMap<Slot, (f64, usize)> = BTreeMap::new();
        for (slot, power) in roofs.into_iter().flatten() {
            let (sum, parts) = sums.entry(slot).or_default();
            (*sum, *parts) = (*sum + power, *parts + 1);
        }
        let whole = |parts: usize| self.service.adds == Adds::DaysOrParts || parts == count;
        outlook.pv = sums
            .into_iter()
            .filter(|(_, (_, parts))| whole(*parts))
            .map(|(slot, (sum, _))| (slot, Watts(sum)))
            .collect();
        (outlook, license)
    }
}

/// Asks `source`, the one of this `rank` among all forecasts, until `shutdown`.
pub(super) async fn run(source: &Source, rank: usize, desk: &Desk, shutdown: &CancellationToken) {
    let client = match fetch::client() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error, "forecasts cannot be asked for");
            return;
        }
    };
    let feed = Feed::ranked_forecast(&source.title, &source.key(), rank);
    desk.recall(&feed).await;
    let now = desk.clock.now();
    let heard = desk.heard(&feed).await.filter(|at| *at <= now);
    let mut next = heard.map_or(now, |at| (at + source.pace()).max(now));
    let mut failures = 0;
    loop {
        desk.next(&feed, next);
        let wait = tokio::time::sleep(desk.clock.wall_until(next));
        if shutdown.run_until_cancelled(wait).await.is_none() {
            return;
        }
        let Some(answer) = shutdown.run_until_cancelled(ask(source, &client, desk)).await else { return };
        let (now, least) = (desk.clock.now(), delta((source.service.least)(&source.place)));
        let taken = match answer {
            Ok((outlook, license)) => desk.forecasts(&feed, outlook, license).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        next = match taken {
            Ok(()) => {
                failures = 0;
                now + source.pace() + schedule::spread(source.pace() / 20)
            }
            Err(failure) => {
                failures += 1;
                let pause = schedule::pause(failures, failure.demanded);
                // Where nobody was reached, as while a network comes up, no question was used up.
                let next = now + if failure.heard { pause.max(least) } else { pause };
                desk.failed(&feed, &failure.refused, Some(next));
                next
            }
        };
    }
}

/// The answers to all questions as one.
async fn ask(source: &Source, client: &Client, desk: &Desk) -> Result<(Outlook, Option<String>), Failure> {
    let Source { service, place, .. } = source;
    let mut answers = Vec::new();
    for (number, ask) in (service.asks)(place).iter().enumerate() {
        let body = fetch(client, ask, &desk.clock).await.map_err(|failure| said(failure, source, desk.clock.now()))?;
        answers.push((service.read)(&body, place, number)?);
    }
    Ok(source.whole(answers, desk.clock.now()))
}

/// A failure with what the service itself says of it, and how long it wants to be left alone.
fn said(mut failure: Failure, source: &Source, now: Timestamp) -> Failure {
    let own = (source.service.demanded)(&failure.body, now).and_then(|demanded| demanded.to_std().ok());
    failure.demanded = failure.demanded.max(own);
    let words = json(&failure.body).ok().and_then(|body| words(&body));
    if let Some(mut words) = words {
        let key = source.place.key.reveal();
        if !key.is_empty() {
            words = words.replace(key, "***");
        }
        let whole = format!("{}: {words}", failure.refused.words());
        failure.refused = match failure.refused {
            Refused::Nothing(_) => Refused::Nothing(whole),
            Refused::Wrong(_) => Refused::Wrong(whole),
        };
    }
    failure
}

/// What an error says in words, in any of the forms that services have.
fn words(body: &Value) -> Option<String> {
    let paths = ["/reason", "/message/text", "/response_status/message", "/message", "/error"];
    let text = paths.into_iter().find_map(|path| body.pointer(path)?.as_str())?;
    let plain: String = text.chars().filter(|letter| !letter.is_control()).take(SAID_MAX).collect();
    Some(plain.trim_end_matches('.').to_owned()).filter(|text| !text.is_empty())
}

/// The time until the day begins anew in UTC, when most quotas do.
fn until_midnight(now: Timestamp) -> TimeDelta {
    let tomorrow = now.date_naive().checked_add_days(Days::new(1)).unwrap_or_default();
    tomorrow.and_time(NaiveTime::MIN).and_utc() - now
}

fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::days(1))
}

#[cfg(test)]
#[path = "forecast_samples_test.rs"]
mod samples_test;
#[cfg(test)]
#[path = "forecast_test.rs"]
mod tests;
