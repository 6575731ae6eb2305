//! The worker from outside: its client, and the bodies that both speak.

pub use crate::engine::work::Class;
pub use crate::receipts::{Place, Receipt};

use crate::error::Error;
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// A worker on the same machine or network answers control requests within this time. Chosen: its handlers take
/// milliseconds, and the gateway gives up on a worker that says nothing for 6 s.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection is made within this time: a lost packet or two on the house's network.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What the worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Reading a model.
    Loading,
    /// Ready with nothing to do.
    Idle,
    /// Serving.
    Busy,
    /// Ready, but without power.
    Paused,
}

/// The worker's own account of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// The expert in memory.
    pub expert: Option<String>,
    /// Power it draws, measured or estimated.
    pub power_w: f64,
    /// Whether the watts are measured.
    pub measured: bool,
    /// Watts it may draw; `None` is no limit.
    pub budget_w: Option<f64>,
    /// Share of the time it may compute.
    pub duty: f64,
    /// Watts at idle.
    pub idle_w: f64,
    /// Watts at full load.
    pub max_w: f64,
    /// Tokens per second over the last seconds, prompt and generation together.
    pub tokens_per_second: f64,
    /// Share of the last seconds spent computing.
    pub utilisation: f64,
    /// Seconds of computing since it started.
    pub busy_seconds: f64,
    /// Answers being made.
    pub active: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Of both, those somebody waits for.
    pub interactive: usize,
    /// Sequence of the newest receipt.
    pub last_receipt: u64,
    /// The last thing that went wrong.
    pub error: Option<String>,
}

/// A question to an expert.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// The expert; the worker's preferred one where it is not given.
    pub expert: Option<String>,
    /// Messages in the form of OpenAI's API.
    pub messages: Vec<Value>,
    /// The most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// Makes the answer repeatable.
    pub seed: Option<u32>,
    /// Zero takes the likeliest token each time.
    pub temperature: Option<f64>,
    /// Whether somebody waits.
    pub class: Class,
}

/// An expert's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Its text.
    pub text: String,
    /// Why it ended: `stop`, `length` or `tool_calls`.
    pub finish: String,
    /// The expert that gave it.
    pub expert: String,
    /// Prompt tokens.
    pub tokens_in: u64,
    /// Generated tokens.
    pub tokens_out: u64,
    /// The id of its receipt.
    pub receipt: String,
    /// Energy it took, in joules.
    pub joules: f64,
}

/// A worker at an address.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its address, `http://host:port`.
    pub url: String,
    client: Client,
}

impl Worker {
    /// Makes a client to the worker at `url`, `http://host:port`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Worker`]: the machine's TLS cannot be set up.
    pub fn new(url: &str) -> Result<Self, Error> {
        let url = url.trim_end_matches('/').to_owned();
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).no_proxy().build();
        let client = client.map_err(|error| Error::Worker { url: url.clone(), why: error.to_string() })?;
        Ok(Self { url, client })
    }

    /// Asks how it is.
    ///
    /// # Errors
    /// [`Error::Worker`]: it does not answer within five seconds, or with a refusal: its engine hangs.
    pub async fn status(&self) -> Result<Status, Error> {
        self.control(self.client.get(format!("{}/heatmine/status", self.url))).await
    }

    /// Sets the power (W) that it may draw for `ttl`, whole seconds of at least one; `None` is no limit.
    ///
    /// # Errors
    /// [`Error::Worker`]: it does not answer within five seconds, or refuses the numbers.
    pub async fn set_budget(&self, watts: Option<f64>, ttl: Duration) -> Result<Status, Error> {
        let body = json!({"watts": watts, "ttl_s": ttl.as_secs().max(1)});
        self.control(self.client.put(format!("{}/heatmine/budget", self.url)).json(&body)).await
    }

    /// Fetches the receipts after `place`, at most a thousand; the worker may forget those up to it. One of version 0.1.0 knows no
    /// journals and goes by the sequence alone.
    ///
    /// # Errors
    /// [`Error::Worker`]: it does not answer within five seconds, or not with receipts.
    pub async fn receipts(&self, place: &Place) -> Result<Vec<Receipt>, Error> {
        #[derive(Deserialize)]
        struct List {
            receipts: Vec<Receipt>,
        }
        let journal = place.journal.as_deref().filter(|name| is_plain(name));
        let journal = journal.map_or_else(String::new, |name| format!("&journal={name}"));
        let url = format!("{}/heatmine/receipts?after={}{journal}", self.url, place.sequence);
        let list: List = self.control(self.client.get(url)).await?;
        Ok(list.receipts)
    }

    /// Lists the names of its experts.
    ///
    /// # Errors
    /// [`Error::Worker`]: it does not answer within five seconds, or cannot read its store.
    pub async fn experts(&self) -> Result<Vec<String>, Error> {
        let list: Value = self.control(self.client.get(format!("{}/v1/models", self.url))).await?;
        let names = list["data"].as_array().into_iter().flatten().filter_map(|model| model["id"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Asks a question and waits for the whole answer, for as long as it takes: without power it waits. Dropping the
    /// future cancels the work.
    ///
    /// # Errors
    /// [`Error::Worker`]: the connection breaks, the queue is full, or the question is refused; the worker's words are
    /// in it.
    pub async fn chat(&self, question: &Question) -> Result<Reply, Error> {
        let class = match question.class {
            Class::Interactive => "interactive",
            Class::Deferrable => "deferrable",
        };
        let body = json!({
            "model": question.expert.as_deref().unwrap_or_default(),
            "messages": question.messages,
            "max_tokens": question.max_tokens,
            "seed": question.seed,
            "temperature": question.temperature,
        });
        let request = self.client.post(format!("{}/v1/chat/completions", self.url)).header("x-heatmine-class", class);
        let reply: Value = self.send(request.json(&body)).await?;
        let text = |pointer: &str| reply.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |pointer: &str| reply.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        Ok(Reply {
            text: text("/choices/0/message/content"),
            finish: text("/choices/0/finish_reason"),
            expert: text("/model"),
            tokens_in: number("/usage/prompt_tokens"),
            tokens_out: number("/usage/completion_tokens"),
            receipt: text("/heatmine/receipt"),
            joules: reply.pointer("/heatmine/joules").and_then(Value::as_f64).unwrap_or(0.0),
        })
    }

    async fn control<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        self.send(request.timeout(CONTROL_TIMEOUT)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let failed = |why: String| Error::Worker { url: self.url.clone(), why };
        let response = request.send().await.map_err(|error| failed(error.without_url().to_string()))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| failed(error.without_url().to_string()))?;
        if !status.is_success() {
            let said: Option<Value> = serde_json::from_slice(&body).ok();
            let message = said.as_ref().and_then(|said| said.pointer("/error/message")).and_then(Value::as_str);
            return Err(failed(format!("{status}: {}", message.unwrap_or("no reason given"))));
        }
        serde_json::from_slice(&body).map_err(|error| failed(format!("an answer that is not understood: {error}")))
    }
}

/// Whether a journal's name is one that a worker gives, and may stand in an address.
fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
