//! The engine's process: started, watched, fed with a budget, and started again when it crashes, hangs or is killed.
//!
//! ```text
//!   Starting --ready--> Serving --crash, hang--> Waiting (1 s, 2 s, .. 60 s) --> Starting
//! ```
//!
//! Its receipts are read from the beginning in every life, and told once: a worker that lost some with its last life counts
//! on from where its file ends, so its numbers alone do not say what is new.
//!
//! The process ends by itself when the gateway is gone: its standard input is a pipe that then closes. Its budget ends by
//! itself too, when nobody renews it.

use crate::clock::Clock;
use crate::feeder::Feeder;
use inference::client;
use plant::event::Event;
use plant::site::WorkPrices;
use plant::told::Told;
use plant::units::{Eur, KilowattHours, Watts};
use plant::work::{Receipt, WorkerState, WorkerStatus};
use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Receipt ids that are remembered. The worker keeps no more than half as many that were read.
pub const REMEMBERED: usize = 10_000;
/// How often the worker is asked how it is.
const ASK_INTERVAL: Duration = Duration::from_millis(500);
/// A worker that answers nothing for this long hangs.
const HANG: Duration = Duration::from_secs(6);
/// A worker may take this long to load its model.
const START: Duration = Duration::from_secs(180);
/// How long a worker may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(3);
/// Waits between two starts.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A worker that served this long has its back-off forgiven.
const FORGIVEN: Duration = Duration::from_secs(60);

/// How to start the worker; `None` in [`Supervisor::launch`] where it runs elsewhere.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// What the supervisor works with.
#[derive(Debug)]
pub struct Supervisor {
    /// How to start the worker.
    pub launch: Option<Launch>,
    /// The worker's interface.
    pub worker: client::Worker,
    /// House time.
    pub clock: Clock,
    /// What the work pays.
    pub prices: WorkPrices,
    /// Receipts the books already hold.
    pub booked: Told,
    /// Gives it the power that it may draw.
    pub feeder: Feeder,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// Restarts so far.
    pub restarts: u32,
    /// Number of the last receipt read.
    pub receipts_read: u64,
}

impl Supervisor {
    /// Keeps the worker running until `shutdown`, then ends it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut wait = BACK_OFF.0;
        while !shutdown.is_cancelled() {
            let began = Instant::now();
            self.tell(WorkerState::Starting, None).await;
            let Some(end) = self.one_life(&shutdown).await else { break };
            if began.elapsed() > FORGIVEN {
                wait = BACK_OFF.0;
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
        self.receipts_read = 0;
        let Some(launch) = &self.launch else {
            let end = shutdown.run_until_cancelled(self.serve()).await?;
            self.down(&end).await;
            return Some(end);
        };
        let (mut child, leash) = match start(launch) {
            Ok(started) => started,
            Err(error) => {
                let end = format!("cannot be started: {error}");
                self.down(&end).await;
                return Some(end);
            }
        };
        let end = tokio::select! {
            end = self.serve() => end,
            status = child.wait() => match status {
                Ok(status) => format!("ended with {status}"),
                Err(error) => format!("cannot be watched: {error}"),
            },
            () = shutdown.cancelled() => {
                stop(child, leash).await;
                return None;
            }
        };
        // Said before its end is waited for: from here on nothing runs.
        self.down(&end).await;
        let _ = child.kill().await;
        Some(end)
    }

    async fn down(&mut self, why: &str) {
        self.restarts += 1;
        self.feeder.gone();
        self.tell(WorkerState::Down, Some(why.to_owned())).await;
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
            match tokio::time::timeout(patience, self.worker.status()).await {
                Ok(Ok(status)) => {
                    answered = Some(Instant::now());
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
        self.collect_receipts().await;
    }

    async fn collect_receipts(&mut self) {
        let Ok(Ok(receipts)) = tokio::time::timeout(HANG / 2, self.worker.receipts(self.receipts_read)).await else {
            return;
        };
        for served in receipts {
            let sequence = served.sequence;
            if self.booked.insert(&served.id) {
                let receipt = Event::Receipt(Box::new(self.priced(served)));
                if self.events.send(receipt).await.is_err() {
                    return;
                }
            }
            self.receipts_read = sequence;
        }
    }

    /// A receipt in house time, with its price; the household's own questions count at the value the owner gave them.
    fn priced(&self, served: client::Receipt) -> Receipt {
        let joules = served.joules * self.clock.speed();
        let price = if served.interactive {
            KilowattHours::from_joules(joules) * self.prices.interactive
        } else {
            let tokens_in = served.tokens_in as f64 * self.prices.eur_per_mtok_in;
            Eur((tokens_in + served.tokens_out as f64 * self.prices.eur_per_mtok_out) / 1e6)
        };
        Receipt {
            id: served.id,
            expert: served.expert,
            interactive: served.interactive,
            tokens_in: served.tokens_in,
            tokens_out: served.tokens_out,
            joules,
            price,
            finished_at: self.clock.now(),
        }
    }

    async fn tell(&self, state: WorkerState, error: Option<String>) {
        // A process that has ended draws nothing; one elsewhere that is out of reach has lost its budget within seconds.
        let power = (state == WorkerState::Down).then_some(Watts::ZERO);
        let status = WorkerStatus { state, restarts: self.restarts, error, power, ..WorkerStatus::default() };
        let _ = self.events.send(Event::Worker(Box::new(status))).await;
    }
}

/// Starts the worker. Its standard input is its leash: kept apart from the child, whose `wait` would close it.
fn start(launch: &Launch) -> std::io::Result<(Child, Option<ChildStdin>)> {
    let mut child = Command::new(&launch.program)
        .args(&launch.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let leash = child.stdin.take();
    Ok((child, leash))
}

/// Lets go of the worker's leash, which asks it to end, and kills it where it does not.
async fn stop(mut child: Child, leash: Option<ChildStdin>) {
    drop(leash);
    if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
