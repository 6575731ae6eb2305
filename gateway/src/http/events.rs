//! The live stream: server-sent events. A client that connects, or connects again, first gets everything it needs.
//!
//! Events: `waiting` (no record yet), `record` (the newest record without its plan), `plan` (when it has changed).

use crate::http::State;
use crate::http::refusal::Refusal;
use axum::extract::State as Shared;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use plant::record::Record;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

/// No client is sent more than one record in this time.
const PACE: Duration = Duration::from_secs(1);
/// A comment after this much silence, so that proxies keep the connection and dead ones are noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// Streams served at the same time.
pub(super) const STREAMS_MAX: usize = 64;

struct Viewer {
    records: watch::Receiver<Option<Arc<Record>>>,
    shutdown: CancellationToken,
    seen: Option<Arc<Record>>,
    queue: Vec<Event>,
    _place: OwnedSemaphorePermit,
}

/// The newest record, at most once a second, for as long as the client stays.
#[utoipa::path(get, path = "/api/v1/events", tag = "house", responses(
    (status = 200, description = "events `waiting`, `record` (plan left out) and `plan`", content_type = "text/event-stream", body = String),
    (status = 503, description = "too many viewers", body = crate::http::refusal::ErrorBody)))]
pub(super) async fn events(Shared(state): Shared<State>) -> Response {
    let Ok(place) = Arc::clone(&state.streams).try_acquire_owned() else {
        return Refusal::not_now(format!("already {STREAMS_MAX} live views are open"), 30).into_response();
    };
    let first = vec![Event::default().event("waiting").retry(RETRY).data("{}")];
    let (records, shutdown) = (state.wiring.records.clone(), state.wiring.shutdown.clone());
    let viewer = Viewer { records, shutdown, seen: None, queue: first, _place: place };
    let mut response =
        Sse::new(stream::unfold(viewer, next)).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // Asks proxies on the way not to collect the events.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

async fn next(mut viewer: Viewer) -> Option<(Result<Event, Infallible>, Viewer)> {
    let shutdown = viewer.shutdown.clone();
    loop {
        if let Some(event) = viewer.queue.pop() {
            return Some((Ok(event), viewer));
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            arrived = viewer.collect() => arrived?,
        }
    }
}

impl Viewer {
    /// Waits for a record that was not sent yet and queues it, last event first. `None` when the loop is gone.
    async fn collect(&mut self) -> Option<()> {
        if self.seen.is_some() {
            tokio::time::sleep(PACE).await;
        }
        let seen = self.seen.clone();
        let is_new = |record: &Option<Arc<Record>>| match (record, &seen) {
            (Some(record), Some(seen)) => !Arc::ptr_eq(record, seen),
            (record, _) => record.is_some(),
        };
        let record = self.records.wait_for(is_new).await.ok()?.clone()?;
        if self.seen.as_ref().is_none_or(|seen| seen.plan != record.plan) {
            self.queue.extend(Event::default().event("plan").json_data(&record.plan).ok());
        }
        let lean = Record { plan: None, ..(*record).clone() };
        let id = record.at.to_rfc3339();
        self.queue.extend(Event::default().event("record").id(id).json_data(&lean).ok());
        self.seen = Some(record);
        Some(())
    }
}
