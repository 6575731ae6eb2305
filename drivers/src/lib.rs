//! The wires of HeatMine: drivers that read a house's devices over Modbus and MQTT and carry settings to them, the devices
//! themselves as data, and a simulated house on the same wires.

#![warn(missing_docs, clippy::missing_errors_doc)]

/// Where a device is reached.
pub mod address;
/// What a device is owed.
pub mod debt;
/// Devices as data.
pub mod definition;
/// A device of the site at work.
pub mod device;
/// Who holds a control, and what goes over the wire for it.
pub mod lease;
/// Modbus as a client.
pub mod modbus;
/// A connection to an MQTT broker that looks after itself.
pub mod mqtt;
/// House time to wall time.
pub mod pace;
/// Names to addresses.
pub mod resolve;
/// Devices that describe themselves.
pub mod sunspec;

/// An MQTT broker for houses that have none.
pub mod broker;
/// A house to try everything on.
pub mod sim;

mod backoff;
mod error;

pub use error::Error;
