//! What follows when somebody confirms the notices: what stands in for lost commands is lifted, debts that nobody can carry out are
//! forgotten, and then the notices go. In this order: a power cut in between leaves a notice too many, never one too few.

use crate::commands::Kept;
use crate::notices::Notices;
use crate::store::StandIn;
use crate::wiring::Wiring;
use tokio::sync::{mpsc, oneshot, watch};

/// Confirms.
#[derive(Debug)]
pub struct Confirmer {
    /// The notices.
    pub notices: Notices,
    /// What stands in for lost commands.
    pub stand_in: watch::Receiver<StandIn>,
    /// The way to the debts.
    pub debts: mpsc::Sender<Kept>,
    /// The way of commands.
    pub wiring: Wiring,
}

impl Confirmer {
    /// Confirms whenever somebody says so, until HeatMine stops.
    pub async fn run(self, mut confirmations: mpsc::Receiver<Kept>) {
        let shutdown = self.wiring.shutdown.clone();
        while let Some(Some(kept)) = shutdown.run_until_cancelled(confirmations.recv()).await {
            let result = self.confirm().await;
            match &result {
                Ok(()) => tracing::info!("the notices are confirmed"),
                Err(error) => tracing::error!(error, "the notices cannot be confirmed"),
            }
            let _ = kept.send(result);
        }
    }

    async fn confirm(&self) -> Result<(), String> {
        let lifted = self.stand_in.borrow().lifted_by();
        for command in lifted {
            self.wiring.command(command).await.map_err(|untaken| untaken.to_string())?;
        }
        let stopping = || "HeatMine is stopping".to_owned();
        let (done, answer) = oneshot::channel();
        self.debts.send(done).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())??;
        let notices = self.notices.clone();
        tokio::task::spawn_blocking(move || notices.confirm()).await.map_err(|error| error.to_string())?
    }
}
