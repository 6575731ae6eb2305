//! Feeds jobs to the worker while compute has power. After a failure it waits, with an exponential back-off: 1, 2, 4 ..
//! 60 s; where the worker was away, 4 s at the most, since nothing is sent before it is there again anyway.

use super::{Answer, Job, Queue};
use crate::clock::Clock;
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long reaching the worker may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The wait after a failure, doubled with each one in a row.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Its bound.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The most of an answer or a refusal that is read.
const ANSWER_MAX: usize = 8 << 20;
/// Its bound where the worker was away.
const PAUSE_AWAY_MAX: Duration = Duration::from_secs(4);
/// Deadlines are looked at this often while nothing else happens.
const LOOK: Duration = Duration::from_secs(10);

/// What became of one attempt.
enum Attempt {
    /// The expert answered.
    Answered(Answer),
    /// The worker does not answer, or has no room: the job is not to blame.
    Unavailable(String),
    /// The attempt failed; another one may not.
    Failed(String),
    /// The worker refuses the job as it is.
    Refused(String),
    /// The job was cancelled, or the gateway stops.
    Stopped,
}

/// Serves the queue through a worker.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The jobs.
    pub queue: Queue,
    /// The worker's address, as `http://host:port`.
    pub worker: String,
    /// No job is started while this is false.
    pub allowed: watch::Receiver<bool>,
    /// The most jobs at once.
    pub parallel: usize,
    /// House time.
    pub clock: Clock,
}

impl Runner {
    /// Serves until `shutdown`; what runs then waits again.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { queue, worker, mut allowed, parallel, clock } = self;
        let client = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).build()?;
        let mut serving = JoinSet::new();
        let mut pause = Duration::ZERO;
        let mut changed = queue.changed();
        while !shutdown.is_cancelled() {
            changed.mark_unchanged();
            let may_start = *allowed.borrow_and_update() && pause.is_zero();
            if may_start && serving.len() < parallel.max(1) && queue.backlog().jobs as usize > serving.len() {
                expire(&queue, &clock);
                match queue.next(clock.now()) {
                    Ok(Some(job)) => {
                        let (client, worker) = (client.clone(), worker.clone());
                        let (queue, shutdown) = (queue.clone(), shutdown.clone());
                        serving.spawn(async move {
                            let attempt = AssertUnwindSafe(serve(&client, &worker, &job, &queue, &shutdown));
                            // The panic itself is in the log.
                            let broken = |_| Attempt::Failed("the attempt broke off".to_owned());
                            (job.id, attempt.catch_unwind().await.unwrap_or_else(broken))
                        });
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "the job queue cannot be read"),
                }
            }
            let wait = if pause.is_zero() { LOOK } else { pause };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(wait) => {
                    pause = Duration::ZERO;
                    expire(&queue, &clock);
                }
                result = changed.changed(), if pause.is_zero() => if result.is_err() { break },
                result = allowed.changed(), if pause.is_zero() => if result.is_err() { break },
                Some(Ok((id, attempt))) = serving.join_next() => pause = settle(&queue, id, attempt, pause, &clock),
            }
        }
        while let Some(ended) = serving.join_next().await {
            if let Ok((id, attempt)) = ended {
                settle(&queue, id, attempt, PAUSE_MIN, &clock);
            }
        }
        Ok(())
    }
}

/// Ends what waited beyond its deadline, once that is sure to have passed.
fn expire(queue: &Queue, clock: &Clock) {
    if clock.is_sure() {
        note(queue.expire(clock.now()).map(drop));
    }
}

/// Books what became of an attempt; returns how long to wait before the next one.
fn settle(queue: &Queue, id: i64, attempt: Attempt, pause: Duration, clock: &Clock) -> Duration {
    let now = clock.now();
    let longer = (pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
    match attempt {
        Attempt::Answered(answer) => {
            tracing::info!(job = id, tokens = answer.tokens_out, "job done");
            note(queue.finish(id, &answer, now));
            Duration::ZERO
        }
        Attempt::Unavailable(why) => {
            tracing::debug!(job = id, why, "the worker is not available; the job waits");
            note(queue.put_back(id));
            longer.min(PAUSE_AWAY_MAX)
        }
        Attempt::Failed(why) => {
            tracing::warn!(job = id, why, "attempt failed");
            note(queue.fail(id, &why, true, now));
            longer
        }
        Attempt::Refused(why) => {
            tracing::warn!(job = id, why, "the worker refuses the job");
            note(queue.fail(id, &why, false, now));
            Duration::ZERO
        }
        Attempt::Stopped => {
            note(queue.put_back(id));
            Duration::ZERO
        }
    }
}

fn note(result: Result<(), super::QueueError>) {
    if let Err(error) = result {
        tracing::error!(%error, "the job queue cannot be written");
    }
}

/// Serves one job; dropping the connection stops the worker in the middle of a token.
async fn serve(
    client: &reqwest::Client,
    worker: &str,
    job: &Job,
    queue: &Queue,
    shutdown: &CancellationToken,
) -> Attempt {
    let mut changed = queue.changed();
    let asking = ask(client, worker, job);
    tokio::pin!(asking);
    loop {
        tokio::select! {
            attempt = &mut asking => return attempt,
            () = shutdown.cancelled() => return Attempt::Stopped,
            result = changed.changed() => if result.is_err() || !queue.is_running(job.id) { return Attempt::Stopped },
        }
    }
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    model: String,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Text,
}

#[derive(Deserialize)]
struct Text {
    content: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

async fn ask(client: &reqwest::Client, worker: &str, job: &Job) -> Attempt {
    let mut body = json!({"messages": job.request.messages, "max_tokens": job.request.max_tokens, "stream": false});
    if let Some(expert) = &job.request.expert {
        body["model"] = json!(expert);
    }
    let request = client.post(format!("{worker}/v1/chat/completions")).header("x-heatmine-class", "deferrable");
    let request = request.header("x-heatmine-job", job.id).json(&body);
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Attempt::Unavailable(error.to_string()),
        Err(error) => return Attempt::Failed(format!("the worker did not answer: {error}")),
    };
    let status = response.status();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= ANSWER_MAX => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Attempt::Refused(format!("the answer is longer than {ANSWER_MAX} bytes")),
            Ok(None) => break,
            Err(error) => return Attempt::Failed(format!("the worker stopped answering: {error}")),
        }
    }
    if status.is_success() {
        return match serde_json::from_slice::<Completion>(&bytes) {
            Ok(Completion { model, choices, usage }) => match choices.into_iter().next() {
                Some(choice) => Attempt::Answered(Answer {
                    text: choice.message.content,
                    expert: model,
                    tokens_in: usage.prompt_tokens,
                    tokens_out: usage.completion_tokens,
                }),
                None => Attempt::Failed("the worker answered without a choice".into()),
            },
            Err(error) => Attempt::Failed(format!("the worker's answer cannot be read: {error}")),
        };
    }
    let why = format!("the worker answered {status}: {}", reason(&bytes));
    match status.as_u16() {
        429 | 503 => Attempt::Unavailable(why),
        // Any expert would do, and there is none yet.
        404 if job.request.expert.is_none() => Attempt::Unavailable(why),
        400..=499 => Attempt::Refused(why),
        _ => Attempt::Failed(why),
    }
}

/// The words of a refusal, in OpenAI's shape or plain.
fn reason(bytes: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let message = parsed.as_ref().and_then(|value| value.pointer("/error/message").or_else(|| value.get("error")));
    match message.and_then(serde_json::Value::as_str) {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(bytes).chars().take(200).collect(),
    }
}
