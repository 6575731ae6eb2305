//! A device of the site at work: read regularly, set, watched, and given back to its own control on the way out.
//!
//! ```text
//!   registers or topics --> values --> reporter --> host        read every interval, or as messages come
//!   cycles --> leases --> writer --> registers or topics        written when they change, renewed in time
//! ```
//!
//! - *reader*: over Modbus it asks round by round ([`Registers`](registers)), over MQTT it listens ([`Topics`](topics)).
//! - *values*: raw numbers become points in canonical units and signs; what is missing is `None`, never zero.
//! - *reporter*: what waits for the host. A newer value replaces the one that the host has not yet taken, so that a slow host
//!   holds up nobody; what came of a setpoint is never replaced.
//! - *lease*: decides when a control is written ([`lease`](crate::lease)); the keeper of the device holds one for each.
//! - *writer*: the registers or topics of one value of one control, in their order.
//!
//! In numbers: a meter on a serial line answers in 80 ms and is read every 2 s. The line dies at 10:00:00; the request times out
//! after 3 s, [`Report::Unavailable`] follows, and the next attempts come after 1, 2, 4, 5, 5 .. s (a back-off). At 10:00:11 the
//! core finds its last sample stale. The line is mended at 10:05:00; within a minute values flow again, and the back-off is
//! forgotten.

/// The units and addresses that answer.
pub mod probe;

mod config;
mod grips;
mod keeper;
mod leases;
mod line;
mod reading;
mod registers;
mod report;
mod reporter;
mod topics;
mod values;
mod work;
mod writer;

pub use config::DeviceConfig;
pub use reading::{Reading, read_once};
pub use report::{Channels, Report};
pub use work::run;
