//! One connection, its queue and its recovery.
//!
//! ```text
//!   closed --request--> open --answer or exception--> open
//!     ^                  | timeout, garbled, lost
//!     +---- back-off ----+        (requests meanwhile fail at once with the same words)
//! ```
//!
//! A connection that was closed since its last answer has not failed: some devices close it after each one, and are asked
//! again over a new one.

use super::fault::Fault;
use super::timing::Timing;
use super::wire::{self, Ask};
use crate::address::Address;
use crate::backoff::Backoff;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep};
use tokio_modbus::client::{Client, Context};

/// Requests that wait for one endpoint; askers wait beyond.
const QUEUE: usize = 64;

/// Where a run of registers begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The unit behind the address.
    pub unit: u8,
    /// The function: 3 reads holding registers, 4 input registers; 6 writes one register, 16 several.
    pub fc: u8,
    /// The first register as on the wire.
    pub start: u16,
}

struct Job {
    unit: u8,
    ask: Ask,
    timing: Timing,
    answer: oneshot::Sender<Result<Vec<u16>, Fault>>,
}

/// A handle on the one connection to an address. The connection ends with its last handle.
#[derive(Clone, Debug)]
pub struct Endpoint {
    writes: mpsc::Sender<Job>,
    reads: mpsc::Sender<Job>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("unit", &self.unit).field("ask", &self.ask).finish_non_exhaustive()
    }
}

type Known = BTreeMap<Address, (mpsc::WeakSender<Job>, mpsc::WeakSender<Job>)>;
static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());

impl Endpoint {
    /// The endpoint of this address: all who ask for the same address share one connection.
    pub fn open(address: &Address) -> Self {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((writes, reads)) = known.get(address)
            && let (Some(writes), Some(reads)) = (writes.upgrade(), reads.upgrade())
            && !writes.is_closed()
        {
            return Self { writes, reads };
        }
        known.retain(|_, (writes, _)| writes.upgrade().is_some());
        let (writes, write_jobs) = mpsc::channel(QUEUE);
        let (reads, read_jobs) = mpsc::channel(QUEUE);
        known.insert(address.clone(), (writes.downgrade(), reads.downgrade()));
        let line = Line {
            address: address.clone(),
            context: None,
            dirty: false,
            retry: None,
            ready: None,
            backoff: Backoff::below_another(),
            last: String::new(),
        };
        tokio::spawn(line.serve(write_jobs, read_jobs));
        Self { writes, reads }
    }

    /// Reads `count` registers.
    ///
    /// # Errors
    /// The device refuses, or no answer of the right length came in time.
    pub async fn read(&self, at: At, count: u16, timing: &Timing) -> Result<Vec<u16>, Fault> {
        let At { unit, fc, start } = at;
        ask(&self.reads, unit, Ask::Read { fc, start, count }, timing).await
    }

    /// Writes registers. Served before any waiting read.
    ///
    /// # Errors
    /// As for [`Endpoint::read`]; the registers may have been written all the same.
    pub async fn write(&self, at: At, words: Vec<u16>, timing: &Timing) -> Result<(), Fault> {
        let At { unit, fc, start } = at;
        ask(&self.writes, unit, Ask::Write { fc, start, words }, timing).await.map(|_| ())
    }
}

async fn ask(queue: &mpsc::Sender<Job>, unit: u8, ask: Ask, timing: &Timing) -> Result<Vec<u16>, Fault> {
    let (answer, answered) = oneshot::channel();
    let ended = || Fault::Lost("the connection's task has ended".to_owned());
    queue.send(Job { unit, ask, timing: *timing, answer }).await.map_err(|_| ended())?;
    answered.await.map_err(|_| ended())?
}

struct Line {
    address: Address,
    context: Option<Context>,
    dirty: bool,
    retry: Option<JoinHandle<()>>,
    ready: Option<Pin<Box<Sleep>>>,
    backoff: Backoff,
    last: String,
}

impl Line {
    async fn serve(mut self, mut writes: mpsc::Receiver<Job>, mut reads: mpsc::Receiver<Job>) {
        loop {
            let job = tokio::select! {
                biased;
                Some(job) = writes.recv() => job,
                Some(job) = reads.recv() => job,
                else => break,
            };
            // Nobody waits for the answer any more: the device is spared the request.
            if job.answer.is_closed() {
                continue;
            }
            let result = self.answer(&job).await;
            let _ = job.answer.send(result);
        }
        if let Some(mut context) = self.context.take() {
            let _ = tokio::time::timeout(Duration::from_secs(1), context.disconnect()).await;
        }
    }

    async fn answer(&mut self, job: &Job) -> Result<Vec<u16>, Fault> {
        let reused = self.context.is_some();
        let result = self.attempt(job).await;
        if !reused || !matches!(result, Err(Fault::Lost(_))) {
            return result;
        }
        self.retry = None;
        self.attempt(job).await
    }

    async fn attempt(&mut self, job: &Job) -> Result<Vec<u16>, Fault> {
        let Some(mut context) = self.connected(&job.timing).await? else {
            return Err(Fault::Lost(self.last.clone()));
        };
        if let Some(ready) = self.ready.take() {
            ready.await;
        }
        let result = wire::call(&mut context, job.unit, &job.ask, &job.timing).await;
        let settle = if matches!(job.ask, Ask::Write { .. }) { job.timing.settle_ms } else { 0 };
        self.ready = Some(Box::pin(sleep(Duration::from_millis(job.timing.min_gap_ms.max(settle)))));
        match &result {
            Ok(_) | Err(Fault::Exception(_)) => self.context = Some(context),
            Err(fault @ (Fault::Timeout(_) | Fault::Garbled(_) | Fault::Lost(_))) => {
                self.dirty = !matches!(fault, Fault::Lost(_));
                self.fail(fault.to_string());
            }
        }
        result
    }

    /// The open connection, opened anew where the back-off allows it; `None` while it does not.
    async fn connected(&mut self, timing: &Timing) -> Result<Option<Context>, Fault> {
        if let Some(context) = self.context.take() {
            return Ok(Some(context));
        }
        if self.retry.as_ref().is_some_and(|retry| !retry.is_finished()) {
            return Ok(None);
        }
        match wire::open(&self.address, timing, self.dirty).await {
            Ok(context) => {
                self.dirty = false;
                Ok(Some(context))
            }
            Err(fault) => {
                self.fail(fault.to_string());
                Err(fault)
            }
        }
    }

    fn fail(&mut self, why: String) {
        tracing::debug!(address = %self.address, why, "modbus connection dropped");
        self.last = why;
        self.retry = Some(tokio::spawn(sleep(self.backoff.step())));
    }
}
