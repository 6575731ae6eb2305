//! Ollama's interface, as its own clients and Home Assistant's integration speak it.
//!
//! Numbers come as floats (`num_ctx: 8192.0`), `keep_alive` as a number or a text; both are accepted. The context's
//! size and how long a model stays loaded are the worker's business, so those two change nothing.

use super::answer::{Answer, Piece, Whole};
use super::chat::{Chat, ChatMessage, Content, Sampling};
use super::refusal::{Refusal, class, job, read};
use super::state::Shared;
use crate::engine::work::{Class, Done, Finish};
use crate::error::Error;
use crate::expert::Expert;
use crate::tools::ToolCall;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;

/// The version of Ollama whose interface this is; clients compare it.
const VERSION: &str = "0.12.6";
/// Says in which interface's form a refusal is written, and where it is asked the usual way.
const PATH: &str = "/api/chat";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<f64>,
    min_p: Option<f64>,
    repeat_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    seed: Option<f64>,
    num_predict: Option<f64>,
    stop: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    model: String,
    name: String,
    messages: Vec<ChatMessage>,
    prompt: String,
    system: String,
    raw: Option<bool>,
    stream: Option<bool>,
    format: Option<Value>,
    options: Option<Options>,
    tools: Option<Vec<Value>>,
    think: Option<Value>,
    keep_alive: Option<Value>,
    images: Option<Vec<Value>>,
}

/// Which of the two ways to ask it is.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Chat,
    Generate,
}

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(|| async { "HeatMine is running" }))
        .route("/api/version", get(|| async { Json(json!({"version": VERSION})) }))
        .route("/api/tags", get(tags))
        .route("/api/ps", get(loaded))
        .route("/api/show", post(show))
        .route("/api/pull", post(pull))
        .route(PATH, post(chat))
        .route("/api/generate", post(generate))
}

async fn tags(State(state): State<Shared>) -> Response {
    let listed = |expert: &Expert| {
        json!({
            "name": expert.name, "model": expert.name, "size": expert.bytes, "digest": expert.sha256,
            "modified_at": "1970-01-01T00:00:00Z", "details": details(expert),
        })
    };
    match state.experts() {
        Ok(experts) => Json(json!({"models": experts.iter().map(listed).collect::<Vec<_>>()})).into_response(),
        Err(error) => Refusal::from(error).reply(PATH),
    }
}

async fn loaded(State(state): State<Shared>) -> Response {
    let snapshot = state.engine.snapshot();
    let experts = state.experts().unwrap_or_default();
    let found = snapshot.model.and_then(|model| experts.into_iter().find(|expert| expert.name == model.name));
    let shown = |expert: Expert| {
        json!({
            "name": expert.name, "model": expert.name, "size": expert.bytes, "size_vram": 0, "digest": expert.sha256,
            "expires_at": "2318-01-01T00:00:00Z", "context_length": state.config.context, "details": details(&expert),
        })
    };
    Json(json!({"models": found.map(shown).into_iter().collect::<Vec<_>>()})).into_response()
}

fn details(expert: &Expert) -> Value {
    json!({
        "format": "gguf", "family": expert.card.architecture, "families": [expert.card.architecture],
        "parameter_size": expert.card.size(), "quantization_level": expert.card.quantisation, "parent_model": "",
    })
}

async fn show(State(state): State<Shared>, body: Result<Bytes, BytesRejection>) -> Response {
    let shown = read::<Request>(body).and_then(|request| {
        let prepared = state.expert(named(&request))?;
        let expert = &prepared.expert;
        let architecture = &expert.card.architecture;
        let capabilities: &[&str] = if expert.card.tools { &["completion", "tools"] } else { &["completion"] };
        Ok(json!({
            "details": details(expert), "license": expert.card.licence, "capabilities": capabilities,
            "modelfile": "", "parameters": "", "template": "",
            "model_info": {
                "general.architecture": architecture, "general.parameter_count": expert.card.parameters,
                format!("{architecture}.context_length"): expert.card.context,
            },
        }))
    });
    shown.map_or_else(|refusal| refusal.reply(PATH), |value| Json(value).into_response())
}

/// What is installed needs no pulling; what is not, cannot be pulled from here.
async fn pull(State(state): State<Shared>, body: Result<Bytes, BytesRejection>) -> Response {
    let pulled = read::<Request>(body).and_then(|request| Ok(state.expert(named(&request))?));
    pulled.map_or_else(|refusal| refusal.reply(PATH), |_| Json(json!({"status": "success"})).into_response())
}

fn named(request: &Request) -> &str {
    if request.model.is_empty() { &request.name } else { &request.model }
}

async fn chat(State(state): State<Shared>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    serve(&state, &headers, body, Form::Chat).await.unwrap_or_else(|refusal| refusal.reply(PATH))
}

async fn generate(State(state): State<Shared>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    serve(&state, &headers, body, Form::Generate).await.unwrap_or_else(|refusal| refusal.reply(PATH))
}

async fn serve(
    state: &Shared,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    form: Form,
) -> Result<Response, Refusal> {
    let request: Request = read(body)?;
    let (class, job) = (class(headers)?, job(headers)?);
    if named(&request).is_empty() {
        return Err(Refusal::bad(StatusCode::BAD_REQUEST, "model is required".into()));
    }
    let empty = match form {
        Form::Chat => request.messages.is_empty(),
        Form::Generate => request.prompt.is_empty(),
    };
    if empty {
        return only_load(state, &request, form);
    }
    let head = Head { form, model: named(&request).to_owned(), clock: state.config.clock };
    let stream = request.stream.unwrap_or(true);
    let submission = Chat { job, ..request.chat(form, class)? }.submission(state)?;
    let answer = Answer::start(state, submission).await?;
    if stream {
        return Ok(streamed(head, answer));
    }
    Ok(Json(head.whole(answer.whole().await?)).into_response())
}

impl Request {
    /// What it asks, in the worker's own words.
    fn chat(self, form: Form, class: Class) -> Result<Chat, Error> {
        let (expert, sampling) = (named(&self).to_owned(), self.sampling()?);
        Ok(Chat { expert, sampling, content: self.content(form)?, class, job: None })
    }

    fn sampling(&self) -> Result<Sampling, Error> {
        let options = self.options.as_ref();
        let given = |pick: fn(&Options) -> Option<f64>| options.and_then(pick);
        Ok(Sampling {
            temperature: given(|options| options.temperature),
            top_p: given(|options| options.top_p),
            top_k: given(|options| options.top_k),
            min_p: given(|options| options.min_p),
            repeat_penalty: given(|options| options.repeat_penalty),
            presence_penalty: given(|options| options.presence_penalty),
            frequency_penalty: given(|options| options.frequency_penalty),
            seed: given(|options| options.seed),
            // Ollama's -1 and -2 mean "as long as it takes".
            max_tokens: given(|options| options.num_predict).filter(|&count| count > 0.0),
            stop: options.and_then(|options| options.stop.clone()),
            schema: schema(self.format.as_ref())?,
        })
    }

    fn content(self, form: Form) -> Result<Content, Error> {
        let think = match &self.think {
            Some(Value::Bool(think)) => *think,
            Some(Value::String(_)) => true,
            Some(_) | None => false,
        };
        match form {
            Form::Chat => {
                let tools = self.tools.unwrap_or_default();
                Ok(Content::Messages { messages: self.messages, tools, think })
            }
            Form::Generate if self.raw == Some(true) => Ok(Content::Prompt(self.prompt)),
            Form::Generate => {
                if self.images.is_some_and(|images| !images.is_empty()) {
                    return Err(Error::request("images", "this expert cannot see images"));
                }
                let mut messages = vec![ChatMessage::text("user", &self.prompt)];
                if !self.system.is_empty() {
                    messages.insert(0, ChatMessage::text("system", &self.system));
                }
                Ok(Content::Messages { messages, tools: Vec::new(), think })
            }
        }
    }
}

/// A request without content loads a model, or with `keep_alive: 0` unloads it; here both is left to the next request.
fn only_load(state: &Shared, request: &Request, form: Form) -> Result<Response, Refusal> {
    state.expert(named(request))?;
    let unload = request.keep_alive.as_ref().and_then(Value::as_f64) == Some(0.0);
    let head = Head { form, model: named(request).to_owned(), clock: state.config.clock };
    let mut line = head.line("", None);
    line["done"] = true.into();
    line["done_reason"] = if unload { "unload" } else { "load" }.into();
    Ok(Json(line).into_response())
}

fn schema(format: Option<&Value>) -> Result<Option<Value>, Error> {
    match format {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text == "json" => Ok(Some(json!({"type": "object"}))),
        Some(schema @ Value::Object(_)) => Ok(Some(schema.clone())),
        Some(Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            Err(Error::request("format", "format: expected \"json\" or a JSON schema"))
        }
    }
}

/// What every line of a reply begins with.
struct Head {
    form: Form,
    model: String,
    clock: crate::stopwatch::WallClock,
}

impl Head {
    fn line(&self, text: &str, calls: Option<&[ToolCall]>) -> Value {
        let now = DateTime::from_timestamp_millis((self.clock)()).unwrap_or_default();
        let created = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut line = json!({"model": self.model, "created_at": created});
        match self.form {
            Form::Generate => line["response"] = text.into(),
            Form::Chat => {
                line["message"] = json!({"role": "assistant", "content": text});
                if let Some(calls) = calls {
                    let call = |call: &ToolCall| json!({"function": {"name": call.name, "arguments": call.arguments}});
                    line["message"]["tool_calls"] = calls.iter().map(call).collect();
                }
            }
        }
        line["done"] = false.into();
        line
    }

    fn last(&self, text: &str, calls: Option<&[ToolCall]>, done: &Done) -> Value {
        let nanoseconds = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let timing = done.timing;
        let mut line = self.line(text, calls);
        line["done"] = true.into();
        line["done_reason"] = match done.finish {
            Finish::Length => "length",
            Finish::Stop | Finish::Cancelled => "stop",
        }
        .into();
        line["total_duration"] = nanoseconds(timing.waited + timing.prompt + timing.generation).into();
        line["load_duration"] = nanoseconds(timing.waited).into();
        line["prompt_eval_count"] = done.tokens_in.into();
        line["prompt_eval_duration"] = nanoseconds(timing.prompt).into();
        line["eval_count"] = done.tokens_out.into();
        line["eval_duration"] = nanoseconds(timing.generation).into();
        line
    }

    fn whole(&self, whole: Whole) -> Value {
        let calls = (!whole.calls.is_empty()).then_some(whole.calls.as_slice());
        match &whole.done {
            Some(done) => self.last(&whole.text, calls, done),
            None => self.line(&whole.text, calls),
        }
    }
}

fn streamed(head: Head, answer: Answer) -> Response {
    let lines = stream::unfold((head, answer), |(head, mut answer)| async move {
        let line = match answer.next().await? {
            Piece::Text(text) => head.line(&text, None),
            Piece::Calls(calls) => head.line("", Some(&calls)),
            Piece::Done(done) => head.last("", None, &done),
            Piece::Failed(error) => Refusal::from(error).ollama(),
        };
        Some((Ok::<_, Infallible>(format!("{line}\n")), (head, answer)))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}
