//! What only a simulated house needs around the loop: its compute box draws what the engine reports, and there is always work.

use super::tasks::Tasks;
use crate::jobs::summary::{self, Reader};
use crate::wiring::Wiring;
use anyhow::Result;
use plant::units::Watts;
use std::time::Duration;
use tokio::sync::watch;

/// No summaries are added to a queue of this length: nobody would read them.
const SUMMARIES_MAX: u32 = 24;

impl Tasks {
    /// Starts what only a simulated house needs: its compute box draws what the engine reports to `draw`, and every
    /// `interval` of house time there is work to do.
    pub(super) fn simulation(&self, draw: Option<watch::Sender<Watts>>, interval: Option<Duration>) {
        if let Some(draw) = draw {
            let wiring = self.wiring.clone();
            self.keep("the simulated compute box", move || follow_draw(wiring.clone(), draw.clone()));
        }
        if let Some(interval) = interval {
            let tasks = self.clone();
            self.keep("the demo's work", move || summaries(tasks.clone(), interval));
        }
    }
}

/// Passes the power that the engine says it draws to a simulated house.
async fn follow_draw(mut wiring: Wiring, draw: watch::Sender<Watts>) -> Result<()> {
    while let Some(changed) = wiring.shutdown.run_until_cancelled(wiring.records.changed()).await {
        changed?;
        let power = wiring.records.borrow_and_update().as_ref().and_then(|record| record.worker.power);
        draw.send_replace(power.unwrap_or(Watts::ZERO));
    }
    Ok(())
}

/// Queues summaries of the day so far, for every kind of reader: work that can wait for the sun.
async fn summaries(tasks: Tasks, interval: Duration) -> Result<()> {
    let Tasks { wiring, clock, timezone, queue, .. } = tasks;
    let pause = interval.div_f64(clock.speed());
    while wiring.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let Some(record) = wiring.records.borrow().clone() else { continue };
        if queue.backlog().jobs >= SUMMARIES_MAX {
            continue;
        }
        let now = clock.now();
        let day = now.with_timezone(&timezone).date_naive();
        let house = summary::House { site: &record.site, currency: record.currency };
        for reader in Reader::ALL {
            let request = summary::request(reader, house, (day, &record.today), now);
            if let Err(error) = queue.submit(&request, now) {
                tracing::warn!(%error, "a summary could not be queued");
            }
        }
    }
    Ok(())
}
