//! What the engine's thread must hear in the middle of native code: off, the end, and preemption; and its heartbeat, by
//! which a watchdog (`worker::state`) knows that it lives.
//!
//! ```text
//! begin_step(deferrable)  --> runs --somebody asks, off or the end--> stopped within a node of the graph
//! begin_step(interactive) --> runs --off or the end-----------------> stopped within a node of the graph
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Flags shared with the abort callback.
#[derive(Debug, Default)]
pub(super) struct Signals {
    off: AtomicBool,
    stop: AtomicBool,
    /// Somebody waits while a deferrable step runs.
    yielding: AtomicBool,
    /// Nobody waits for the running step.
    deferrable_step: AtomicBool,
    beats: AtomicU64,
}

impl Signals {
    /// Takes or gives power: off stops the running step.
    pub(super) fn set_off(&self, off: bool) {
        self.off.store(off, Ordering::SeqCst);
    }

    /// Ends the engine for good.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// A step begins; one that nobody waits for may be interrupted by somebody who does.
    pub(super) fn begin_step(&self, deferrable: bool) {
        self.yielding.store(false, Ordering::SeqCst);
        self.deferrable_step.store(deferrable, Ordering::SeqCst);
    }

    /// Somebody waits: a step of deferrable work gives way.
    pub(super) fn interrupt_deferrable(&self) {
        if self.deferrable_step.load(Ordering::SeqCst) {
            self.yielding.store(true, Ordering::SeqCst);
        }
    }

    /// Whether the running step must end here.
    pub(super) fn stops_now(&self) -> bool {
        self.off.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed) || self.yielding.load(Ordering::Relaxed)
    }

    /// Shows that the thread is alive.
    pub(super) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts up for as long as the thread is alive, also while it computes or loads.
    pub(super) fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}
