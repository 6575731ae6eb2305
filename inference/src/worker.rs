//! The engine as a service: OpenAI's and Ollama's HTTP interfaces, and HeatMine's own for budget, status and receipts.
//!
//! The worker is a process of its own, so that a crash in native code takes nothing else with it. It draws what it is
//! allowed to: a budget that is not renewed ends, and the start value holds again.

/// An answer as pieces: text, tool calls, the end.
mod answer;
/// What is asked, whichever interface it came through.
mod ask;
/// Budget, status, receipts, health.
mod house;
/// Ollama's interface.
mod ollama;
/// OpenAI's interface.
mod openai;
/// Errors as each interface writes them.
mod reply;
/// What the handlers share.
mod state;

use crate::engine::{Engine, EngineConfig};
use crate::error::Error;
use crate::expert::{Expert, Store};
use crate::receipts::Journal;
use crate::stopwatch::WallClock;
use crate::throttle::PowerModel;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use state::{Booking, Shared, State};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The longest request body: a context full of text with room to spare.
const LONGEST_BODY: usize = 8 << 20;
/// How long running answers may take to hear that the worker ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a worker waits for the one before it, whose last answers are being booked.
const PREDECESSOR: Duration = Duration::from_secs(20);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);

/// How a worker runs.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder of experts.
    pub experts: PathBuf,
    /// The expert loaded at the start and served where a request names none: a name in the store, or a GGUF file. The
    /// first of the store where it is not given.
    pub model: Option<String>,
    /// The folder of its receipts.
    pub data: PathBuf,
    /// Watts it may draw until told otherwise, and again when a budget is not renewed; `None` is no limit.
    pub budget: Option<f64>,
    /// What the machine draws.
    pub power: PowerModel,
    /// Processor threads; all cores but one where it is not given. Never more than there are cores.
    pub threads: Option<usize>,
    /// Answers made at the same time.
    pub parallel: usize,
    /// Tokens of context for each answer, as far as the model allows.
    pub context: usize,
    /// Requests under way, waiting and served together, before more are refused.
    pub queue: usize,
    /// The date, for receipts and replies.
    pub clock: WallClock,
}

impl WorkerConfig {
    /// The usual worker: experts and receipts below `data`, no limit of power.
    pub fn new(data: impl Into<PathBuf>, clock: WallClock) -> Self {
        let data = data.into();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8100)),
            experts: data.join("experts"),
            model: None,
            data,
            budget: None,
            power: PowerModel::default(),
            threads: None,
            parallel: 4,
            context: 4096,
            queue: 64,
            clock,
        }
    }
}

/// A worker that has its port and its engine, and waits to be run.
pub struct Worker {
    /// Where it can be reached.
    pub address: SocketAddr,
    listener: TcpListener,
    shared: Shared,
    engine: std::thread::JoinHandle<()>,
    journal: std::thread::JoinHandle<()>,
    // Held until everything is written.
    _claim: File,
}

/// Runs a worker until `shutdown`; fails when it cannot start or its engine ends by itself.
pub async fn serve(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), Error> {
    let worker = bind(config).await?;
    tracing::info!(address = %worker.address, "worker is listening");
    worker.run(shutdown).await
}

/// Opens store, journal and port, and starts the engine.
pub async fn bind(config: WorkerConfig) -> Result<Worker, Error> {
    let store = Store::open(&config.experts)?;
    let preferred = preferred(&store, config.model.as_deref())?;
    let claim = claim(&config.data).await?;
    let journal = Arc::new(Mutex::new(Journal::open(&config.data)?));
    let address = config.listen;
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
    let (bookings, inbox) = mpsc::channel();
    let journal_thread = write_journal(journal.clone(), inbox, config.clock)?;
    let book = Box::new(move |served, last| {
        // The journal's thread ends only after this one.
        let _ = bookings.send(Booking { served, last });
    });
    let engine_config = EngineConfig {
        threads: threads(config.threads),
        parallel: config.parallel.clamp(1, 64),
        context: config.context.max(64),
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
    /// Serves until `shutdown`; fails when the engine ends by itself.
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
        .merge(house::routes())
        .merge(openai::routes())
        .merge(ollama::routes())
        .fallback(reply::nothing_here)
        .method_not_allowed_fallback(reply::wrong_method)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(shared)
}

fn preferred(store: &Store, model: Option<&str>) -> Result<Option<Expert>, Error> {
    match model {
        Some(model) if model.ends_with(".gguf") || model.contains('/') => Expert::from_file(Path::new(model)).map(Some),
        Some(model) => store.find(model).map(Some),
        None => Ok(store.list()?.into_iter().next()),
    }
}

fn threads(wanted: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    wanted.unwrap_or(cores.saturating_sub(1)).clamp(1, cores)
}

/// Work is on disk before the one who asked hears its end.
fn write_journal(
    journal: Arc<Mutex<Journal>>,
    inbox: mpsc::Receiver<Booking>,
    clock: WallClock,
) -> Result<std::thread::JoinHandle<()>, Error> {
    let work = move || {
        for Booking { served, last } in inbox {
            let booked = journal.lock().unwrap_or_else(PoisonError::into_inner).append(served, clock());
            if let Err(error) = booked {
                tracing::error!(%error, "a receipt is kept in memory only");
            }
            if let Some((events, done)) = last {
                // Nobody listening is no loss.
                let _ = events.send(crate::engine::work::Event::Done(done));
            }
        }
    };
    std::thread::Builder::new()
        .name("journal".into())
        .spawn(work)
        .map_err(|error| Error::Engine(format!("no thread: {error}")))
}
