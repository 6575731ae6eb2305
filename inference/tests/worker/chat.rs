//! OpenAI's interface.

use crate::bench::{Bench, text};
use futures_util::StreamExt;
use inference::client::Place;
use serde_json::{Value, json};

/// The data of a stream of server-sent events, `[DONE]` included.
async fn events(bench: &Bench, body: &Value) -> Vec<String> {
    let response = bench.http.post(bench.url("/v1/chat/completions")).json(body).send().await.unwrap();
    assert!(response.status().is_success());
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn streamed_text(events: &[String]) -> String {
    let chunks = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_seed_repeats_and_streaming_says_the_same() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let mut body = json!({
        "model": "", "messages": [{"role": "user", "content": "Name three planets."}],
        "temperature": 0.9, "seed": 7, "max_tokens": 40,
    });
    let first = bench.chat(&body).await;
    let second = bench.chat(&body).await;
    assert!(!text(&first).is_empty());
    assert_eq!(text(&first), text(&second));
    assert_eq!(first["object"], "chat.completion");
    assert!(first["usage"]["prompt_tokens"].as_u64().unwrap() > 10);
    assert!(first["heatmine"]["joules"].as_f64().unwrap() > 0.0);
    body["stream"] = true.into();
    body["stream_options"] = json!({"include_usage": true});
    let events = events(&bench, &body).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert_eq!(streamed_text(&events), text(&first));
    let usage: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    assert_eq!(usage["usage"], first["usage"]);
    assert_eq!(usage["choices"], json!([]));
    eprintln!("the model said: {:?}", text(&first));
}

#[tokio::test]
async fn answers_made_side_by_side_are_not_mixed_up() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    // Each answer shows which question it belongs to. Their tokens may differ from those made alone: the batch's shape
    // shows in the last digits of the logits.
    let rows = [
        ("What is the capital of France? Answer in one word.", "Paris"),
        ("Continue counting: one, two, three, four, five,", "six"),
        ("Continue: A, B, C, D, E, F,", "B, C"),
        ("Say hello.", "ello"),
    ];
    let start = tokio::time::Instant::now();
    let together = futures_util::future::join_all(rows.map(|(question, _)| bench.ask(question, 12))).await;
    for ((question, word), reply) in rows.iter().zip(&together) {
        assert!(text(reply).contains(word), "{question} {:?}", text(reply));
    }
    let receipts = bench.worker.receipts(&Place::default()).await.unwrap();
    assert_eq!(receipts.len(), 4);
    assert!(receipts.iter().all(|receipt| receipt.joules > 0.0 && receipt.tokens_out > 0), "{receipts:?}");
    // Together they cost what the machine drew, not four times as much.
    let joules: f64 = receipts.iter().map(|receipt| receipt.joules).sum();
    let status = bench.worker.status().await.unwrap();
    let (busy, passed) = (status.busy_seconds, start.elapsed().as_secs_f64());
    assert!(status.measured || joules <= 100.0 * busy + 20.0 * passed, "{joules} J: {busy} s of {passed} s");
}

#[tokio::test]
async fn a_short_question_is_answered_while_a_long_one_is_read() {
    // Both are there, the long one first, when the power comes.
    let Some(bench) = Bench::start(|config| config.budget = Some(0.0)).await else { return };
    let order = std::sync::Mutex::new(Vec::new());
    let note = |name| order.lock().unwrap().push(name);
    let text = crate::bench::long_text();
    let long = async {
        bench.ask(&text, 4).await;
        note("long");
    };
    let short = async {
        bench.until(|status| status.waiting == 1).await;
        bench.ask("Say hello.", 4).await;
        note("short");
    };
    let power = async {
        bench.until(|status| status.waiting == 2).await;
        bench.budget(None).await;
    };
    tokio::join!(long, short, power);
    assert_eq!(*order.lock().unwrap(), ["short", "long"]);
}

#[tokio::test]
async fn formats_stops_and_limits_are_kept() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "sunny": {"type": "boolean"}},
        "required": ["city", "sunny"], "additionalProperties": false});
    let reply = bench
        .chat(&json!({
            "messages": [{"role": "user", "content": "Which city is the capital of France? Is it sunny?"}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            "temperature": 0, "seed": 1, "max_tokens": 100,
        }))
        .await;
    let answer: Value = serde_json::from_str(text(&reply)).unwrap();
    assert!(answer["city"].is_string() && answer["sunny"].is_boolean(), "{answer}");
    let counting = |stop: Value| json!({"messages": [{"role": "user", "content": "Count from one to ten in words."}], "stop": stop, "seed": 1, "temperature": 0, "max_tokens": 60});
    let free = bench.chat(&counting(Value::Null)).await;
    let stop: String = text(&free).chars().skip(10).take(4).collect();
    let stopped = bench.chat(&counting(json!([stop.clone()]))).await;
    assert_eq!(text(&stopped), text(&free).split(&stop).next().unwrap());
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    let cut = bench.chat(&json!({"messages": [{"role": "user", "content": "Tell a story."}], "max_tokens": 3})).await;
    assert_eq!(
        (cut["usage"]["completion_tokens"].as_u64(), cut["choices"][0]["finish_reason"].as_str()),
        (Some(3), Some("length"))
    );
}

#[tokio::test]
async fn home_assistants_llama_cpp_integration_is_content() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let models: Value = bench.http.get(bench.url("/v1/models")).send().await.unwrap().json().await.unwrap();
    let name = models["data"][0]["id"].as_str().unwrap().to_owned();
    let tool = json!({"type": "function", "function": {"name": "test_function", "description": "x",
        "parameters": {"type": "object", "properties": {}}}});
    let mut body = json!({
        "model": name, "messages": [{"role": "system", "content": [{"type": "text", "text": "You are short."}]}, {"role": "user", "content": "Hi"}],
        "tools": [tool], "max_tokens": 3, "top_p": 1.0, "temperature": 1.0, "user": "abc", "stream": false,
    });
    assert_eq!(bench.chat(&body).await["object"], "chat.completion");
    body["stream"] = true.into();
    assert_eq!(events(&bench, &body).await.last().unwrap(), "[DONE]");
}

#[tokio::test]
async fn who_hangs_up_costs_nothing_more() {
    let Some(bench) = Bench::start(|_| {}).await else { return };
    let body =
        json!({"messages": [{"role": "user", "content": "Write a very long story."}], "stream": true, "seed": 3});
    let response = bench.http.post(bench.url("/v1/chat/completions")).json(&body).send().await.unwrap();
    let mut stream = response.bytes_stream();
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    bench.until(|status| status.active == 0 && status.last_receipt == 1).await;
    let receipts = bench.worker.receipts(&Place::default()).await.unwrap();
    assert!(receipts[0].tokens_out < 2000, "{receipts:?}");
}
