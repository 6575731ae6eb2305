//! Requests in, tokens out: llama.cpp on a thread of its own.
//!
//! One operating-system thread owns model and context (`runner`). Everybody else holds an [`Engine`]: it submits
//! requests, hears tokens through a channel per request, and cancels by dropping that channel. A *slot* is a place in
//! the model's key-value memory: an answer that has one is *active*, the others *wait*.
//!
//! ```text
//! submit --seat?--> queue --slot?--> step, step, .. --> receipt --> Done
//!            |                         ^
//!            +--> Busy                 +-- the budget says how often, "off" stops it in the middle
//! ```
//!
//! Back-pressure: a request takes one of a fixed number of *seats* for as long as it lives, and is refused at once
//! where none is free. Deferrable work has half as many, and seats of its own, so that it cannot keep anybody out.
//! Preemption: it also gives way in the middle of a batch (`signals`, `native`) when somebody asks.
//!
//! Example: with four slots and 64 seats, 64 people ask at once: 4 are active, 60 wait, the next hears `Busy`. A
//! deferrable request is still taken (32 seats), and computed when nobody waits any more. At a budget of 45 W on a
//! machine of 20 to 120 W the thread computes a quarter of the time (`throttle`); at 0 W it stops within a node of the
//! running graph, and the tokens of that batch are computed again when power is back.

/// What the thread shows of itself.
mod board;
/// How the engine runs.
mod config;
/// A model in memory and its slots.
mod model;
/// The llama.cpp context: the only unsafe code.
mod native;
/// Requests that wait.
mod queue;
/// The engine's thread: admit, decode, emit, pause.
mod runner;
/// The next token out of the logits.
mod sampling;
/// Who gets how many tokens of a batch.
mod schedule;
/// An answer being made.
mod sequence;
/// Flags that reach into native code.
mod signals;
/// One batch, from shares to tokens.
mod step;
/// Bytes to characters, without stop strings.
mod text;
/// Requests, events and served work.
pub(crate) mod work;

pub(crate) use board::Snapshot;
pub(crate) use config::EngineConfig;

use crate::error::Error;
use crate::stopwatch;
use board::Board;
use runner::{Message, Runner};
use sequence::Sequence;
use signals::Signals;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use work::{Book, Class, Event, ModelFile, Request};

/// A handle to the engine's thread.
#[derive(Clone)]
pub(crate) struct Engine {
    messages: mpsc::Sender<Message>,
    signals: Arc<Signals>,
    board: Arc<Mutex<Board>>,
    /// Seats of requests that somebody waits for.
    interactive: Arc<Semaphore>,
    /// Seats of the others.
    deferrable: Arc<Semaphore>,
    queue: usize,
}

impl Engine {
    /// Starts the thread, which loads `model` at once; `book` gets the work it has served. Fails where the system has
    /// no thread.
    pub(crate) fn start(
        config: EngineConfig,
        model: Option<ModelFile>,
        book: Book,
    ) -> Result<(Self, JoinHandle<()>), Error> {
        let signals = Arc::new(Signals::default());
        let board = Arc::new(Mutex::new(Board::new(&config, model.is_some())));
        let (messages, inbox) = mpsc::channel();
        let engine = Self {
            messages,
            signals: signals.clone(),
            board: board.clone(),
            interactive: Arc::new(Semaphore::new(config.queue)),
            deferrable: Arc::new(Semaphore::new(config.queue.div_ceil(2))),
            queue: config.queue,
        };
        engine.set_budget(config.budget);
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || Runner::new(config, inbox, signals, board, book).run(model))
            .map_err(|error| Error::Engine(format!("no thread: {error}")))?;
        Ok((engine, thread))
    }

    /// Queues a request. Dropping the receiver cancels it. Fails where no seat is free or the thread has ended.
    pub(crate) fn submit(&self, request: Request) -> Result<UnboundedReceiver<Event>, Error> {
        let class = request.class;
        let seats = match class {
            Class::Interactive => &self.interactive,
            Class::Deferrable => &self.deferrable,
        };
        let seat = seats.clone().try_acquire_owned().map_err(|_| Error::Busy { waiting: self.queue })?;
        let (events, receiver) = unbounded_channel();
        let sequence = Sequence::new(request, events, seat, stopwatch::now());
        self.send(Message::Serve(Box::new(sequence)))?;
        if class == Class::Interactive {
            self.signals.interrupt_deferrable();
        }
        Ok(receiver)
    }

    /// Sets the power (W) that the machine may draw; `None` is no limit, and less than the idle power stops it at once.
    pub(crate) fn set_budget(&self, budget: Option<f64>) {
        let duty = {
            let mut board = self.board();
            board.budget = budget;
            board.meter.power.duty(budget)
        };
        self.signals.set_off(duty <= 0.0);
        // Without a thread there is nothing to wake.
        let _ = self.send(Message::Look);
    }

    /// The engine as it is.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.board().snapshot(self.signals.beats(), stopwatch::now())
    }

    /// Ends the thread, in the middle of a token if need be; unfinished requests fail.
    pub(crate) fn stop(&self) {
        self.signals.stop();
        let _ = self.send(Message::Look);
    }

    fn send(&self, message: Message) -> Result<(), Error> {
        self.messages.send(message).map_err(|_| Error::Engine("it has ended".into()))
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
