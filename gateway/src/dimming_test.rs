//! What an entity says, what its silence means, and a Home Assistant that is asked.

use super::*;
use crate::commands::Commanded;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const LIMIT: Watts = Watts(4200.0);

#[test]
fn an_entity_says_on_off_or_watts_and_everything_else_is_silence() {
    let left = |watts| Some(Some(Watts(watts)));
    let rows = [
        ("on", None, left(4200.0)),
        ("off", None, Some(None)),
        ("6000", Some("W"), left(6000.0)),
        ("0", None, left(0.0)),
        ("4.2", Some("kW"), left(4200.0)),
        ("unavailable", None, None),
        ("unknown", Some("W"), None),
        ("", None, None),
        ("On", None, None),
        ("60", Some("%"), None),
        ("-1", Some("W"), None),
        ("NaN", None, None),
        ("1e9", Some("W"), None),
    ];
    for (state, unit, expected) in rows {
        let attributes = Attributes { unit_of_measurement: unit.map(str::to_owned) };
        assert_eq!(said(&State { state: state.into(), attributes }, LIMIT), expected, "{state} {unit:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_falls_silent_stays_for_five_minutes_and_dims_then() {
    let start = Instant::now();
    // When, the answer, and what is to be in force.
    type Row = (u64, Option<Option<Watts>>, Option<Option<Watts>>);
    let runs: [&[Row]; 4] = [
        &[(0, Some(None), Some(None)), (10, None, None), (299, None, None), (300, None, Some(Some(LIMIT)))],
        &[(300, None, Some(Some(LIMIT))), (310, Some(None), Some(None)), (320, None, None)],
        // What was said last is the stricter.
        &[(0, Some(Some(Watts(3000.0))), Some(Some(Watts(3000.0)))), (310, None, Some(Some(Watts(3000.0))))],
        &[(0, Some(Some(Watts(9000.0))), Some(Some(Watts(9000.0)))), (310, None, Some(Some(LIMIT)))],
    ];
    for run in runs {
        let mut heard = Heard::new(start);
        for (seconds, answer, expected) in run {
            let found = heard.judge(*answer, LIMIT, start + Duration::from_secs(*seconds));
            assert_eq!(found, *expected, "{run:?} after {seconds} s");
        }
    }
}

/// A Home Assistant whose only entity says what is written here.
async fn home_assistant(says: Arc<Mutex<&'static str>>) -> String {
    let answer = move |Path(entity): Path<String>, headers: HeaderMap| {
        let state = *says.lock().unwrap();
        async move {
            match (entity.as_str(), headers["authorization"].to_str().unwrap_or_default()) {
                (_, token) if token != "Bearer good" => StatusCode::UNAUTHORIZED.into_response(),
                ("binary_sensor.dimming", _) => {
                    axum::Json(serde_json::json!({"entity_id": entity, "state": state, "attributes": {}}))
                        .into_response()
                }
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/api/states/{entity}", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn what_the_entity_says_is_commanded_and_what_keeps_it_silent_is_said() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let says = Arc::new(Mutex::new("on"));
    let url = home_assistant(says.clone()).await;
    let entity = |entity: &str, token: &str, url: &str| Entity {
        entity: entity.into(),
        url: url.into(),
        token: Secret::new(token),
    };
    let good = entity("binary_sensor.dimming", "good", &format!("{url}/"));
    assert_eq!(good.ask(LIMIT).await.unwrap(), Some(LIMIT));
    *says.lock().unwrap() = "unavailable";
    let silences = [
        (good.clone(), "binary_sensor.dimming is \"unavailable\"; expected on, off or watts".to_owned()),
        (entity("sensor.other", "good", &url), "Home Assistant does not know sensor.other".into()),
        (entity("binary_sensor.dimming", "old", &url), "Home Assistant refuses the token".into()),
        (
            entity("binary_sensor.dimming", "good", "http://127.0.0.1:1"),
            "Home Assistant does not answer at http://127.0.0.1:1".into(),
        ),
    ];
    for (entity, expected) in silences {
        assert_eq!(format!("{:#}", entity.ask(LIMIT).await.unwrap_err()), expected);
    }

    *says.lock().unwrap() = "on";
    let (commands, mut received) = mpsc::channel::<Commanded>(1);
    let (records, confirmations) = (watch::channel(None).1, mpsc::channel(1).0);
    let wiring = Wiring { records, commands, confirmations, shutdown: CancellationToken::new() };
    let follower = Follower { source: good, limit: LIMIT, wiring, troubles: Troubles::default() };
    let task = tokio::spawn(follower.run());
    let Commanded { command, kept } = received.recv().await.unwrap();
    assert_eq!(command, Command::GridDimming(Some(LIMIT)));
    kept.send(Ok(())).unwrap();
    task.abort();
}
