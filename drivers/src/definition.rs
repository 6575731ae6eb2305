//! Devices as data: what a device offers, where it stands on the wire, and how it is set.
//!
//! - *definition*: a TOML file about one kind of device. The ones that ship are embedded ([`find`]), a user's own file is
//!   loaded with [`from_file`]; both are checked as a whole before anything is read or written.
//! - *point row*: one value on the wire: a register, a SunSpec point or an MQTT topic. Its name is a canonical point
//!   (`grid.power`, with a dot) or a *part* (`meter_power`, without).
//! - *derived row*: a point or part that follows from others above it.
//! - *control row*: one control (`battery.mode`) with the writes of each value, its bounds and its watchdog.
//! - *parameter*: what the user fills in, `{channel}` in a topic.
//!
//! The sign of the house (grid import +, battery discharge +) is made here, per row, and nowhere else. In numbers: a Huawei
//! meter counts export as positive. Registers 37113 and 37114 hold 0x0000 0x0320, as an `i32` with the high word first 800;
//! `unit = "W"` leaves it, `sign = -1` turns it, and the derived row `grid.power`, valid while `meter_online` is 1, is
//! -800 W: the house exports.

mod ages;
mod catalog;
mod check;
mod control_rows;
mod load;
mod parameters;
mod parts;
mod rows;
pub(crate) mod unit;

pub use ages::Ages;
pub(crate) use ages::GUARDS;
pub use catalog::{find, load_builtin};
pub use control_rows::{ControlRow, Write};
pub use load::{from_file, from_toml};
pub use parameters::Parameters;
pub use parts::{Condition, Derived, Flag};
pub use rows::{Availability, Definition, OneOrMany, Parameter, PointRow, Retained, Talk, TopicPath};

#[cfg(test)]
mod tests;
