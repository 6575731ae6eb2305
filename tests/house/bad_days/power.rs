//! Power cuts.

/// Chance that follows from a seed.
mod chance;
/// A data folder on a disk that forgets what was not synced.
mod disk;
