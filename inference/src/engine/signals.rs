//! What the engine's thread must hear in the middle of native code.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Flags shared with the abort callback.
#[derive(Debug, Default)]
pub struct Signals {
    off: AtomicBool,
    stop: AtomicBool,
    yielding: AtomicBool,
    deferrable_step: AtomicBool,
    beats: AtomicU64,
}

impl Signals {
    /// Takes or gives power: off stops the running step.
    pub fn set_off(&self, off: bool) {
        self.off.store(off, Ordering::SeqCst);
    }

    /// Ends the engine for good.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Whether the engine must end.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// A step begins; one that nobody waits for may be interrupted by somebody who does.
    pub fn begin_step(&self, deferrable: bool) {
        self.yielding.store(false, Ordering::SeqCst);
        self.deferrable_step.store(deferrable, Ordering::SeqCst);
    }

    /// Somebody waits: a step of deferrable work gives way.
    pub fn interrupt_deferrable(&self) {
        if self.deferrable_step.load(Ordering::SeqCst) {
            self.yielding.store(true, Ordering::SeqCst);
        }
    }

    /// Whether the running step must end here.
    pub fn stops_now(&self) -> bool {
        self.off.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) || self.yielding.load(Ordering::Relaxed)
    }

    /// Shows that the thread is alive.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts up for as long as the thread is alive.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}
