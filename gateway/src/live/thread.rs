//! The loop on a thread of its own. Where it hangs, at a slow disk for instance, nothing else does: a task that it woke would
//! otherwise wait behind it on the same thread, and the leases have to let go of the devices just then.

use crate::host::{GracefulShutdown, Host, Inputs};
use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Runs the loop until `shutdown`.
pub(super) async fn run(host: Host, inputs: Inputs, shutdown: CancellationToken) -> Result<GracefulShutdown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no event loop")?;
    let (ended, end) = oneshot::channel();
    let work = move || {
        let rest = runtime.block_on(host.run(inputs, shutdown));
        // A plan that is still being made is not waited for.
        runtime.shutdown_background();
        let _ = ended.send(rest);
    };
    std::thread::Builder::new().name("loop".to_owned()).spawn(work).context("no thread for the loop")?;
    end.await.context("the control loop has ended")
}
