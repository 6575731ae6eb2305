//! Keeps the books through bad days: what cannot be written waits, in order, and no record shows it as booked before it
//! is.
//!
//! Terms. The *ledger* holds entries for ever; the *checkpoint* is the running state, written over twice a minute, and at once
//! when a slot has closed or somebody has commanded something; the *sums* are what a record shows of both: energy, and the
//! earnings of day, month and all time.
//!
//! Records show the sums of the newest checkpoint that is on the disk, so that no restart, kill or power cut lets them fall.
//! Example: at 10:14:00 a checkpoint holds 3.20 EUR; until 10:14:30 all records show that. The power fails at 10:14:29: the
//! next start goes on from 3.20 EUR, and half a minute is lost. Written each second it would be 357 MB a day, more than a card
//! bears for years; so it is less than 20 MB. In a house whose time runs faster it is half a minute of the house's time, but no
//! more than twice a second.
//!
//! Example: the disk is full at 10:15. The slot's entry waits in memory, and so does every later one; records go on
//! showing the 3.20 EUR of 10:14, with the problem in words. Room is made at 11:00: with the next checkpoint all four
//! entries are written in order, then the checkpoint, and records show 3.35 EUR. A checkpoint is never ahead of the
//! ledger: after a crash the chain would go on from an entry that is not there.
//!
//! What waits is kept in memory, a few megabytes for a month without room on the disk.

mod settled;

pub use settled::Settled;

use crate::store::{History, Ledger, LedgerError, StateStore};
use plant::checkpoint::Checkpoint;
use plant::entry::{Booking, Entry, Head};
use plant::journals::Journals;
use plant::ledger;
use plant::record::{Gains, Record};
use plant::site::Site;
use plant::totals::{Earnings, EnergyTotals, Totals};
use plant::work::Receipt;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The running state is written at most this often, in house time: a crash loses no more than that.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);
/// The same on the machine's clock where the house's runs fast.
const SAVE_INTERVAL_MIN: Duration = Duration::from_millis(500);

/// The ledger and the running state, with what waits for them.
#[derive(Debug)]
pub struct Books {
    ledger: Ledger,
    state: StateStore,
    /// What the slots become, of which house; `None` where nothing is kept of them.
    history: Option<(History, Site)>,
    waiting: VecDeque<Entry>,
    newest: Option<Checkpoint>,
    saved_at: Option<Instant>,
    save_interval: Duration,
    problem: Option<String>,
    /// Those that the disk holds.
    durable: Option<Sums>,
    /// Receipts that the core has taken, and of them those that are on the disk.
    taken: Settled,
    settled: watch::Sender<Settled>,
}

/// What a record says of the books.
#[derive(Clone, Copy, Debug)]
struct Sums {
    energy: EnergyTotals,
    earnings: [Earnings; 3],
}

impl Books {
    /// Books over open files, of a house whose time runs `speed` times as fast as the machine's.
    pub fn new(ledger: Ledger, state: StateStore, speed: f64) -> Self {
        let save_interval = SAVE_INTERVAL.div_f64(speed.max(1.0)).max(SAVE_INTERVAL_MIN);
        let (waiting, newest, saved_at, problem, durable) = (VecDeque::new(), None, None, None, None);
        let (taken, settled) = (Settled::default(), watch::Sender::default());
        let history = None;
        Self { ledger, state, history, waiting, newest, saved_at, save_interval, problem, durable, taken, settled }
    }

    /// The same with the history of `site`, which follows the ledger.
    pub fn with_history(self, history: History, site: Site) -> Self {
        Self { history: Some((history, site)), ..self }
    }

    /// The same, where earlier runs have booked the `journals` of receipts so far.
    pub fn after(self, journals: Journals) -> Self {
        let taken = Settled::of(journals);
        self.settled.send_replace(taken.clone());
        Self { taken, ..self }
    }

    /// Which receipts are done with, to be watched.
    pub fn settled(&self) -> watch::Receiver<Settled> {
        self.settled.subscribe()
    }

    /// Whether a receipt with a place in a journal has not come before.
    pub fn lacks(&self, receipt: &Receipt) -> bool {
        receipt.position.is_some() && !self.taken.holds(receipt)
    }

    /// The core has taken a receipt; what it books of it was appended.
    pub fn took(&mut self, receipt: &Receipt) {
        self.taken.take(receipt);
        self.settle();
    }

    /// Books an entry behind those that wait.
    pub fn append(&mut self, entry: Entry) {
        // What a closed slot has earned is shown at once.
        if matches!(ledger::booking(&entry), Ok(Booking::Slot(_))) {
            self.hurry();
        }
        self.waiting.push_back(entry);
        self.flush();
    }

    /// Takes the newest running state; it is written when the last writing is long enough ago.
    pub fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.newest = Some(checkpoint);
        if !self.is_flushed() {
            self.flush();
        }
        if self.saved_at.is_none_or(|at| at.elapsed() >= self.save_interval) {
            self.save();
        }
    }

    /// Has the next running state written at once.
    fn hurry(&mut self) {
        self.saved_at = None;
    }

    /// Whether everything booked is on the disk.
    fn is_flushed(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Puts the sums into a record that the disk holds; before the first writing those that the start has found.
    pub fn put_booked_sums(&mut self, record: &mut Record) {
        let found = Sums { energy: record.energy, earnings: [record.today, record.month, record.total] };
        let Sums { energy, earnings } = *self.durable.get_or_insert(found);
        record.energy = energy;
        [record.today, record.month, record.total] = earnings;
        let [today, month, total] = &earnings;
        record.gains = Gains::of(today, month, total, record.gains.yesterday.take());
    }

    /// What keeps the books from being written, in words.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Writes what waits and the newest running state. A running state that is ahead of the ledger is not written: the
    /// chain would go on from an entry that is not there.
    pub fn save(&mut self) {
        self.flush();
        if !self.is_flushed() {
            return;
        }
        let Some(checkpoint) = self.newest.take() else { return };
        self.saved_at = Some(Instant::now());
        match self.state.save(&checkpoint) {
            Ok(()) => {
                let Totals { energy, today, month, total } = checkpoint.totals();
                self.durable = Some(Sums { energy, earnings: [today, month, total] });
                self.recovered();
            }
            Err(error) => self.failed(format!("the running state cannot be written: {error}")),
        }
    }

    fn flush(&mut self) {
        while let Some(entry) = self.waiting.front() {
            match self.ledger.append(entry) {
                Ok(()) => {
                    remember(self.history.as_mut(), entry);
                    self.waiting.pop_front();
                }
                Err(error) => return self.failed(waiting_words(&error, self.waiting.len())),
            }
        }
        self.settle();
    }

    /// Says which receipts are done with, once everything booked is on the disk.
    fn settle(&self) {
        if self.is_flushed() {
            self.settled.send_if_modified(|settled| {
                let more = *settled != self.taken;
                settled.clone_from(&self.taken);
                more
            });
        }
    }

    fn failed(&mut self, words: String) {
        if self.problem.is_none() {
            tracing::error!(problem = words, "the books cannot be written; trying again");
        }
        self.problem = Some(words);
    }

    fn recovered(&mut self) {
        if self.problem.take().is_some() {
            tracing::info!("the books are written again");
        }
    }
}

/// Writes what the ledger holds now into the history.
fn remember(history: Option<&mut (History, Site)>, entry: &Entry) {
    if let Some((history, site)) = history
        && let Ok(Booking::Slot(account)) = ledger::booking(entry)
    {
        history.keep(site, &account, Head { sequence: entry.sequence, hash: entry.hash.clone() });
    }
}

fn waiting_words(error: &LedgerError, waiting: usize) -> String {
    match waiting {
        1 => format!("{error}; one entry waits in memory"),
        _ => format!("{error}; {waiting} entries wait in memory"),
    }
}

#[cfg(test)]
#[path = "books_test.rs"]
mod tests;
