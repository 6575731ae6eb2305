//! Ollama's interface, with the very bodies that Home Assistant's integration sends.

use crate::bench::Bench;
use serde_json::{Value, json};

async fn lines(bench: &Bench, path: &str, body: &Value) -> Vec<Value> {
    let response = bench.http.post(bench.url(path)).json(body).send().await.unwrap();
    assert!(response.status().is_success());
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    response.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn home_assistant_gets_its_answer() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let tags: Value = bench.http.get(bench.url("/api/tags")).send().await.unwrap().json().await.unwrap();
    let name = tags["models"][0]["model"].as_str().unwrap();
    let mut body = json!({
        "model": name, "stream": true, "options": {"num_ctx": 8192.0}, "keep_alive": -1.0, "think": false, "tools": [],
        "messages": [{"role": "system", "content": "You are a voice assistant."}, {"role": "user", "content": "Say hello."}],
    });
    let reply = lines(&bench, "/api/chat", &body).await;
    let last = reply.last().unwrap();
    assert_eq!((last["done"].as_bool(), last["done_reason"].as_str()), (Some(true), Some("stop")), "{last}");
    assert!(last["eval_count"].as_u64().unwrap() > 0 && last["eval_duration"].as_u64().unwrap() > 0, "{last}");
    assert!(last["created_at"].as_str().unwrap().starts_with("2026-11-21T"), "{last}");
    let text: String = reply.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
    assert!(!text.is_empty());
    body["tools"] = json!([{"type": "function", "function": {"name": "HassTurnOn", "description": "x", "parameters": {"type": "object", "properties": {}}}}]);
    body["keep_alive"] = "300s".into();
    body["options"]["num_predict"] = 5.0.into();
    assert_eq!(lines(&bench, "/api/chat", &body).await.last().unwrap()["done"], true);
    body["format"] = json!({"type": "object", "properties": {"answer": {"type": "string", "maxLength": 10}}, "required": ["answer"]});
    body["options"]["num_predict"] = 60.0.into();
    let text: String =
        lines(&bench, "/api/chat", &body).await.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["answer"].is_string(), "{text}");
    let ps: Value = bench.http.get(bench.url("/api/ps")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ps["models"][0]["model"], name);
}

#[tokio::test]
async fn the_other_paths_answer() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let name = bench.worker.experts().await.unwrap().remove(0);
    let post = |path: &str, body: Value| bench.http.post(bench.url(path)).json(&body).send();
    let shown: Value =
        post("/api/show", json!({"model": format!("{name}:latest")})).await.unwrap().json().await.unwrap();
    assert_eq!(shown["details"]["format"], "gguf");
    let pulled: Value = post("/api/pull", json!({"model": name, "stream": false})).await.unwrap().json().await.unwrap();
    assert_eq!(pulled["status"], "success");
    let loaded: Value = post("/api/chat", json!({"model": name, "messages": []})).await.unwrap().json().await.unwrap();
    assert_eq!(loaded["done_reason"], "load");
    let body =
        json!({"model": name, "prompt": "Say hello.", "stream": false, "options": {"num_predict": 4, "seed": 1}});
    let reply: Value = post("/api/generate", body).await.unwrap().json().await.unwrap();
    assert!(!reply["response"].as_str().unwrap().is_empty(), "{reply}");
    assert!(bench.http.get(bench.url("/api/version")).send().await.unwrap().status().is_success());
    assert!(bench.http.get(bench.url("/health")).send().await.unwrap().status().is_success());
}
