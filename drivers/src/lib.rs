//! The wires of HeatMine: drivers that read a house's devices over Modbus and MQTT and carry orders to them, the devices
//! themselves as data, and a simulated house on the same wires.

#![warn(missing_docs, clippy::missing_errors_doc)]

/// Where a device is reached.
pub mod address;
/// Devices as data.
pub mod definition;
/// A device of the site at work.
pub mod device;
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
