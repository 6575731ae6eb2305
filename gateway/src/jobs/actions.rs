//! Does what the schedule says is due.

use super::{Queue, summary};
use crate::clock::Clock;
use crate::schedule::{Action, Due};
use crate::store::Ledger;
use crate::wiring::Wiring;
use chrono::Days;
use chrono_tz::Tz;
use plant::record::Record;
use plant::time::Timestamp;
use plant::totals::Earnings;
use tokio::sync::mpsc;

/// Hands scheduled commands to the loop and queues scheduled jobs.
#[derive(Clone, Debug)]
pub struct Actions {
    /// Days are those of this time zone.
    pub timezone: Tz,
    /// The way to the loop.
    pub wiring: Wiring,
    /// The books.
    pub ledger: Ledger,
    /// The jobs.
    pub queue: Queue,
    /// House time.
    pub clock: Clock,
}

impl Actions {
    /// Does what is `due`, until the gateway stops.
    pub async fn run(self, mut due: mpsc::Receiver<Due>) {
        let Self { timezone, wiring, ledger, queue, clock } = self;
        loop {
            let due = tokio::select! {
                () = wiring.shutdown.cancelled() => return,
                due = due.recv() => due,
            };
            let Some(Due { action, done }) = due else { return };
            match action {
                Action::Command(command) => {
                    if let Err(untaken) = wiring.command(command).await {
                        tracing::warn!(?command, %untaken, "a scheduled command");
                    }
                }
                Action::Summary => {
                    let (ledger, queue, now) = (ledger.clone(), queue.clone(), clock.now());
                    let named = |record: &std::sync::Arc<Record>| (record.site.clone(), record.currency);
                    let (site, currency) = wiring.records.borrow().as_ref().map(named).unwrap_or_default();
                    let queued = tokio::task::spawn_blocking(move || {
                        let house = summary::House { site: &site, currency };
                        queue_summary(house, timezone, &ledger, &queue, now)
                    });
                    match queued.await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::warn!(%error, "the day's summary could not be queued"),
                        Err(error) => tracing::error!(%error, "the day's summary could not be written"),
                    }
                }
            }
            let _ = done.send(());
        }
    }
}

/// Queues a summary of the local day before `now`.
fn queue_summary(
    house: summary::House<'_>,
    timezone: Tz,
    ledger: &Ledger,
    queue: &Queue,
    now: Timestamp,
) -> anyhow::Result<()> {
    let today = now.with_timezone(&timezone).date_naive();
    let Some(day) = today.checked_sub_days(Days::new(1)) else { return Ok(()) };
    let booked = ledger.days(timezone, day, day)?;
    let earnings: Option<Earnings> = booked.into_iter().next().map(|(_, earnings)| earnings);
    let Some(earnings) = earnings else {
        tracing::info!(%day, "nothing was booked that day; there is nothing to summarise");
        return Ok(());
    };
    queue.submit(&summary::request(summary::Reader::Family, house, (day, &earnings), now), now)?;
    Ok(())
}
