//! What jobs have earned, on its way into the books: each delivery once, whatever ends in between.
//!
//! A job is *delivered* when its result is stored: with the same transaction a delivery stands in `jobs.db`, with the job's price. It
//! is handed to the loop, booked, and forgotten here once it is on the disk there. The *journal* is one opening of the queue: its
//! random name and the delivery's number say in the books which one it is, as with the worker's receipts.
//!
//! Example: job 12 is worth 0.30 EUR. Its first attempt ends in the middle, when the sun goes: the worker's receipt books its energy and
//! 80 tokens, and no money. The second one ends whole: delivery 7 of 0.30 EUR. The gateway is killed before it is booked: the next start
//! finds delivery 7 and books it. It is killed after that, before it is forgotten: the next one finds that it is booked.

use super::queue::Queue;
use super::table::{moment, stored};
use super::{Answer, JobRequest, QueueError};
use crate::books::Settled;
use plant::event::Event;
use plant::time::Timestamp;
use plant::units::Eur;
use plant::work::{Position, Receipt};
use rusqlite::{OptionalExtension, Row, params};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Deliveries that are handed over at once.
const MOST: u32 = 100;

impl Queue {
    /// A job has its result: it is delivered. One that was cancelled meanwhile stays cancelled. It earns what it was handed in with, or
    /// what its tokens pay by the price list.
    pub fn finish(&self, id: i64, answer: &Answer, now: Timestamp) -> Result<(), QueueError> {
        let deliver = || -> rusqlite::Result<bool> {
            let mut connection = self.lock();
            let transaction = connection.transaction()?;
            let request: Option<String> = transaction
                .query_row(
                    "UPDATE job SET status = 'done', result = ?2, tokens_in = ?3, tokens_out = ?4, finished_at = ?5, error = NULL
                     WHERE id = ?1 AND status = 'running' RETURNING request",
                    params![id, answer.text, stored(answer.tokens_in), stored(answer.tokens_out), now.timestamp_millis()],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(request) = request else { return Ok(false) };
            let value = serde_json::from_str::<JobRequest>(&request).ok().and_then(|request| request.value);
            let price = value.unwrap_or_else(|| self.limits.listed(answer.tokens_in, answer.tokens_out));
            transaction.execute(
                "INSERT INTO delivery (journal, job, expert, price, delivered_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![&*self.journal, id, answer.expert, price.0, now.timestamp_millis()],
            )?;
            transaction.commit()?;
            Ok(true)
        };
        if deliver().map_err(|source| self.sqlite(source))? {
            self.announce()?;
        }
        self.prune()
    }

    /// The oldest deliveries that are not known to be booked, as the books take them.
    pub fn delivered(&self) -> Result<Vec<Receipt>, QueueError> {
        let connection = self.lock();
        let read = || -> rusqlite::Result<Vec<Receipt>> {
            let mut statement = connection.prepare_cached(
                "SELECT sequence, journal, job, expert, price, delivered_at FROM delivery ORDER BY sequence LIMIT ?1",
            )?;
            let rows = statement.query_map([MOST], receipt)?;
            rows.collect()
        };
        read().map_err(|source| self.sqlite(source))
    }

    /// Forgets deliveries, which are booked.
    pub fn forget(&self, booked: &[Receipt]) -> Result<(), QueueError> {
        let forget = || -> rusqlite::Result<()> {
            let mut connection = self.lock();
            let transaction = connection.transaction()?;
            for Position { journal, sequence } in booked.iter().filter_map(|receipt| receipt.position.as_ref()) {
                let row = "DELETE FROM delivery WHERE sequence = ?1 AND journal = ?2";
                transaction.prepare_cached(row)?.execute(params![stored(*sequence), journal])?;
            }
            transaction.commit()
        };
        forget().map_err(|source| self.sqlite(source))
    }
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<Receipt> {
    let (sequence, journal): (i64, String) = (row.get(0)?, row.get(1)?);
    let (job, delivered_at): (i64, i64) = (row.get(2)?, row.get(5)?);
    Ok(Receipt {
        id: format!("delivery-{journal}-{sequence}"),
        position: Some(Position { journal, sequence: super::table::count(sequence) }),
        job: Some(job.to_string()),
        expert: row.get(3)?,
        price: Eur(row.get(4)?),
        finished_at: moment(delivered_at),
        ..Receipt::default()
    })
}

/// Hands deliveries to the loop.
#[derive(Clone, Debug)]
pub struct Deliveries {
    /// The jobs.
    pub queue: Queue,
    /// The loop.
    pub events: mpsc::Sender<Event>,
    /// What is done with.
    pub settled: watch::Receiver<Settled>,
}

impl Deliveries {
    /// Hands over what is delivered, until `shutdown`.
    ///
    /// # Errors
    /// The loop has ended, or the queue cannot be read or written.
    pub async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut changed = self.queue.changed();
        while !shutdown.is_cancelled() {
            changed.mark_unchanged();
            let delivered = self.queue.delivered()?;
            if let Some(newest) = delivered.last() {
                let book = self.book(&delivered, newest);
                match shutdown.run_until_cancelled(book).await {
                    Some(booked) => booked?,
                    None => return Ok(()),
                }
                self.queue.forget(&delivered)?;
                continue;
            }
            match shutdown.run_until_cancelled(changed.changed()).await {
                Some(more) => more?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Hands deliveries over, and waits until they are on the disk of the books.
    async fn book(&mut self, delivered: &[Receipt], newest: &Receipt) -> anyhow::Result<()> {
        for receipt in delivered {
            if !self.settled.borrow().holds(receipt) {
                self.events.send(Event::Receipt(Box::new(receipt.clone()))).await?;
            }
        }
        self.settled.wait_for(|settled| settled.holds(newest)).await?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "deliveries_test.rs"]
mod tests;
