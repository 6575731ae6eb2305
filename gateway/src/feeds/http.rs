//! Prices from an address on the web, asked for again and again.

use super::{slots, tell};
use crate::clock::Clock;
use anyhow::{Context, Result, bail};
use plant::event::Event;
use plant::outlook::Outlook;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most of an answer that is read.
const ANSWER_MAX: usize = 4 << 20;
/// The first wait after a failure, doubled with each one in a row up to the refresh time.
const PAUSE_MIN: Duration = Duration::from_secs(30);

/// Asks `url` every `refresh` of house time until `shutdown`, sooner after a failure.
pub async fn poll(
    url: &str,
    refresh: Duration,
    clock: &Clock,
    events: &mpsc::Sender<Event>,
    shutdown: &CancellationToken,
) {
    let client = match reqwest::Client::builder().timeout(TIMEOUT).build() {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "prices cannot be asked for"),
    };
    let mut pause = PAUSE_MIN;
    loop {
        let wait = match ask(&client, url).await {
            Ok(outlook) => {
                tell(Ok(outlook), url, events).await;
                pause = PAUSE_MIN;
                refresh.div_f64(clock.speed())
            }
            Err(error) => {
                tell(Err(format!("{error:#}")), url, events).await;
                std::mem::replace(&mut pause, (pause * 2).min(refresh))
            }
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> Result<Outlook> {
    let mut response = client.get(url).send().await.context("not reached")?.error_for_status()?;
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.context("broken off")? {
        answer.extend_from_slice(&chunk);
        if answer.len() > ANSWER_MAX {
            bail!("more than {ANSWER_MAX} bytes");
        }
    }
    slots::market(&answer).map_err(anyhow::Error::msg)
}
