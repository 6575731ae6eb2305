//! What a publisher is given: the newest record, a way to send commands, and the signal to stop. Nothing else of the loop.

use crate::commands::{Commanded, Kept};
use plant::command::Command;
use plant::record::Record;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a command may wait for its place in the loop's queue.
const QUEUE_WAIT: Duration = Duration::from_secs(2);
/// How long whoever gave a command waits until it is on the disk.
const DISK_WAIT: Duration = Duration::from_secs(10);

/// A publisher's connection to the loop. Records are read as the newest one; commands wait in a bounded channel.
#[derive(Clone, Debug)]
pub struct Wiring {
    /// The newest record; `None` before the first decision.
    pub records: watch::Receiver<Option<Arc<Record>>>,
    /// Commands of people and automations.
    pub commands: mpsc::Sender<Commanded>,
    /// Somebody has seen the notices.
    pub confirmations: mpsc::Sender<Kept>,
    /// Cancelled when the gateway stops.
    pub shutdown: CancellationToken,
}

/// What became of a command that is not in force, or not on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// Too many are waiting.
    Busy,
    /// HeatMine is stopping.
    Stopping,
    /// It was not written down, in words.
    Unkept(String),
}

/// The answer to a command, to be waited for.
#[derive(Debug)]
pub struct Answer(oneshot::Receiver<Result<(), String>>);

impl Wiring {
    /// Gives a command; returns when it is in force and on the disk.
    pub async fn command(&self, command: Command) -> Result<(), Untaken> {
        let (kept, answer) = oneshot::channel();
        handed(timeout(QUEUE_WAIT, self.commands.send(Commanded { command, kept })).await)?;
        Answer(answer).heard().await
    }

    /// Gives a command without waiting, so that several keep their sequence.
    pub fn hand_over(&self, command: Command) -> Result<Answer, Untaken> {
        let (kept, answer) = oneshot::channel();
        match self.commands.try_send(Commanded { command, kept }) {
            Ok(()) => Ok(Answer(answer)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Untaken::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Untaken::Stopping),
        }
    }

    /// Confirms the notices; returns when that is on the disk.
    pub async fn confirm(&self) -> Result<(), Untaken> {
        let (kept, answer) = oneshot::channel();
        handed(timeout(QUEUE_WAIT, self.confirmations.send(kept)).await)?;
        Answer(answer).heard().await
    }
}

impl Answer {
    /// Waits until the command is in force and on the disk.
    pub async fn heard(self) -> Result<(), Untaken> {
        match timeout(DISK_WAIT, self.0).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(words))) => Err(Untaken::Unkept(words)),
            Ok(Err(_)) => Err(Untaken::Stopping),
            Err(_) => {
                let seconds = DISK_WAIT.as_secs();
                Err(Untaken::Unkept(format!(
                    "it was not written down within {seconds} s; whether it is in force is not known"
                )))
            }
        }
    }
}

fn handed<T, E>(sent: Result<Result<(), E>, T>) -> Result<(), Untaken> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Untaken::Stopping),
        Err(_) => Err(Untaken::Busy),
    }
}

impl fmt::Display for Untaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untaken::Busy => f.write_str("too many commands are waiting"),
            Untaken::Stopping => f.write_str("HeatMine is stopping"),
            Untaken::Unkept(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiring(commands: mpsc::Sender<Commanded>) -> Wiring {
        let (records, confirmations) = (watch::channel(None).1, mpsc::channel(1).0);
        Wiring { records, commands, confirmations, shutdown: CancellationToken::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_a_command_hears_when_it_is_kept_or_why_it_is_not() {
        let (commands, mut received) = mpsc::channel(1);
        let wiring = wiring(commands);
        let dim = || wiring.command(Command::GridDimming(None));
        let words = "it is in force, but a restart forgets it";
        for (kept, heard) in [(Ok(()), Ok(())), (Err(words.to_owned()), Err(Untaken::Unkept(words.into())))] {
            let answer = async { received.recv().await.unwrap().kept.send(kept).unwrap() };
            assert_eq!(tokio::join!(dim(), answer).0, heard);
        }
        // A disk that does not answer, and behind it a loop that takes no more.
        let unkept = dim().await.unwrap_err();
        assert!(unkept.to_string().contains("not written down within 10 s"), "{unkept}");
        assert_eq!(dim().await, Err(Untaken::Busy));
        assert_eq!(wiring.hand_over(Command::GridDimming(None)).err(), Some(Untaken::Busy));
        drop(received);
        assert_eq!(dim().await, Err(Untaken::Stopping));
    }
}
