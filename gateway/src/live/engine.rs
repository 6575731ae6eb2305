//! The engine around the loop: its watchdog, kept running.

use super::restart::Restart;
use crate::books::Settled;
use crate::clock::Clock;
use crate::engine::{Engine, Feeder, Receipts, Watchdog};
use crate::store::Ledger;
use inference::client::Place;
use plant::event::Event;
use plant::site::WorkPrices;
use tokio::sync::{mpsc, watch};

/// What each watchdog begins with.
pub(super) struct Watched<E> {
    /// What is watched.
    pub engine: E,
    /// House time.
    pub clock: Clock,
    /// What the work pays.
    pub prices: WorkPrices,
    /// Gives it the power that it may draw.
    pub feeder: Feeder<E>,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// The books, which know the receipts that count already.
    pub ledger: Ledger,
    /// Which receipts are done with.
    pub settled: watch::Receiver<Settled>,
}

impl<E: Engine> Watched<E> {
    /// Keeps a watchdog running.
    pub(super) async fn keep(self, restart: Restart) {
        let stop = restart.stop.clone();
        let watchdog = move || {
            let receipts = Receipts {
                clock: self.clock.clone(),
                prices: self.prices,
                events: self.events.clone(),
                settled: self.settled.clone(),
                ledger: self.ledger.clone(),
                place: Place::default(),
                sent: None,
            };
            let watchdog = Watchdog {
                engine: self.engine.clone(),
                receipts,
                feeder: self.feeder.clone(),
                events: self.events.clone(),
                restarts: 0,
                ready_at: None,
                served: false,
            };
            let stop = stop.clone();
            async move {
                watchdog.run(stop).await;
                Ok(())
            }
        };
        restart.keep("the engine's watchdog".to_owned(), watchdog).await;
    }
}
