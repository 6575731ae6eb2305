//! What can go wrong with one request, and what that says of the device.

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
