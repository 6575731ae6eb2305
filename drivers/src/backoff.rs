//! The back-off of a connection, how long to wait before trying again: 1, 2, 4, 5, 5 .. s, each wait spread over the half below
//! it (jitter), so that many clients of one dead neighbour do not return at the same instant. Whoever comes back is found within
//! ten seconds: the longest wait, and the time that an attempt takes.
//!
//! A back-off forgets after a minute of health, not after one success: a connection that is made and lost every few seconds is
//! tried every few seconds.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(5);
/// A connection about which nobody had to wait for this long is well again.
const HEALTH: Duration = Duration::from_secs(60);

/// The state of one row of attempts.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    last: Duration,
    /// When the last wait ends.
    until: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST, last: LAST, until: None }
    }
}

impl Backoff {
    /// One for a connection whose user has a back-off as well: over by the time at which the user asks again.
    pub(crate) fn below_another() -> Self {
        Self { last: LAST / 2, ..Self::default() }
    }

    pub(crate) fn step(&mut self) -> Duration {
        if self.until.is_some_and(|until| until.elapsed() >= HEALTH) {
            self.next = FIRST;
        }
        let ceiling = self.next;
        self.next = (ceiling * 2).min(self.last);
        let wait = ceiling.mul_f64(0.5 + 0.5 * chance());
        self.until = Some(Instant::now() + wait);
        wait
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

    fn within(wait: Duration, ceiling_s: u64) -> bool {
        let ceiling = Duration::from_secs(ceiling_s);
        (ceiling / 2..=ceiling).contains(&wait)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_five_seconds_and_stay_there() {
        let mut backoff = Backoff::default();
        for ceiling_s in [1, 2, 4, 5, 5, 5, 5] {
            let began = Instant::now();
            backoff.wait().await;
            assert!(within(began.elapsed(), ceiling_s), "{:?} of {ceiling_s} s", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_health_is_forgiven_and_a_single_success_is_not() {
        let mut backoff = Backoff::default();
        for _ in 0..4 {
            backoff.wait().await;
        }
        tokio::time::sleep(HEALTH - Duration::from_secs(1)).await;
        assert!(within(backoff.step(), 5));
        tokio::time::sleep(HEALTH + LAST).await;
        assert!(within(backoff.step(), 1));
    }
}
