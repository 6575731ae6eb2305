//! The border to the engine: its process and its interface, or a stand-in of both.

use super::process::Process;
use inference::client::{Place, Receipt, Status};
use inference::error::Error;
use std::io;
use std::time::Duration;

/// An engine. Clones reach the same one.
pub trait Engine: Clone + Send + Sync + 'static {
    /// Starts its process, where the gateway is the one to start it.
    fn start(&self) -> io::Result<Process>;

    /// How it is.
    fn status(&self) -> impl Future<Output = Result<Status, Error>> + Send;

    /// The receipts after `place`, at most a thousand; the engine may forget those up to it.
    fn receipts(&self, place: &Place) -> impl Future<Output = Result<Vec<Receipt>, Error>> + Send;

    /// Gives it `watts` to draw, for `ttl`; `None` is no limit.
    fn set_budget(&self, watts: Option<f64>, ttl: Duration) -> impl Future<Output = Result<Status, Error>> + Send;
}
