//! Asks an address and says in words what came. No address stands in them: there may be a key in it.

use super::MESSAGE_MAX;
use super::answer::Refused;
use super::service::Ask;
use crate::clock::Clock;
use chrono::DateTime;
use flate2::read::{GzDecoder, ZlibDecoder};
use plant::time::Timestamp;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use std::io::Read;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest time that a source may demand before it is asked again.
const DEMAND_MAX: Duration = Duration::from_secs(24 * 3600);
/// As some services want it: name and version.
const AGENT: &str = concat!("heatmine/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// In words.
    pub refused: Refused,
    /// How long the source wants to be left alone.
    pub demanded: Option<Duration>,
    /// What it answered instead.
    pub body: Vec<u8>,
    /// Whether the source was reached at all: a question that it heard may be one of those that it allows.
    pub heard: bool,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self { refused, demanded: None, body: Vec::new(), heard: true }
    }
}

impl Failure {
    fn wrong(words: String) -> Self {
        Refused::Wrong(words).into()
    }
}

/// A client for all questions.
pub(super) fn client() -> Result<Client, String> {
    Client::builder().timeout(PATIENCE).user_agent(AGENT).build().map_err(|error| error.to_string())
}

/// The body of the answer to `ask`.
pub(super) async fn fetch(client: &Client, ask: &Ask, clock: &Clock) -> Result<Vec<u8>, Failure> {
    let request = match &ask.body {
        Some(body) => client.post(&ask.url).json(body),
        None => client.get(&ask.url),
    };
    let key = ask.bearer.as_ref().filter(|key| !key.reveal().is_empty());
    let request = key.into_iter().fold(request, |request, key| request.bearer_auth(key.reveal()));
    let sent = request.header(ACCEPT_ENCODING, "gzip").send().await;
    let response = sent.map_err(|error| Failure { heard: !error.is_connect(), ..Failure::wrong(in_words(error)) })?;
    let (status, headers) = (response.status(), response.headers().clone());
    if let Some(date) = text(&headers, DATE) {
        clock.hear(date);
    }
    let body = body(response, &headers).await;
    if !status.is_success() {
        let said = format!("answers {status}");
        let refused = if status == StatusCode::NOT_FOUND { Refused::Nothing(said) } else { Refused::Wrong(said) };
        let demanded = demanded(text(&headers, RETRY_AFTER), clock.now());
        return Err(Failure { refused, demanded, body: body.unwrap_or_default(), heard: true });
    }
    if status == StatusCode::NO_CONTENT {
        return Err(Refused::Nothing(format!("answers {status}")).into());
    }
    body
}

async fn body(mut response: reqwest::Response, headers: &HeaderMap) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::wrong(in_words(error)))? {
        if body.len() + chunk.len() > MESSAGE_MAX {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    let coding = text(headers, CONTENT_ENCODING).unwrap_or("identity").to_lowercase();
    match coding.as_str() {
        "identity" | "" => Ok(body),
        "gzip" | "x-gzip" => unpacked(GzDecoder::new(body.as_slice())),
        "deflate" => unpacked(ZlibDecoder::new(body.as_slice())),
        other => Err(Failure::wrong(format!("is packed with {other}; expected gzip or nothing"))),
    }
}

fn unpacked(packed: impl Read) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let most = MESSAGE_MAX as u64 + 1;
    packed.take(most).read_to_end(&mut body).map_err(|error| Failure::wrong(format!("cannot be unpacked: {error}")))?;
    if body.len() > MESSAGE_MAX { Err(too_long()) } else { Ok(body) }
}

fn too_long() -> Failure {
    Failure::wrong(format!("is longer than {MESSAGE_MAX} bytes"))
}

fn text(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// How long `Retry-After` demands: seconds, or until a date.
fn demanded(header: Option<&str>, now: Timestamp) -> Option<Duration> {
    let header = header?;
    let seconds = header.parse().ok().map(Duration::from_secs);
    let until = || DateTime::parse_from_rfc2822(header).ok().and_then(|date| (date.to_utc() - now).to_std().ok());
    seconds.or_else(until).map(|demanded| demanded.min(DEMAND_MAX))
}

/// An error of the way there, without the address.
fn in_words(error: reqwest::Error) -> String {
    let what = match () {
        () if error.is_timeout() => return format!("does not answer within {} s", PATIENCE.as_secs()),
        () if error.is_redirect() => return "sends from one address to the next without end".into(),
        () if error.is_connect() => "cannot be reached",
        () if error.is_body() || error.is_decode() => "breaks off its answer",
        () => "does not answer",
    };
    let error = error.without_url();
    let mut cause = std::error::Error::source(&error);
    let mut words = String::new();
    while let Some(deeper) = cause {
        words = format!(": {deeper}");
        cause = deeper.source();
    }
    format!("{what}{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_may_demand_seconds_or_a_date() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let rows = [
            (Some("120"), Some(120)),
            (Some("Mon, 01 Jun 2026 12:05:00 GMT"), Some(300)),
            (Some("Mon, 01 Jun 2026 11:05:00 GMT"), None),
            (Some("99999999"), Some(24 * 3600)),
            (Some("soon"), None),
            (None, None),
        ];
        for (header, seconds) in rows {
            assert_eq!(demanded(header, now), seconds.map(Duration::from_secs), "{header:?}");
        }
    }
}
