//! Requests in, tokens out: llama.cpp on a thread of its own.
//!
//! One operating-system thread owns model and context (`runner`). Everybody else holds an `Engine`: it takes requests
//! through a bounded queue, hears tokens through a channel per request, and cancels by dropping it. Power is a message like
//! any other, except that "off" also reaches into native code (`signals`, `native`) and stops a half-computed token.

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

pub use board::Snapshot;
pub use config::EngineConfig;

use crate::error::Error;
use crate::meter::Meter;
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
pub struct Engine {
    messages: mpsc::Sender<Message>,
    signals: Arc<Signals>,
    board: Arc<Mutex<Board>>,
    interactive: Arc<Semaphore>,
    deferrable: Arc<Semaphore>,
    queue: usize,
}

impl Engine {
    /// Starts the thread; with `model` it is loaded at once.
    pub fn start(config: EngineConfig, model: Option<ModelFile>, book: Book) -> Result<(Self, JoinHandle<()>), Error> {
        let signals = Arc::new(Signals::default());
        let board = Arc::new(Mutex::new(Board {
            loading: model.is_some(),
            model: None,
            active: 0,
            waiting: 0,
            interactive: 0,
            budget: config.budget,
            error: None,
            meter: Meter::new(config.power),
        }));
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

    /// Queues a request. Dropping the receiver cancels it.
    pub fn submit(&self, request: Request) -> Result<UnboundedReceiver<Event>, Error> {
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

    /// Sets the watts the engine may draw; `None` is no limit, and less than the idle power stops it at once.
    pub fn set_budget(&self, budget: Option<f64>) {
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
    pub fn snapshot(&self) -> Snapshot {
        let now = stopwatch::now();
        let mut board = self.board();
        let rates = board.meter.rates(now);
        let duty = board.meter.power.duty(board.budget);
        let watts =
            if duty <= 0.0 && !board.meter.measures() { board.meter.power.idle } else { board.meter.watts(now) };
        Snapshot {
            model: board.model.clone(),
            loading: board.loading,
            active: board.active,
            waiting: board.waiting,
            interactive: board.interactive,
            budget: board.budget,
            duty,
            watts,
            measured: board.meter.measures(),
            tokens_per_second: rates.tokens_per_second,
            utilisation: rates.utilisation,
            busy_seconds: board.meter.busy.as_secs_f64(),
            error: board.error.clone(),
            beats: self.signals.beats(),
        }
    }

    /// Ends the thread, in the middle of a token if need be; unfinished requests fail.
    pub fn stop(&self) {
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
