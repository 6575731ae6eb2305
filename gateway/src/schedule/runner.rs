//! Waits for what falls due next and does it.
//!
//! Example: `eco` at 22:00, `auto` at 06:00. A machine that slept from 21:00 to 07:00 does both when it wakes, `eco` first, so that
//! the mode is `auto`.

use super::served::Served;
use super::{Action, Entry, last_due, next_due};
use crate::clock::Clock;
use chrono_tz::Tz;
use plant::command::{Command, Mode, Scheduled};
use plant::time::{Timestamp, elapsed};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The clock is looked at this often at least, so that a step of it is noticed.
const LOOK: Duration = Duration::from_secs(20);

/// Something that is due.
#[derive(Debug)]
pub struct Due {
    /// What is to be done.
    pub action: Action,
    /// It is done, or cannot be.
    pub done: oneshot::Sender<()>,
}

/// Sends each entry's action when it falls due, until `shutdown`. What was missed while the machine slept or was off, or while the
/// clock was ahead, is done once, in the order of its times. What comes again, since the clock was set back, is due again: a mode
/// belongs to its time of the day.
pub async fn run(
    entries: Vec<Entry>,
    timezone: Tz,
    (clock, mut served): (Clock, Served),
    actions: mpsc::Sender<Due>,
    shutdown: CancellationToken,
) {
    loop {
        let now = clock.now();
        let due = missed(&entries, timezone, served.since(now), now);
        for action in &due {
            tracing::info!(?action, "scheduled action is due");
            let (done, ended) = oneshot::channel();
            if actions.send(Due { action: *action, done }).await.is_err() {
                return;
            }
            // Nobody says so where the gateway stops before: then it is due at the next start.
            if ended.await.is_err() {
                return;
            }
        }
        served.until(now, !due.is_empty()).await;
        let next = entries.iter().filter_map(|entry| next_due(&entry.schedule, timezone, now)).min();
        let wait = next.map_or(LOOK, |next| clock.wall_until(next).min(LOOK));
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return served.write().await;
        }
    }
}

/// What was due after `since` and up to `now`, each entry once, in the order of the times; among equals that of the file.
fn missed(entries: &[Entry], timezone: Tz, since: Timestamp, now: Timestamp) -> Vec<Action> {
    let due = |entry: &Entry| Some((last_due(&entry.schedule, timezone, since, now)?, entry.action));
    let mut missed: Vec<_> = entries.iter().filter_map(due).collect();
    missed.sort_by_key(|(due, _)| *due);
    missed.into_iter().filter_map(|(due, action)| still(action, elapsed(due, now))).collect()
}

/// What is left of an action that is `late`: a boost ends when it would have ended.
fn still(action: Action, late: Duration) -> Option<Action> {
    match action {
        Action::Command(Command::Scheduled(Scheduled { mode: Mode::Boost, boost, overrides })) => {
            let boost = boost.checked_sub(late).filter(|left| !left.is_zero())?;
            Some(Action::Command(Command::Scheduled(Scheduled { mode: Mode::Boost, boost, overrides })))
        }
        Action::Command(_) | Action::Summary => Some(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Disk;
    use plant::units::Watts;

    const BERLIN: Tz = chrono_tz::Europe::Berlin;

    fn mode(mode: Mode) -> Action {
        Action::Command(Command::Scheduled(Scheduled { mode, boost: Duration::ZERO, overrides: false }))
    }

    fn boost(seconds: u64) -> Action {
        let boost = Duration::from_secs(seconds);
        Action::Command(Command::Scheduled(Scheduled { mode: Mode::Boost, boost, overrides: false }))
    }

    fn entries(rows: &[(&str, Action)]) -> Vec<Entry> {
        rows.iter().map(|(cron, action)| Entry { schedule: cron.parse().unwrap(), action: *action }).collect()
    }

    fn local(text: &str) -> Timestamp {
        format!("{text}+01:00").parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().into()
    }

    /// One run of the gateway from `start` on; what was done until it has waited for `time`.
    async fn life(disk: &Disk, entries: &[Entry], start: &str, time: Duration) -> Vec<Action> {
        let clock = Clock::sped(local(start), 1.0);
        let (sender, mut due) = mpsc::channel(4);
        let shutdown = CancellationToken::new();
        let served = Served::open(disk);
        let task = tokio::spawn(run(entries.to_vec(), BERLIN, (clock, served), sender, shutdown.clone()));
        let mut done = Vec::new();
        let end = tokio::time::sleep(time);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                Some(Due { action, done: said }) = due.recv() => {
                    done.push(action);
                    said.send(()).unwrap();
                }
            }
        }
        shutdown.cancel();
        task.await.unwrap();
        done
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_done_in_house_time() {
        let (folder, entries) = (tempfile::tempdir().unwrap(), entries(&[("0 */15 * * * *", mode(Mode::Eco))]));
        let disk = Disk::Folder(folder.path().to_owned());
        let hour = life(&disk, &entries, "2026-12-01T00:00:00", 3601 * SECOND).await;
        assert_eq!(hour, [mode(Mode::Eco); 4]);
    }

    #[test]
    fn what_was_missed_is_made_up_in_the_order_of_its_times() {
        let (night, day) = (("0 0 22 * * *", mode(Mode::Eco)), ("0 0 6 * * *", mode(Mode::Auto)));
        let rows: [(&str, &str, &[Action]); 6] = [
            ("2026-12-01T05:00:00", "2026-12-01T23:00:00", &[mode(Mode::Auto), mode(Mode::Eco)]),
            ("2026-12-01T21:00:00", "2026-12-02T07:00:00", &[mode(Mode::Eco), mode(Mode::Auto)]),
            ("2026-12-01T21:59:00", "2026-12-01T22:01:00", &[mode(Mode::Eco)]),
            ("2026-12-01T22:00:00", "2026-12-01T23:00:00", &[]),
            ("2026-12-01T07:00:00", "2026-12-03T07:00:00", &[mode(Mode::Eco), mode(Mode::Auto)]),
            ("2026-12-01T07:00:00", "2026-12-01T07:00:00", &[]),
        ];
        for (since, now, expected) in rows {
            for file in [[night, day], [day, night]] {
                let missed = missed(&entries(&file), BERLIN, local(since), local(now));
                assert_eq!(missed, expected, "{since} to {now}");
            }
        }
    }

    #[test]
    fn a_boost_that_was_missed_runs_for_what_is_left_of_it() {
        let limit = Action::Command(Command::SetPowerLimit(Watts(500.0)));
        let entries =
            entries(&[("0 0 3 * * *", boost(3600)), ("0 30 3 * * *", limit), ("* * * * * *", Action::Summary)]);
        let rows: [(&str, &[Action]); 2] = [
            ("2026-12-02T03:45:00", &[boost(900), limit, Action::Summary]),
            ("2026-12-02T04:00:00", &[limit, Action::Summary]),
        ];
        for (now, expected) in rows {
            assert_eq!(missed(&entries, BERLIN, local("2026-12-01T12:00:00"), local(now)), expected, "{now}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_restart_loses_nothing_and_the_first_start_makes_up_nothing() {
        let entries = entries(&[("0 0 22 * * *", mode(Mode::Eco)), ("0 0 6 * * *", mode(Mode::Auto))]);
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::Folder(folder.path().to_owned());
        let rows: [(&str, u32, &[Action]); 6] = [
            ("2026-12-01T12:00:00", 10, &[]),
            ("2026-12-01T21:58:50", 10, &[]),
            ("2026-12-01T22:01:00", 10, &[mode(Mode::Eco)]),
            ("2026-12-01T22:02:00", 10, &[]),
            // Off for a year: not made up but for the last two days.
            ("2027-12-01T12:00:00", 10, &[mode(Mode::Eco), mode(Mode::Auto)]),
            // The clock was wrong then, and is right now.
            ("2026-12-02T05:59:55", 10, &[mode(Mode::Auto)]),
        ];
        for (start, seconds, expected) in rows {
            assert_eq!(life(&disk, &entries, start, seconds * SECOND).await, expected, "{start}");
        }
    }
}
