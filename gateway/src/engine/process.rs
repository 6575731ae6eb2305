//! The engine's process, from start to end.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, ChildStdin, Command};

/// How long it may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(3);

/// How it is started.
#[derive(Clone, Debug)]
pub struct Launch {
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

/// A process of the engine. Its standard input is its leash: kept apart from the child, whose `wait` would close it.
#[derive(Debug)]
pub struct Process {
    child: Option<Child>,
    leash: Option<ChildStdin>,
}

impl Process {
    pub fn start(launch: &Launch) -> io::Result<Self> {
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let leash = child.stdin.take();
        Ok(Self { child: Some(child), leash })
    }

    /// One that somebody else started, and nobody here ends.
    pub fn elsewhere() -> Self {
        Self { child: None, leash: None }
    }

    /// Waits for its end and says how it ended; one that runs elsewhere is never seen to end.
    pub async fn ended(&mut self) -> String {
        let Some(child) = &mut self.child else { return std::future::pending().await };
        match child.wait().await {
            Ok(status) => format!("ended with {status}"),
            Err(error) => format!("cannot be watched: {error}"),
        }
    }

    /// Lets go of the leash, which asks it to end, and kills it where it does not.
    pub async fn stop(mut self) {
        drop(self.leash.take());
        let Some(child) = &mut self.child else { return };
        if tokio::time::timeout(FAREWELL, child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Ends it at once.
    pub async fn kill(mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill().await;
        }
    }
}
