//! An answer being made: what is known of it outside the key-value memory, so that it survives preemption.

use super::sampling::Sampler;
use super::text::TextStream;
use super::work::{Class, Done, Event, Finish, Request, Served, Timing};
use crate::error::Error;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

/// A request with its answer so far.
pub(super) struct Sequence {
    pub request: Request,
    /// Prompt and answer as tokens; empty until the prompt is tokenised.
    pub tokens: Vec<i32>,
    /// How many of them are the prompt.
    pub prompt: usize,
    /// How many of them are in the key-value memory.
    pub kept: usize,
    /// Its place in the key-value memory while it is admitted.
    pub slot: i32,
    /// Chooses its tokens; absent while it waits.
    pub sampler: Option<Sampler>,
    /// The stop string or the model has ended it.
    pub finish: Option<Finish>,
    text: TextStream,
    events: UnboundedSender<Event>,
    joules: f64,
    busy: Duration,
    arrived: Instant,
    admitted: Option<Instant>,
    first: Option<Instant>,
    /// Its place among the requests that may be under way (back-pressure).
    _seat: OwnedSemaphorePermit,
}

impl Sequence {
    pub(super) fn new(
        request: Request,
        events: UnboundedSender<Event>,
        seat: OwnedSemaphorePermit,
        now: Instant,
    ) -> Self {
        let text = TextStream::new(&request.options.stop);
        Self {
            request,
            tokens: Vec::new(),
            prompt: 0,
            kept: 0,
            slot: 0,
            sampler: None,
            finish: None,
            text,
            events,
            joules: 0.0,
            busy: Duration::ZERO,
            arrived: now,
            admitted: None,
            first: None,
            _seat: seat,
        }
    }

    /// Whether somebody waits for it.
    pub(super) fn interactive(&self) -> bool {
        self.request.class == Class::Interactive
    }

    /// Whether nobody listens any more.
    pub(super) fn abandoned(&self) -> bool {
        self.events.is_closed()
    }

    /// Takes the tokens of the prompt, which fits.
    pub(super) fn begin(&mut self, tokens: Vec<i32>) {
        self.prompt = tokens.len();
        self.tokens = tokens;
        // A closed channel is noticed at the next sweep.
        let _ = self.events.send(Event::Started);
    }

    /// Notes the first admission.
    pub(super) fn admit(&mut self, now: Instant) {
        self.admitted.get_or_insert(now);
    }

    pub(super) fn generated(&self) -> &[i32] {
        &self.tokens[self.prompt..]
    }

    /// Takes the next token; `bytes` is its text, `None` the model's mark of the end.
    pub(super) fn push(&mut self, token: i32, bytes: Option<&[u8]>, context: usize, now: Instant) {
        self.first.get_or_insert(now);
        let Some(bytes) = bytes else {
            self.finish = Some(Finish::Stop);
            return;
        };
        self.tokens.push(token);
        let (text, stopped) = self.text.push(bytes);
        self.emit(text);
        let limit = self.request.options.max_tokens.unwrap_or(usize::MAX);
        if stopped {
            self.finish = Some(Finish::Stop);
        } else if self.generated().len() >= limit || self.tokens.len() >= context {
            self.finish = Some(Finish::Length);
        }
    }

    /// Adds its share of a step.
    pub(super) fn charge(&mut self, joules: f64, busy: Duration) {
        self.joules += joules;
        self.busy += busy;
    }

    /// Ends it with an error.
    pub(super) fn fail(self, error: Error) -> Option<Served> {
        let served = self.served(false);
        // Nobody listening is no loss.
        let _ = self.events.send(Event::Failed(error));
        (served.tokens_in > 0 && self.joules > 0.0).then_some(served)
    }

    /// Ends it: the work for the books, and the last event with the channel it goes to.
    pub(super) fn end(mut self, finish: Finish, now: Instant) -> (Served, UnboundedSender<Event>, Done) {
        // A stop string has taken the rest already.
        let rest = self.text.finish();
        if finish != Finish::Stop || !rest.is_empty() {
            self.emit(rest);
        }
        let admitted = self.admitted.unwrap_or(now);
        let first = self.first.unwrap_or(now);
        let done = Done {
            finish,
            tokens_in: self.prompt,
            tokens_out: self.generated().len(),
            joules: self.joules,
            timing: Timing {
                waited: admitted.duration_since(self.arrived),
                prompt: first.duration_since(admitted),
                generation: now.duration_since(first),
            },
        };
        (self.served(finish != Finish::Cancelled), self.events, done)
    }

    fn served(&self, whole: bool) -> Served {
        Served {
            id: self.request.id.clone(),
            job: self.request.job.clone(),
            whole,
            expert: self.request.model.name.clone(),
            class: self.request.class,
            tokens_in: self.prompt,
            tokens_out: self.generated().len(),
            joules: self.joules,
            seconds: self.busy.as_secs_f64(),
        }
    }

    fn emit(&self, text: String) {
        if !text.is_empty() {
            // A closed channel is noticed at the next sweep.
            let _ = self.events.send(Event::Text(text));
        }
    }
}
