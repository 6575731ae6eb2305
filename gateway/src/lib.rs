//! The shell around the core: reads clocks, files and sockets, carries events in and effects out.

/// What a publisher is given.
pub mod wiring;
/// The configuration, read and checked as a whole.
pub mod config;
/// House time, and the one reader of the machine's clock.
pub mod clock;
/// Queries that somebody is waiting for.
pub mod interactive;
