//! The real engine: `heatmine worker` as a child of this process, or one that runs elsewhere, asked over HTTP.

use super::interface::Engine;
use super::process::{Launch, Process};
use inference::client::{self, Place, Receipt, Status};
use inference::error::Error;
use std::io;
use std::time::Duration;

/// A worker behind its HTTP interface.
#[derive(Clone, Debug)]
pub struct Worker {
    /// How it is started; `None` where it runs elsewhere.
    pub launch: Option<Launch>,
    /// Its interface.
    pub client: client::Worker,
}

impl Engine for Worker {
    fn start(&self) -> io::Result<Process> {
        match &self.launch {
            Some(launch) => Process::start(launch),
            None => Ok(Process::elsewhere()),
        }
    }

    async fn status(&self) -> Result<Status, Error> {
        self.client.status().await
    }

    async fn receipts(&self, place: &Place) -> Result<Vec<Receipt>, Error> {
        self.client.receipts(place).await
    }

    async fn set_budget(&self, watts: Option<f64>, ttl: Duration) -> Result<Status, Error> {
        self.client.set_budget(watts, ttl).await
    }
}
