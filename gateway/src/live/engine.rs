//! The engine around the loop: its watchdog, kept running.

use super::data_folder;
use super::restart::Restart;
use crate::clock::Clock;
use crate::engine::{Engine, Feeder, Watchdog};
use crate::store::Ledger;
use plant::event::Event;
use plant::receipt_ids::ReceiptIds;
use plant::site::WorkPrices;
use tokio::sync::mpsc;

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
}

impl<E: Engine> Watched<E> {
    /// Keeps a watchdog running; `booked` are the newest receipts in the books.
    pub(super) async fn keep(self, restart: Restart, booked: ReceiptIds) {
        let stop = restart.stop.clone();
        let mut booked = Some(booked);
        let watchdog = move || {
            let booked = booked.take().map_or_else(|| data_folder::booked_receipts(&self.ledger), Ok);
            let (engine, clock, feeder) = (self.engine.clone(), self.clock.clone(), self.feeder.clone());
            let (prices, events, stop) = (self.prices, self.events.clone(), stop.clone());
            async move {
                let booked = booked?;
                let watchdog = Watchdog {
                    engine,
                    clock,
                    prices,
                    booked,
                    feeder,
                    events,
                    restarts: 0,
                    receipts_read: 0,
                    ready_at: None,
                    served: false,
                };
                watchdog.run(stop).await;
                Ok(())
            }
        };
        restart.keep("the engine's watchdog".to_owned(), watchdog).await;
    }
}
