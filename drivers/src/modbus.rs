//! Modbus as a client, over TCP, RTU, and RTU through a TCP gateway.
//!
//! One connection per endpoint, shared by all units behind it and served in order, writes first. Invariant: after any
//! timeout or broken answer the connection is dropped, because a late answer would be taken for the next one's (RTU has
//! no transaction ids at all); lines without ids are listened to until they are quiet before they are used again.

/// Reads grouped into requests, and what the device refuses of them.
pub mod blocks;
/// One connection, its queue and its recovery.
mod endpoint;
/// The wire itself.
mod wire;
/// Numbers in registers.
pub mod words;

pub use endpoint::Endpoint;

/// What went wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The device answered with an exception code.
    #[error("{}", exception(*.0))]
    Exception(u8),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// An answer that does not belong to the request.
    #[error("a garbled answer: {0}")]
    Garbled(String),
    /// No connection.
    #[error("{0}")]
    Lost(String),
}

impl Fault {
    /// The device does not have these registers: retried seldom.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Fault::Exception(1..=3))
    }

    /// The device is there but busy or in trouble: tried again later, over the same connection.
    pub fn is_busy(&self) -> bool {
        matches!(self, Fault::Exception(4..=6))
    }

    /// A gateway answers for a unit that is away.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Fault::Exception(10 | 11))
    }
}

fn exception(code: u8) -> String {
    let text = match code {
        1 => "the device does not know this function",
        2 => "the device has no such register",
        3 => "the device refuses this value or length",
        4 => "the device failed",
        5 => "the device needs more time",
        6 => "the device is busy",
        8 => "the device has a memory error",
        10 => "the gateway has no path to the unit",
        11 => "the unit behind the gateway does not answer",
        _ => "the device refuses",
    };
    format!("{text} (exception {code})")
}
