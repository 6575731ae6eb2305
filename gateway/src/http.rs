//! The page and the HTTP interface: reads the newest record and the books, hands commands to the loop, passes the experts'
//! own interfaces through to the worker.
//!
//! ```text
//! /                     the page          /api/v1/...        the house, described by /api/v1/openapi.json
//! /health, /metrics     for machines      /v1/..., /api/...  the experts, as OpenAI's and Ollama's clients know them
//! ```
//!
//! Invariant: nothing here decides anything, and no client can hold up the loop.

mod access;
mod books;
mod commands;
mod connections;
mod events;
#[cfg(test)]
pub(crate) mod fixture;
mod input;
mod jobs;
mod metrics;
mod page;
mod refusal;
mod review;
/// The page before the configuration is right.
pub mod setup;
mod status;
/// What the fixture needs of the gateway, where it finds it both here and in the example that shows the page.
#[cfg(test)]
mod peers {
    pub(super) use crate::jobs::{Answer, JobRequest, Message, Queue};
    pub(super) use crate::store::Ledger;
}
mod schema;
#[cfg(test)]
mod tests;
mod worker;

use crate::clock::Clock;
use crate::config::dimming::Signal;
use crate::config::http::HttpConfig;
use crate::interactive::Interactive;
use crate::jobs::Queue;
use crate::store::Ledger;
use crate::wiring::Wiring;
use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{any, get};
use chrono_tz::Tz;
use plant::units::Currency;
use refusal::Refusal;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A query waits this long for power before it is refused with the reason.
const POWER_WAIT: Duration = Duration::from_secs(30);
/// How long reaching the worker may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long requests may take to end once HeatMine stops.
const FAREWELL: Duration = Duration::from_secs(3);

/// What the handlers are given from outside.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The newest record, the way to the loop, the signal to stop.
    pub wiring: Wiring,
    /// House time, in which jobs have their deadlines.
    pub clock: Clock,
    /// The site's time zone: the page shows its times, the books' days are its days.
    pub timezone: Tz,
    /// The site's currency: the page shows amounts in it.
    pub currency: Currency,
    /// The books.
    pub ledger: Ledger,
    /// Deferrable work.
    pub jobs: Queue,
    /// Counts the queries somebody waits for.
    pub interactive: Interactive,
    /// Where the worker listens, `http://host:port`.
    pub worker: String,
    /// The way of the grid operator's signal: REST may dim only where it is that.
    pub dimming: Signal,
}

/// What the handlers share. Clones are one.
#[derive(Clone, Debug)]
pub struct State {
    parts: Arc<Parts>,
    power_wait: Duration,
    client: reqwest::Client,
    streams: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    verifiers: Arc<Semaphore>,
    condition: watch::Receiver<status::Condition>,
}

impl State {
    /// Starts watching whether records come.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build();
        let (sender, condition) = watch::channel(status::Condition::Starting);
        tokio::spawn(status::watch_condition(parts.wiring.records.clone(), sender));
        Ok(Self {
            parts: Arc::new(parts),
            power_wait: POWER_WAIT,
            client: client.context("the client to the worker could not be made")?,
            streams: Arc::new(Semaphore::new(events::STREAMS_MAX)),
            readers: Arc::new(Semaphore::new(1)),
            verifiers: Arc::new(Semaphore::new(1)),
            condition,
        })
    }
}

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "HeatMine",
    description = "The house, its decisions and its books. Powers in W, energies in kWh, money in the site's currency (the record names it), times in UTC. The experts \
                   are asked below /v1 (as OpenAI's clients do) and /api (as Ollama's do); send `x-heatmine-class: deferrable` \
                   where nobody waits for the answer."
))]
struct Document;

/// Every route, with the checks in front of them.
pub fn router(config: &HttpConfig, state: State) -> Router {
    let (house, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status::record))
        .routes(routes!(status::plan))
        .routes(routes!(review::of_day))
        .routes(routes!(events::events))
        .routes(routes!(commands::mode))
        .routes(routes!(commands::power_limit))
        .routes(routes!(commands::boost))
        .routes(routes!(commands::grid_dimming))
        .routes(routes!(commands::confirm))
        .routes(routes!(books::days))
        .routes(routes!(books::months))
        .routes(routes!(books::entries))
        .routes(routes!(books::head))
        .routes(routes!(books::verify))
        .routes(routes!(jobs::list, jobs::submit))
        .routes(routes!(jobs::get, jobs::cancel))
        .routes(routes!(status::health))
        .routes(routes!(status::prometheus))
        .split_for_parts();
    let document = Arc::new(document);
    let experts = Router::new()
        .route("/v1/{*call}", any(worker::pass))
        .route("/api/{*call}", any(worker::pass))
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(worker::BODY_MAX));
    let access = access::Access::new(config);
    house
        .route("/api/v1/openapi.json", get(move || async move { axum::Json(document.as_ref().clone()) }))
        .route("/", get(page::page))
        .route("/assets/{name}", get(page::asset))
        .merge(experts)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(access, access::guard))
        .layer(axum::middleware::from_fn(access::harden))
        .with_state(state)
}

/// Serves until HeatMine stops; then open requests have a moment to end.
pub async fn serve(config: &HttpConfig, listener: TcpListener, state: State) {
    let shutdown = state.wiring.shutdown.clone();
    let serving = connections::serve(listener, router(config, state), &shutdown);
    tokio::select! {
        () = serving => {}
        () = async { shutdown.cancelled().await; tokio::time::sleep(FAREWELL).await } => {}
    }
}

async fn unknown(uri: Uri) -> Response {
    let path = uri.path();
    let refusal = Refusal::not_found(format!("there is nothing at {path}; /api/v1/openapi.json lists what there is"));
    worker::in_the_clients_shape(path, refusal)
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let error = format!("{method} is not possible at {}; the header allow says what is", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, error)
}
