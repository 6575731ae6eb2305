//! An answer on its way to the client: text, tool calls, and the end with its figures.

use super::chat::Submission;
use super::refusal::Refusal;
use super::state::State;
use crate::engine::work::{Done, Event};
use crate::error::Error;
use crate::tools::{ToolCall, ToolScanner};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// A streaming client hears within this time that its request was taken, even while there is no power for it. Chosen:
/// most prompts that must be refused are refused in less, with a status of their own, and no client gives up so soon.
const PATIENCE: Duration = Duration::from_secs(2);

/// A part of an answer; the last one is `Done` or `Failed`.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    /// Tools to be called.
    Calls(Vec<ToolCall>),
    Done(Done),
    Failed(Error),
}

/// An answer being made. Dropping it cancels the work.
pub(super) struct Answer {
    events: UnboundedReceiver<Event>,
    scanner: ToolScanner,
    ready: VecDeque<Piece>,
    ended: bool,
}

/// An answer that is complete.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub text: String,
    /// Tools to be called.
    pub calls: Vec<ToolCall>,
    /// Its figures.
    pub done: Option<Done>,
}

impl Answer {
    /// Hands the request to the engine, and waits a moment for it to be refused.
    pub(super) async fn start(state: &State, submission: Submission) -> Result<Self, Refusal> {
        let events = state.engine.submit(submission.request)?;
        let scanner = ToolScanner::new(submission.tools);
        let mut answer = Self { events, scanner, ready: VecDeque::new(), ended: false };
        match tokio::time::timeout(PATIENCE, answer.events.recv()).await {
            Ok(Some(Event::Failed(error))) => Err(error.into()),
            Ok(Some(event)) => {
                answer.take(event);
                Ok(answer)
            }
            Ok(None) => Err(Error::Engine("it has ended".into()).into()),
            Err(_) => Ok(answer),
        }
    }

    /// The next piece; `None` after the end.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            if self.ended {
                return None;
            }
            match self.events.recv().await {
                Some(event) => self.take(event),
                None => self.end(Piece::Failed(Error::Engine("it has ended".into()))),
            }
        }
    }

    /// Everything, when it is complete.
    pub(super) async fn whole(mut self) -> Result<Whole, Refusal> {
        let mut whole = Whole::default();
        while let Some(piece) = self.next().await {
            match piece {
                Piece::Text(text) => whole.text.push_str(&text),
                Piece::Calls(calls) => whole.calls = calls,
                Piece::Done(done) => whole.done = Some(done),
                Piece::Failed(error) => return Err(error.into()),
            }
        }
        Ok(whole)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Started => {}
            Event::Text(text) => {
                let text = self.scanner.push(&text);
                if !text.is_empty() {
                    self.ready.push_back(Piece::Text(text));
                }
            }
            Event::Done(done) => {
                let (text, calls) = self.scanner.finish();
                if !text.is_empty() {
                    self.ready.push_back(Piece::Text(text));
                }
                if !calls.is_empty() {
                    self.ready.push_back(Piece::Calls(calls));
                }
                self.end(Piece::Done(done));
            }
            Event::Failed(error) => self.end(Piece::Failed(error)),
        }
    }

    fn end(&mut self, piece: Piece) {
        self.ready.push_back(piece);
        self.ended = true;
    }
}
