//! The keeper of the commands in force: has each command on the disk before whoever gave it hears that it is taken.
//!
//! ```text
//!   people --Commanded--> loop --Taken--> keeper --commands.json, commands.backup.json--> disk
//!      ^                                     |
//!      +---------------- kept ---------------+     the loop decides on it at once and waits for nothing
//! ```
//!
//! Where the disk takes nothing, the command is in force all the same, which its answer and a problem of the record say; it is tried
//! again every ten seconds.

use crate::store::{KeptCommands, StandIn, Twice};
use plant::command::{Command, InForce};
use std::io;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

/// Commands that may wait for the disk; they are written together.
const WAITING_MAX: usize = 64;
/// What the disk did not take is tried again after this time.
const RETRY: Duration = Duration::from_secs(10);

/// A command on its way to the loop.
#[derive(Debug)]
pub struct Commanded {
    /// What is commanded.
    pub command: Command,
    /// Whether it is in force and on the disk; what of it is not, in words.
    pub kept: Kept,
}

/// The way of an answer to whoever gave a command.
pub type Kept = oneshot::Sender<Result<(), String>>;

/// What the core has in force after a command, or after the clock was set.
#[derive(Debug)]
struct Taken {
    command: Option<(Command, Kept)>,
    in_force: InForce,
}

/// Writes the commands in force down.
#[derive(Debug)]
pub struct CommandKeeper {
    file: Twice,
    commands: KeptCommands,
    /// Whether the disk holds something else.
    unwritten: bool,
    taken: mpsc::Receiver<Taken>,
    problem: watch::Sender<Option<String>>,
    stand_in: watch::Sender<StandIn>,
}

/// The loop's way to the keeper.
#[derive(Debug)]
pub struct CommandWay {
    taken: mpsc::Sender<Taken>,
    problem: watch::Receiver<Option<String>>,
}

impl CommandKeeper {
    /// A keeper of `commands` in `file`, the way to it, and what of them stands in for a lost one.
    pub fn new(file: Twice, commands: KeptCommands) -> (Self, CommandWay, watch::Receiver<StandIn>) {
        let (sender, taken) = mpsc::channel(WAITING_MAX);
        let (problem, stand_in) = (watch::Sender::new(None), watch::Sender::new(commands.stand_in));
        let way = CommandWay { taken: sender, problem: problem.subscribe() };
        let seen = stand_in.subscribe();
        (Self { file, commands, unwritten: true, taken, problem, stand_in }, way, seen)
    }

    /// Writes down what comes, until the loop has ended.
    pub async fn run(mut self) {
        let _ = self.write().await;
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                count = self.taken.recv_many(&mut batch, WAITING_MAX) => {
                    if count == 0 {
                        break;
                    }
                    self.take(std::mem::take(&mut batch)).await;
                }
                () = sleep(RETRY), if self.unwritten => drop(self.write().await),
            }
        }
        if self.unwritten {
            let _ = self.write().await;
        }
    }

    async fn take(&mut self, batch: Vec<Taken>) {
        let before = self.commands;
        let mut waiting = Vec::new();
        for Taken { command, in_force } in batch {
            self.commands.in_force = in_force;
            if let Some((command, kept)) = command {
                self.commands = self.commands.after(command, in_force);
                waiting.push(kept);
            }
        }
        self.stand_in
            .send_if_modified(|known| std::mem::replace(known, self.commands.stand_in) != self.commands.stand_in);
        let written = if self.commands == before && !self.unwritten { Ok(()) } else { self.write().await };
        for kept in waiting {
            let words = |error: &io::Error| {
                format!("it is in force, but a restart forgets it: it could not be written down ({error})")
            };
            let _ = kept.send(written.as_ref().copied().map_err(words));
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        let result = self.file.write_aside(self.commands).await;
        self.unwritten = result.is_err();
        self.problem.send_if_modified(|known| {
            let words = |error: &io::Error| format!("the commands in force cannot be written: {error}");
            let newest = result.as_ref().err().map(words);
            std::mem::replace(known, newest.clone()) != newest
        });
        result
    }
}

impl CommandWay {
    /// Hands on a command that the core has taken; never waits.
    pub fn keep(&self, command: Command, in_force: InForce, kept: Kept) {
        if let Err(error) = self.taken.try_send(Taken { command: Some((command, kept)), in_force }) {
            let (mpsc::error::TrySendError::Full(taken) | mpsc::error::TrySendError::Closed(taken)) = error;
            let words = "it is in force, but could not be written down: the disk does not answer";
            if let Some((_, kept)) = taken.command {
                let _ = kept.send(Err(words.to_owned()));
            }
        }
    }

    /// Hands on what is in force after the clock was set, which moves the end of a boost; never waits. What finds no place is written
    /// down with the next command.
    pub fn keep_moved(&self, in_force: InForce) {
        let _ = self.taken.try_send(Taken { command: None, in_force });
    }

    /// What keeps the commands from being written, in words.
    pub fn problem(&self) -> Option<String> {
        self.problem.borrow().clone()
    }
}
