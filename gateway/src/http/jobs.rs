//! Deferrable work over HTTP: handed in, looked up, taken back. It runs when power is good.

use crate::http::State;
use crate::http::input::{Fields, Parameters};
use crate::http::refusal::{ErrorBody, Refusal};
use crate::http::schema::{JobBody, JobRequestBody};
use crate::jobs::{Job, JobRequest, Message, Queue, QueueError, TEXT_MAX, TITLE_MAX, TOKENS_MAX, VALUE_MAX};
use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use plant::time::Timestamp;
use plant::units::Eur;
use serde_json::Value;

/// Jobs in one answer, where the client names no number, and at most.
const JOBS: u32 = 50;
const JOBS_MAX: u32 = 1000;
/// Tokens of an answer whose length nobody named.
const TOKENS: u32 = 512;
/// Characters of the text that stand for a missing title.
const TITLE: usize = 60;

/// The newest jobs, newest first.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs",
    params(("limit" = Option<u64>, Query, description = "at most this many, up to 1000", example = 50)),
    responses((status = 200, description = "jobs, newest first", body = [JobBody]), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn list(Shared(state): Shared<State>, parameters: Parameters) -> Result<Json<Vec<Job>>, Refusal> {
    let expected = format!("a number from 1 to {JOBS_MAX}");
    let limit = parameters.only(&["limit"])?.parsed::<u32>("limit", &expected)?.unwrap_or(JOBS);
    if !(1..=JOBS_MAX).contains(&limit) {
        return Err(Refusal::bad_value("limit", &Value::from(limit), expected));
    }
    ask(&state, move |queue| queue.list(limit)).await.map(Json)
}

/// Hands in a job.
#[utoipa::path(post, path = "/api/v1/jobs", tag = "jobs", request_body = JobRequestBody,
    responses((status = 201, description = "queued", body = JobBody), (status = "4XX", description = "not understood", body = ErrorBody)))]
pub(super) async fn submit(Shared(state): Shared<State>, fields: Fields) -> Result<(StatusCode, Json<Job>), Refusal> {
    let request = request(fields)?;
    let now = state.clock.now();
    let job = ask(&state, move |queue| queue.submit(&request, now)).await?;
    Ok((StatusCode::CREATED, Json(job)))
}

/// One job and what became of it.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = i64, Path, description = "its number", example = 1)),
    responses((status = 200, description = "the job", body = JobBody), (status = 404, description = "there is none of this number", body = ErrorBody),
              (status = 422, description = "not a number of a job", body = ErrorBody)))]
pub(super) async fn get(Shared(state): Shared<State>, Path(id): Path<String>) -> Result<Json<Job>, Refusal> {
    let id = number(&id)?;
    ask(&state, move |queue| queue.get(id)).await.map(Json)
}

/// Takes a job back; one that runs is stopped.
#[utoipa::path(delete, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = i64, Path, description = "its number", example = 1)),
    responses((status = 200, description = "cancelled", body = JobBody), (status = 404, description = "there is none of this number", body = ErrorBody),
              (status = 422, description = "not a number of a job", body = ErrorBody),
              (status = 409, description = "it has come to its end already", body = ErrorBody)))]
pub(super) async fn cancel(Shared(state): Shared<State>, Path(id): Path<String>) -> Result<Json<Job>, Refusal> {
    let id = number(&id)?;
    let now = state.clock.now();
    ask(&state, move |queue| queue.cancel(id, now)).await.map(Json)
}

fn number(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::bad_value("id", &Value::from(text), "the number of a job"))
}

fn request(mut fields: Fields) -> Result<JobRequest, Refusal> {
    let messages = messages(&mut fields)?;
    let title = match fields.text("title", TITLE_MAX)? {
        Some(title) => title,
        None => {
            messages.last().map_or_else(String::new, |message| message.content.trim().chars().take(TITLE).collect())
        }
    };
    let expert = fields.text("expert", TITLE_MAX)?;
    let deadline = optional(&mut fields, "deadline", "a time like 2026-11-21T18:00:00Z", |value| {
        value.as_str()?.parse::<Timestamp>().ok()
    })?;
    let tokens = optional(&mut fields, "max_tokens", &format!("a number from 1 to {TOKENS_MAX}"), |value| {
        u32::try_from(value.as_u64()?).ok().filter(|tokens| (1..=TOKENS_MAX).contains(tokens))
    })?;
    let value = optional(&mut fields, "value", &format!("an amount from 0 to {VALUE_MAX}"), |value| {
        value.as_f64().filter(|eur| (0.0..=VALUE_MAX).contains(eur)).map(Eur)
    })?;
    fields.finish()?;
    Ok(JobRequest { title, messages, expert, deadline, max_tokens: tokens.unwrap_or(TOKENS), value })
}

/// Either `prompt`, one text, or `messages`, a conversation.
fn messages(fields: &mut Fields) -> Result<Vec<Message>, Refusal> {
    if let Some(prompt) = fields.text("prompt", TEXT_MAX)? {
        if fields.has("messages") {
            let value = fields.take("messages");
            return Err(Refusal::bad_value("messages", &value, "either prompt or messages, not both"));
        }
        return Ok(vec![Message { role: "user".into(), content: prompt }]);
    }
    let value = fields.take("messages");
    let expected = "text in prompt, or a list of {role, content} in messages";
    let messages: Option<Vec<Message>> = serde_json::from_value(value.clone()).ok();
    messages.filter(|messages| !messages.is_empty()).ok_or_else(|| match value.is_null() {
        true => Refusal::bad_value("prompt", &value, expected),
        false => Refusal::bad_value("messages", &value, expected),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours")]
fn optional<T>(
    fields: &mut Fields,
    field: &'static str,
    expected: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    match fields.take(field) {
        Value::Null => Ok(None),
        value => read(&value).map(Some).ok_or_else(|| Refusal::bad_value(field, &value, expected)),
    }
}

/// Asks on a thread that may wait for the disk.
async fn ask<T: Send + 'static>(
    state: &State,
    ask: impl FnOnce(&Queue) -> Result<T, QueueError> + Send + 'static,
) -> Result<T, Refusal> {
    let queue = state.jobs.clone();
    match tokio::task::spawn_blocking(move || ask(&queue)).await {
        Ok(answer) => answer.map_err(refusal),
        Err(error) => Err(Refusal::failure("the queue of jobs", error)),
    }
}

fn refusal(error: QueueError) -> Refusal {
    let text = error.to_string();
    match error {
        QueueError::Full { .. } => {
            Refusal { retry_after: Some(600), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, text) }
        }
        QueueError::Invalid { field, .. } => {
            let mut refusal = Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, text.replacen(": ", " ", 1));
            refusal.body.field = Some(field.to_owned());
            refusal
        }
        QueueError::NotFound(_) => Refusal::not_found(text),
        QueueError::Over { .. } => Refusal::new(StatusCode::CONFLICT, text),
        QueueError::Sqlite { .. } => Refusal::failure("the queue of jobs", text),
    }
}
