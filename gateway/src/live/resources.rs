//! What a run needs and may not get: its folder, its ports, its files. All of it is opened before anything is started, so
//! that a run which is refused has touched no device.

use super::{data_folder, devices};
use crate::config::Loaded;
use crate::engine::process::Launch;
use crate::jobs;
use crate::recording::Recorder;
use crate::store::{Ledger, Owed, StateStore};
use anyhow::{Context, Result};
use inference::client;
use plant::plant::Restored;
use plant::time::Timestamp;
use plant::told::Told;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Everything that is open.
#[derive(Debug)]
pub struct Resources {
    /// The claim on the data folder, for as long as it is held.
    pub lock: File,
    /// The page's port.
    pub listener: TcpListener,
    /// The page's address.
    pub page: SocketAddr,
    /// The books.
    pub ledger: Ledger,
    /// The running state.
    pub state: StateStore,
    /// What both say of the last run.
    pub restored: Restored,
    /// The newest receipts in the books.
    pub booked: Told,
    /// The controls that the last run did not give back.
    pub owed: Vec<Owed>,
    /// Deferrable work.
    pub queue: jobs::Queue,
    /// Where this run is recorded, if anywhere.
    pub recorder: Recorder,
    /// How the worker is started; `None` where it runs elsewhere.
    pub launch: Option<Launch>,
    /// The worker's address, as `http://host:port`.
    pub worker: String,
    /// The client to it.
    pub client: client::Worker,
}

impl Resources {
    /// Opens everything, in the order in which a person would want to hear what is wrong.
    ///
    /// # Errors
    /// The folder is in use or cannot be written, a port is taken, or a file is not what it should be.
    pub async fn open(loaded: &Loaded, record: Option<&Path>, now: Timestamp) -> Result<Self> {
        let Loaded { config, site, data_dir: folder, .. } = loaded;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the data folder {}", folder.display()))?;
        let lock = data_folder::lock(folder)?;
        let listener = devices::listen(loaded.http_listen).await?;
        let page = listener.local_addr().context("the page's address is unknown")?;
        let ledger = Ledger::open(&folder.join("ledger.db"))?;
        let state = StateStore::open(&folder.join("state.db")).context("cannot open state.db in the data folder")?;
        let restored = data_folder::restore(&ledger, &state)?;
        let limits = jobs::Limits {
            queue_max: config.jobs.queue_max,
            attempts: config.jobs.attempts,
            eur_per_mtok_in: site.work.eur_per_mtok_in,
            eur_per_mtok_out: site.work.eur_per_mtok_out,
        };
        let (launch, worker) =
            devices::worker(&config.worker, &site.compute, loaded.worker_listen, &loaded.experts_dir, folder)?;
        Ok(Self {
            booked: data_folder::booked_receipts(&ledger)?,
            owed: state.owed().context("cannot read state.db in the data folder")?,
            queue: jobs::Queue::open(&folder.join("jobs.db"), limits)?,
            recorder: data_folder::recorder(record, site, &restored, now)?,
            client: client::Worker::new(&worker).context("the client to the worker could not be made")?,
            lock,
            listener,
            page,
            ledger,
            state,
            restored,
            launch,
            worker,
        })
    }
}
