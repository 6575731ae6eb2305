//! The engine as a service: OpenAI's and Ollama's HTTP interfaces, and HeatMine's own for budget, status and receipts.
//!
//! The worker is a process of its own, so that a crash in native code takes nothing else with it. It draws what it is
//! allowed to: a *budget* (W) has a time to live, and where nobody renews it, the start value holds again. A *receipt*
//! of each served piece of work is on disk before its client hears the end.
//!
//! ```text
//! request -> chat -> submission -> engine -> answer in pieces -> the client's own form
//!   openai, ollama       (chat, state)          (answer)            (openai, ollama, refusal)
//! ```
//!
//! Example: a worker starts with a budget of 0 W. The gateway sends `{"watts": 45, "ttl_s": 10}` and repeats it while
//! it lives. A client streams an answer at a quarter of the engine's speed. The gateway dies: ten seconds later the
//! budget is 0 W again, the answer stops in the middle of a token, and goes on when a gateway is back.
//!
//! Graceful shutdown: running answers fail with a reason, what was computed is booked, the connections are closed, and
//! the journal is written to its end before the folder is given up. A watchdog refuses to call the worker healthy when
//! the engine's thread shows no life (`state`).

/// An answer as pieces: text, tool calls, the end.
mod answer;
/// What is asked, whichever interface it came through.
mod chat;
/// How a worker runs.
mod config;
/// Budget, status, receipts, health.
mod heatmine;
/// Served work on its way to the journal.
mod journal;
/// Ollama's interface.
mod ollama;
/// OpenAI's interface.
mod openai;
/// Errors as each interface writes them.
mod refusal;
/// What the handlers share.
mod state;

pub use crate::stopwatch::WallClock;
pub use config::WorkerConfig;

use crate::engine::{Engine, EngineConfig};
use crate::error::Error;
use crate::expert::{Expert, Store};
use crate::receipts::Journal;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use journal::write_journal;
use state::{Shared, State};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The longest request body. Chosen: 128 000 tokens are half a megabyte of text, and a chat's JSON holds that with much
/// to spare.
const LONGEST_BODY: usize = 8 << 20;
/// How long running answers may take to hear that the worker ends: less than the 3 s after which the gateway kills it.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a worker waits for the one before it, whose last answers are being booked. Chosen: longer than a disk that
/// is busy holds up a few lines, shorter than a person waits without asking why.
const PREDECESSOR: Duration = Duration::from_secs(20);
/// How often it looks whether that one is gone.
const LOOK: Duration = Duration::from_millis(100);
/// The most answers side by side: llama.cpp's own bound (`LLAMA_MAX_SEQ`) is higher, but each takes a context of
/// memory.
const MOST_PARALLEL: usize = 64;
/// The least tokens of context: less does not hold a chat template and a word.
const LEAST_CONTEXT: usize = 64;

/// A worker that has its port and its engine, and waits to be run.
pub struct Worker {
    /// Where it can be reached.
    pub address: SocketAddr,
    listener: TcpListener,
    shared: Shared,
    engine: std::thread::JoinHandle<()>,
    journal: std::thread::JoinHandle<()>,
    /// Held until everything is written.
    _claim: File,
}

/// Runs a worker until `shutdown`.
///
/// # Errors
/// What [`bind`] and [`Worker::run`] fail with.
pub async fn serve(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let worker = bind(config).await?;
    tracing::info!(address = %worker.address, "worker is listening");
    worker.run(shutdown).await
}

/// Opens store, journal and port, and starts the engine.
///
/// # Errors
/// [`Error::File`]: a folder cannot be made, read or written. [`Error::Unknown`], [`Error::Gguf`]: the model to serve
/// is not installed, or is none. [`Error::Listen`]: the address cannot be used. [`Error::Engine`]: another worker is at
/// work in the data folder, or the system has no thread.
pub async fn bind(config: WorkerConfig) -> Result<Worker, Error> {
    let store = Store::open(&config.experts)?.tried(config.trial.clone());
    let preferred = preferred(&store, config.model.as_deref()).await?;
    let claim = claim(&config.data).await?;
    let journal = Arc::new(Mutex::new(Journal::open(&config.data)?));
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let (bookings, inbox) = mpsc::channel();
    let journal_thread = write_journal(journal.clone(), inbox, config.clock)?;
    let book = Box::new(move |booking| {
        // The journal's thread ends only after this one.
        let _ = bookings.send(booking);
    });
    let engine_config = EngineConfig {
        threads: threads(config.threads),
        parallel: config.parallel.clamp(1, MOST_PARALLEL),
        context: config.context.max(LEAST_CONTEXT),
        queue: config.queue.max(1),
        power: config.power,
        budget: config.budget,
    };
    let (engine, thread) = Engine::start(engine_config, preferred.as_ref().map(Expert::model), book)?;
    let shared: Shared = Arc::new(State::new(config, store, preferred, engine, journal));
    Ok(Worker { address, listener, shared, engine: thread, journal: journal_thread, _claim: claim })
}

/// Claims the folder for this process: two workers would write over each other's receipts.
async fn claim(folder: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(Error::file(&path))?;
    let claimed = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(source)) => return Err(Error::File { path: path.clone(), source }),
            }
        }
    };
    match tokio::time::timeout(PREDECESSOR, claimed).await {
        Ok(claimed) => claimed.map(|()| file),
        Err(_) => Err(Error::Engine(format!("another worker is at work in {}", folder.display()))),
    }
}

impl Worker {
    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// [`Error::Engine`]: the engine's thread has ended or crashed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { listener, shared, engine: thread, journal, .. } = self;
        let mut ended = tokio::task::spawn_blocking(move || thread.join().is_err());
        let closing = CancellationToken::new();
        let server =
            axum::serve(listener, router(shared.clone())).with_graceful_shutdown(closing.clone().cancelled_owned());
        let server = tokio::spawn(server.into_future());
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            broken = &mut ended => Err(Error::Engine(match broken {
                Ok(true) | Err(_) => "its thread has crashed".into(),
                Ok(false) => "its thread has ended".into(),
            })),
        };
        shared.engine.stop();
        closing.cancel();
        // Connections that stay open longer are cut.
        let _ = tokio::time::timeout(FAREWELL, server).await;
        if outcome.is_ok() {
            let _ = ended.await;
        }
        drop(shared);
        let _ = tokio::time::timeout(FAREWELL, tokio::task::spawn_blocking(move || journal.join())).await;
        outcome
    }
}

fn router(shared: Shared) -> Router {
    Router::new()
        .merge(heatmine::routes())
        .merge(openai::routes())
        .merge(ollama::routes())
        .fallback(refusal::nothing_here)
        .method_not_allowed_fallback(refusal::wrong_method)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(shared)
}

/// The expert served where a request names none: the named one, or the first that can be served.
async fn preferred(store: &Store, model: Option<&str>) -> Result<Option<Expert>, Error> {
    let candidates = match model {
        Some(model) if model.ends_with(".gguf") || model.contains('/') => {
            return Expert::from_file(Path::new(model)).map(Some);
        }
        Some(model) => vec![store.find(model)?],
        None => store.installed()?,
    };
    for candidate in candidates {
        match store.proved(candidate).await {
            Ok(expert) => return Ok(Some(expert)),
            Err(error @ Error::Aside { .. }) => tracing::warn!(%error),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// One core is left to the house's control loop, unless the owner says otherwise.
fn threads(configured: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    configured.unwrap_or(cores.saturating_sub(1)).clamp(1, cores)
}
