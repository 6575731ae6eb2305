//! Errors as OpenAI's and Ollama's clients expect them, and JSON bodies read with errors a person understands.

use crate::error::Error;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// Seconds after which a refused request may be tried again: about what one of the answers in the way takes.
const RETRY_AFTER: &str = "5";

/// The longest name of a job, in characters.
const JOB_MAX: usize = 64;

/// Why a request is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<String>,
}

impl Refusal {
    /// The engine's thread shows no life.
    pub(super) fn hanging(silence: Duration) -> Self {
        let message = format!("the engine has shown no life for {} s", silence.as_secs());
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            message,
            kind: "server_error",
            code: Some("hanging"),
            param: None,
        }
    }

    /// The request itself is wrong.
    pub(super) fn bad(status: StatusCode, message: String) -> Self {
        Self { status, message, kind: "invalid_request_error", code: None, param: None }
    }

    /// As OpenAI writes it.
    pub(super) fn openai(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "code": self.code, "param": self.param}})
    }

    /// As Ollama writes it.
    pub(super) fn ollama(&self) -> Value {
        json!({"error": self.message})
    }

    /// The whole reply; Ollama's paths get Ollama's form.
    pub(super) fn reply(self, path: &str) -> Response {
        let body = if path.starts_with("/api/") { self.ollama() } else { self.openai() };
        let mut response = (self.status, Json(body)).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let (status, kind, code) = match &error {
            Error::Unknown { .. } | Error::Aside { .. } => {
                (StatusCode::NOT_FOUND, "invalid_request_error", Some("model_not_found"))
            }
            Error::Request { .. } => (StatusCode::BAD_REQUEST, "invalid_request_error", Some("invalid_value")),
            Error::TooLong { .. } => {
                (StatusCode::BAD_REQUEST, "invalid_request_error", Some("context_length_exceeded"))
            }
            Error::Busy { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", Some("rate_limit_exceeded")),
            Error::Trying { .. } => (StatusCode::SERVICE_UNAVAILABLE, "server_error", None),
            Error::File { .. }
            | Error::Gguf { .. }
            | Error::Sha256 { .. }
            | Error::Source { .. }
            | Error::Fetch { .. }
            | Error::Template { .. }
            | Error::Load { .. }
            | Error::Engine(_)
            | Error::Listen { .. }
            | Error::Worker { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", None),
        };
        let param = if let Error::Request { param, .. } = error {
            param
        } else {
            code.filter(|&code| code == "model_not_found").map(|_| "model".to_owned())
        };
        Self { status, message, kind, code, param }
    }
}

/// Reads a JSON body into `T`; says where it is wrong.
pub(super) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Refusal> {
    let body = body.map_err(|rejection| Refusal::bad(rejection.status(), rejection.body_text()))?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        let mut refusal = Refusal::bad(StatusCode::BAD_REQUEST, format!("{place}{}", error.inner()));
        refusal.param = (path != ".").then_some(path);
        refusal
    })?;
    reader.end().map_err(|error| Refusal::bad(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(value)
}

/// The class a request's header states.
pub(super) fn class(headers: &HeaderMap) -> Result<crate::engine::work::Class, Refusal> {
    use crate::engine::work::Class;
    match headers.get("x-heatmine-class").map(|value| value.as_bytes()) {
        None | Some(b"interactive") => Ok(Class::Interactive),
        Some(b"deferrable") => Ok(Class::Deferrable),
        Some(other) => {
            let given = String::from_utf8_lossy(other);
            let message = format!("header x-heatmine-class is {given:?}; expected \"interactive\" or \"deferrable\"");
            Err(Refusal::bad(StatusCode::BAD_REQUEST, message))
        }
    }
}

/// The job that a request's header names: its receipt says so.
pub(super) fn job(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("x-heatmine-job") else { return Ok(None) };
    let name = value.to_str().ok().filter(|name| (1..=JOB_MAX).contains(&name.len()));
    let message = || format!("header x-heatmine-job is {value:?}; expected 1 to {JOB_MAX} printed characters");
    name.map(|name| Some(name.to_owned())).ok_or_else(|| Refusal::bad(StatusCode::BAD_REQUEST, message()))
}

/// Any path without a meaning.
pub(super) async fn nothing_here(uri: Uri) -> Response {
    let message = format!("there is nothing at {}", uri.path());
    Refusal::bad(StatusCode::NOT_FOUND, message).reply(uri.path())
}

/// Any path asked with the wrong method.
pub(super) async fn wrong_method(uri: Uri) -> Response {
    let message = format!("{} does not answer this method", uri.path());
    Refusal::bad(StatusCode::METHOD_NOT_ALLOWED, message).reply(uri.path())
}
