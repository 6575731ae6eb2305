//! The history publisher against real databases that go away and come back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

#[path = "../../tests/house/database.rs"]
#[allow(dead_code, reason = "shared with the black-box tests, which use more of it")]
mod database;
#[path = "../../tests/house/peer.rs"]
#[allow(dead_code, reason = "shared with the black-box tests, which use more of it")]
mod peer;

use axum::extract::State;
use axum::response::IntoResponse;
use database::{Database, Kind};
use gateway::config::influx::{InfluxApi, InfluxConfig};
use gateway::notices::Notices;
use gateway::publish::influx;
use gateway::store::Disk;
use gateway::wiring::Wiring;
use peer::wait_until;
use plant::record::Record;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(60);

/// A running publisher, and the loop's end of its wiring.
struct Publisher {
    records: watch::Sender<Option<Arc<Record>>>,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    folder: std::path::PathBuf,
}

impl Publisher {
    fn start(config: InfluxConfig, folder: &Path) -> Self {
        peer::client().expect("a TLS provider");
        let (records, receiver) = watch::channel(None);
        let shutdown = CancellationToken::new();
        let wiring = Wiring {
            records: receiver,
            commands: mpsc::channel(1).0,
            confirmations: mpsc::channel(1).0,
            shutdown: shutdown.clone(),
        };
        let folder = folder.to_path_buf();
        let disk = Disk::Folder(folder.clone());
        let task = tokio::spawn(async move { influx::run(config, &disk, wiring, &Notices::open(&disk)).await });
        Self { records, shutdown, task, folder }
    }

    /// Publishes record number `number`, ten seconds of house time after the one before, and waits until it is safe.
    async fn publish(&self, number: i64) {
        let mut record: Record = serde_json::from_str(include_str!("record.json")).unwrap();
        record.at += chrono::TimeDelta::seconds(10 * number);
        let mark = record.at.timestamp_millis().to_string();
        self.records.send(Some(Arc::new(record))).unwrap();
        let path = self.folder.join("influx-spool.db");
        wait_until(LIMIT, "a record in the spool", async || {
            let spool = rusqlite::Connection::open(&path).ok()?;
            // A record that has already left the spool is as safe: the next number is above its own.
            let passed = "SELECT seq FROM sqlite_sequence WHERE name = 'waiting'";
            let count: i64 = spool.query_row(passed, [], |row| row.get(0)).ok()?;
            let waits = format!("SELECT count(*) FROM waiting WHERE lines LIKE '%{mark}%'");
            let waiting: i64 = spool.query_row(&waits, [], |row| row.get(0)).ok()?;
            (waiting > 0 || count > number).then_some(())
        })
        .await
        .unwrap();
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn config(database: &Database) -> InfluxConfig {
    let api = match database.kind {
        Kind::Influx => InfluxApi::V1,
        Kind::Victoria => InfluxApi::V2,
    };
    InfluxConfig { enabled: true, url: database.url.clone(), api, ..InfluxConfig::default() }
}

async fn expect(database: &Database, count: usize) {
    let what = format!("{count} points in {:?}", database.kind);
    let complete = async || {
        let found = database.count("heatmine_power", "grid").await.ok()?;
        (found == count).then_some(())
    };
    wait_until(LIMIT, &what, complete).await.unwrap();
}

/// The database is stopped, the gateway is restarted meanwhile, and nothing is missing at the end.
async fn nothing_is_lost(kind: Kind) {
    let Some(mut database) = Database::start(kind).await.unwrap() else { return };
    let folder = TempDir::new().unwrap();
    let publisher = Publisher::start(config(&database), folder.path());
    for number in 0..5 {
        publisher.publish(number).await;
    }
    expect(&database, 5).await;

    database.process.stop().await.unwrap();
    for number in 5..15 {
        publisher.publish(number).await;
    }
    publisher.stop().await;
    let publisher = Publisher::start(config(&database), folder.path());
    for number in 15..20 {
        publisher.publish(number).await;
    }
    database.restart().await.unwrap();
    expect(&database, 20).await;
    publisher.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_with_influxdb() {
    nothing_is_lost(Kind::Influx).await;
}

#[tokio::test]
async fn nothing_is_lost_with_victoria_metrics() {
    nothing_is_lost(Kind::Victoria).await;
}

#[tokio::test]
async fn a_refused_record_is_put_aside_and_the_others_arrive() {
    let Some(database) = Database::start(Kind::Influx).await.unwrap() else { return };
    // Today's field is a text, so that the publisher's number of the same name is refused.
    let url = format!("{}/write?db={}&precision=ms", database.url, database::NAME);
    let poison = "heatmine_power grid=\"text\" 1782036420000";
    let written = peer::client().unwrap().post(&url).body(poison).send().await.unwrap();
    assert!(written.status().is_success());

    let folder = TempDir::new().unwrap();
    let publisher = Publisher::start(config(&database), folder.path());
    publisher.publish(0).await;
    let path = folder.path().join("influx-spool.db");
    let words = wait_until(LIMIT, "the refused record", async || {
        let spool = rusqlite::Connection::open(&path).ok()?;
        spool.query_row("SELECT status || ' ' || answer FROM refused", [], |row| row.get::<_, String>(0)).ok()
    })
    .await
    .unwrap();
    assert!(words.starts_with("400 ") && words.contains("field type conflict"), "{words}");
    // What the database could take of it, it has.
    let price = async || (database.count("heatmine_price", "import").await.ok()? == 1).then_some(());
    wait_until(LIMIT, "the other lines", price).await.unwrap();
    publisher.stop().await;
}

#[derive(Clone, Default)]
struct Busy {
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

/// A database that asks to wait once, and then takes what it is given.
async fn busy(
    State(busy): State<Busy>,
    headers: axum::http::HeaderMap,
    body: axum::body::Bytes,
) -> axum::response::Response {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    let mut requests = busy.requests.lock().unwrap();
    requests.push((authorization, text));
    match requests.len() {
        1 => (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "busy").into_response(),
        _ => axum::http::StatusCode::NO_CONTENT.into_response(),
    }
}

#[tokio::test]
async fn a_busy_database_gets_the_same_lines_again() {
    let state = Busy::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().route("/api/v2/write", axum::routing::post(busy)).with_state(state.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = TempDir::new().unwrap();
    let token = Some(gateway::config::secret::Secret::new("s3cret"));
    let config = InfluxConfig { enabled: true, url, token, ..InfluxConfig::default() };
    let publisher = Publisher::start(config, folder.path());
    publisher.publish(0).await;
    let requests = state.requests.clone();
    wait_until(LIMIT, "a second try", async || (requests.lock().unwrap().len() > 1).then_some(())).await.unwrap();
    let requests = requests.lock().unwrap().clone();
    assert_eq!(requests[0], requests[1]);
    assert_eq!(requests[0].0, "Token s3cret");
    assert!(requests[0].1.contains("heatmine_price,"), "{}", requests[0].1);
    publisher.stop().await;
    server.abort();
}
