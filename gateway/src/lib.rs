//! The shell around the core: reads clocks, files and sockets, carries events in and effects out.

/// What a publisher is given.
pub mod wiring;
