//! What is known of a service of prices: where it is, what it is asked, when it publishes, and how its answer is read.

use super::answer::{Answer, Refused};
use super::days::Days;
use crate::config::secret::Secret;
use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;
use serde_json::Value;
use std::time::Duration;

/// A service, as data.
#[derive(Debug)]
pub(super) struct Service {
    /// Its usual address.
    pub base: fn(&Place) -> &'static str,
    /// The zone of the price area: days are its days.
    pub zone: fn(&Place) -> Tz,
    /// How much earlier than at midnight its days begin.
    pub earlier: TimeDelta,
    /// When it has something new.
    pub pace: Pace,
    /// The least time between two questions.
    pub least: Duration,
    /// What it is asked for these days. Where the first attempt brought nothing, the next may ask differently.
    pub asks: fn(&Place, &Days, usize) -> Vec<Ask>,
    /// Reads an answer.
    pub read: fn(&[u8], &Place) -> Result<Answer, Refused>,
}

/// When a service has something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Tomorrow's prices come at this local time, or later.
    Daily(NaiveTime),
    /// All the time.
    Every(Duration),
}

/// Where prices are for, and whose they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The address that stands in for the usual one, without a `/` at its end; with a plain address, all of it.
    pub base: String,
    /// Zone, area or region.
    pub zone: String,
    /// Product.
    pub product: String,
    /// Home.
    pub home: Option<String>,
    /// Site.
    pub site: String,
    /// Entity of Home Assistant.
    pub entity: String,
    /// The key.
    pub key: Secret,
    /// The currency that the house counts in.
    pub currency: String,
    /// Whether prices with taxes are wanted.
    pub includes_taxes: bool,
}

/// One question.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// The address; there may be a key in it.
    pub url: String,
    /// What is posted; `None` asks with GET.
    pub body: Option<Value>,
    /// The key as a bearer token, where it is not in the address.
    pub bearer: Option<Secret>,
}

impl Ask {
    /// A question without a key.
    pub(super) fn get(url: String) -> Self {
        Self { url, body: None, bearer: None }
    }

    /// The same with a key.
    pub(super) fn with(self, key: &Secret) -> Self {
        Self { bearer: Some(key.clone()), ..self }
    }
}

/// A text as part of an address.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A time of day.
pub(super) const fn time(hour: u32, minute: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, minute, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// The zone in which the exchanges of continental Europe count their days.
pub(super) fn european(_: &Place) -> Tz {
    Tz::Europe__Berlin
}
