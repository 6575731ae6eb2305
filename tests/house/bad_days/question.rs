//! A question to the gateway's expert, and when the words of its answer arrived.

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What was heard so far.
#[derive(Debug, Default)]
struct Heard {
    words: Vec<Instant>,
    text: String,
    end: Option<String>,
}

/// A question whose answer streams.
pub(super) struct Question {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Question {
    /// Asks for an answer of some hundred words, which no model may end before, and listens.
    pub(super) fn ask(http: &str) -> Result<Self> {
        let client = client(None)?;
        let mut body = body("Tell the story of a small village by the sea.", 600, true);
        let story = json!({"type": "object", "properties": {"story": {"type": "string", "minLength": 1900}},
            "required": ["story"], "additionalProperties": false});
        body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "story", "schema": story}});
        let request = client.post(format!("{http}/v1/chat/completions")).json(&body);
        let heard = Arc::<Mutex<Heard>>::default();
        let task = tokio::spawn(listen(request, heard.clone()));
        Ok(Self { heard, task })
    }

    /// How many words have arrived, and when the last one did.
    pub(super) fn words(&self) -> (usize, Option<Instant>) {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        (heard.words.len(), heard.words.last().copied())
    }

    /// How it ended: `[DONE]`, or what went wrong; `None` while it goes on.
    pub(super) fn end(&self) -> Option<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).end.clone()
    }

    /// The words themselves.
    pub(super) fn text(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(request: reqwest::RequestBuilder, heard: Arc<Mutex<Heard>>) {
    let end = match stream(request, &heard).await {
        Ok(end) => end,
        Err(error) => format!("{error:#}"),
    };
    heard.lock().unwrap_or_else(PoisonError::into_inner).end = Some(end);
}

async fn stream(request: reqwest::RequestBuilder, heard: &Mutex<Heard>) -> Result<String> {
    let response = request.send().await?;
    let status = response.status();
    ensure!(status.is_success(), "{status}: {}", response.text().await?);
    let (mut pieces, mut rest) = (response.bytes_stream(), String::new());
    while let Some(piece) = pieces.next().await {
        rest.push_str(&String::from_utf8_lossy(&piece?));
        while let Some((line, after)) = rest.split_once("\n\n") {
            let line = line.trim_start_matches("data:").trim().to_owned();
            rest = after.to_owned();
            // A comment keeps the connection open while the answer waits for power.
            if line.starts_with(':') {
                continue;
            }
            if line == "[DONE]" {
                return Ok(line);
            }
            let value: Value = serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
            ensure!(value["error"].is_null(), "{}", value["error"]);
            if let Some(word) = value["choices"][0]["delta"]["content"].as_str().filter(|word| !word.is_empty()) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.words.push(Instant::now());
                heard.text.push_str(word);
            }
        }
    }
    Ok("the stream ended without its last word".into())
}

/// Asks a short question; returns the id of its receipt.
///
/// # Errors
/// It was refused, or the answer broke off.
pub(super) async fn short(http: &str, limit: Duration) -> Result<String> {
    let request = client(Some(limit))?.post(format!("{http}/v1/chat/completions")).json(&body("Say hello.", 12, false));
    let response = request.send().await?;
    let (status, answer): (_, Value) = (response.status(), response.json().await?);
    ensure!(status.is_success(), "{status}: {answer}");
    Ok(answer["heatmine"]["receipt"].as_str().context("an answer without a receipt")?.to_owned())
}

/// A client that waits for the end of an answer, however long that takes, or for `limit`.
fn client(limit: Option<Duration>) -> Result<reqwest::Client> {
    // The first client of a process chooses its TLS provider.
    crate::peer::client()?;
    let builder = reqwest::Client::builder().no_proxy();
    Ok(match limit {
        Some(limit) => builder.timeout(limit),
        None => builder,
    }
    .build()?)
}

fn body(question: &str, tokens: u32, stream: bool) -> Value {
    json!({"messages": [{"role": "user", "content": question}], "max_tokens": tokens, "temperature": 0.0, "stream": stream})
}
