//! Threads with an event loop of their own. A task that hangs, at a slow disk for instance, holds up every task that shares its
//! event loop: so the control loop has one of its own, and so have the leases, which let go of the devices just then.

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A thread that works until it is dropped. What still runs on it then is left behind.
#[derive(Debug)]
pub(super) struct Thread {
    tasks: Handle,
    _running: oneshot::Sender<()>,
}

impl Thread {
    pub(super) fn start(name: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("no event loop")?;
        let tasks = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        let work = move || {
            let _ = runtime.block_on(ended);
            // A plan that is still being made is not waited for.
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work).context("no thread")?;
        Ok(Self { tasks, _running: running })
    }

    pub(super) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.tasks.spawn(task)
    }
}
