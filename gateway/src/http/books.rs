//! The ledger, read: days, months, single entries, and the check of its chain.

use crate::http::State;
use crate::http::input::Parameters;
use crate::http::refusal::{ErrorBody, Refusal};
use crate::http::schema::{EarningsBody, EntryBody, PartsBody, SignedHeadBody, VerifiedBody};
use crate::store::{Ledger, LedgerError, Signature, Verified};
use axum::Json;
use axum::extract::State as Shared;
use chrono::NaiveDate;
use plant::entry::{Entry, Head};
use plant::parts::Parts;
use plant::totals::Earnings;
use plant::units::Currency;
use plant::verdict::{When, verdict};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// Entries in one answer, where the client names no number, and at most.
const ENTRIES: usize = 100;
const ENTRIES_MAX: usize = 1000;
pub(super) const DATE: &str = "a date like 2026-11-21";

/// A verification rests after so many entries, and for so long: a share of the time stays for everybody else.
const VERIFIED_AT_ONCE: u64 = 500;
const REST: Duration = Duration::from_millis(2);

/// The newest entry, and what is signed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SignedHead {
    /// The newest entry.
    #[serde(flatten)]
    pub head: Head,
    /// The public half of the house's key.
    pub key: Option<String>,
    /// The newest signature: of the newest closed slot.
    pub signature: Option<Signature>,
}

/// Earnings of a local day or month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Period {
    /// The day (`2026-11-21`) or the month (`2026-11`).
    pub period: String,
    /// What was earned in it.
    #[serde(flatten)]
    #[schema(value_type = EarningsBody)]
    pub earnings: Earnings,
    /// The gain by its parts; null where nothing could be compared with the house without compute.
    #[schema(value_type = Option<PartsBody>)]
    pub parts: Option<Parts>,
    /// Whether the house gained or lost, and why, in words for a person.
    pub verdict: String,
}

impl Period {
    fn of((period, earnings): (String, Earnings), currency: Currency) -> Self {
        let verdict = verdict(&When::Period(period.clone()), &earnings, currency);
        Self { period, parts: earnings.parts(), verdict, earnings }
    }
}

/// Earnings of each local day; days without entries are left out.
#[utoipa::path(get, path = "/api/v1/ledger/days", tag = "ledger",
    params(("from" = Option<String>, Query, description = "first day", example = "2026-11-01"),
           ("to" = Option<String>, Query, description = "last day", example = "2026-11-30")),
    responses((status = 200, description = "days, oldest first", body = [Period]), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn days(Shared(state): Shared<State>, parameters: Parameters) -> Result<Json<Vec<Period>>, Refusal> {
    let parameters = parameters.only(&["from", "to"])?;
    let from = parameters.parsed::<NaiveDate>("from", DATE)?.unwrap_or(NaiveDate::MIN);
    let to = parameters.parsed::<NaiveDate>("to", DATE)?.unwrap_or(NaiveDate::MAX);
    if from > to {
        return Err(Refusal::bad_value("from", &Value::from(from.to_string()), format!("a day not after to={to}")));
    }
    let zone = state.timezone;
    read(&state, move |ledger| ledger.days(zone, from, to)).await.map(|rows| periods(rows, state.currency))
}

/// Earnings of each local month.
#[utoipa::path(get, path = "/api/v1/ledger/months", tag = "ledger",
    responses((status = 200, description = "months, oldest first", body = [Period])))]
pub(super) async fn months(Shared(state): Shared<State>) -> Result<Json<Vec<Period>>, Refusal> {
    let zone = state.timezone;
    read(&state, move |ledger| ledger.months(zone)).await.map(|rows| periods(rows, state.currency))
}

/// Single entries, in order.
#[utoipa::path(get, path = "/api/v1/ledger/entries", tag = "ledger",
    params(("after" = Option<u64>, Query, description = "number of the last entry already known", example = 0),
           ("limit" = Option<u64>, Query, description = "at most this many, up to 1000", example = 100)),
    responses((status = 200, description = "entries, oldest first", body = [EntryBody]), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn entries(Shared(state): Shared<State>, parameters: Parameters) -> Result<Json<Vec<Entry>>, Refusal> {
    let parameters = parameters.only(&["after", "limit"])?;
    let after = parameters.parsed::<u64>("after", "the number of an entry, 0 or more")?.unwrap_or(0);
    let expected = format!("a number from 1 to {ENTRIES_MAX}");
    let limit = parameters.parsed::<usize>("limit", &expected)?.unwrap_or(ENTRIES);
    if !(1..=ENTRIES_MAX).contains(&limit) {
        return Err(Refusal::bad_value("limit", &Value::from(limit), expected));
    }
    read(&state, move |ledger| ledger.after(after, limit)).await.map(Json)
}

/// The newest entry, and the newest signature of the house's key. Whoever keeps an answer can tell later whether entries were cut off
/// or changed.
#[utoipa::path(get, path = "/api/v1/ledger/head", tag = "ledger",
    responses((status = 200, description = "number and hash of the newest entry, and what is signed", body = SignedHeadBody)))]
pub(super) async fn head(Shared(state): Shared<State>) -> Result<Json<SignedHead>, Refusal> {
    let answer = |ledger: &Ledger| {
        Ok(SignedHead { head: ledger.head()?, key: ledger.key(), signature: ledger.newest_signature()? })
    };
    read(&state, answer).await.map(Json)
}

/// Walks the whole chain, and checks the signatures. Reads and writes beside it go on as ever.
#[utoipa::path(get, path = "/api/v1/ledger/verify", tag = "ledger",
    responses((status = 200, description = "the chain holds", body = VerifiedBody),
              (status = 409, description = "the chain is broken, and where", body = ErrorBody)))]
pub(super) async fn verify(Shared(state): Shared<State>) -> Result<Json<Verified>, Refusal> {
    let rested = |seen: u64| {
        if seen.is_multiple_of(VERIFIED_AT_ONCE) {
            std::thread::sleep(REST);
        }
    };
    read_one_at_a_time(&state.verifiers, &state.ledger, move |ledger| ledger.verify(rested)).await.map(Json)
}

/// Reads on a thread that may wait for the disk; one read at a time, so that nobody can make the machine busy with them.
pub(super) async fn read<T: Send + 'static>(
    state: &State,
    ask: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Refusal> {
    read_one_at_a_time(&state.readers, &state.ledger, ask).await
}

async fn read_one_at_a_time<T: Send + 'static>(
    turns: &Semaphore,
    ledger: &Ledger,
    ask: impl FnOnce(&Ledger) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Refusal> {
    let Ok(_turn) = turns.acquire().await else { return Err(Refusal::not_now("HeatMine is stopping", 10)) };
    let ledger = ledger.clone();
    match tokio::task::spawn_blocking(move || ask(&ledger)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error @ LedgerError::Broken { .. })) => {
            Err(Refusal::new(axum::http::StatusCode::CONFLICT, error.to_string()))
        }
        Ok(Err(error @ LedgerError::Sqlite { .. })) => Err(Refusal::failure("the ledger", error)),
        Err(error) => Err(Refusal::failure("the ledger", error)),
    }
}

fn periods(rows: Vec<(String, Earnings)>, currency: Currency) -> Json<Vec<Period>> {
    Json(rows.into_iter().map(|row| Period::of(row, currency)).collect())
}
