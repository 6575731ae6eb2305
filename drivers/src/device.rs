//! A device of the site at work: read regularly, told things, watched, and given its safe values back on the way out.

/// Who is there.
pub mod probe;

mod config;
mod controls;
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
pub use report::Report;
pub use work::run;
