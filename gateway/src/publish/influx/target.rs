//! The database's write endpoint: where lines are posted, and what its answers mean.

use crate::config::influx::{InfluxApi, InfluxConfig};
use crate::config::secret::Secret;
use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use std::io::Write;
use std::time::Duration;

/// The longest that one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// How much of an answer is kept.
const ANSWER_MAX: usize = 500;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Written.
    Taken,
    /// Not now: the network, the database or its configuration (a token, a database's name) is in the way.
    Later {
        /// What is in the way.
        why: String,
        /// How long the database asks to wait.
        after: Option<Duration>,
    },
    /// The lines themselves are at fault, or too many at once.
    Refused {
        /// HTTP status.
        status: u16,
        /// The database's words.
        answer: String,
    },
}

/// A write endpoint with its credentials.
#[derive(Debug)]
pub struct Target {
    client: Client,
    url: Url,
    api: InfluxApi,
    token: Option<Secret>,
    login: Option<(String, Secret)>,
}

impl Target {
    /// Resolves the configuration.
    pub fn new(config: &InfluxConfig) -> Result<Self> {
        let login = config.username.clone().map(|name| (name, config.password.clone().unwrap_or_default()));
        let client = Client::builder().timeout(REQUEST_MAX).build().context("cannot make an HTTP client")?;
        Ok(Self { client, url: address(config)?, api: config.api, token: config.token.clone(), login })
    }

    /// The address for messages: without the name and the password that the owner may have written into it.
    pub fn url(&self) -> Url {
        let mut url = self.url.clone();
        // Neither can fail for an address with a host.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url
    }

    /// Posts lines and reads the answer.
    pub async fn write(&self, lines: &str) -> Answer {
        let body = match gzip(lines) {
            Ok(body) => body,
            Err(error) => return Answer::Later { why: format!("cannot compress: {error}"), after: None },
        };
        let request = self.client.post(self.url.clone()).body(body);
        let request = request.header(CONTENT_ENCODING, "gzip").header(CONTENT_TYPE, "text/plain; charset=utf-8");
        match self.sign(request).send().await {
            Ok(response) => {
                let (status, after) = (response.status(), retry_after(response.headers()));
                judge(status, after, &response.text().await.unwrap_or_default())
            }
            Err(error) => Answer::Later { why: cause(&error), after: None },
        }
    }

    fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        match (self.api, &self.token, &self.login) {
            (InfluxApi::V1, _, Some((name, password))) => request.basic_auth(name, Some(password.reveal())),
            (InfluxApi::V2, Some(token), _) => request.header("authorization", format!("Token {}", token.reveal())),
            (InfluxApi::V3, Some(token), _) => request.bearer_auth(token.reveal()),
            (InfluxApi::V1, _, None) | (InfluxApi::V2 | InfluxApi::V3, None, _) => request,
        }
    }
}

/// The write endpoint's address. Moments are written in milliseconds, which each version spells differently.
fn address(config: &InfluxConfig) -> Result<Url> {
    let base = Url::parse(&config.url)
        .with_context(|| format!("influx.url: '{}' is no address; expected http://host:8086", config.url))?;
    let path = match config.api {
        InfluxApi::V1 => "write",
        InfluxApi::V2 => "api/v2/write",
        InfluxApi::V3 => "api/v3/write_lp",
    };
    // A database behind a proxy may have a path of its own.
    let base_path = base.path().trim_end_matches('/').to_owned();
    let mut url = base;
    url.set_path(&format!("{base_path}/{path}"));
    match config.api {
        InfluxApi::V1 => {
            url.query_pairs_mut().clear().append_pair("db", &config.database).append_pair("precision", "ms");
        }
        InfluxApi::V2 => {
            let mut query = url.query_pairs_mut();
            query.clear().append_pair("org", &config.org).append_pair("bucket", &config.bucket);
            query.append_pair("precision", "ms");
        }
        InfluxApi::V3 => {
            url.query_pairs_mut().clear().append_pair("db", &config.database).append_pair("precision", "millisecond");
        }
    }
    Ok(url)
}

fn gzip(lines: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(lines.as_bytes())?;
    encoder.finish()
}

/// What an answer means. A wrong token or database name is put right by the owner, so the data waits for that.
fn judge(status: StatusCode, after: Option<Duration>, body: &str) -> Answer {
    let body: String = body.trim().chars().take(ANSWER_MAX).collect();
    match status.as_u16() {
        200..=299 => Answer::Taken,
        400 | 413 | 422 => Answer::Refused { status: status.as_u16(), answer: body },
        _ => Answer::Later { why: format!("{status} {body}").trim().to_owned(), after },
    }
}

/// `Retry-After` in seconds; its form as a date needs a clock and is left out.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The innermost reason of a failed request, which is the one that says something.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod test {
    use super::*;

    fn address_of(api: InfluxApi, url: &str) -> String {
        address(&InfluxConfig { api, url: url.into(), org: "my org".into(), ..InfluxConfig::default() }).unwrap().into()
    }

    #[test]
    fn each_version_has_its_endpoint() {
        let rows = [
            (InfluxApi::V1, "http://h:8086", "http://h:8086/write?db=heatmine&precision=ms"),
            (InfluxApi::V2, "http://h:8086/", "http://h:8086/api/v2/write?org=my+org&bucket=heatmine&precision=ms"),
            (InfluxApi::V2, "https://h/db/", "https://h/db/api/v2/write?org=my+org&bucket=heatmine&precision=ms"),
            (InfluxApi::V3, "http://h:8181", "http://h:8181/api/v3/write_lp?db=heatmine&precision=millisecond"),
        ];
        for (api, url, expected) in rows {
            assert_eq!(address_of(api, url), expected);
        }
    }

    #[test]
    fn credentials_in_the_address_are_not_shown() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = "http://me:s3cret@h:8086".to_owned();
        let target = Target::new(&InfluxConfig { url, ..InfluxConfig::default() }).unwrap();
        let expected = "http://h:8086/api/v2/write?org=heatmine&bucket=heatmine&precision=ms";
        assert_eq!(target.url().as_str(), expected);
    }

    #[test]
    fn an_answer_says_whether_waiting_helps() {
        let later = |why: &str, after| Answer::Later { why: why.into(), after };
        let rows = [
            (204, None, "", Answer::Taken),
            (400, None, "bad line\n", Answer::Refused { status: 400, answer: "bad line".into() }),
            (413, None, "", Answer::Refused { status: 413, answer: String::new() }),
            (401, None, "no token", later("401 Unauthorized no token", None)),
            (404, None, "no database", later("404 Not Found no database", None)),
            (429, Some(7), "", later("429 Too Many Requests", Some(Duration::from_secs(7)))),
            (503, None, "", later("503 Service Unavailable", None)),
        ];
        for (status, after, body, expected) in rows {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(judge(status, after.map(Duration::from_secs), body), expected);
        }
    }
}
