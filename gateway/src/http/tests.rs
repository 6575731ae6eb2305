//! The HTTP side over real connections, on a fabricated house.

mod api;
mod document;
mod experts;
mod garbage;
mod review;
mod stream;

use super::*;
use crate::commands::{Commanded, Kept};
use crate::config::secret::Secret;
use crate::http::fixture::{fill, fill_yesterday, record};
use crate::jobs::Limits;
use crate::store::Disk;
use chrono::TimeZone;
use plant::command::Command;
use plant::record::Record;
use plant::time::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A served house; everything ends with it.
struct House {
    url: String,
    records: watch::Sender<Option<Arc<Record>>>,
    commands: mpsc::Receiver<Command>,
    confirmations: mpsc::Receiver<Kept>,
    interactive: watch::Receiver<u32>,
    ledger: Ledger,
    client: reqwest::Client,
    _folder: TempDir,
    _stop: DropGuard,
}

/// A loop that passes commands on to the test and has them on the disk at once; it ends when the test takes no more.
fn loop_of(test: mpsc::Sender<Command>) -> mpsc::Sender<Commanded> {
    let (commands, mut received) = mpsc::channel::<Commanded>(8);
    tokio::spawn(async move {
        while let Some(Commanded { command, kept }) = received.recv().await {
            if test.send(command).await.is_err() {
                return;
            }
            let _ = kept.send(Ok(()));
        }
    });
    commands
}

/// Noon of the fabricated day.
fn noon() -> Timestamp {
    chrono::Utc.with_ymd_and_hms(2026, 11, 21, 11, 0, 0).unwrap()
}

impl House {
    async fn open() -> Self {
        Self::open_with(HttpConfig::default(), "http://127.0.0.1:9".into()).await
    }

    async fn open_with(config: HttpConfig, worker: String) -> Self {
        Self::open_for(config, worker, Signal::Rest).await
    }

    async fn open_for(config: HttpConfig, worker: String, dimming: Signal) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let (records, receiver) = watch::channel(Some(Arc::new(record(noon()))));
        let (sender, commands) = mpsc::channel(8);
        let shutdown = CancellationToken::new();
        let interactive = Interactive::new();
        let limits = Limits { queue_max: 50, attempts: 3, eur_per_mtok_in: 0.5, eur_per_mtok_out: 2.0 };
        let disk = Disk::Folder(folder.path().to_owned());
        let ledger = Ledger::open(&disk).unwrap();
        let jobs = Queue::open(&disk, limits).unwrap();
        fill(&ledger, &jobs, noon()).unwrap();
        let (clock, timezone) = (Clock::sped(noon(), 1.0), chrono_tz::Europe::Vienna);
        let (confirm, confirmations) = mpsc::channel(1);
        let wiring =
            Wiring { records: receiver, commands: loop_of(sender), confirmations: confirm, shutdown: shutdown.clone() };
        let state = State::new(Parts {
            wiring,
            clock,
            timezone,
            currency: plant::units::Currency::EUR,
            ledger: ledger.clone(),
            jobs,
            interactive: interactive.clone(),
            worker,
            dimming,
        })
        .unwrap();
        let state = State { power_wait: Duration::from_millis(300), ..state };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { serve(&config, listener, state).await });
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let interactive = interactive.watch();
        Self {
            url,
            records,
            commands,
            confirmations,
            interactive,
            ledger,
            client,
            _folder: folder,
            _stop: shutdown.drop_guard(),
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    /// Sends a body as JSON; the answer has to be JSON too.
    async fn send(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let method: reqwest::Method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
        let value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path} answered {status} with {text}"));
        (status, value)
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        let mut record = record(noon());
        change(&mut record);
        self.records.send_replace(Some(Arc::new(record)));
    }
}
