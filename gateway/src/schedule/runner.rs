//! Waits for what falls due next and does it.

use super::{Action, Entry, next_due};
use crate::clock::Clock;
use chrono_tz::Tz;
use plant::time::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The clock is looked at this often at least, so that a jump of it is noticed.
const LOOK: Duration = Duration::from_secs(20);

/// Sends each entry's action when it falls due, until `shutdown`. What fell due while the machine slept, or while the clock
/// jumped ahead, is done once; a clock that is set back repeats nothing.
pub async fn run(
    entries: Vec<Entry>,
    timezone: Tz,
    clock: Clock,
    actions: mpsc::Sender<Action>,
    shutdown: CancellationToken,
) {
    let begin = clock.now();
    let mut waiting: Vec<(Entry, Option<Timestamp>)> =
        entries.into_iter().map(|entry| (entry.clone(), next_due(&entry.schedule, timezone, begin))).collect();
    while let Some(next) = waiting.iter().filter_map(|(_, due)| *due).min() {
        let wait = clock.wall_until(next).min(LOOK);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let now = clock.now();
        for (entry, due) in &mut waiting {
            if due.is_some_and(|due| due <= now) {
                *due = next_due(&entry.schedule, timezone, now);
                tracing::info!(action = ?entry.action, "scheduled action is due");
                if actions.send(entry.action).await.is_err() {
                    return;
                }
            }
        }
    }
    shutdown.cancelled().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;
    use plant::command::{Command, Mode};

    #[tokio::test]
    async fn what_is_due_is_done_in_house_time() {
        let clock = Clock::sped("2026-06-01T00:00:00Z".parse().unwrap(), 3600.0);
        let schedule: Schedule = "0 */15 * * * *".parse().unwrap();
        let action = Action::Command(Command::SetMode(Mode::Eco));
        let (sender, mut actions) = mpsc::channel(4);
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(
            vec![Entry { schedule, action }],
            chrono_tz::Europe::Berlin,
            clock.clone(),
            sender,
            shutdown.clone(),
        ));
        for _ in 0..2 {
            let done = tokio::time::timeout(Duration::from_secs(20), actions.recv()).await.unwrap();
            assert_eq!(done, Some(action));
        }
        assert!(clock.now() >= "2026-06-01T00:30:00Z".parse::<Timestamp>().unwrap());
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
    }
}
