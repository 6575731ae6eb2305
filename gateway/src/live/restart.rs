//! The restart of a task (a supervisor, in Erlang's word): one that ends or panics while the gateway runs is noticed, said, and
//! started again.
//!
//! Example: a publisher that panics at every start is started again after 1, 2, 4, 8, 16, 30, 30 .. seconds, and the page says so
//! all the time. Once it has worked for a minute, nothing is said any more, and the next wait is one second again.
//!
//! Invariant: the control loop is not kept like this. Where it fails, the process ends and gives the devices back.

use crate::troubles::Troubles;
use anyhow::Result;
use futures_util::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The first and the longest wait before a task is started again.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// A task that worked for this long is well again.
const HEALTH: Duration = Duration::from_secs(60);

/// Keeps the tasks that run until `stop`.
#[derive(Clone, Debug)]
pub(super) struct Restart {
    /// Where it is said.
    pub(super) troubles: Troubles,
    /// Cancelled when the tasks are to end.
    pub(super) stop: CancellationToken,
}

impl Restart {
    /// Runs the task `name` until `stop`; `task` makes it anew for every start. Returns whether it was at work when the end came.
    pub(super) async fn keep<F>(self, name: String, mut task: impl FnMut() -> F) -> bool
    where
        F: Future<Output = Result<()>>,
    {
        let mut wait = BACK_OFF[0];
        loop {
            let mut running = pin!(AssertUnwindSafe(async { task().await }).catch_unwind());
            let end = match timeout(HEALTH, &mut running).await {
                Ok(end) => end,
                Err(_) => {
                    wait = BACK_OFF[0];
                    self.troubles.over(&name);
                    running.await
                }
            };
            if self.stop.is_cancelled() {
                self.troubles.over(&name);
                return true;
            }
            let why = match end {
                Ok(Ok(())) => "has ended".to_owned(),
                Ok(Err(error)) => format!("has failed ({error:#})"),
                Err(panic) => format!("has failed ({})", words(panic.as_ref())),
            };
            let said = format!("{name} {why} and is started again");
            tracing::error!(wait_s = wait.as_secs(), "{said}");
            self.troubles.say(&name, said);
            if self.stop.run_until_cancelled(sleep(wait)).await.is_none() {
                self.troubles.over(&name);
                return false;
            }
            wait = (wait * 2).min(BACK_OFF[1]);
        }
    }
}

/// Runs a task that cannot be made anew, and says where it has failed.
pub(super) async fn say_failed(troubles: Troubles, name: &'static str, task: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
        let said = format!("{name} has failed ({}); start HeatMine again", words(panic.as_ref()));
        tracing::error!("{said}");
        troubles.say(name, said);
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no reason that it names")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::Instant;

    /// What a task does at each of its starts; after the last row it works for good.
    #[derive(Clone, Copy)]
    enum Life {
        Ends,
        Fails,
        Panics,
        WorksFor(u64),
    }

    struct House {
        troubles: Troubles,
        stop: CancellationToken,
        starts: Arc<AtomicUsize>,
        task: tokio::task::JoinHandle<bool>,
    }

    fn start(lives: &'static [Life]) -> House {
        let (troubles, stop, starts) = (Troubles::default(), CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (restart, counted) = (Restart { troubles: troubles.clone(), stop: stop.clone() }, starts.clone());
        let ends = stop.clone();
        let task = tokio::spawn(restart.keep("the test".into(), move || {
            let life = lives.get(counted.fetch_add(1, Ordering::SeqCst)).copied();
            let ends = ends.clone();
            async move {
                match life {
                    Some(Life::Ends) => Ok(()),
                    Some(Life::Fails) => anyhow::bail!("a full disk"),
                    Some(Life::Panics) => panic!("index 7 of {}", 3),
                    Some(Life::WorksFor(seconds)) => {
                        sleep(Duration::from_secs(seconds)).await;
                        Ok(())
                    }
                    None => {
                        ends.cancelled().await;
                        Ok(())
                    }
                }
            }
        }));
        House { troubles, stop, starts, task }
    }

    async fn ended(house: House) {
        house.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), house.task).await.expect("it ends").expect("it does not panic");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_fails_or_panics_is_said_and_started_again() {
        let rows: [(&'static [Life], &str); 3] = [
            (&[Life::Ends], "the test has ended and is started again"),
            (&[Life::Fails], "the test has failed (a full disk) and is started again"),
            (&[Life::Panics], "the test has failed (index 7 of 3) and is started again"),
        ];
        for (lives, said) in rows {
            let house = start(lives);
            sleep(Duration::from_secs(3)).await;
            assert_eq!(house.troubles.all(), [said]);
            assert_eq!(house.starts.load(Ordering::SeqCst), 2);
            sleep(HEALTH).await;
            assert!(house.troubles.all().is_empty(), "a minute of health");
            ended(house).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_back_off_grows_and_forgets_after_a_minute_of_health() {
        let house = start(&[Life::Panics, Life::Fails, Life::Ends, Life::WorksFor(59), Life::WorksFor(61)]);
        let began = Instant::now();
        let mut starts = Vec::new();
        while starts.len() < 6 {
            sleep(Duration::from_millis(500)).await;
            let count = house.starts.load(Ordering::SeqCst);
            starts.resize(count, began.elapsed().as_secs());
        }
        // After 1, 2 and 4 s; 59 s are no minute, 8 s; after 61 s it is one second again.
        assert_eq!(starts, [0, 1, 3, 7, 74, 136]);
        ended(house).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_said_of_an_end_that_was_asked_for() {
        let house = start(&[]);
        sleep(Duration::from_secs(1)).await;
        let troubles = house.troubles.clone();
        ended(house).await;
        assert!(troubles.all().is_empty());
    }
}
