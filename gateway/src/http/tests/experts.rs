//! The way through to the experts, against a worker that answers with what it got.

use super::*;
use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use futures_util::StreamExt;
use plant::command::Mode;

/// A worker that echoes what matters; `/v1/chat/completions` streams a piece every 150 ms.
async fn worker() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(any(|request: Request| async move {
        if request.uri().path() == "/v1/chat/completions" {
            let pieces = futures_util::stream::unfold(0, |count| async move {
                if count > 0 {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                }
                (count < 4).then(|| (Ok::<_, std::io::Error>(format!("data: {count}\n\n")), count + 1))
            });
            return ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response();
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Json(serde_json::json!({
            "path": parts.uri.to_string(), "bytes": body.len(), "class": header("x-heatmine-class"),
            "authorization": header("authorization"), "cookie": header("cookie"), "method": parts.method.as_str(),
        }))
        .into_response()
    }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn house() -> House {
    House::open_with(HttpConfig::default(), worker().await).await
}

#[tokio::test]
async fn requests_arrive_as_they_were_sent_without_what_is_ours() {
    let house = house().await;
    let body = vec![b'x'; 3_000_000];
    let request = house.client.post(format!("{}/api/chat?x=1", house.url)).body(body);
    let request =
        request.header("authorization", "Bearer t").header("cookie", "a=b").header("x-heatmine-class", "deferrable");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["path"], "/api/chat?x=1");
    assert_eq!(answer["bytes"], 3_000_000);
    assert_eq!(answer["class"], "deferrable");
    assert_eq!((&answer["authorization"], &answer["cookie"]), (&Value::Null, &Value::Null));
    assert_eq!(house.get("/v1/models").await.1["method"], "GET");
    let huge = house.client.post(format!("{}/api/chat", house.url)).body(vec![0; worker::BODY_MAX + 1]).send().await;
    assert!(huge.is_err() || huge.unwrap().status() == 413);
}

#[tokio::test]
async fn answers_stream_and_somebody_waits_until_the_last_piece() {
    let house = house().await;
    let request = house.client.post(format!("{}/v1/chat/completions", house.url)).body("{}");
    let response = request.send().await.unwrap();
    let mut stream = response.bytes_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 0\n\n");
    assert_eq!(*house.interactive.borrow(), 1);
    let rest: Vec<_> = stream.map(|piece| piece.unwrap()).collect().await;
    assert_eq!(rest.len(), 3, "piece by piece: {rest:?}");
    let mut count = house.interactive.clone();
    tokio::time::timeout(Duration::from_secs(5), count.wait_for(|count| *count == 0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_waits_no_longer() {
    let house = house().await;
    let request = house.client.post(format!("{}/v1/chat/completions", house.url)).body("{}");
    let mut stream = request.send().await.unwrap().bytes_stream();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    let mut count = house.interactive.clone();
    tokio::time::timeout(Duration::from_secs(5), count.wait_for(|count| *count == 0)).await.unwrap().unwrap();
}

#[tokio::test]
async fn listings_and_jobs_count_nobody() {
    let house = house().await;
    let mut count = house.interactive.clone();
    house.get("/api/tags").await;
    house.send("POST", "/api/show", Some("{}")).await;
    let deferrable = house.client.post(format!("{}/api/generate", house.url)).header("x-heatmine-class", "deferrable");
    assert_eq!(deferrable.body("{}").send().await.unwrap().status(), 200);
    assert!(!count.has_changed().unwrap());
    house.send("POST", "/api/generate", Some("{}")).await;
    assert!(count.changed().await.is_ok());
}

#[tokio::test]
async fn without_power_the_reason_comes_in_the_clients_words() {
    let house = house().await;
    house.change(|record| {
        record.decision.budget = plant::units::Watts(0.0);
        record.decision.reason = plant::reason::Reason::FuseLimit;
        record.explanation = "The house connection is at its limit.".into();
    });
    let (status, answer) = house.send("POST", "/v1/chat/completions", Some("{}")).await;
    assert_eq!(status, 503);
    assert!(answer["error"]["message"].as_str().unwrap().contains("fuse_limit"), "{answer}");
    assert_eq!(answer["error"]["type"], "server_error");
    let (status, answer) = house.send("POST", "/api/chat", Some("{}")).await;
    assert_eq!(status, 503);
    assert!(answer["error"].as_str().unwrap().ends_with("The house connection is at its limit."));
    house.change(|record| record.mode = Mode::Off);
    let deferrable = house.client.post(format!("{}/api/chat", house.url)).header("x-heatmine-class", "deferrable");
    let refused = deferrable.body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.unwrap().contains("switched off"));
    assert_eq!(house.get("/api/tags").await.0, 200);
    assert_eq!(*house.interactive.borrow(), 0);
}

#[tokio::test]
async fn power_that_comes_while_it_waits_is_used() {
    let house = house().await;
    house.change(|record| record.decision.budget = plant::units::Watts(0.0));
    let mut count = house.interactive.clone();
    let sender = house.records.clone();
    tokio::spawn(async move {
        // As the loop does: somebody waits, so there is power.
        count.wait_for(|count| *count == 1).await.unwrap();
        sender.send_replace(Some(Arc::new(fixture::record(noon()))));
    });
    assert_eq!(house.send("POST", "/api/chat", Some("{}")).await.0, 200);
}

#[tokio::test]
async fn a_worker_that_is_down_is_said_to_be() {
    let house = House::open().await;
    for path in ["/v1/models", "/api/tags"] {
        let response = house.client.get(format!("{}{path}", house.url)).send().await.unwrap();
        assert_eq!(response.status(), 503);
        assert!(response.headers().contains_key("retry-after"));
        assert!(response.text().await.unwrap().contains("does not answer"));
    }
}

#[tokio::test]
async fn nothing_else_of_the_worker_can_be_reached() {
    let house = house().await;
    let paths = [
        "/api/delete",
        "/api/create",
        "/api/heatmine/status",
        "/v1/%2e%2e/heatmine/budget",
        "/v1/..%2fheatmine/budget",
        "/v1//heatmine/budget",
        "/heatmine/budget",
    ];
    for path in paths {
        // Sent by hand: a polite client would resolve the dots before anybody sees them.
        let answer = raw(&house.url, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let climbing = raw(&house.url, "GET /v1/../heatmine/budget HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(climbing.starts_with("HTTP/1.1 404"), "{climbing}");
    let class = house.client.post(format!("{}/api/chat", house.url)).header("x-heatmine-class", "urgent").body("{}");
    assert_eq!(class.send().await.unwrap().status(), 422);
}

async fn raw(url: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
