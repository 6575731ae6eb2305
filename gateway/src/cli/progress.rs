//! How far a long command is, on standard error: a bar on a terminal, elsewhere a line now and then.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Parts of the whole that are told apart.
const PARTS: u64 = 1000;
/// Seconds between two lines where nobody sees a bar.
const EVERY_S: u64 = 10;

/// The progress of a command.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    lines: bool,
    /// When the last line was written, in seconds since the begin.
    said: AtomicU64,
}

impl Progress {
    /// Begins: the bar is there at once.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(PARTS);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent} % {eta}") {
            bar.set_style(style);
        }
        bar.tick();
        Self { bar, lines: !std::io::stderr().is_terminal(), said: AtomicU64::new(0) }
    }

    /// Shows the share that is done, 0 to 1; from any thread.
    pub(super) fn at(&self, share: f64) {
        self.bar.set_position((share * PARTS as f64) as u64);
        let passed = self.bar.elapsed().as_secs_f64();
        let before = self.said.load(Ordering::Relaxed);
        let due = self.lines && passed as u64 >= before + EVERY_S;
        if due && self.said.compare_exchange(before, passed as u64, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let left = if share > 0.0 { passed / share - passed } else { 0.0 };
            // Nobody who listens is no reason to stop.
            drop(writeln!(std::io::stderr(), "{:.0} %, about {left:.0} s left", share * 100.0));
        }
    }

    /// Writes a line beside the bar.
    pub(super) fn warn(&self, words: &str) {
        self.bar.suspend(|| drop(writeln!(std::io::stderr(), "warning: {words}")));
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
