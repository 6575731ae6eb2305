//! Devices as data: what a device offers, where it stands on the wire, and what it lets itself be told.
//!
//! A definition is a TOML file; the ones that ship are embedded, a user's own file is loaded with [`from_toml`]. Files
//! are checked as a whole ([`check`]): an unknown key, a wrong type, an unknown canonical name, an impossible address or
//! unit is refused with the file, the key and what was expected. The sign convention of the house (grid import +,
//! battery discharge +) is made here, per point, and nowhere else.

/// How old samples may be.
pub mod ages;
/// The rows of a definition file that say what a device lets itself be told.
pub mod control_rows;
/// Names of the user's own devices put into topics and texts.
pub mod parameters;
/// The rows of a definition file, as they are written.
pub mod rows;

mod catalog;
mod check;
mod load;
mod parts;
pub(crate) mod unit;

pub use catalog::{find, load_builtin};
pub use control_rows::{ControlRow, Write};
pub use load::{Error, from_file, from_toml};
pub use parts::{Condition, Derived, Flag};
pub use rows::{Availability, Definition, OneOrMany, Parameter, PointRow, Retained, Talk, TopicPath};

#[cfg(test)]
mod tests;
