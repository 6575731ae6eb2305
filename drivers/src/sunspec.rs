//! SunSpec: devices that describe themselves as a chain of models behind the letters `SunS`.
//!
//! [`scan`] finds the chain and walks it by the lengths it announces, [`read`] reads a block, [`decode`] turns its
//! registers into named values with their scale factors applied. Unknown models are skipped, repeated ones kept.

mod decode;
pub(crate) mod model;
mod scan;

pub(crate) use decode::decode;
pub use decode::{Entry, Value};
pub(crate) use scan::read;
pub use scan::{Block, Chain, Found, dump, scan};
