//! HeatMine's own interface: how the gateway feeds the worker power and learns what it did.
//!
//! ```text
//! GET /health              200 while the engine's thread shows life
//! GET /heatmine/status     client::Status
//! PUT /heatmine/budget     {"watts": 45, "ttl_s": 10} -> client::Status; null watts are no limit, no ttl_s is no end
//! GET /heatmine/receipts   ?after=2&journal=9f3a -> {"receipts": [..], "last": 4}; after 0 without a journal are all
//! ```

use super::refusal::{Refusal, read};
use super::state::Shared;
use crate::client::{State as WorkerState, Status};
use crate::engine::Snapshot;
use crate::receipts::Place;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// The most receipts in one reply: some 200 kB, and who has more to fetch asks again.
const MOST_RECEIPTS: usize = 1000;
/// The longest a budget may hold without being renewed, in seconds: a day.
const LONGEST_TTL: u64 = 86_400;
/// Says in which interface's form a refusal is written.
const PATH: &str = "/heatmine";

#[derive(Debug, Deserialize)]
struct Budget {
    watts: Option<f64>,
    #[serde(default)]
    ttl_s: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    journal: Option<String>,
}

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/health", get(health))
        .route("/heatmine/status", get(status))
        .route("/heatmine/budget", put(budget))
        .route("/heatmine/receipts", get(receipts))
}

async fn health(State(state): State<Shared>) -> Response {
    match state.engine_state() {
        Ok(_) => Json(json!({"status": "ok"})).into_response(),
        Err(refusal) => refusal.reply(PATH),
    }
}

async fn status(State(state): State<Shared>) -> Response {
    match state.engine_state() {
        Ok(snapshot) => Json(shown(&state, snapshot)).into_response(),
        Err(refusal) => refusal.reply(PATH),
    }
}

fn shown(state: &Shared, snapshot: Snapshot) -> Status {
    let working = snapshot.active > 0 || snapshot.waiting > 0;
    // A model in memory came from the store; only without one is the folder looked at.
    let lacking = if snapshot.model.is_none() { state.lacking() } else { None };
    Status {
        state: match () {
            () if snapshot.loading => WorkerState::Loading,
            () if snapshot.duty <= 0.0 => WorkerState::Paused,
            () if working => WorkerState::Busy,
            () => WorkerState::Idle,
        },
        expert: snapshot.model.map(|model| model.name),
        power_w: snapshot.watts,
        measured: snapshot.measured,
        budget_w: snapshot.budget,
        duty: snapshot.duty,
        idle_w: state.config.power.idle,
        max_w: state.config.power.max,
        tokens_per_second: snapshot.tokens_per_second,
        utilisation: snapshot.utilisation,
        busy_seconds: snapshot.busy_seconds,
        active: snapshot.active,
        waiting: snapshot.waiting,
        interactive: snapshot.interactive,
        last_receipt: state.journal().last(),
        error: snapshot.error.or(lacking),
    }
}

async fn budget(State(state): State<Shared>, body: Result<Bytes, BytesRejection>) -> Response {
    let set = read::<Budget>(body).and_then(|budget| {
        let wrong = |message: String| Refusal::bad(StatusCode::BAD_REQUEST, message);
        if let Some(watts) = budget.watts.filter(|watts| !(0.0..=1e7).contains(watts)) {
            return Err(wrong(format!("watts is {watts}; expected 0 or more, or null for no limit")));
        }
        if let Some(ttl) = budget.ttl_s.filter(|ttl| !(1..=LONGEST_TTL).contains(ttl)) {
            return Err(wrong(format!("ttl_s is {ttl}; expected 1 to {LONGEST_TTL}")));
        }
        state.set_budget(budget.watts, budget.ttl_s.map(Duration::from_secs));
        state.engine_state()
    });
    match set {
        Ok(snapshot) => Json(shown(&state, snapshot)).into_response(),
        Err(refusal) => refusal.reply(PATH),
    }
}

async fn receipts(State(state): State<Shared>, query: Result<Query<After>, QueryRejection>) -> Response {
    match query {
        Ok(Query(After { after: sequence, journal })) => {
            let mut kept = state.journal();
            let receipts = kept.after(&Place { journal, sequence }, MOST_RECEIPTS);
            Json(json!({"receipts": receipts, "last": kept.last()})).into_response()
        }
        Err(rejection) => Refusal::bad(StatusCode::BAD_REQUEST, rejection.body_text()).reply(PATH),
    }
}
