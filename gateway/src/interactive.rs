//! Counts the queries somebody is waiting for, so that the loop can give them power.

use tokio::sync::watch;

/// The number of interactive queries in flight. Clones count together.
#[derive(Clone, Debug)]
pub struct Interactive {
    count: watch::Sender<u32>,
}

/// One query in flight; it ends when the guard is dropped.
#[derive(Debug)]
pub struct InFlight {
    count: watch::Sender<u32>,
}

impl Interactive {
    /// Nobody waits.
    pub fn new() -> Self {
        Self { count: watch::Sender::new(0) }
    }

    /// Somebody waits, until the guard is dropped.
    pub fn enter(&self) -> InFlight {
        self.count.send_modify(|count| *count += 1);
        InFlight { count: self.count.clone() }
    }

    /// The count, to be watched.
    pub fn watch(&self) -> watch::Receiver<u32> {
        self.count.subscribe()
    }
}

impl Default for Interactive {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.send_modify(|count| *count = count.saturating_sub(1));
    }
}
