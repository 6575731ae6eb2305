//! Whatever is sent: an answer in JSON, and a worker that goes on.

use crate::bench::Bench;
use serde_json::{Value, json};

#[tokio::test]
async fn garbage_gets_a_reason_and_hurts_nothing() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let message = |role: &str| json!({"messages": [{"role": role, "content": "Hi"}]});
    let with = |key: &str, value: Value| {
        let mut body = message("user");
        body["model"] = "default".into();
        body[key] = value;
        body
    };
    let chat = "/v1/chat/completions";
    let rows = [
        (chat, "POST", "".to_owned(), 400),
        (chat, "POST", "\u{0}\u{1}nonsense".to_owned(), 400),
        (chat, "POST", "[1,2]".to_owned(), 400),
        (chat, "POST", "{}".to_owned(), 400),
        (chat, "POST", json!({"messages": "hi"}).to_string(), 400),
        (chat, "POST", json!({"messages": []}).to_string(), 400),
        (chat, "POST", message("wizard").to_string(), 400),
        (chat, "POST", json!({"messages": [{"role": "user", "content": 7}]}).to_string(), 400),
        (chat, "POST", json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}).to_string(), 400),
        (chat, "POST", with("temperature", json!(-1)).to_string(), 400),
        (chat, "POST", with("temperature", json!("hot")).to_string(), 400),
        (chat, "POST", with("max_tokens", json!(0)).to_string(), 400),
        (chat, "POST", with("n", json!(2)).to_string(), 400),
        (chat, "POST", with("stop", json!({"a": 1})).to_string(), 400),
        (chat, "POST", with("response_format", json!({"type": "xml"})).to_string(), 400),
        (
            chat,
            "POST",
            with("response_format", json!({"type": "json_object", "schema": {"type": "nonsense"}})).to_string(),
            400,
        ),
        (chat, "POST", with("model", json!("gpt-9")).to_string(), 404),
        (chat, "POST", with("messages", json!([{"role": "user", "content": "word ".repeat(9000)}])).to_string(), 400),
        (chat, "POST", "x".repeat(9 << 20), 413),
        (chat, "GET", String::new(), 405),
        ("/v1/models/nothing", "GET", String::new(), 404),
        ("/v1/nothing", "GET", String::new(), 404),
        ("/api/chat", "POST", "{".to_owned(), 400),
        ("/api/chat", "POST", "{}".to_owned(), 400),
        ("/api/chat", "POST", json!({"model": "x", "messages": [{"role": "user"}]}).to_string(), 404),
        ("/api/generate", "POST", json!({"model": "x", "prompt": 3}).to_string(), 400),
        ("/api/show", "POST", json!({"model": "x"}).to_string(), 404),
        ("/api/pull", "POST", json!({"model": "x"}).to_string(), 404),
        ("/api/nothing", "GET", String::new(), 404),
        ("/heatmine/budget", "PUT", "off".to_owned(), 400),
        ("/heatmine/budget", "PUT", json!({"watts": -3}).to_string(), 400),
        ("/heatmine/budget", "PUT", json!({"watts": "many"}).to_string(), 400),
        ("/heatmine/budget", "PUT", json!({"watts": 3, "ttl_s": 0}).to_string(), 400),
        ("/heatmine/receipts?after=-1", "GET", String::new(), 400),
        ("/heatmine/receipts?after=x", "GET", String::new(), 400),
    ];
    for (path, method, body, expected) in rows {
        let shown: String = body.chars().take(90).collect();
        let request = bench.http.request(method.parse().unwrap(), bench.url(path)).body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let said: Value =
            response.json().await.unwrap_or_else(|_| panic!("{method} {path} {shown}: {status} without JSON"));
        assert_eq!(status, expected, "{method} {path} {shown}: {said}");
        let reason = if path.starts_with("/api/") { &said["error"] } else { &said["error"]["message"] };
        assert!(reason.as_str().is_some_and(|reason| !reason.is_empty()), "{method} {path} {shown}: {said}");
    }
    assert!(bench.ask("Say hello.", 4).await["usage"]["completion_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn the_answer_to_an_unknown_model_names_the_known_ones() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let body = json!({"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]});
    let response = bench.http.post(bench.url("/v1/chat/completions")).json(&body).send().await.unwrap();
    let said: Value = response.json().await.unwrap();
    let known = bench.worker.experts().await.unwrap();
    assert_eq!(said["error"]["code"], "model_not_found");
    assert!(said["error"]["message"].as_str().unwrap().contains(&known[0]), "{said}");
}

#[tokio::test]
async fn a_full_queue_asks_to_come_back() {
    let Some(bench) = Bench::start(|config| (config.queue, config.budget) = (2, Some(0.0))).await else { return };
    let body = json!({"messages": [{"role": "user", "content": "Hi"}], "stream": true});
    let ask = || bench.http.post(bench.url("/v1/chat/completions")).json(&body).send();
    let (first, second) = tokio::join!(ask(), ask());
    let third = ask().await.unwrap();
    assert_eq!((third.status().as_u16(), &third.headers()["retry-after"]), (429, &"5".parse().unwrap()));
    drop((first, second));
    bench.until(|status| status.waiting == 0).await;
}
