//! What the house is doing: the newest record, the plan, and whether the loop is alive.

use crate::http::refusal::{ErrorBody, Refusal};
use crate::http::schema::{PlanBody, RecordBody};
use crate::http::{State, metrics};
use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plant::record::Record;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use utoipa::ToSchema;

/// The loop counts as stuck when it has published nothing for this long.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Whether HeatMine is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    /// Started, no record yet.
    Starting,
    /// Records are being published.
    Ok,
    /// No record for a minute.
    Stuck,
}

/// The answer of `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Health {
    /// Whether HeatMine is well.
    pub status: Condition,
}

/// The newest record.
#[utoipa::path(get, path = "/api/v1/record", tag = "house", responses(
    (status = 200, description = "the newest record", body = RecordBody),
    (status = 503, description = "nothing has been read yet", body = ErrorBody)))]
pub(super) async fn record(Shared(state): Shared<State>) -> Result<Json<Arc<Record>>, Refusal> {
    newest(&state).map(Json)
}

/// The plan for the slots ahead.
#[utoipa::path(get, path = "/api/v1/plan", tag = "house", responses(
    (status = 200, description = "the slots ahead, the current one first", body = PlanBody),
    (status = 503, description = "there is no plan yet", body = ErrorBody)))]
pub(super) async fn plan(Shared(state): Shared<State>) -> Result<Response, Refusal> {
    match &newest(&state)?.plan {
        Some(plan) => Ok(Json(plan).into_response()),
        None => Err(Refusal::not_now("there is no plan yet: prices for the time ahead are not known", 15)),
    }
}

/// Whether the loop is alive.
#[utoipa::path(get, path = "/health", tag = "house", responses(
    (status = 200, description = "alive", body = Health),
    (status = 503, description = "no record for a minute", body = Health)))]
pub(super) async fn health(Shared(state): Shared<State>) -> (StatusCode, Json<Health>) {
    let status = *state.condition.borrow();
    let code = match status {
        Condition::Starting | Condition::Ok => StatusCode::OK,
        Condition::Stuck => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(Health { status }))
}

/// The record as Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "house", responses(
    (status = 200, description = "text exposition format 0.0.4; what is not known is left out", content_type = "text/plain", body = String)))]
pub(super) async fn prometheus(Shared(state): Shared<State>) -> Response {
    let text = metrics::exposition(state.wiring.records.borrow().as_deref());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The newest record, or the refusal that says there is none.
pub(super) fn newest(state: &State) -> Result<Arc<Record>, Refusal> {
    let record = state.wiring.records.borrow().clone();
    record.ok_or_else(|| Refusal::not_now("waiting for the first reading", 1))
}

/// Watches the decisions come, so that nobody has to compare clocks. A record that only says that the loop is silent is none.
pub(super) async fn watch_condition(
    mut records: watch::Receiver<Option<Arc<Record>>>,
    condition: watch::Sender<Condition>,
) {
    let decided = |record: &Option<Arc<Record>>| record.as_ref().map(|record| record.at);
    let mut last = decided(&records.borrow());
    loop {
        let next = records.wait_for(|record| decided(record) != last);
        let next = tokio::time::timeout(STUCK_AFTER, next).await.map(|record| record.map(|record| decided(&record)));
        match next {
            Ok(Ok(at)) => {
                last = at;
                condition.send_if_modified(|now| std::mem::replace(now, Condition::Ok) != Condition::Ok)
            }
            Ok(Err(_)) => return,
            Err(_) => condition.send_if_modified(|now| std::mem::replace(now, Condition::Stuck) != Condition::Stuck),
        };
    }
}
