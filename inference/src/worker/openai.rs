//! OpenAI's interface: `/v1/chat/completions`, streamed or not, and `/v1/models`.

use super::answer::{Answer, Piece, Whole};
use super::chat::{Chat, ChatMessage, Content, Sampling};
use super::refusal::{Refusal, class, job, read};
use super::state::Shared;
use crate::engine::work::{Class, Done, Finish};
use crate::error::Error;
use crate::tools::ToolCall;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

const CHAT: &str = "/v1/chat/completions";
/// A stream without news sends a comment this often: well below the minute after which nginx and its like give up a
/// silent one.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
struct ChatRequest {
    #[serde(default)]
    model: String,
    messages: Vec<ChatMessage>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    temperature: Option<f64>,
    #[serde(default)]
    top_p: Option<f64>,
    #[serde(default)]
    top_k: Option<f64>,
    #[serde(default)]
    min_p: Option<f64>,
    #[serde(default)]
    repeat_penalty: Option<f64>,
    #[serde(default)]
    presence_penalty: Option<f64>,
    #[serde(default)]
    frequency_penalty: Option<f64>,
    #[serde(default)]
    seed: Option<f64>,
    #[serde(default)]
    max_tokens: Option<f64>,
    #[serde(default)]
    max_completion_tokens: Option<f64>,
    #[serde(default)]
    stop: Option<Value>,
    #[serde(default)]
    response_format: Option<Value>,
    #[serde(default)]
    tools: Option<Vec<Value>>,
    #[serde(default)]
    tool_choice: Option<Value>,
    #[serde(default)]
    n: Option<f64>,
    #[serde(default)]
    chat_template_kwargs: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

pub(super) fn routes() -> Router<Shared> {
    Router::new().route(CHAT, post(chat)).route("/v1/models", get(models)).route("/v1/models/{name}", get(model))
}

async fn models(State(state): State<Shared>) -> Response {
    match state.experts() {
        Ok(experts) => {
            let data: Vec<Value> = experts.iter().map(|expert| card(&expert.name, &expert.card)).collect();
            Json(json!({"object": "list", "data": data})).into_response()
        }
        Err(error) => Refusal::from(error).reply(CHAT),
    }
}

async fn model(State(state): State<Shared>, Path(name): Path<String>) -> Response {
    match state.expert(&name) {
        Ok(prepared) => Json(card(&prepared.expert.name, &prepared.expert.card)).into_response(),
        Err(error) => Refusal::from(error).reply(CHAT),
    }
}

fn card(name: &str, card: &crate::expert::Card) -> Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "heatmine", "meta": card})
}

async fn chat(State(state): State<Shared>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match serve(&state, &headers, body).await {
        Ok(response) => response,
        Err(refusal) => refusal.reply(CHAT),
    }
}

async fn serve(state: &Shared, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
    let request: ChatRequest = read(body)?;
    let (class, job) = (class(headers)?, job(headers)?);
    if request.n.is_some_and(|n| n != 1.0) {
        return Err(Error::request("n", "n: only one answer per request is made").into());
    }
    let stream = request.stream.unwrap_or(false);
    let usage = request.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or(false);
    let submission = Chat { job, ..request.chat(class)? }.submission(state)?;
    let head = Head {
        id: submission.request.id.clone(),
        model: submission.prepared.expert.name.clone(),
        created: (state.config.clock)() / 1000,
    };
    let answer = Answer::start(state, submission).await?;
    if !stream {
        return Ok(Json(head.whole(answer.whole().await?)).into_response());
    }
    Ok(streamed(head, answer, usage))
}

impl ChatRequest {
    /// What it asks, in the worker's own words.
    fn chat(self, class: Class) -> Result<Chat, Error> {
        let no_tools = self.tool_choice.as_ref().and_then(Value::as_str) == Some("none");
        let kwargs = self.chat_template_kwargs.as_ref();
        let think = kwargs.and_then(|kwargs| kwargs.get("enable_thinking")).and_then(Value::as_bool).unwrap_or(false);
        let sampling = Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            repeat_penalty: self.repeat_penalty,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            seed: self.seed,
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stop: self.stop,
            schema: schema(self.response_format.as_ref())?,
        };
        let tools = self.tools.filter(|_| !no_tools).unwrap_or_default();
        let content = Content::Messages { messages: self.messages, tools, think };
        Ok(Chat { expert: self.model, content, sampling, class, job: None })
    }
}

fn schema(format: Option<&Value>) -> Result<Option<Value>, Error> {
    let Some(format) = format.filter(|format| !format.is_null()) else { return Ok(None) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(format.get("schema").cloned().unwrap_or_else(|| json!({"type": "object"})))),
        Some("json_schema") => match format.pointer("/json_schema/schema").or_else(|| format.get("schema")) {
            Some(schema) => Ok(Some(schema.clone())),
            None => Err(Error::request("response_format", "response_format.json_schema.schema is missing")),
        },
        Some(_) | None => {
            Err(Error::request("response_format", "response_format.type: expected text, json_object or json_schema"))
        }
    }
}

/// What every part of a reply begins with.
struct Head {
    id: String,
    model: String,
    created: i64,
}

impl Head {
    fn whole(&self, whole: Whole) -> Value {
        let mut message = json!({"role": "assistant", "content": whole.text, "refusal": null});
        if !whole.calls.is_empty() {
            message["tool_calls"] = calls(&self.id, &whole.calls, false);
            if whole.text.is_empty() {
                message["content"] = Value::Null;
            }
        }
        let done = whole.done;
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(done.as_ref(), !whole.calls.is_empty())}],
            "usage": done.as_ref().map(usage),
            "heatmine": done.as_ref().map(|done| self.figures(done)),
        })
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        })
    }

    fn figures(&self, done: &Done) -> Value {
        json!({"receipt": self.id, "joules": done.joules, "waited_s": done.timing.waited.as_secs_f64()})
    }
}

/// A stream of server-sent events.
struct Streaming {
    head: Head,
    answer: Answer,
    include_usage: bool,
    called: bool,
    ready: VecDeque<Event>,
    ended: bool,
}

fn streamed(head: Head, answer: Answer, include_usage: bool) -> Response {
    let mut start = Streaming { head, answer, include_usage, called: false, ready: VecDeque::new(), ended: false };
    start.say(start.head.chunk(json!({"role": "assistant", "content": ""}), None));
    let events = stream::unfold(start, |mut streaming| async move {
        let event = streaming.next().await?;
        Some((Ok::<_, Infallible>(event), streaming))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("waiting");
    Sse::new(events).keep_alive(keep_alive).into_response()
}

impl Streaming {
    async fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() && !self.ended {
            match self.answer.next().await {
                Some(Piece::Text(text)) => self.say(self.head.chunk(json!({"content": text}), None)),
                Some(Piece::Calls(list)) => {
                    self.called = true;
                    let delta = json!({"tool_calls": calls(&self.head.id, &list, true)});
                    self.say(self.head.chunk(delta, None));
                }
                Some(Piece::Done(done)) => self.end(&done),
                Some(Piece::Failed(error)) => {
                    self.say(Refusal::from(error).openai());
                    self.close();
                }
                None => self.close(),
            }
        }
        self.ready.pop_front()
    }

    fn end(&mut self, done: &Done) {
        let mut last = self.head.chunk(json!({}), Some(finish(Some(done), self.called)));
        last["heatmine"] = self.head.figures(done);
        self.say(last);
        if self.include_usage {
            let mut chunk = self.head.chunk(json!({}), None);
            chunk["choices"] = json!([]);
            chunk["usage"] = usage(done);
            self.say(chunk);
        }
        self.close();
    }

    fn close(&mut self) {
        self.ready.push_back(Event::default().data("[DONE]"));
        self.ended = true;
    }

    fn say(&mut self, value: Value) {
        self.ready.push_back(Event::default().data(value.to_string()));
    }
}

fn usage(done: &Done) -> Value {
    json!({
        "prompt_tokens": done.tokens_in,
        "completion_tokens": done.tokens_out,
        "total_tokens": done.tokens_in + done.tokens_out,
    })
}

fn finish(done: Option<&Done>, called: bool) -> &'static str {
    match done.map(|done| done.finish) {
        Some(Finish::Length) => "length",
        Some(Finish::Stop | Finish::Cancelled) | None if called => "tool_calls",
        Some(Finish::Stop | Finish::Cancelled) | None => "stop",
    }
}

fn calls(id: &str, calls: &[ToolCall], indexed: bool) -> Value {
    let call = |(at, call): (usize, &ToolCall)| {
        let arguments = Value::Object(call.arguments.clone()).to_string();
        let mut value = json!({
            "id": format!("call_{id}_{at}"),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        });
        if indexed {
            value["index"] = at.into();
        }
        value
    };
    calls.iter().enumerate().map(call).collect()
}
