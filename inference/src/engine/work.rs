//! Requests to the engine and what comes back.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Whether somebody waits for a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A person or an automation waits for the answer.
    #[default]
    Interactive,
    /// It can wait for power and for everybody else.
    Deferrable,
}

/// The file behind an expert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelFile {
    pub name: String,
    pub path: PathBuf,
}

/// How tokens are chosen, and when to stop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// Zero takes the likeliest token each time.
    pub temperature: f32,
    /// Keeps the likeliest tokens that together have this probability.
    pub top_p: f32,
    /// Keeps this many of the likeliest tokens; 0 keeps all.
    pub top_k: i32,
    /// Drops tokens less likely than this share of the likeliest.
    pub min_p: f32,
    /// Makes tokens of the recent text less likely; 1 does nothing.
    pub repeat_penalty: f32,
    /// OpenAI's presence penalty; 0 does nothing.
    pub presence_penalty: f32,
    /// OpenAI's frequency penalty; 0 does nothing.
    pub frequency_penalty: f32,
    /// Makes the answer repeatable; such a request is computed from scratch.
    pub seed: Option<u32>,
    /// The most tokens to generate; the context's end where it is not given.
    pub max_tokens: Option<usize>,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// A JSON schema which the answer must follow.
    pub schema: Option<String>,
}

/// Those of llama.cpp itself (`common_params_sampling`), without its penalties.
impl Default for Options {
    fn default() -> Self {
        Self {
            temperature: 0.8,
            top_p: 0.95,
            top_k: 40,
            min_p: 0.05,
            repeat_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: None,
            max_tokens: None,
            stop: Vec::new(),
            schema: None,
        }
    }
}

/// A piece of work for the engine.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Unique; the receipt carries it.
    pub id: String,
    /// The expert to serve it.
    pub model: ModelFile,
    /// The text to continue, template applied.
    pub prompt: String,
    pub class: Class,
    /// The job whose work it is; the receipt carries it.
    pub job: Option<String>,
    pub options: Options,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The model or a stop string ended it.
    Stop,
    /// The token limit or the context's end was reached.
    Length,
    /// Nobody listened any more.
    Cancelled,
}

/// Where the time of a request went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// From arrival to admission: queue, lack of power, loading.
    pub waited: Duration,
    /// From admission to the first token.
    pub prompt: Duration,
    /// From the first token to the end.
    pub generation: Duration,
}

/// The end of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub finish: Finish,
    /// Prompt tokens.
    pub tokens_in: usize,
    /// Generated tokens.
    pub tokens_out: usize,
    /// Energy it took, in joules.
    pub joules: f64,
    pub timing: Timing,
}

/// What the one who asked hears from the engine.
#[derive(Debug)]
pub(crate) enum Event {
    /// The prompt fits and is being served.
    Started,
    /// More of the answer.
    Text(String),
    /// The answer is complete.
    Done(Done),
    /// There will be no (further) answer.
    Failed(Error),
}

/// Served work, for the books.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Served {
    pub id: String,
    /// The job whose work it is.
    pub job: Option<String>,
    /// Whether the answer came to its end.
    pub whole: bool,
    pub expert: String,
    pub class: Class,
    /// Prompt tokens.
    pub tokens_in: usize,
    /// Generated tokens.
    pub tokens_out: usize,
    /// Energy it took, in joules.
    pub joules: f64,
    /// Its share of the engine's busy time, in seconds.
    pub seconds: f64,
}

/// Served work on its way to the books, and the last event, which waits until the work is booked.
pub(crate) struct Booking {
    pub served: Served,
    /// The last event, and the channel of the one who asked; `None` where the answer failed.
    pub last: Option<(UnboundedSender<Event>, Done)>,
}

/// Takes what was served, and sends the last event on once the work is booked.
pub(crate) type Book = Box<dyn FnMut(Booking) + Send>;
