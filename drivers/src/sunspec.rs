//! SunSpec: devices that describe themselves as a chain of models behind the letters `SunS`.
//!
//! [`scan`] finds the chain and walks it by the lengths it announces, [`read`] reads a block, [`decode`] turns its
//! registers into named values with their scale factors applied. Unknown models are skipped, repeated ones kept.

/// Registers into named values.
pub mod decode;
/// The layout of the models, as data.
pub mod model;
/// The chain on the wire.
pub mod scan;

pub use decode::{Entry, Value, decode};
pub use model::Model;
pub use scan::{Block, Chain, Found, dump, read, scan};
