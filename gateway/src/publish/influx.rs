//! History for an InfluxDB-style database: InfluxDB 1, 2 and 3, VictoriaMetrics.
//!
//! ```text
//! newest record --every interval_s--> lines --> influx-spool.db --batches, gzip--> database
//! ```
//!
//! A record first goes into the spool and leaves it when the database has taken it, so that nothing is lost while the
//! database is down, the network is gone or the gateway restarts. Two halves run side by side: one only records, the other
//! only sends; neither waits for the loop, and the loop waits for neither.

/// Records as line protocol.
pub mod lines;
/// What waits for the database.
pub mod spool;
/// The database's write endpoint.
pub mod target;

use crate::config::influx::InfluxConfig;
use crate::notices::Notices;
use crate::store::Disk;
use crate::wiring::Wiring;
use anyhow::{Context, Result};
use plant::record::Record;
use plant::time::elapsed;
use spool::{Spool, WAITING_MAX, Waiting};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use target::{Answer, Target};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Records in one request.
const BATCH_MAX: usize = 500;
/// The first wait after a failure; each further one is twice as long.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest wait of our own choosing.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// The longest wait that a database may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// The spool, shared by the half that records and the half that sends.
type Shared = Arc<Mutex<Spool>>;

/// Writes records until the gateway stops. `disk` holds the spool.
pub async fn run(config: InfluxConfig, disk: &Disk, wiring: Wiring, notices: &Notices) -> Result<()> {
    let target = Target::new(&config)?;
    let spool =
        Spool::open(disk, WAITING_MAX).with_context(|| format!("cannot open {}", disk.path(spool::FILE).display()))?;
    if let Some(words) = spool.found() {
        notices.add("influx-spool.db", format!("{words}."));
    }
    let waiting = spool.waiting().unwrap_or_default();
    info!(url = %target.url(), waiting, "history is written");
    let (spool, news) = (Arc::new(Mutex::new(spool)), Notify::new());
    let shutdown = wiring.shutdown.clone();
    tokio::join!(record(&config, wiring, &spool, &news), send(&target, &spool, &news, shutdown));
    Ok(())
}

/// Puts the records that are due into the spool.
async fn record(config: &InfluxConfig, wiring: Wiring, spool: &Shared, news: &Notify) {
    let Wiring { mut records, shutdown, .. } = wiring;
    let interval = Duration::from_secs(config.interval_s.into());
    let mut last: Option<Arc<Record>> = None;
    let mut failing = false;
    while let Some(Ok(())) = shutdown.run_until_cancelled(records.changed()).await {
        let Some(record) = records.borrow_and_update().clone() else { continue };
        if !is_due(last.as_deref(), &record, interval) {
            continue;
        }
        let lines = lines::lines(&record, &config.measurement_prefix);
        last = Some(record);
        match with(spool, move |spool| spool.push(&lines)).await {
            Ok(dropped) => {
                if dropped > 0 {
                    warn!(dropped, "the history queue is full; the oldest records made room");
                }
                failing = false;
                news.notify_one();
            }
            Err(error) if !failing => {
                warn!(%error, "history cannot be queued; records are lost until it can");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// Every interval of house time, and whenever what is done or why has changed. A clock that jumped back starts anew.
fn is_due(last: Option<&Record>, record: &Record, interval: Duration) -> bool {
    let Some(last) = last else { return true };
    let changed = last.decision.reason != record.decision.reason || last.mode != record.mode;
    changed || record.at < last.at || elapsed(last.at, record.at) >= interval
}

/// Sends what waits, oldest first, until the gateway stops.
async fn send(target: &Target, spool: &Shared, news: &Notify, shutdown: CancellationToken) {
    let mut failures = 0;
    loop {
        let step = async {
            match drain(target, spool).await {
                Ok(()) => {
                    if failures > 0 {
                        info!("the history database takes records again");
                    }
                    failures = 0;
                    news.notified().await;
                }
                Err(Held { why, after }) => {
                    if failures == 0 {
                        let waiting = with(spool, |spool| spool.waiting()).await.unwrap_or_default();
                        warn!(why, waiting, url = %target.url(), "history waits for its database");
                    }
                    failures += 1;
                    tokio::time::sleep(pause(failures, after)).await;
                }
            }
        };
        if shutdown.run_until_cancelled(step).await.is_none() {
            return;
        }
    }
}

/// Why sending stopped before the spool was empty.
struct Held {
    why: String,
    after: Option<Duration>,
}

/// How long to wait after so many failures in a row. One house is no herd: there is no jitter.
fn pause(failures: u32, after: Option<Duration>) -> Duration {
    let own = RETRY_MIN.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(RETRY_MAX);
    after.map_or(own, |after| after.clamp(RETRY_MIN, RETRY_AFTER_MAX))
}

/// Sends until nothing waits. A batch that is refused is sent in halves until the record at fault stands alone, which is
/// then put aside. Writing a line twice writes the same point, so a batch that was half taken does no harm.
async fn drain(target: &Target, spool: &Shared) -> Result<(), Held> {
    let mut size = BATCH_MAX;
    loop {
        let batch = stored(spool, move |spool| spool.oldest(size)).await?;
        let Some(last) = batch.last().map(|waiting| waiting.id) else { return Ok(()) };
        let lines: String = batch.iter().map(|waiting| waiting.lines.as_str()).collect();
        match target.write(&lines).await {
            Answer::Taken => {
                stored(spool, move |spool| spool.taken(last)).await?;
                size = size.saturating_mul(2).min(BATCH_MAX);
            }
            Answer::Refused { status, answer } if batch.len() == 1 => {
                warn!(status, answer, "the history database refused a record; it is kept in the table 'refused'");
                let refused: Vec<Waiting> = batch;
                stored(spool, move |spool| refused.iter().try_for_each(|one| spool.refused(one, status, &answer)))
                    .await?;
            }
            Answer::Refused { .. } => size = (batch.len() / 2).max(1),
            Answer::Later { why, after } => return Err(Held { why, after }),
        }
    }
}

/// Works on the spool; what SQLite says holds the sending up.
async fn stored<T: Send + 'static>(
    spool: &Shared,
    work: impl FnOnce(&mut Spool) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Held> {
    with(spool, work).await.map_err(|error| Held { why: format!("influx-spool.db: {error}"), after: None })
}

/// Works on the spool on a thread that may wait for the disk.
async fn with<T: Send + 'static>(
    spool: &Shared,
    work: impl FnOnce(&mut Spool) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T> {
    let spool = Arc::clone(spool);
    let work = move || work(&mut spool.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(tokio::task::spawn_blocking(work).await.context("the disk's thread ended")??)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_unless_the_database_asks() {
        let rows = [
            (1, None, 1),
            (2, None, 2),
            (6, None, 32),
            (7, None, 60),
            (40, None, 60),
            (1, Some(90), 90),
            (3, Some(9999), 600),
        ];
        for (failures, after, expected) in rows {
            assert_eq!(pause(failures, after.map(Duration::from_secs)), Duration::from_secs(expected));
        }
    }
}
