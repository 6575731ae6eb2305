//! Reads what clients send: JSON objects and query strings, each field by name, with an error that says what was expected.

use crate::http::refusal::Refusal;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The largest body of our own endpoints: a job's text with room to spare.
pub(super) const BODY_MAX: usize = 1024 * 1024;
/// So much of a larger one is taken and thrown away: a client that is still sending does not see its answer.
const THROWN_AWAY_MAX: usize = 64 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// A JSON object as it was sent. Asking for a field takes it out; what nobody asked for is refused at the end.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    fields: Map<String, Value>,
    known: Vec<&'static str>,
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        // Browsers cannot send this type across origins unasked: the check keeps other web pages from giving commands.
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
        if !is_json {
            let error = "the header content-type is missing or not JSON; expected content-type: application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
        }
        Self::read(request.into_body()).await
    }
}

impl Fields {
    async fn read(body: Body) -> Result<Self, Refusal> {
        let Ok(read) = tokio::time::timeout(BODY_WAIT, whole(body)).await else {
            let error = format!("the body did not arrive within {} s", BODY_WAIT.as_secs());
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, error));
        };
        let bytes = read?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self { fields, known: Vec::new() }),
            Ok(other) => {
                Err(Refusal { status: StatusCode::BAD_REQUEST, ..Refusal::bad_value("body", &other, "a JSON object") })
            }
            Err(error) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))),
        }
    }

    /// Takes a field; null where it was not sent.
    pub(super) fn take(&mut self, field: &'static str) -> Value {
        self.known.push(field);
        self.fields.remove(field).unwrap_or(Value::Null)
    }

    /// Whether the field was sent, even as null.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Takes a number inside `range`.
    pub(super) fn number(
        &mut self,
        field: &'static str,
        range: RangeInclusive<f64>,
        unit: &str,
    ) -> Result<f64, Refusal> {
        let value = self.take(field);
        value.as_f64().filter(|number| range.contains(number)).ok_or_else(|| {
            let expected = format!("a number of {unit} from {} to {}", range.start(), range.end());
            Refusal::bad_value(field, &value, expected)
        })
    }

    /// Takes text of 1 to `max` characters; `None` where the field was not sent.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
    pub(super) fn text(&mut self, field: &'static str, max: usize) -> Result<Option<String>, Refusal> {
        match self.take(field) {
            Value::Null => Ok(None),
            Value::String(text) if !text.trim().is_empty() && text.chars().count() <= max => Ok(Some(text)),
            other => Err(Refusal::bad_value(field, &other, format!("text of 1 to {max} characters"))),
        }
    }

    /// Refuses what nobody asked for, so that a misspelt field is noticed.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.fields.iter().next() {
            None => Ok(()),
            Some((field, value)) => {
                let expected = format!("only the fields {}", self.known.join(", "));
                Err(Refusal::bad_value(field, value, expected))
            }
        }
    }
}

async fn whole(body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut bytes, mut size, mut parts) = (Vec::new(), 0_usize, body.into_data_stream());
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| {
            Refusal::new(StatusCode::BAD_REQUEST, format!("the body broke off or is not what its headers say: {error}"))
        })?;
        size = size.saturating_add(part.len());
        if size <= BODY_MAX {
            bytes.extend_from_slice(&part);
        } else if size > THROWN_AWAY_MAX {
            break;
        }
    }
    if size > BODY_MAX {
        let error = format!("the body is too large; expected at most {BODY_MAX} bytes of JSON");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    Ok(bytes)
}

/// The query string as text, by name.
#[derive(Clone, Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Refusal> {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("the query string cannot be read: {error}")))
    }
}

impl Parameters {
    /// Refuses names that the endpoint does not know.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Refusal> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some((name, value)) => {
                let expected = format!("only the parameters {}", known.join(", "));
                Err(Refusal::bad_value(name, &Value::from(value.as_str()), expected))
            }
        }
    }

    /// A parameter, parsed; `None` where it was not given.
    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Refusal> {
        let Some((_, text)) = self.0.iter().find(|(given, _)| given == name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Refusal::bad_value(name, &Value::from(text.as_str()), expected))
    }
}
