//! The thread that writes receipts: work is on disk before the one who asked hears its end.

use crate::engine::work::{Booking, Event};
use crate::error::Error;
use crate::receipts::Journal;
use crate::stopwatch::WallClock;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

/// Work is on disk before the one who asked hears its end.
pub(super) fn write_journal(
    journal: Arc<Mutex<Journal>>,
    inbox: mpsc::Receiver<Booking>,
    clock: WallClock,
) -> Result<JoinHandle<()>, Error> {
    let work = move || {
        for Booking { served, last } in inbox {
            let booked = journal.lock().unwrap_or_else(PoisonError::into_inner).append(served, clock());
            if let Err(error) = booked {
                tracing::error!(%error, "a receipt is kept in memory only");
            }
            if let Some((events, done)) = last {
                // Nobody listening is no loss.
                let _ = events.send(Event::Done(done));
            }
        }
    };
    std::thread::Builder::new()
        .name("journal".into())
        .spawn(work)
        .map_err(|error| Error::Engine(format!("no thread: {error}")))
}
