//! Garbage of every kind on every endpoint: each is refused with a sentence, nothing fails, nothing changes.

use super::*;
use reqwest::{Method, header::CONTENT_TYPE};

/// What is no command at any endpoint. Every known field is there somewhere, with something that it cannot be.
fn bodies() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 22] = [
        b"",
        b"null",
        b"3",
        b"[]",
        b"\"off\"",
        b"{",
        b"{\"mode\":}",
        b"{}",
        b"NaN",
        b"mode=off",
        b"\xff\xfe\x00",
        b"{\"mode\":\"\xff\"}",
        b"{\"mode\":NaN,\"watts\":NaN,\"minutes\":NaN,\"prompt\":NaN}",
        b"{\"mode\":\"OFF \",\"watts\":-1,\"minutes\":-1,\"prompt\":\"\"}",
        b"{\"mode\":\"\",\"watts\":1e308,\"minutes\":1e308,\"prompt\":7}",
        b"{\"mode\":true,\"watts\":\"5\",\"minutes\":\"5\",\"prompt\":null}",
        b"{\"mode\":[\"off\"],\"watts\":[1],\"minutes\":{},\"prompt\":{\"a\":1}}",
        b"{\"mode\":\"off\",\"watts\":1,\"minutes\":1,\"prompt\":\"a\",\"more\":1}",
        b"{\"prompt\":\"a\",\"deadline\":\"2026-02-30T00:00:00Z\"}",
        b"{\"prompt\":\"a\",\"value\":-1}",
        b"{\"prompt\":\"a\",\"max_tokens\":1.5}",
        b"{\"messages\":[{\"role\":\"user\"}]}",
    ];
    let long = format!("{{\"mode\":\"{0}\",\"prompt\":[\"{0}\"]}}", "x".repeat(50_000));
    let large = vec![b' '; 3 * input::BODY_MAX];
    texts.map(<[u8]>::to_vec).into_iter().chain([b"[".repeat(20_000), long.into_bytes(), large]).collect()
}

/// Sends it and returns the sentence it was refused with.
async fn refused(house: &House, method: &Method, path: &str, kind: &str, body: Vec<u8>) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
    let what = format!("{method} {path} {kind} {shown}");
    let request = house.client.request(method.clone(), format!("{}{path}", house.url)).header(CONTENT_TYPE, kind);
    let response = request.body(body).send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
    let status = response.status();
    let answer: Value = response.json().await.unwrap_or_else(|error| panic!("{what}: {status} {error}"));
    assert!(status.is_client_error(), "{what}: {status} {answer}");
    let sentence = answer["error"].as_str().unwrap_or_else(|| panic!("{what}: {answer}"));
    assert!(sentence.len() > 10 && sentence.len() < 500, "{what}: {sentence}");
    sentence.to_owned()
}

/// Every path of the document, and what can be done with it.
async fn operations(house: &House) -> Vec<(String, Vec<String>)> {
    let (_, document) = house.get("/api/v1/openapi.json").await;
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, calls)| (path.replace("{id}", "1"), calls.as_object().unwrap().keys().cloned().collect()))
        .collect()
}

#[tokio::test]
async fn no_garbage_passes_where_a_body_is_taken() {
    let mut house = House::open().await;
    let (before, calls) = (house.get("/api/v1/jobs").await.1, operations(&house).await);
    let posts = calls.iter().filter(|(_, calls)| calls.iter().any(|call| call == "post"));
    let mut walked = 0;
    for (path, _) in posts {
        for body in bodies() {
            refused(&house, &Method::POST, path, "application/json", body).await;
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            let sentence = refused(&house, &Method::POST, path, kind, b"{\"mode\":\"off\"}".to_vec()).await;
            assert!(sentence.contains("application/json"), "{sentence}");
        }
        walked += 1;
    }
    assert_eq!(walked, 6);
    assert!(house.commands.try_recv().is_err());
    assert!(house.confirmations.try_recv().is_err());
    assert_eq!(house.get("/api/v1/jobs").await.1, before);
}

#[tokio::test]
async fn only_what_is_described_can_be_done() {
    let mut house = House::open().await;
    for (path, calls) in operations(&house).await {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
            if !calls.contains(&method.to_lowercase()) {
                let method = method.parse().unwrap();
                let sentence = refused(&house, &method, &path, "application/json", b"{}".to_vec()).await;
                assert!(sentence.starts_with(&format!("{method} is not possible at {path}")), "{sentence}");
            }
        }
    }
    assert!(house.commands.try_recv().is_err());
}

#[tokio::test]
async fn no_path_and_no_number_leads_astray() {
    let house = House::open().await;
    let rows = [
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/%00",
        "/assets/",
        "/%ff",
        "/.git/config",
        "/api/v1/",
        "/api/v2/record",
        "/api/heatmine/budget",
        "/heatmine/status",
        "/v1/%2e%2e/heatmine/status",
        "/api/v1/jobs/-1",
        "/api/v1/jobs/0x1",
        "/api/v1/jobs/1%00",
        "/api/v1/jobs/%2e%2e%2frecord",
        "/api/v1/jobs/99999999999999999999",
        "/api/v1/jobs?limit=4294967297",
        "/api/v1/jobs?limit=1001",
        "/api/v1/jobs?limit=",
        "/api/v1/ledger/days?from=2026-02-30",
        "/api/v1/ledger/days?to=99999999-01-01",
        "/api/v1/ledger/days?from=%00",
        "/api/v1/ledger/days?from=%ff%fe",
        "/api/v1/ledger/entries?after=NaN",
        "/api/v1/ledger/entries?after=1e3",
        "/api/v1/ledger/entries?after=18446744073709551616",
        "/api/v1/ledger/entries?limit=-5",
    ];
    for path in rows {
        let url = format!("{}{path}", house.url);
        let response = house.client.get(&url).send().await.unwrap();
        let (status, answer) = (response.status(), response.json::<Value>().await.unwrap());
        assert!(status.is_client_error(), "{path}: {status} {answer}");
        let sentence = answer["error"].as_str().or_else(|| answer["error"]["message"].as_str());
        assert!(sentence.is_some_and(|sentence| sentence.len() > 10), "{path}: {answer}");
    }
    let far = house.get("/api/v1/ledger/entries?after=18446744073709551615").await;
    assert_eq!((far.0, far.1.as_array().map(Vec::len)), (200, Some(0)));
}
