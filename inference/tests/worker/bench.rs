//! A worker on a free port, with the real model.

use inference::client;
use inference::throttle::PowerModel;
use inference::worker::{WorkerConfig, bind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::{CancellationToken, DropGuard};

/// One engine at a time: the tests measure processor time.
static TURN: Mutex<()> = Mutex::const_new(());
/// What is waited for comes within this time, on a machine that has much else to do, too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running worker.
pub(crate) struct Bench {
    pub worker: client::Worker,
    pub http: reqwest::Client,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
    _turn: MutexGuard<'static, ()>,
}

/// The date in all tests.
pub(crate) fn clock() -> i64 {
    1_795_257_600_000
}

pub(crate) fn install_tls() {
    // A second installation in the same process is refused, and is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The real model; says so where there is none.
pub(crate) fn model() -> Option<PathBuf> {
    let experts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/experts");
    let stored = || {
        let entries = std::fs::read_dir(experts).ok()?;
        entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "gguf"))
    };
    let named = std::env::var_os("HEATMINE_TEST_MODEL").filter(|name| !name.is_empty()).map(PathBuf::from);
    let found = named.or_else(stored);
    if found.is_none() {
        eprintln!("SKIPPED: no model; set HEATMINE_TEST_MODEL or add an expert to .cache/experts");
    }
    found
}

/// The right to run an engine.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// A worker's configuration: 20 W idle, 120 W at work, no limit of power. One thread, because two of them wait for each
/// other where other programs take the processor away from one.
pub(crate) fn config(folder: &Path, model: &Path) -> WorkerConfig {
    let mut config = WorkerConfig::new(folder, clock);
    config.listen.set_port(0);
    config.model = Some(model.display().to_string());
    config.power = PowerModel { idle: 20.0, max: 120.0 };
    config.threads = Some(1);
    config
}

impl Bench {
    pub(crate) async fn start(adjust: impl FnOnce(&mut WorkerConfig)) -> Option<Self> {
        install_tls();
        let model = model()?;
        let turn = turn().await;
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), &model);
        adjust(&mut config);
        let worker = bind(config).await.unwrap();
        let url = format!("http://{}", worker.address);
        let stop = CancellationToken::new();
        tokio::spawn(worker.run(stop.clone()));
        let worker = client::Worker::new(&url).unwrap();
        let bench =
            Self { worker, http: reqwest::Client::new(), _folder: folder, _stop: stop.drop_guard(), _turn: turn };
        bench.until(|status| status.state != client::State::Loading).await;
        Some(bench)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.worker.url)
    }

    /// Waits until the status is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&client::Status) -> bool) -> client::Status {
        let start = tokio::time::Instant::now();
        loop {
            let status = self.worker.status().await.unwrap();
            if wanted(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {status:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn budget(&self, watts: Option<f64>) {
        self.worker.set_budget(watts, Duration::from_secs(600)).await.unwrap();
    }

    /// A greedy chat that repeats exactly.
    pub(crate) async fn ask(&self, text: &str, max_tokens: u32) -> Value {
        let body = json!({
            "messages": [{"role": "user", "content": text}], "max_tokens": max_tokens, "temperature": 0, "seed": 1,
        });
        self.chat(&body).await
    }

    pub(crate) async fn chat(&self, body: &Value) -> Value {
        let response = self.http.post(self.url("/v1/chat/completions")).json(body).send().await.unwrap();
        let status = response.status();
        let reply: Value = response.json().await.unwrap();
        assert!(status.is_success(), "{reply}");
        reply
    }
}

pub(crate) fn text(reply: &Value) -> &str {
    reply["choices"][0]["message"]["content"].as_str().unwrap()
}

/// A prompt of about a thousand tokens: two batches, each of seconds.
pub(crate) fn long_text() -> String {
    let line = "The battery holds nine kilowatt hours and the roof gives five kilowatts at noon. ";
    format!("{}\nWhat does the roof give at noon?", line.repeat(56))
}

/// Processor time this process has used.
pub(crate) fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
