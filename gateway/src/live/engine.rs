//! The engine around the loop: its watchdog, kept running.

use super::restart::Restart;
use super::tasks::Tasks;
use crate::books::Settled;
use crate::engine::{Engine, Feeder, Receipts, Watchdog};
use inference::client::Place;
use plant::site::WorkPrices;
use tokio::sync::watch;

/// What each watchdog begins with.
pub(super) struct Watched<E> {
    /// What is watched.
    pub engine: E,
    /// What the work pays.
    pub prices: WorkPrices,
    /// Gives it the power that it may draw.
    pub feeder: Feeder<E>,
    /// House time, the way to the loop, and the books, which know the receipts that count already.
    pub tasks: Tasks,
    /// Which receipts are done with.
    pub settled: watch::Receiver<Settled>,
}

impl<E: Engine> Watched<E> {
    /// Keeps a watchdog running.
    pub(super) async fn keep(self, restart: Restart) {
        let stop = restart.stop.clone();
        let watchdog = move || {
            let receipts = Receipts {
                clock: self.tasks.clock.clone(),
                prices: self.prices,
                events: self.tasks.events.clone(),
                settled: self.settled.clone(),
                ledger: self.tasks.ledger.clone(),
                place: Place::default(),
                sent: None,
            };
            let watchdog = Watchdog {
                engine: self.engine.clone(),
                receipts,
                feeder: self.feeder.clone(),
                events: self.tasks.events.clone(),
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
