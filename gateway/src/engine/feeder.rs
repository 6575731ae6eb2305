//! Feeds the engine its budget: the lease of a device whose wire is HTTP and whose watchdog is the budget's time to live.
//!
//! Nothing else is waited for in here, so that off is off however slow other answers are.

use super::interface::Engine;
use drivers::lease::{Duty, Failure, Lease, Terms, Wanted};
use plant::decision::{Control, Setting};
use plant::point::{DeviceId, WORKER};
use plant::record::LeaseStatus;
use plant::units::Watts;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// A budget that is not renewed for this long is over: the engine's own watchdog.
const BUDGET_TTL: Duration = Duration::from_secs(10);
/// A worker that does not take a budget in this time is given it again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The waits after a budget that was not taken: a worker on this machine is busy for moments, and off has to be off.
const RETRY: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// How often the lease is looked at between two cycles.
const LOOK: Duration = Duration::from_millis(100);

/// The way to the engine.
#[derive(Clone, Debug)]
pub struct Feeder<E> {
    engine: E,
    max: Watts,
    wanted: watch::Receiver<Wanted>,
    /// Who holds the engine.
    pub status: watch::Sender<Vec<LeaseStatus>>,
}

impl<E: Engine> Feeder<E> {
    /// Feeds `engine` up to `max` watts what is `wanted` of it.
    pub fn new(engine: E, max: Watts, wanted: watch::Receiver<Wanted>) -> Self {
        Self { engine, max, wanted, status: watch::Sender::default() }
    }

    /// Feeds one life of the worker from when it is `ready`. Ends never.
    pub async fn feed(&mut self, ready: CancellationToken) {
        ready.cancelled().await;
        let cycle = self.wanted.borrow_and_update().setpoints.cycle;
        let device = DeviceId(WORKER.to_owned());
        // Nobody knows what it draws: it rests first, also where the core is silent just then.
        let mut lease = Lease::new(device, Control::ComputeBudget, terms(self.max), cycle, true);
        loop {
            if let Some(duty) = lease.due(Instant::now()) {
                self.publish(&lease);
                let failure = self.give(&duty).await.map(Failure::touched);
                lease.written(&duty, failure, Instant::now());
            }
            self.publish(&lease);
            tokio::select! {
                () = sleep(LOOK) => {}
                Ok(()) = self.wanted.changed() => {
                    let wanted = self.wanted.borrow_and_update().clone();
                    lease.take(&wanted.setpoints, wanted.at);
                }
            }
        }
    }

    /// The worker is gone, and its budget with it.
    pub fn gone(&self) {
        self.status.send_replace(Vec::new());
    }

    /// Gives the worker a budget; returns why it did not take it.
    async fn give(&self, duty: &Duty) -> Option<String> {
        let Setting::ComputeBudget(watts) = duty.setpoint.setting else { return None };
        match timeout(PATIENCE, self.engine.set_budget(Some(watts.0), BUDGET_TTL)).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    fn publish(&self, lease: &Lease) {
        let newest: Vec<LeaseStatus> = lease.status().into_iter().collect();
        self.status.send_if_modified(|known| {
            let changed = *known != newest;
            *known = newest;
            changed
        });
    }
}

fn terms(max: Watts) -> Terms {
    Terms {
        range: Some([0.0, max.0]),
        min_interval: Duration::ZERO,
        keep_alive: Some(BUDGET_TTL),
        // A worker elsewhere may have a budget of its own when it is not fed.
        renew_safe: true,
        dead_band: Terms::DEAD_BAND * max.0,
        retry: RETRY,
        // It says with every budget what it has made of it.
        readable: false,
    }
}
