//! What a client gets when its request cannot be served: always JSON, always naming what was wrong and what was expected.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The longest piece of a client's value that is repeated back to it.
const QUOTED_MAX: usize = 120;

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// One sentence for a person.
    pub error: String,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was given, shortened where it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What would have been right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// A request that is turned down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What the client reads.
    pub body: ErrorBody,
    /// After how many seconds it is worth trying again.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal with one sentence.
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let body = ErrorBody { error: error.into(), field: None, value: None, expected: None };
        Self { status, body, retry_after: None }
    }

    /// A value that is not what the field takes.
    pub(super) fn bad_value(field: &str, value: &Value, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        let shown = shortened(value);
        let error = match value {
            Value::Null => format!("{field} is missing; expected {expected}"),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                format!("{field} is {shown}; expected {expected}")
            }
        };
        let body = ErrorBody { error, field: Some(field.to_owned()), value: Some(shown), expected: Some(expected) };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, body, retry_after: None }
    }

    /// Nothing at this address.
    pub(super) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// Not now; worth trying again after `retry_after` seconds.
    pub(super) fn not_now(error: impl Into<String>, retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, error) }
    }

    /// A failure of ours: the cause goes to the log, the client learns which part failed.
    pub(super) fn failure(part: &str, cause: impl std::fmt::Display) -> Self {
        tracing::error!(part, cause = %cause, "request could not be served");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{part} could not be read; the log of HeatMine says why"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn shortened(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= QUOTED_MAX {
        return value.clone();
    }
    let start: String = value.as_str().unwrap_or(&text).chars().take(QUOTED_MAX).collect();
    Value::String(format!("{start}…"))
}
