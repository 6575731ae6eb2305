//! The keeper of the debts: has them on the disk before a device is written to, beside the loop, which does nothing of it.
//!
//! ```text
//!   devices --owe, settle--> keeper --debts.json, debts.backup.json--> disk
//!        ^------- done ---------+                                       `done` is answered when both are synced
//! ```
//!
//! Invariant: the task of a device is the only writer of its debts, and the channel keeps the sequence. So a "settled" that comes
//! late settles the debt that it is about and no newer one: whoever waits for `done` has sent nothing behind it.
//!
//! In an example: the disk is full, and the battery is to hold. The debt cannot be written, `done` says so in words, and nothing is
//! sent to the battery; the core hears "not sent: it could not be remembered (no space left on device)". A settled debt that cannot
//! be written down is tried again every ten seconds; a next start that finds it gives the device back once more.
//!
//! The keeper ends when the last device has.

mod place;

pub use place::{Placed, place};

use crate::clock::Clock;
use crate::store::{DebtBook, Owed, Twice};
use chrono_tz::Tz;
use drivers::debt::{Debt, DebtEntry, Debts};
use drivers::device::DeviceConfig;
use plant::point::DeviceId;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

/// Entries that may wait for the disk. Each control has one on its way at most, and a settled debt before it.
const WAITING_MAX: usize = 256;
/// Entries that are written together.
const BATCH: usize = 64;
/// What the disk did not take is tried again after this time.
const RETRY: Duration = Duration::from_secs(10);

/// Writes debts down.
#[derive(Debug)]
pub struct DebtKeeper {
    file: Twice,
    book: DebtBook,
    /// Whether the disk holds something else than the book.
    unwritten: bool,
    /// The debts that nobody can carry out, or may never be able to.
    stranded: Vec<Owed>,
    clock: Clock,
    timezone: Tz,
    entries: mpsc::Receiver<DebtEntry>,
    confirmed: mpsc::Receiver<Confirmed>,
    all: watch::Sender<Vec<Debt>>,
}

/// Somebody has seen what is lost and what cannot be given back; whether that could be written down.
type Confirmed = oneshot::Sender<Result<(), String>>;

/// The ways to the keeper.
#[derive(Clone, Debug)]
pub struct Ways {
    /// Where debts are written down. The keeper ends when all of these are dropped.
    pub entries: mpsc::Sender<DebtEntry>,
    /// Where it is confirmed what nobody can give back.
    pub confirmed: mpsc::Sender<Confirmed>,
    /// All debts.
    pub all: watch::Receiver<Vec<Debt>>,
    /// Whether debts of an earlier run are lost.
    pub lost: bool,
}

impl DebtKeeper {
    /// A keeper of `book` in `file`; `placed` says who carries the debts out.
    pub fn new(file: Twice, book: DebtBook, placed: &Placed, clock: Clock, timezone: Tz) -> (Self, Ways) {
        let (sender, entries) = mpsc::channel(WAITING_MAX);
        let (confirm, confirmed) = mpsc::channel(1);
        let all = watch::Sender::new(book.debts.clone());
        let ways = Ways { entries: sender, confirmed: confirm, all: all.subscribe(), lost: book.lost };
        let gone = book.debts.iter().filter(|debt| placed.gone.iter().any(|config| config.id == debt.device));
        let stranded = placed.stranded.iter().map(|(debt, _)| debt).chain(gone);
        let stranded = stranded.map(|debt| (debt.device.clone(), debt.control)).collect();
        (Self { file, book, unwritten: true, stranded, clock, timezone, entries, confirmed, all }, ways)
    }

    /// Writes down what comes, until all devices have ended.
    pub async fn run(mut self) {
        let _ = self.write(self.book.clone()).await;
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                count = self.entries.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    self.take(std::mem::take(&mut batch)).await;
                }
                Some(done) = self.confirmed.recv() => self.forget(done).await,
                () = sleep(RETRY), if self.unwritten => drop(self.write(self.book.clone()).await),
            }
        }
        if self.unwritten {
            let _ = self.write(self.book.clone()).await;
        }
    }

    /// Writes entries down and answers them. What was settled counts even where the disk does not take it; what is owed does not.
    async fn take(&mut self, batch: Vec<DebtEntry>) {
        let today = self.clock.now().with_timezone(&self.timezone).date_naive();
        let (mut next, mut settled, mut waiting) = (self.book.clone(), self.book.clone(), Vec::new());
        for entry in batch {
            match entry {
                DebtEntry::Owe { debt, cost, done } => match next.owe(debt, cost, today) {
                    Ok(()) => waiting.push(done),
                    Err(words) => answer(done, Err(words)),
                },
                DebtEntry::Settle { device, control } => {
                    next.settle(&device, control);
                    settled.settle(&device, control);
                }
            }
        }
        let written = if next == self.book && !self.unwritten { Ok(()) } else { self.write(next).await };
        if let Err(error) = &written {
            tracing::warn!(%error, "the debts cannot be written");
            self.keep(settled);
        }
        for done in waiting {
            let words = |error: &io::Error| format!("it could not be remembered ({error})");
            answer(done, written.as_ref().copied().map_err(words));
        }
    }

    /// Forgets what is lost and what nobody can carry out.
    async fn forget(&mut self, done: Confirmed) {
        let mut next = self.book.clone();
        next.lost = false;
        self.stranded.iter().for_each(|(device, control)| next.settle(device, *control));
        let written = self.write(next).await;
        answer(
            done,
            written.map_err(|error| format!("it could not be written down that you have seen this ({error})")),
        );
    }

    /// Writes `next`, which is the book from then on; where the disk does not take it, the book stays.
    async fn write(&mut self, next: DebtBook) -> io::Result<()> {
        self.unwritten = true;
        self.file.write_aside(next.clone()).await?;
        self.unwritten = false;
        self.keep(next);
        Ok(())
    }

    fn keep(&mut self, book: DebtBook) {
        self.book = book;
        self.all.send_if_modified(|all| {
            let changed = *all != self.book.debts;
            if changed {
                all.clone_from(&self.book.debts);
            }
            changed
        });
    }
}

/// Whoever asked may have gone.
fn answer(done: oneshot::Sender<Result<(), String>>, result: Result<(), String>) {
    let _ = done.send(result);
}

impl Ways {
    /// The way of one device.
    pub fn of(&self, DeviceConfig { id, controls, .. }: &DeviceConfig) -> Debts {
        let known = self.all.borrow().iter().filter(|debt| debt.device == *id).cloned().collect();
        let lost = if self.lost { controls.clone() } else { BTreeSet::new() };
        Debts { known, lost, entries: self.entries.clone() }
    }
}

/// The controls of `devices` that may still hold one of our settings, as `device (control)`.
pub fn owed(all: &[Debt], devices: &BTreeSet<DeviceId>) -> Vec<String> {
    let there = all.iter().filter(|debt| devices.contains(&debt.device));
    there.map(|debt| format!("{} ({})", debt.device, debt.control)).collect()
}

#[cfg(test)]
mod tests;
