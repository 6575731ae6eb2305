//! What the worker's handlers share: experts made ready once, the budget with its time to live, the journal, and the
//! watchdog over the engine's thread.

use super::config::WorkerConfig;
use super::refusal::Refusal;
use crate::engine::{Engine, Snapshot};
use crate::error::Error;
use crate::expert::gguf::Head;
use crate::expert::{Expert, Store};
use crate::receipts::Journal;
use crate::stopwatch;
use crate::template::Template;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// The engine's thread shows life several times a second, also while it loads a model; after this long without, it
/// hangs. Chosen: longer than a machine short of memory swaps, shorter than a person waits before they pull the plug.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// An expert ready to be asked.
pub(super) struct Prepared {
    pub expert: Expert,
    pub template: Template,
}

pub(super) struct State {
    pub config: WorkerConfig,
    pub store: Store,
    pub engine: Engine,
    preferred: Option<Expert>,
    journal: Arc<Mutex<Journal>>,
    prepared: Mutex<BTreeMap<PathBuf, Arc<Prepared>>>,
    /// Experts that are being tried, and that may be asked since, by their digests.
    trying: Mutex<BTreeSet<String>>,
    proved: Mutex<BTreeSet<String>>,
    /// The task that ends the budget when it is not renewed.
    expiry: Mutex<Option<AbortHandle>>,
    /// The last heartbeat and when it was seen first.
    life: Mutex<(u64, Instant)>,
    /// Requests so far, for their ids.
    counter: AtomicU64,
    started_ms: i64,
}

pub(super) type Shared = Arc<State>;

impl State {
    pub(super) fn new(
        config: WorkerConfig,
        store: Store,
        preferred: Option<Expert>,
        engine: Engine,
        journal: Arc<Mutex<Journal>>,
    ) -> Self {
        let started_ms = (config.clock)();
        // The preferred one was tried before the engine got it.
        let proved = preferred.iter().map(|expert| expert.sha256.clone()).collect();
        Self {
            config,
            store,
            engine,
            preferred,
            journal,
            prepared: Mutex::default(),
            trying: Mutex::default(),
            proved: Mutex::new(proved),
            expiry: Mutex::default(),
            life: Mutex::new((0, stopwatch::now())),
            counter: AtomicU64::new(0),
            started_ms,
        }
    }

    /// All experts that can be asked for.
    pub(super) fn experts(&self) -> Result<Vec<Expert>, Error> {
        let mut experts = self.store.list()?;
        if let Some(preferred) = &self.preferred
            && !experts.iter().any(|expert| expert.name == preferred.name)
        {
            experts.insert(0, preferred.clone());
        }
        Ok(experts)
    }

    /// What keeps the worker from serving anybody: that there is no expert, or none that can be served.
    pub(super) fn lacking(&self) -> Option<String> {
        match self.experts() {
            Ok(experts) if experts.is_empty() => {
                let aside = self.store.installed().unwrap_or_default().into_iter().filter_map(|expert| {
                    let Expert { name, aside, .. } = expert;
                    aside.map(|why| format!("{name} is put aside: {why}"))
                });
                let aside: Vec<String> = aside.collect();
                let lacking = if aside.is_empty() { "no expert is installed".into() } else { aside.join("; ") };
                Some(format!("{lacking} (in {}); `heatmine expert add` installs one", self.config.experts.display()))
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    }

    /// The expert called `name`; the preferred one for no name.
    pub(super) fn expert(self: &Arc<Self>, name: &str) -> Result<Arc<Prepared>, Error> {
        let experts = self.experts()?;
        let wanted = name.strip_suffix(":latest").unwrap_or(name).to_lowercase();
        let found = if wanted.is_empty() || wanted == "default" {
            self.preferred.clone().or_else(|| experts.first().cloned())
        } else {
            experts.iter().find(|expert| expert.name == wanted).cloned()
        };
        let known = || experts.iter().map(|expert| expert.name.clone()).collect();
        let expert = found.ok_or_else(|| self.not_offered(name, known()))?;
        if let Some(prepared) = lock(&self.prepared).get(&expert.path) {
            return Ok(prepared.clone());
        }
        // One that lies outside the store is the owner's own choice.
        if !expert.sha256.is_empty() && !self.store.is_sound(&expert) && !lock(&self.proved).contains(&expert.sha256) {
            let name = expert.name.clone();
            self.prove(expert);
            return Err(Error::Trying { expert: name });
        }
        let template = Template::of(&expert.name, &Head::read(&expert.path)?, self.config.clock)?;
        let prepared = Arc::new(Prepared { template, expert });
        lock(&self.prepared).insert(prepared.expert.path.clone(), prepared.clone());
        Ok(prepared)
    }

    /// Why `name` is not offered: it is put aside, or nobody knows it.
    fn not_offered(&self, name: &str, known: Vec<String>) -> Error {
        let aside = self.store.find(name).ok().and_then(|expert| Some((expert.name, expert.aside?)));
        match aside {
            Some((expert, why)) => Error::Aside { expert, why },
            None => Error::Unknown { expert: name.to_owned(), known },
        }
    }

    /// Tries an expert beside what is served; what came of it stands in its manifest.
    fn prove(self: &Arc<Self>, expert: Expert) {
        if !lock(&self.trying).insert(expert.sha256.clone()) {
            return;
        }
        let state = self.clone();
        tokio::spawn(async move {
            let sha256 = expert.sha256.clone();
            match state.store.proved(expert).await {
                Ok(_) => drop(lock(&state.proved).insert(sha256.clone())),
                Err(error) => tracing::warn!(%error),
            }
            lock(&state.trying).remove(&sha256);
        });
    }

    /// Sets the budget (W); `None` is no limit. After `ttl` (its time to live) the start value holds again, unless
    /// another budget has come.
    pub(super) fn set_budget(self: &Arc<Self>, watts: Option<f64>, ttl: Option<Duration>) {
        let mut expiry = lock(&self.expiry);
        if let Some(previous) = expiry.take() {
            previous.abort();
        }
        self.engine.set_budget(watts);
        *expiry = ttl.map(|ttl| {
            let state = self.clone();
            let end = async move {
                tokio::time::sleep(ttl).await;
                // Under the lock, so that a renewal which has just come is not undone.
                let _expiry = lock(&state.expiry);
                tracing::warn!(default_w = state.config.budget, "the budget was not renewed");
                state.engine.set_budget(state.config.budget);
            };
            tokio::spawn(end).abort_handle()
        });
    }

    /// The engine's state; an error once its thread has been silent for too long.
    pub(super) fn engine_state(&self) -> Result<Snapshot, Refusal> {
        let snapshot = self.engine.snapshot();
        let now = stopwatch::now();
        let mut life = lock(&self.life);
        if life.0 != snapshot.beats {
            *life = (snapshot.beats, now);
        }
        let silence = now.duration_since(life.1);
        if silence > LONGEST_SILENCE {
            return Err(Refusal::hanging(silence));
        }
        Ok(snapshot)
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    /// An id no other piece of work has, on this machine.
    pub(super) fn new_id(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{:x}-{count:x}", self.started_ms, std::process::id())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
