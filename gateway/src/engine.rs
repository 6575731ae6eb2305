//! The engine, seen from the gateway.

/// Its process.
pub mod process;
