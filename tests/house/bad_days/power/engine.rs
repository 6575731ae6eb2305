//! An engine elsewhere that draws what it may, and answers nothing: a job that it was given runs for ever.

use anyhow::Result;
use axum::extract::State;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it may draw, in watts.
type Budget = Arc<Mutex<f64>>;

/// The engine; it ends when it is dropped.
pub(super) struct Engine {
    /// Where it answers.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Engine {
    /// An engine on a free port.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let routes = Router::new()
            .route("/heatmine/status", get(async |State(budget): State<Budget>| Json(status(read(&budget)))))
            .route("/heatmine/receipts", get(async || Json(json!({"receipts": []}))))
            .route("/v1/chat/completions", post(std::future::pending::<()>))
            .route(
                "/heatmine/budget",
                put(async |State(budget): State<Budget>, Json(body): Json<Value>| {
                    let watts = body["watts"].as_f64().unwrap_or(0.0);
                    *budget.lock().unwrap_or_else(PoisonError::into_inner) = watts;
                    Json(status(watts))
                }),
            );
        let routes = routes.with_state(Budget::default());
        let task = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, task })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn read(budget: &Budget) -> f64 {
    *budget.lock().unwrap_or_else(PoisonError::into_inner)
}

fn status(watts: f64) -> Value {
    json!({
        "state": if watts > 0.0 { "busy" } else { "paused" }, "expert": "stand-in", "power_w": watts, "measured": false,
        "budget_w": watts, "duty": 1.0, "idle_w": 30.0, "max_w": 1500.0, "tokens_per_second": 0.0, "utilisation": 0.0,
        "busy_seconds": 0.0, "active": 0, "waiting": 0, "interactive": 0, "last_receipt": 0, "error": null,
    })
}
