//! Asks a source for the days that are needed, when they are published, and again where something is missing.

use super::answer::{Answer, Entry, Refused};
use super::days::before;
use super::desk::{Desk, Feed};
use super::fetch::{self, Failure, fetch};
use super::schedule;
use super::service::Ask;
use super::services::Source;
use plant::time::{Slot, Timestamp};
use plant::units::EurPerKwh;
use reqwest::Client;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Pages of one answer that are read.
const PAGES_MAX: usize = 10;

/// Asks `source` until `shutdown`.
pub(super) async fn run(source: &Source, desk: &Desk, shutdown: &CancellationToken) {
    let client = match fetch::client() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error, "prices cannot be asked for");
            return;
        }
    };
    let feed = Feed::prices(&source.title, &source.key());
    let mut round = Round { source, desk, client, feed, failures: 0, known: BTreeMap::new() };
    round.known = desk.recall(&round.feed).await;
    let now = desk.clock.now();
    // A restart costs none of the questions that a day has.
    let mut next =
        if schedule::suffices(source, now, &round.known) { schedule::next(source, now, &round.known) } else { now };
    loop {
        desk.next(&round.feed, next);
        let wait = tokio::time::sleep(desk.clock.wall_until(next));
        if shutdown.run_until_cancelled(wait).await.is_none() {
            return;
        }
        match shutdown.run_until_cancelled(round.ask()).await {
            Some(at) => next = at,
            None => return,
        }
    }
}

struct Round<'a> {
    source: &'a Source,
    desk: &'a Desk,
    client: Client,
    feed: Feed,
    /// Failures in a row.
    failures: u32,
    /// What is known of its prices.
    known: BTreeMap<Slot, EurPerKwh>,
}

impl Round<'_> {
    /// Asks once; when to ask again.
    async fn ask(&mut self) -> Timestamp {
        let taken = match self.answer().await {
            Ok(answer) => self.desk.prices(&self.feed, answer).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        let (source, now) = (self.source, self.desk.clock.now());
        match taken {
            Ok(known) => {
                (self.known, self.failures) = (known, 0);
                let next = schedule::next(source, now, &self.known);
                if schedule::late(source, now, &self.known) {
                    let words = "has no prices of all of tomorrow yet".to_owned();
                    self.desk.failed(&self.feed, &Refused::Nothing(words), Some(next));
                }
                next
            }
            Err(failure) => self.failed(&failure, now),
        }
    }

    /// When to ask again after a failure. That tomorrow's prices are not there yet is none.
    fn failed(&mut self, failure: &Failure, now: Timestamp) -> Timestamp {
        let (source, today) = (self.source, schedule::days(self.source, now));
        let waiting =
            matches!(failure.refused, Refused::Nothing(_)) && schedule::whole(&today, today.first, &self.known);
        if waiting {
            self.failures = 0;
            let next = schedule::next(source, now, &self.known);
            if schedule::late(source, now, &self.known) {
                self.desk.failed(&self.feed, &failure.refused, Some(next));
            }
            return next;
        }
        self.failures += 1;
        let next = now + schedule::pause(self.failures, failure.demanded);
        self.desk.failed(&self.feed, &failure.refused, Some(next));
        next
    }

    /// The answer for the days that are needed. Where there is nothing for today and tomorrow, today alone is asked for, and then
    /// yesterday and today: some services give nothing at all for a range of which a part is not published.
    async fn answer(&self) -> Result<Answer, Failure> {
        let now = self.desk.clock.now();
        let both = schedule::days(self.source, now);
        let today = super::days::Days { last: both.first, ..both };
        let since_yesterday = super::days::Days { first: before(both.first), ..today };
        let ranges = if schedule::published(self.source, now) {
            vec![both, today, since_yesterday]
        } else {
            vec![today, since_yesterday]
        };
        let enough = schedule::whole(&both, both.first, &self.known);
        let mut asked: Vec<Vec<Ask>> = Vec::new();
        let mut nothing = None;
        for (attempt, range) in ranges.iter().enumerate() {
            let asks = (self.source.service.asks)(&self.source.place, range, attempt);
            if asked.contains(&asks) {
                continue;
            }
            match self.all(&asks).await {
                Err(failure) if matches!(failure.refused, Refused::Nothing(_)) => {
                    nothing.get_or_insert(failure);
                }
                other => return other,
            }
            // What is known of today need not be asked for again.
            if enough && attempt == 0 && asks.len() > 1 {
                break;
            }
            asked.push(asks);
        }
        Err(nothing.unwrap_or_else(|| Refused::Nothing("was not asked".into()).into()))
    }

    /// The answers to all of `asks` as one. Nothing for one of them is nothing of it.
    async fn all(&self, asks: &[Ask]) -> Result<Answer, Failure> {
        let mut whole: Option<Answer> = None;
        let mut nothing = None;
        for ask in asks {
            match self.pages(ask).await {
                Ok(answer) => match &mut whole {
                    Some(whole) => whole.entries.extend(answer.entries),
                    None => whole = Some(answer),
                },
                Err(failure) if matches!(failure.refused, Refused::Nothing(_)) => {
                    nothing.get_or_insert(failure);
                }
                Err(failure) if whole.is_none() => return Err(failure),
                // A day that is there counts, whatever became of the other.
                Err(_) => break,
            }
        }
        whole.ok_or_else(|| nothing.unwrap_or_else(|| Refused::Nothing("was not asked".into()).into()))
    }

    /// An answer with all of its pages.
    async fn pages(&self, ask: &Ask) -> Result<Answer, Failure> {
        let mut answer = self.page(ask).await?;
        let mut more = answer.more.take();
        for _ in 1..PAGES_MAX {
            let Some(path) = more else { break };
            // Pages are where the first one was: the address in the answer may be any.
            let url = format!("{}{path}", self.source.place.base);
            let page = self.page(&Ask { url, ..ask.clone() }).await?;
            let before: Vec<Entry> = answer.entries.clone();
            answer.entries.extend(page.entries.into_iter().filter(|entry| !before.contains(entry)));
            more = page.more.filter(|_| answer.entries.len() > before.len());
        }
        Ok(answer)
    }

    async fn page(&self, ask: &Ask) -> Result<Answer, Failure> {
        let read = |body: &[u8]| (self.source.read)(body, &self.source.place);
        match fetch(&self.client, ask, &self.desk.clock).await {
            Ok(body) => Ok(read(&body)?),
            // Some say what is wrong in the body: that there is nothing, or why.
            Err(failure) if !failure.body.is_empty() && failure.demanded.is_none() => match read(&failure.body) {
                Err(Refused::Nothing(words)) if !words.contains("is empty") => Err(Failure {
                    refused: Refused::Nothing(format!("{} and {words}", failure.refused.words())),
                    ..failure
                }),
                Err(_) | Ok(_) => Err(failure),
            },
            Err(failure) => Err(failure),
        }
    }
}
