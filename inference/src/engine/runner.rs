//! The engine's thread: it takes one turn after another.
//!
//! ```text
//! messages --> waiting --admit--> active --step--> tokens --> receipt
//!                 ^                 |
//!                 +------park-------+  preemption: deferrable work makes room, or another expert is asked for
//! ```
//!
//! A turn reads the messages, drops what nobody listens to, admits requests to free slots, computes one batch (a
//! *step*), sends what came out of it, and sets the moment before which the next one may not begin. A batch that was
//! stopped leaves nothing behind: its tokens are pending again.
//!
//! Example: two slots, a machine of 20 to 120 W, a budget of 45 W, so a duty of 0.25. A long job X is active when the
//! question Q comes. Turn 1: Q gets the second slot; only Q's prompt is in the batch, because somebody waits for it.
//! The batch takes 40 ms, so the next one may begin 120 ms later; until then the thread only reads messages. In the
//! pause another question R comes and no slot is free: in turn 2 X is parked with its tokens, R gets its slot. X
//! gets a slot again when one of them is answered, and computes when both are. When the budget becomes 120 W the pause is dropped; when it becomes 0 W in the
//! middle of a step, that step is stopped and taken back.

use super::board::Board;
use super::config::EngineConfig;
use super::model::Model;
use super::native::Decoded;
use super::queue::Queue;
use super::sequence::Sequence;
use super::signals::Signals;
use super::step::Step;
use super::work::{Book, Booking, Finish, ModelFile};
use crate::error::Error;
use crate::stopwatch;
use crate::throttle::pause_after;
use llama_cpp_2::token::data::LlamaTokenData;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The thread shows that it is alive at least this often: the gateway asks twice a second.
const BEAT: Duration = Duration::from_millis(500);

/// A message to the thread.
pub(super) enum Message {
    Serve(Box<Sequence>),
    /// Something in the shared state has changed.
    Look,
}

pub(super) struct Runner {
    config: EngineConfig,
    inbox: Receiver<Message>,
    signals: Arc<Signals>,
    board: Arc<Mutex<Board>>,
    book: Book,
    waiting: Queue,
    // Before `model`: samplers point into the model.
    active: Vec<Sequence>,
    model: Option<Model>,
    /// Answers that fit side by side: fewer than configured after the memory had no room, until one of them ends.
    room: usize,
    space: Vec<LlamaTokenData>,
    /// Share of the time in which it may compute.
    duty: f64,
    /// Before this moment no step begins.
    resume: Option<Instant>,
    /// The end of the step before; `None` after a time without work, whose energy is nobody's.
    cycle: Option<Instant>,
}

impl Runner {
    pub(super) fn new(
        config: EngineConfig,
        inbox: Receiver<Message>,
        signals: Arc<Signals>,
        board: Arc<Mutex<Board>>,
        book: Book,
    ) -> Self {
        Self {
            room: config.parallel,
            config,
            inbox,
            signals,
            board,
            book,
            waiting: Queue::default(),
            active: Vec::new(),
            model: None,
            space: Vec::new(),
            duty: 1.0,
            resume: None,
            cycle: None,
        }
    }

    /// Runs until it is stopped or nobody holds the engine any more.
    pub(super) fn run(mut self, model: Option<ModelFile>) {
        if let Some(model) = model {
            // The error is on the board, and every request for this model will hear it again.
            let _ = self.load(&model);
        }
        while !self.signals.stopped() && self.listen() {
            self.signals.beat();
            self.look_at_budget();
            self.sweep();
            if self.duty > 0.0 && self.resume.is_none() {
                self.admit();
                self.step();
            }
            self.show();
        }
        for sequence in self.active.drain(..).chain(self.waiting.drain()) {
            if let Some(served) = sequence.fail(Error::Engine("the worker is shutting down".into())) {
                (self.book)(Booking { served, last: None });
            }
        }
    }

    /// Reads every message there is, and waits for one while there is nothing to compute; false when all handles are
    /// gone.
    fn listen(&mut self) -> bool {
        let now = stopwatch::now();
        if self.resume.is_some_and(|resume| resume <= now) {
            self.resume = None;
        }
        let idle = self.active.is_empty() && self.waiting.head().is_none();
        let mut patience = match self.resume {
            _ if idle || self.duty <= 0.0 => {
                self.cycle = None;
                BEAT
            }
            Some(resume) => resume.duration_since(now).min(BEAT),
            None => Duration::ZERO,
        };
        loop {
            match self.inbox.recv_timeout(patience) {
                Ok(Message::Serve(sequence)) => self.receive(*sequence),
                Ok(Message::Look) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            patience = Duration::ZERO;
        }
        self.resume = self.resume.filter(|&resume| resume > stopwatch::now());
        true
    }

    /// Takes a new request into the queue.
    fn receive(&mut self, mut sequence: Sequence) {
        // A prompt that cannot be served is refused at once, even without power.
        let model = self.model.as_ref().filter(|model| model.file == sequence.request.model);
        if let Some(Err(error)) = model.map(|model| model.tokenise(&mut sequence)) {
            sequence.fail(error);
            return;
        }
        self.waiting.add(sequence);
    }

    /// A new budget ends the pause that the old one demanded.
    fn look_at_budget(&mut self) {
        let board = self.board();
        let duty = board.meter.power.duty(board.budget);
        drop(board);
        if duty != self.duty {
            self.duty = duty;
            self.resume = None;
        }
    }

    /// Drops requests that nobody listens to, and ends such answers.
    fn sweep(&mut self) {
        self.waiting.drop_abandoned();
        for at in (0..self.active.len()).rev() {
            if self.active[at].abandoned() {
                self.active[at].finish = Some(Finish::Cancelled);
            }
        }
        self.close_finished();
    }

    /// Gives slots to those that wait, as far as there are any. Somebody who waits gets the slot of a deferrable
    /// answer, and the model's place where only deferrable answers are made with it.
    fn admit(&mut self) {
        while let Some(head) = self.waiting.head() {
            let urgent = head.interactive();
            if self.model.as_ref().is_none_or(|model| model.file != head.request.model) {
                let gives_way = urgent && self.active.iter().all(|sequence| !sequence.interactive());
                if !(self.active.is_empty() || gives_way) {
                    return;
                }
                let model = head.request.model.clone();
                while self.park_one() {}
                if let Err(error) = self.load(&model) {
                    self.refuse(&model, &error);
                    continue;
                }
            }
            if self.active.len() >= self.room && !(urgent && self.park_one()) {
                return;
            }
            let (Some(mut sequence), Some(model)) = (self.waiting.take(), self.model.as_mut()) else { return };
            match model.seat(&mut sequence) {
                Ok(()) => {
                    sequence.admit(stopwatch::now());
                    self.active.push(sequence);
                }
                Err(error) => {
                    sequence.fail(error);
                }
            }
        }
    }

    /// Sends the youngest deferrable answer back to wait; false where there is none.
    fn park_one(&mut self) -> bool {
        let Some(at) = self.active.iter().rposition(|sequence| !sequence.interactive()) else { return false };
        let mut sequence = self.active.remove(at);
        if let Some(model) = &mut self.model {
            model.leave(&mut sequence);
        }
        self.waiting.take_back(sequence);
        true
    }

    /// Reads a model in place of the one in memory, which nobody is active on.
    fn load(&mut self, model: &ModelFile) -> Result<(), Error> {
        self.model = None;
        self.room = self.config.parallel;
        let mut board = self.board();
        (board.model, board.loading) = (None, true);
        drop(board);
        let result = Model::load(model, &self.config, &self.signals);
        let mut board = self.board();
        board.loading = false;
        board.error = result.as_ref().err().map(ToString::to_string);
        board.model = result.is_ok().then(|| model.clone());
        drop(board);
        self.model = Some(result?);
        Ok(())
    }

    /// Fails all requests for a model that cannot be loaded.
    fn refuse(&mut self, model: &ModelFile, error: &Error) {
        for sequence in self.waiting.remove_all_for(model) {
            sequence.fail(Error::Load { path: model.path.clone(), why: error.to_string() });
        }
    }

    /// Computes one batch, if there is anything to compute.
    fn step(&mut self) {
        let Some(mut step) = Step::plan(&self.active, self.duty < 1.0) else { return };
        let start = stopwatch::now();
        if self.cycle.is_none() {
            self.board().meter.begin();
        }
        self.signals.begin_step(step.deferrable(&self.active));
        let Some(model) = &mut self.model else { return };
        let decoded = step.decode(&mut model.context);
        match decoded {
            Decoded::Done => step.take_tokens(&mut self.active, model, &mut self.space),
            Decoded::Aborted | Decoded::NoRoom | Decoded::Failed(_) => step.roll_back(&mut self.active, model),
        }
        self.account(start, &step);
        match decoded {
            Decoded::Done | Decoded::Aborted => {}
            Decoded::NoRoom => self.make_room(),
            Decoded::Failed(code) => self.give_up(&step, code),
        }
        self.close_finished();
    }

    /// The memory is sized so that every answer fits; a model with a memory of its own kind may still refuse.
    fn make_room(&mut self) {
        if self.active.len() > 1 && self.park_one() {
            self.room = self.active.len();
        } else if let Some(sequence) = self.active.last_mut() {
            sequence.finish = Some(Finish::Length);
        }
    }

    /// Fails the answers of a step that llama.cpp broke off, and frees their slots.
    fn give_up(&mut self, step: &Step, code: i32) {
        let message = format!("llama.cpp failed with code {code}");
        tracing::error!(code, "llama.cpp failed");
        self.board().error = Some(message.clone());
        for at in step.computed().rev() {
            let mut sequence = self.active.remove(at);
            if let Some(model) = &mut self.model {
                sequence.kept = model.context.cut(sequence.slot, 0);
                model.leave(&mut sequence);
            }
            if let Some(served) = sequence.fail(Error::Engine(message.clone())) {
                (self.book)(Booking { served, last: None });
            }
        }
    }

    /// Books the step and decides on the pause after it.
    fn account(&mut self, start: Instant, step: &Step) {
        let end = stopwatch::now();
        let busy = end.duration_since(start);
        let cycle = end.duration_since(self.cycle.unwrap_or(start));
        let joules = self.board().meter.step(end, busy, cycle, step.tokens);
        step.charge(&mut self.active, joules, busy);
        self.cycle = Some(end);
        let pause = pause_after(busy, self.duty);
        self.resume = (!pause.is_zero()).then(|| end + pause);
    }

    /// Sends the last event of answers that are complete, by way of the books.
    fn close_finished(&mut self) {
        for at in (0..self.active.len()).rev() {
            let Some(finish) = self.active[at].finish else { continue };
            let mut sequence = self.active.remove(at);
            self.room = self.config.parallel;
            if let Some(model) = &mut self.model {
                model.leave(&mut sequence);
            }
            let (served, events, done) = sequence.end(finish, stopwatch::now());
            (self.book)(Booking { served, last: Some((events, done)) });
        }
    }

    /// Writes on the board what is under way.
    fn show(&self) {
        let active = self.active.iter().filter(|sequence| sequence.interactive()).count();
        let mut board = self.board();
        board.active = self.active.len();
        board.waiting = self.waiting.len();
        board.interactive = self.waiting.interactive() + active;
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
