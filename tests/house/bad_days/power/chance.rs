//! Chance that follows from a seed, so that a round can be repeated.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Numbers that follow from a seed, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    seed: u64,
    turn: u64,
}

impl Chance {
    /// The numbers of one of several that share a seed.
    pub(super) fn of(seed: u64, which: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, which).hash(&mut hasher);
        Self { seed: hasher.finish(), turn: 0 }
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.turn += 1;
        let mut hasher = DefaultHasher::new();
        (self.seed, self.turn).hash(&mut hasher);
        hasher.finish() % end.max(1)
    }

    /// Heads or tails.
    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let at = usize::try_from(self.below(of.len() as u64)).ok()?;
        of.get(at).copied()
    }

    /// A time below `end`, in milliseconds.
    pub(super) fn moment(&mut self, end: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(end.as_millis()).unwrap_or(u64::MAX)))
    }
}
