//! What is asked of an expert, whichever interface it came through: checked, and put together for the engine.

use super::refusal::Refusal;
use super::state::{Prepared, Shared};
use crate::engine::work::{Class, Options, Request};
use crate::error::Error;
use crate::template::Conversation;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The most stop strings of a request: OpenAI allows 4, and each is searched for in every piece of text.
const MOST_STOPS: usize = 16;
/// The most messages, and the most tools, of a request. Chosen: a message is four tokens and more, so no context holds
/// as many.
const MOST_ITEMS: usize = 4096;

/// A message as either interface sends it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ChatMessage {
    /// Who speaks.
    pub role: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    tool_calls: Option<Vec<Value>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    images: Option<Vec<Value>>,
}

impl ChatMessage {
    /// A message of plain text.
    pub(super) fn text(role: &str, text: &str) -> Self {
        Self { role: role.to_owned(), content: text.into(), ..Self::default() }
    }
}

/// Sampling options as a client sends them, unchecked ([`Options`] says what each means): numbers that came as JSON
/// floats, `None` where not given.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampling {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<f64>,
    pub min_p: Option<f64>,
    pub repeat_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
    /// Any number; taken modulo 2^32.
    pub seed: Option<f64>,
    /// The most tokens; `None` is up to the context's end.
    pub max_tokens: Option<f64>,
    /// A string or a list of strings.
    pub stop: Option<Value>,
    /// A JSON schema.
    pub schema: Option<Value>,
}

/// What is asked of an expert.
pub(super) struct Chat {
    /// The expert's name; empty for the preferred one.
    pub expert: String,
    /// What the expert reads.
    pub content: Content,
    /// How it chooses its words.
    pub sampling: Sampling,
    /// Whether somebody waits.
    pub class: Class,
    /// The job whose work it is.
    pub job: Option<String>,
}

/// What an expert reads.
pub(super) enum Content {
    /// Messages, brought into the model's own form by its chat template.
    Messages {
        /// Who has said what.
        messages: Vec<ChatMessage>,
        /// Tools that may be called, in the form of OpenAI's API.
        tools: Vec<Value>,
        /// Whether a model that can think aloud may.
        think: bool,
    },
    /// A finished prompt.
    Prompt(String),
}

/// A request ready for the engine, and what its answer is read with.
pub(super) struct Submission {
    /// The expert.
    pub prepared: Arc<Prepared>,
    /// The engine's part.
    pub request: Request,
    /// Whether tool calls are looked for.
    pub tools: bool,
}

impl Chat {
    /// Checks it and puts it together for the engine.
    pub(super) fn submission(self, state: &Shared) -> Result<Submission, Refusal> {
        let prepared = state.expert(&self.expert)?;
        let (prompt, tools) = match self.content {
            Content::Messages { messages, tools, think } => prompt(&prepared, &messages, tools, think)?,
            Content::Prompt(text) => (text, false),
        };
        let options = options(&self.sampling)?;
        let (id, model) = (state.new_id(), prepared.expert.model());
        let request = Request { id, model, prompt, class: self.class, job: self.job, options };
        Ok(Submission { prepared, request, tools })
    }
}

/// The prompt for `messages`, and whether it offers tools.
fn prompt(
    prepared: &Prepared,
    messages: &[ChatMessage],
    tools: Vec<Value>,
    think: bool,
) -> Result<(String, bool), Error> {
    if messages.is_empty() || messages.len() > MOST_ITEMS || tools.len() > MOST_ITEMS {
        return Err(Error::request("messages", format!("{} messages; expected 1 to {MOST_ITEMS}", messages.len())));
    }
    let messages = messages.iter().enumerate().map(|(at, message)| plain(at, message)).collect::<Result<_, _>>()?;
    let with_tools = prepared.template.tools && !tools.is_empty();
    let prompt = prepared.template.render(&Conversation { messages, tools, think })?;
    Ok((prompt, with_tools))
}

/// The message as templates know it.
fn plain(at: usize, message: &ChatMessage) -> Result<Value, Error> {
    let place = |key: &str| format!("messages[{at}].{key}");
    let role = match message.role.as_str() {
        "developer" | "system" => "system",
        known @ ("user" | "assistant" | "tool") => known,
        "function" => "tool",
        other => {
            let text = format!("{}: {other:?}; expected system, user, assistant or tool", place("role"));
            return Err(Error::request(&place("role"), text));
        }
    };
    if message.images.as_ref().is_some_and(|images| !images.is_empty()) {
        return Err(Error::request(&place("images"), "this expert cannot see images"));
    }
    let mut plain = json!({"role": role, "content": content(&message.content, &place("content"))?});
    if let Some(calls) = message.tool_calls.as_ref().filter(|calls| !calls.is_empty()) {
        plain["tool_calls"] = calls.iter().map(with_arguments_as_object).collect();
    }
    if let Some(id) = &message.tool_call_id {
        plain["tool_call_id"] = id.as_str().into();
    }
    if let Some(name) = message.name.as_ref().or(message.tool_name.as_ref()) {
        plain["name"] = name.as_str().into();
    }
    Ok(plain)
}

fn content(content: &Value, place: &str) -> Result<String, Error> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Array(parts) => {
            let mut text = String::new();
            for part in parts {
                let part = match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
                    (Some("text") | None, Some(part)) => part,
                    (Some(kind), _) => {
                        return Err(Error::request(place, format!("{place}: this expert cannot read {kind:?} parts")));
                    }
                    (None, None) => return Err(Error::request(place, format!("{place}: a part without text"))),
                };
                text.push_str(part);
            }
            Ok(text)
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err(Error::request(place, format!("{place}: expected a string or a list of text parts")))
        }
    }
}

/// OpenAI sends arguments as a string of JSON; templates expect the object.
fn with_arguments_as_object(call: &Value) -> Value {
    let mut call = call.clone();
    let arguments = call.pointer("/function/arguments").and_then(Value::as_str);
    if let Some(object) = arguments.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok()) {
        call["function"]["arguments"] = Value::Object(object);
    }
    call
}

fn options(sampling: &Sampling) -> Result<Options, Error> {
    let usual = Options::default();
    let number = |name: &str, value: Option<f64>, low: f64, high: f64, default: f32| match value {
        None => Ok(default),
        Some(value) if (low..=high).contains(&value) => Ok(value as f32),
        Some(value) => Err(Error::request(name, format!("{name} is {value}; expected {low} to {high}"))),
    };
    let max_tokens = match sampling.max_tokens {
        None => None,
        Some(count) if (1.0..=1e9).contains(&count) => Some(count as usize),
        Some(count) => return Err(Error::request("max_tokens", format!("max_tokens is {count}; expected 1 or more"))),
    };
    Ok(Options {
        temperature: number("temperature", sampling.temperature, 0.0, 10.0, usual.temperature)?,
        top_p: number("top_p", sampling.top_p, 0.0, 1.0, usual.top_p)?,
        top_k: number("top_k", sampling.top_k, -1.0, 1e6, usual.top_k as f32)?.max(0.0) as i32,
        min_p: number("min_p", sampling.min_p, 0.0, 1.0, usual.min_p)?,
        repeat_penalty: number("repeat_penalty", sampling.repeat_penalty, 0.01, 10.0, usual.repeat_penalty)?,
        presence_penalty: number("presence_penalty", sampling.presence_penalty, -2.0, 2.0, 0.0)?,
        frequency_penalty: number("frequency_penalty", sampling.frequency_penalty, -2.0, 2.0, 0.0)?,
        seed: sampling.seed.filter(|seed| seed.is_finite()).map(|seed| seed.rem_euclid(f64::from(u32::MAX)) as u32),
        max_tokens,
        stop: stops(sampling.stop.as_ref())?,
        schema: sampling.schema.as_ref().map(ToString::to_string),
    })
}

fn stops(stop: Option<&Value>) -> Result<Vec<String>, Error> {
    let wrong = || Error::request("stop", format!("stop: expected a string or up to {MOST_STOPS} strings"));
    match stop {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(texts)) if texts.len() <= MOST_STOPS => {
            texts.iter().map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(wrong()),
    }
}
