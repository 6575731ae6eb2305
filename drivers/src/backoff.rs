//! The back-off of a connection, how long to wait before trying again: 1 s, doubling to 60 s, each wait spread over the half
//! below it (jitter), so that many clients of one dead neighbour do not return at the same instant.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(60);

/// The state of one row of attempts.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    pub(crate) fn step(&mut self) -> Duration {
        let ceiling = self.next;
        self.next = (ceiling * 2).min(LAST);
        ceiling.mul_f64(0.5 + 0.5 * chance())
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.step()).await;
    }
}

/// A number between 0 and 1 from the process's hash seeds: enough to spread retries.
fn chance() -> f64 {
    f64::from(RandomState::new().build_hasher().finish() as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_stay_there() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..10).map(|_| backoff.step()).collect();
        assert!(waits[0] >= Duration::from_millis(500) && waits[0] <= FIRST, "{waits:?}");
        assert!(waits[9] >= Duration::from_secs(30) && waits[9] <= LAST, "{waits:?}");
    }
}
