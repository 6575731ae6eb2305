//! Modbus as a client, over TCP, RTU, and RTU through a TCP gateway.
//!
//! One connection per endpoint, shared by all units behind it and served in order, writes first. Invariant: after any
//! timeout or broken answer the connection is dropped, because a late answer would be taken for the next one's (RTU has
//! no transaction ids at all); lines without ids are listened to until they are quiet before they are used again.

pub(crate) mod blocks;
mod endpoint;
mod fault;
mod timing;
mod wire;
pub(crate) mod words;

pub use endpoint::{At, Endpoint};
pub use fault::Fault;
pub use timing::Timing;
pub use words::{Number, WordOrder};
