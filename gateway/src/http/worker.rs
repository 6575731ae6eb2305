//! Passes the experts' interfaces through: OpenAI's below `/v1`, Ollama's below `/api`. Bodies stream both ways.
//!
//! A request that makes an expert think needs power. One that somebody waits for is counted, so that the loop gives it some;
//! it waits for that a bounded time. Invariant: nothing but the paths named here reaches the worker, least of all its budget.

use crate::http::State;
use crate::http::refusal::Refusal;
use crate::interactive::InFlight;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use plant::command::Mode;
use plant::record::Record;
use std::sync::Arc;

/// The largest request: a long talk with pictures in it.
pub(super) const BODY_MAX: usize = 32 * 1024 * 1024;
/// Ollama's calls that are passed on; those that would change the experts are not.
const OLLAMA: [&str; 7] = ["tags", "chat", "generate", "show", "ps", "version", "pull"];
/// Those of them that think.
const OLLAMA_THINKS: [&str; 2] = ["chat", "generate"];
/// The header by which a client says whether somebody waits.
const CLASS: HeaderName = HeaderName::from_static("x-heatmine-class");
/// Belong to one connection, to us and the queue, or to the person's login: not passed on in either direction.
const NOT_PASSED: [&str; 13] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
    "authorization",
    "cookie",
    "set-cookie",
    "x-heatmine-job",
];

/// Passes a request to the worker, once it has power.
pub(super) async fn pass(Shared(state): Shared<State>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match try_pass(&state, request).await {
        Ok(response) => response,
        Err(refusal) => in_the_clients_shape(&path, refusal),
    }
}

/// The refusal in the words of the interface that was called: OpenAI's clients look for `error.message`.
pub(super) fn in_the_clients_shape(path: &str, refusal: Refusal) -> Response {
    if !path.starts_with("/v1/") {
        return refusal.into_response();
    }
    let kind = match refusal.status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let body = serde_json::json!({
        "error": { "message": refusal.body.error, "type": kind, "param": refusal.body.field, "code": refusal.status.as_u16() }
    });
    let (mut parts, _) = refusal.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    (parts.status, parts.headers, Json(body)).into_response()
}

async fn try_pass(state: &State, request: Request) -> Result<Response, Refusal> {
    let path = request.uri().path().to_owned();
    check_path(&path)?;
    let thinks = thinks(request.method(), &path);
    let class = Class::of(request.headers())?;
    let in_flight = match class {
        Class::Interactive if thinks => Some(state.interactive.enter()),
        Class::Interactive | Class::Deferrable => None,
    };
    if thinks {
        wait_for_power(state, class).await?;
    }
    forward(state, request, in_flight).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Interactive,
    Deferrable,
}

impl Class {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        match headers.get(&CLASS).map(HeaderValue::as_bytes) {
            None | Some(b"interactive") => Ok(Class::Interactive),
            Some(b"deferrable") => Ok(Class::Deferrable),
            Some(other) => {
                let value = String::from_utf8_lossy(other).into_owned().into();
                Err(Refusal::bad_value(CLASS.as_str(), &value, "interactive or deferrable"))
            }
        }
    }
}

/// Plain segments only: neither dots nor escapes may lead out of the two interfaces.
fn check_path(path: &str) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ':');
    let climbs = path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | ".."));
    let offered = match path.strip_prefix("/api/") {
        Some(call) => OLLAMA.contains(&call),
        None => path.starts_with("/v1/"),
    };
    if offered && !climbs && path.chars().all(plain) {
        return Ok(());
    }
    Err(Refusal::not_found(format!("there is nothing at {path}; /api/v1/openapi.json lists what there is")))
}

fn thinks(method: &Method, path: &str) -> bool {
    let listing = path.strip_prefix("/api/").is_some_and(|call| !OLLAMA_THINKS.contains(&call));
    *method == Method::POST && !listing
}

/// Returns once compute has power. Deferrable work has time: it waits inside the worker.
async fn wait_for_power(state: &State, class: Class) -> Result<(), Refusal> {
    let mut records = state.wiring.records.clone();
    let decided =
        |record: &Option<Arc<Record>>| record.as_ref().is_some_and(|record| is_off(record) || has_power(record));
    let decided = async {
        match class {
            Class::Interactive => tokio::time::timeout(state.power_wait, records.wait_for(decided)).await.is_ok(),
            Class::Deferrable => true,
        }
    };
    tokio::select! {
        () = state.wiring.shutdown.cancelled() => return Err(Refusal::not_now("HeatMine is stopping", 10)),
        _ = decided => (),
    }
    let record = state.wiring.records.borrow().clone();
    match (record, class) {
        (Some(record), _) if is_off(&record) => {
            let error = format!("HeatMine is switched off: {}", record.explanation);
            Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error))
        }
        (_, Class::Deferrable) => Ok(()),
        (Some(record), Class::Interactive) if has_power(&record) => Ok(()),
        (Some(record), Class::Interactive) => {
            let error = format!("no power for compute ({}): {}", record.decision.reason, record.explanation);
            Err(Refusal::not_now(error, 60))
        }
        (None, Class::Interactive) => Err(Refusal::not_now("waiting for the first reading of the house", 10)),
    }
}

fn is_off(record: &Record) -> bool {
    record.mode == Mode::Off
}

fn has_power(record: &Record) -> bool {
    record.decision.budget.0 > 0.0
}

async fn forward(state: &State, request: Request, in_flight: Option<InFlight>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
    let url = format!("{}{target}", state.worker.trim_end_matches('/'));
    let has_body = !matches!(parts.method, Method::GET | Method::HEAD);
    let outgoing = state.client.request(parts.method, url).headers(passed(&parts.headers));
    let outgoing = match has_body {
        true => outgoing.body(reqwest::Body::wrap_stream(body.into_data_stream())),
        false => outgoing,
    };
    let answer = outgoing.send().await.map_err(|error| {
        tracing::debug!(%error, "the worker could not be reached");
        Refusal::not_now("the engine does not answer; it is being restarted", 5)
    })?;
    let status = answer.status();
    let headers = passed(answer.headers());
    // The guard travels with the stream: somebody waits until the last byte is sent or nobody listens any more.
    let stream = answer.bytes_stream().inspect_ok(move |_| {
        let _ = &in_flight;
    });
    let mut response = (status, headers, Body::from_stream(stream)).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn passed(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| {
        !NOT_PASSED.contains(&name.as_str()) && !name.as_str().starts_with("x-remote-user") && *name != "x-ingress-path"
    });
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
