//! Spot prices from an address on the web, asked for again and again, less often while it fails.

use super::{Desk, MESSAGE_MAX, market};
use crate::clock::Clock;
use reqwest::header::DATE;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The wait after a first failure; it doubles with each one in a row, up to the usual interval.
const RETRY_MIN: Duration = Duration::from_secs(30);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `url` every `refresh_s` seconds until `shutdown`.
pub(super) async fn run(url: &str, refresh_s: u32, desk: &Desk, shutdown: &CancellationToken) {
    let client = match reqwest::Client::builder().timeout(PATIENCE).user_agent("heatmine").build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "prices cannot be asked for");
            return;
        }
    };
    let refresh = Duration::from_secs(u64::from(refresh_s));
    let mut retry = RETRY_MIN;
    loop {
        let Some(read) = shutdown.run_until_cancelled(ask(&client, url, &desk.clock)).await else { return };
        let wait = if desk.take(url, read).await {
            retry = RETRY_MIN;
            refresh
        } else {
            let wait = retry.min(refresh);
            retry = (retry * 2).min(refresh);
            wait
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
    }
}

async fn ask(client: &reqwest::Client, url: &str, clock: &Clock) -> Result<plant::outlook::Outlook, String> {
    let in_words = |error: reqwest::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{}{cause}", error.without_url())
    };
    let mut response = client.get(url).send().await.map_err(in_words)?;
    if let Some(date) = response.headers().get(DATE).and_then(|date| date.to_str().ok()) {
        clock.hear(date);
    }
    if !response.status().is_success() {
        return Err(format!("answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(in_words)? {
        if body.len() + chunk.len() > MESSAGE_MAX {
            return Err(format!("is longer than {MESSAGE_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    market::prices(&body)
}
