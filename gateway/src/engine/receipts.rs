//! Receipts on their way from the engine's journal into the books, each once, whatever is started again in between.
//!
//! Terms. A *place* in the journal is that behind the newest receipt that was read. Asking for what comes after a place says that
//! everything up to it is safe, so that the engine may forget it: nothing further is asked for before the books hold what was sent
//! to them. A receipt is *known* where its journal is booked up to it; one whose journal nobody knows, as those of version 0.1.0,
//! where an entry of the ledger has its id.
//!
//! Example: 20,000 receipts wait at the first contact. The first thousand are sent and booked one by one; then the next thousand are
//! asked for. A kill in the middle of them leaves 1,430 in the ledger. The next start reads from the beginning, finds 1,430 of them
//! known, and sends the rest.
//!
//! Money. Somebody pays for deferrable work when it is delivered: a job when its result is stored, which the queue says, other work
//! when its answer has come to its end. What the household's own questions are worth is nobody's payment.

use super::interface::Engine;
use crate::books::Settled;
use crate::clock::Clock;
use crate::store::Ledger;
use inference::client::{self, Place};
use plant::event::Event;
use plant::site::WorkPrices;
use plant::units::{Eur, KilowattHours};
use plant::work::{Position, Receipt};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// The engine's receipts.
#[derive(Debug)]
pub struct Receipts {
    /// House time.
    pub clock: Clock,
    /// What the work pays.
    pub prices: WorkPrices,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// Which receipts are done with.
    pub settled: watch::Receiver<Settled>,
    /// The books, which know receipts by their ids.
    pub ledger: Ledger,
    /// Up to where they were read.
    pub place: Place,
    /// The newest one that was sent and is not known to be done with.
    pub sent: Option<Receipt>,
}

impl Receipts {
    /// The engine was started again. The numbers of one without journals do not say what is new: it is read from the beginning.
    pub fn begin(&mut self) {
        if self.place.journal.is_none() {
            self.place = Place::default();
        }
    }

    /// Reads what is new, at most a thousand, and sends it to the loop. The engine is waited for as long as `patience`.
    pub async fn collect<E: Engine>(&mut self, engine: &E, patience: Duration) {
        if self.sent.as_ref().is_some_and(|sent| !self.settled.borrow().holds(sent)) {
            return;
        }
        self.sent = None;
        let Ok(Ok(served)) = tokio::time::timeout(patience, engine.receipts(&self.place)).await else { return };
        let Some(known) = self.known(&served).await else { return };
        for served in served {
            let place = Place { journal: served.journal.clone(), sequence: served.sequence };
            if !known.contains(&served.id) {
                let receipt = self.priced(served);
                if self.events.send(Event::Receipt(Box::new(receipt.clone()))).await.is_err() {
                    return;
                }
                self.sent = Some(receipt);
            }
            self.place = place;
        }
    }

    /// The ids of those that are booked already; nothing where the ledger cannot be read.
    async fn known(&self, served: &[client::Receipt]) -> Option<BTreeSet<String>> {
        let (mut known, mut asked) = (BTreeSet::new(), Vec::new());
        for receipt in served {
            let journal = receipt.journal.as_deref();
            match journal.and_then(|journal| self.settled.borrow().journals.newest(journal)) {
                Some(newest) if receipt.sequence <= newest => drop(known.insert(receipt.id.clone())),
                Some(_) => {}
                None => asked.push(receipt.id.clone()),
            }
        }
        if !asked.is_empty() {
            let ledger = self.ledger.clone();
            let booked = tokio::task::spawn_blocking(move || ledger.booked_receipts(&asked)).await;
            match booked {
                Ok(Ok(booked)) => known.extend(booked),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "receipts wait until the ledger says which of them it holds");
                    return None;
                }
                Err(_) => return None,
            }
        }
        Some(known)
    }

    /// A receipt in house time, with what it pays.
    fn priced(&self, served: client::Receipt) -> Receipt {
        let joules = served.joules * self.clock.speed();
        let (mut price, mut worth) = (Eur::ZERO, Eur::ZERO);
        if served.interactive {
            worth = KilowattHours::from_joules(joules) * self.prices.interactive;
        } else if served.job.is_none() && served.whole == Some(true) {
            price = self.prices.listed(served.tokens_in, served.tokens_out);
        }
        let sequence = served.sequence;
        Receipt {
            id: served.id,
            position: served.journal.map(|journal| Position { journal, sequence }),
            job: served.job,
            expert: served.expert,
            interactive: served.interactive,
            tokens_in: served.tokens_in,
            tokens_out: served.tokens_out,
            joules,
            price,
            worth,
            finished_at: self.clock.now(),
        }
    }
}

#[cfg(test)]
#[path = "receipts_test.rs"]
mod tests;
