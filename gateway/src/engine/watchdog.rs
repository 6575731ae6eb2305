//! The watchdog of the engine: starts its process, asks it how it is, and starts it again, with a back-off, when it
//! crashes, hangs or is killed.
//!
//! ```text
//!   Starting --ready--> Serving --crash, hang--> Waiting (1 s, 2 s, .. 60 s) --> Starting
//! ```
//!
//! Example: an engine that dies at every start is tried after 1, 2, 4, 8, 16, 32, 60, 60 .. seconds. One that served before it
//! died is tried after 4 seconds at the most, and after one second where it served for a minute.
//!
//! One that did not answer from its start to its end is down, and stays so through the next start until it answers: a machine that is
//! switched off is not starting all night.
//!
//! Receipts are read whenever it has answered; [`Receipts`] has the rest.
//!
//! The process ends by itself when the gateway is gone: its standard input is a pipe that then closes. Its budget ends by
//! itself too, when nobody renews it.

use super::feeder::Feeder;
use super::interface::Engine;
use super::receipts::Receipts;
use inference::client;
use plant::event::Event;
use plant::units::Watts;
use plant::work::{WorkerState, WorkerStatus};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the worker is asked how it is.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// A worker that answers nothing for this long hangs.
const HANG: Duration = Duration::from_secs(6);
/// A worker may take this long to load its model.
const START: Duration = Duration::from_secs(180);
/// Waits between two starts.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The longest wait after a worker that had loaded its model: somebody ended it, or a question did.
const BACK_OFF_SERVED: Duration = Duration::from_secs(4);
/// A worker that served this long has its back-off forgiven.
const FORGIVEN: Duration = Duration::from_secs(60);

/// The watchdog of one engine.
#[derive(Debug)]
pub struct Watchdog<E> {
    /// What is watched.
    pub engine: E,
    /// What it has served, on its way into the books.
    pub receipts: Receipts,
    /// Gives it the power that it may draw.
    pub feeder: Feeder<E>,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// Restarts so far.
    pub restarts: u32,
    /// When it answered for the first time since its start.
    pub ready_at: Option<Instant>,
    /// Whether it had loaded its model since its start.
    pub served: bool,
}

impl<E: Engine> Watchdog<E> {
    /// Keeps the worker running until `shutdown`, then ends it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut wait = BACK_OFF.0;
        let mut silent = false;
        while !shutdown.is_cancelled() {
            (self.ready_at, self.served) = (None, false);
            if !silent {
                self.report(WorkerState::Starting, None).await;
            }
            let Some(end) = self.one_life(&shutdown).await else { break };
            silent = self.ready_at.is_none();
            if self.ready_at.is_some_and(|at| at.elapsed() > FORGIVEN) {
                wait = BACK_OFF.0;
            }
            if self.served {
                wait = wait.min(BACK_OFF_SERVED);
            }
            tracing::warn!(why = end, wait_s = wait.as_secs(), "the engine is started again");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => break,
            }
            wait = (wait * 2).min(BACK_OFF.1);
        }
    }

    /// From start to end of one process, or of one connection to a worker elsewhere; returns what ended it,
    /// or nothing where that was `shutdown`.
    async fn one_life(&mut self, shutdown: &CancellationToken) -> Option<String> {
        self.receipts.begin();
        let mut process = match self.engine.start() {
            Ok(process) => process,
            Err(error) => {
                let end = format!("cannot be started: {error}");
                self.down(&end).await;
                return Some(end);
            }
        };
        let end = tokio::select! {
            end = self.serve() => end,
            end = process.ended() => end,
            () = shutdown.cancelled() => {
                process.stop().await;
                return None;
            }
        };
        // Said before its end is waited for: from here on nothing runs.
        self.down(&end).await;
        process.kill().await;
        Some(end)
    }

    async fn down(&mut self, why: &str) {
        self.restarts += 1;
        self.feeder.gone();
        self.report(WorkerState::Down, Some(why.to_owned())).await;
    }

    /// Waits until the worker is ready, then feeds it and asks it until it no longer answers.
    async fn serve(&mut self) -> String {
        let ready = CancellationToken::new();
        let mut feeder = self.feeder.clone();
        tokio::select! {
            end = self.ask(ready.clone()) => end,
            () = feeder.feed(ready) => std::future::pending().await,
        }
    }

    /// Asks the worker how it is until it no longer answers; `ready` when it does for the first time.
    async fn ask(&mut self, ready: CancellationToken) -> String {
        let began = Instant::now();
        let mut answered: Option<Instant> = None;
        let mut ticks = tokio::time::interval(ASK_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // One that answers nothing in this time hangs, whatever it was asked.
            let patience = answered.map_or(HANG / 2, |at| HANG.saturating_sub(at.elapsed()).max(ASK_INTERVAL));
            match tokio::time::timeout(patience, self.engine.status()).await {
                Ok(Ok(status)) => {
                    answered = Some(Instant::now());
                    self.ready_at = self.ready_at.or(answered);
                    ready.cancel();
                    self.take(status).await;
                }
                Ok(Err(_)) | Err(_) => match answered {
                    None if began.elapsed() > START => return format!("not ready within {} s", START.as_secs()),
                    Some(at) if at.elapsed() > HANG => return format!("no answer for {} s", HANG.as_secs()),
                    None | Some(_) => {}
                },
            }
        }
    }

    async fn take(&mut self, status: client::Status) {
        // An engine without an expert that can be read serves nobody, with however much power.
        let broken = status.expert.is_none() && status.error.is_some();
        let state = match status.state {
            _ if broken => WorkerState::Down,
            client::State::Loading => WorkerState::Starting,
            client::State::Idle => WorkerState::Idle,
            client::State::Busy => WorkerState::Busy,
            client::State::Paused => WorkerState::Paused,
        };
        self.served |= matches!(state, WorkerState::Idle | WorkerState::Busy | WorkerState::Paused);
        let status = WorkerStatus {
            state,
            expert: status.expert,
            power: Some(Watts(status.power_w)),
            tokens_per_second: status.tokens_per_second,
            restarts: self.restarts,
            error: status.error,
        };
        // The loop is never waited for: the next status is half a second away.
        let _ = self.events.try_send(Event::Worker(Box::new(status)));
        self.receipts.collect(&self.engine, HANG / 2).await;
    }

    async fn report(&self, state: WorkerState, error: Option<String>) {
        // A process that has ended draws nothing; one elsewhere that is out of reach has lost its budget within seconds.
        let power = (state == WorkerState::Down).then_some(Watts::ZERO);
        let status = WorkerStatus { state, restarts: self.restarts, error, power, ..WorkerStatus::default() };
        let _ = self.events.send(Event::Worker(Box::new(status))).await;
    }
}

#[cfg(test)]
#[path = "watchdog_test.rs"]
mod tests;
