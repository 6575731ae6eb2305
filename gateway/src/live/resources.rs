//! What a run needs and may not get: its folder, its ports, its files. All of it is opened before anything is started, so
//! that a run which is refused has touched no device.

use super::keepers::Kept;
use super::outside::Outside;
use super::{data_folder, earlier, page};
use crate::config::Loaded;
use crate::jobs;
use crate::notices::Notices;
use crate::recording::Recorder;
use crate::store::{Disk, FoundHistory, History, Ledger, StateStore};
use anyhow::{Context, Result};
use plant::checkpoint::Restored;
use plant::time::Timestamp;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Everything that is open.
pub(super) struct Resources<E> {
    /// The claim on the disk, for as long as it is held.
    pub claim: Option<File>,
    /// The page's port.
    pub listener: TcpListener,
    /// The page's address.
    pub page: SocketAddr,
    /// The books.
    pub ledger: Ledger,
    /// The running state.
    pub state: StateStore,
    /// The quarter hours that have passed.
    pub history: History,
    /// What all say of the last run.
    pub restored: Restored,
    /// What is written down beside the loop.
    pub kept: Kept,
    /// Deferrable work.
    pub queue: jobs::Queue,
    /// Where this run is recorded, if anywhere.
    pub recorder: Recorder,
    pub engine: E,
    /// The address of its interface, as `http://host:port`.
    pub worker: String,
}

/// Opens everything on `disk` and `outside`, in the order in which a person would want to hear what is wrong.
pub(super) async fn open<O: Outside>(
    outside: &O,
    disk: &Disk,
    loaded: &Loaded,
    record: Option<&Path>,
    now: Timestamp,
) -> Result<Resources<O::Engine>> {
    let claim = disk.claim()?;
    let listener = page::listen(loaded.http_listen).await?;
    let page = listener.local_addr().context("the page's address is unknown")?;
    let notices = Notices::open(disk);
    let earlier::Earlier { state, debts, commands } = earlier::open(disk, &loaded.site, &notices)?;
    let ledger = Ledger::open(disk)?;
    let queue = jobs::Queue::open(disk, limits(loaded))?;
    let FoundHistory { history, quarters } = History::open(disk, &loaded.site, &ledger, now);
    data_folder::report(&ledger, &state, &queue, &notices);
    data_folder::report_history(&history, &notices);
    // Where a newer version holds the books, nothing is switched on until somebody says so.
    let beside = ledger.is_beside() || state.is_beside();
    let in_force = if beside { commands.1.in_force.off() } else { commands.1.in_force };
    let mut restored = data_folder::restore(&loaded.site, &ledger, &state, in_force, &notices)?;
    restored.days = data_folder::days(&ledger, &restored, &loaded.site, now)?;
    restored.history = quarters;
    disk.keep_reserve();
    let (engine, worker) = outside.engine(loaded)?;
    Ok(Resources {
        queue,
        recorder: data_folder::recorder(disk, record, &loaded.site, &restored, now)?,
        kept: Kept { notices, debts, commands },
        claim,
        listener,
        page,
        ledger,
        state,
        history,
        restored,
        engine,
        worker,
    })
}

fn limits(loaded: &Loaded) -> jobs::Limits {
    jobs::Limits {
        queue_max: loaded.config.jobs.queue_max,
        attempts: loaded.config.jobs.attempts,
        eur_per_mtok_in: loaded.site.work.eur_per_mtok_in,
        eur_per_mtok_out: loaded.site.work.eur_per_mtok_out,
    }
}
