//! A model is tried in a process of its own before it is offered: llama.cpp ends the whole process on some broken files.
//!
//! ```text
//! store --starts--> heatmine expert try FILE --> reads the model, answers a word
//!       <--ends-----  0: it is offered; else: it is put aside with the reason
//! ```
//!
//! Example: a file whose head says that the model has no attention heads. The process that tries it dies of signal 6, with
//! `GGML_ASSERT(n_head > 0) failed` as its last words; the worker never sees it.

use super::manifest::Expert;
use crate::engine::work::{Class, Event, Options, Request};
use crate::engine::{Engine, EngineConfig};
use crate::error::Error;
use crate::throttle::PowerModel;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// A model that is not read within this time is not tried any longer. Chosen: 20 GB from a slow disk.
const PATIENCE: Duration = Duration::from_secs(150);
/// Of what the process says at its end so many letters are kept.
const LONGEST_REASON: usize = 300;
/// A failed check in llama.cpp begins so; before it stands a path that says nothing to a user.
const ASSERTION: &str = "GGML_ASSERT";
/// The context in which a word is said.
const CONTEXT: usize = 256;

/// How a model is tried: a program that gets its file as the last argument.
#[derive(Clone, Debug)]
pub struct Trial {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// It can be offered.
    Sound,
    /// It cannot; why.
    Broken(String),
    /// Nobody knows; why.
    Untried(String),
}

impl Trial {
    /// By `program` with `arguments` and the file.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = &'static str>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// Tries `model`.
    pub(super) async fn of(&self, model: &Path) -> Outcome {
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(model)
            // A stack of C++ calls is no reason for a user, and a debugger that prints one takes its time.
            .env("GGML_NO_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let ended = match child {
            Ok(child) => tokio::time::timeout(PATIENCE, child.wait_with_output()).await,
            Err(error) => return Outcome::Untried(format!("{}: {error}", self.program.display())),
        };
        match ended {
            Ok(Ok(Output { status, .. })) if status.success() => Outcome::Sound,
            Ok(Ok(Output { status, stderr, .. })) => Outcome::Broken(reason(status, &String::from_utf8_lossy(&stderr))),
            Ok(Err(error)) => Outcome::Untried(error.to_string()),
            Err(_) => Outcome::Untried(format!("it was not read within {} s", PATIENCE.as_secs())),
        }
    }
}

/// Why a process ended that tried a model: how, and its last words.
fn reason(status: ExitStatus, said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let assertion = lines().find_map(|line| line.find(ASSERTION).map(|at| &line[at..]));
    let last = assertion.or_else(|| lines().next_back()).map(|line| line.trim_start_matches("heatmine: "));
    let words: String = last.unwrap_or_default().chars().take(LONGEST_REASON).collect();
    // A code says that the program ended by itself, with a reason; without one llama.cpp or the system ended it.
    match (status.code(), words.is_empty()) {
        (Some(_), false) => words,
        (Some(code), true) => format!("the engine gave it up with code {code}"),
        (None, true) => format!("the engine ended on it ({status})"),
        (None, false) => format!("the engine ended on it ({status}): {words}"),
    }
}

/// Reads the model in `path` and lets it say a word, in this process. Blocks.
///
/// # Errors
/// [`Error::File`], [`Error::Gguf`], [`Error::Load`]: it cannot be read. [`Error::Engine`]: it was read, but does not answer. On some files
/// llama.cpp ends the process.
pub fn attempt(path: &Path) -> Result<(), Error> {
    let model = Expert::from_file(path)?.model();
    let power = PowerModel::default();
    let config = EngineConfig { threads: 1, parallel: 1, context: CONTEXT, queue: 1, power, budget: None };
    let book = Box::new(|booking: crate::engine::work::Booking| {
        if let Some((asked, done)) = booking.last {
            // Who asked waits below.
            let _ = asked.send(Event::Done(done));
        }
    });
    let (engine, thread) = Engine::start(config, Some(model.clone()), book)?;
    let options = Options { temperature: 0.0, max_tokens: Some(2), ..Options::default() };
    let prompt = "Hello".to_owned();
    let request = Request { id: "trial".into(), model, prompt, class: Class::Interactive, job: None, options };
    let mut events = engine.submit(request)?;
    let outcome = loop {
        match events.blocking_recv() {
            Some(Event::Started | Event::Text(_)) => {}
            Some(Event::Done(_)) => break Ok(()),
            Some(Event::Failed(error)) => break Err(error),
            None => break Err(Error::Engine("it gave no answer".into())),
        }
    };
    engine.stop();
    // How the thread ends plays no part any more.
    let _ = thread.join();
    outcome
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn the_last_words_of_a_process_are_the_reason() {
        let rows = [
            (ExitStatus::from_raw(0x4100), "loading\nheatmine: the file is gone\n\n", "the file is gone"),
            (ExitStatus::from_raw(0x4100), "", "the engine gave it up with code 65"),
            (ExitStatus::from_raw(9), "", "the engine ended on it (signal: 9 (SIGKILL))"),
            (
                ExitStatus::from_raw(6),
                "/b/ggml.c:12: GGML_ASSERT(n > 0) failed\nbye\n",
                "the engine ended on it (signal: 6 (SIGABRT)): GGML_ASSERT(n > 0) failed",
            ),
        ];
        for (status, said, expected) in rows {
            assert_eq!(reason(status, said), expected);
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_tries_nothing() {
        let outcome = Trial::new("/nowhere/heatmine", ["expert", "try"]).of(Path::new("x.gguf")).await;
        assert!(matches!(&outcome, Outcome::Untried(why) if why.starts_with("/nowhere/heatmine: ")), "{outcome:?}");
        assert_eq!(Trial::new("/bin/true", []).of(Path::new("x.gguf")).await, Outcome::Sound);
        let broken = Outcome::Broken("the engine gave it up with code 1".into());
        assert_eq!(Trial::new("/bin/false", []).of(Path::new("x.gguf")).await, broken);
    }
}
