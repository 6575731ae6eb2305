//! An engine elsewhere: it draws what it may, serves somebody twice a second while it may draw anything, and keeps the receipts, as
//! long as it lives. A job that it is given runs for ever.

use anyhow::Result;
use axum::extract::{Query, State};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// An answer takes so long.
const ANSWER: Duration = Duration::from_millis(500);

/// The engine; it ends when it is dropped.
pub(super) struct Engine {
    /// Where it answers.
    pub address: SocketAddr,
    served: Shared,
    task: JoinHandle<()>,
}

type Shared = Arc<Mutex<Served>>;

struct Served {
    /// What it may draw, in watts.
    watts: f64,
    /// Whether somebody asks it.
    asked: bool,
    /// Its answers, and when it gave the newest.
    answers: u64,
    at: Instant,
}

impl Engine {
    /// An engine on a free port.
    pub(super) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let served = Shared::new(Mutex::new(Served { watts: 0.0, asked: true, answers: 0, at: Instant::now() }));
        let routes = Router::new()
            .route("/heatmine/status", get(async |State(served): State<Shared>| Json(lock(&served).status())))
            .route("/heatmine/receipts", get(receipts))
            .route("/heatmine/budget", put(budget))
            .route("/v1/chat/completions", post(std::future::pending::<()>))
            .with_state(served.clone());
        let task = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, served, task })
    }

    /// Nobody asks it anything from now on.
    pub(super) fn left_alone(&self) {
        lock(&self.served).asked = false;
    }

    /// The receipts of all its answers, by their ids.
    pub(super) fn receipts(&self) -> Vec<String> {
        (1..=lock(&self.served).answers).map(id).collect()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receipts(State(served): State<Shared>, Query(asked): Query<BTreeMap<String, u64>>) -> Json<Value> {
    let (after, mut served) = (asked.get("after").copied().unwrap_or(0), lock(&served));
    served.serve();
    let receipts: Vec<Value> = (after + 1..=served.answers).take(1000).map(receipt).collect();
    Json(json!({ "receipts": receipts }))
}

async fn budget(State(served): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let mut served = lock(&served);
    served.serve();
    served.watts = body["watts"].as_f64().unwrap_or(0.0);
    Json(served.status())
}

impl Served {
    /// Gives the answers of the time that has passed.
    fn serve(&mut self) {
        if self.watts > 0.0 && self.asked {
            while self.at.elapsed() >= ANSWER {
                (self.answers, self.at) = (self.answers + 1, self.at + ANSWER);
            }
        } else {
            self.at = Instant::now();
        }
    }

    fn status(&self) -> Value {
        let Self { watts, answers, .. } = self;
        json!({
            "state": if *watts > 0.0 { "busy" } else { "paused" }, "expert": "stand-in", "power_w": watts, "measured": false,
            "budget_w": watts, "duty": 1.0, "idle_w": 30.0, "max_w": 1500.0, "tokens_per_second": 0.0, "utilisation": 0.0,
            "busy_seconds": 0.0, "active": 0, "waiting": 0, "interactive": 0, "last_receipt": answers, "error": null,
        })
    }
}

fn id(number: u64) -> String {
    format!("answer-{number}")
}

fn receipt(number: u64) -> Value {
    json!({
        "id": id(number), "sequence": number, "expert": "stand-in", "interactive": false, "tokens_in": 10, "tokens_out": 40,
        "joules": 700.0, "seconds": 0.5, "finished_at_ms": 0,
    })
}

fn lock(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
    served.lock().unwrap_or_else(PoisonError::into_inner)
}
