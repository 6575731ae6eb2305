//! The core of HeatMine: what a house's spare kilowatt-hours are worth, and what to do about it.
//!
//! Pure, synchronous and deterministic. It reads no clock, file, socket or random source; time comes in as `now`.
//! Samples are recorded when they arrive; only [`event::Event::Wake`] decides, on a frozen image.
//!
//! ```text
//! Event, now --> Plant::handle --> image -> plan -> dispatch -> limits --> Vec<Effect>
//! ```

#![forbid(unsafe_code)]
// What pure means is spelled out in this crate's clippy.toml.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros, clippy::disallowed_types)]

// The words.

/// Quarter-hour slots of UTC time.
pub mod time;
/// Physical quantities and money as types.
pub mod units;

/// The canonical points a device can offer, and samples of them.
pub mod point;
/// What is installed: the resolved configuration the core works on.
pub mod site;

/// What a person or an automation may ask for.
pub mod command;
/// Why a decision was taken, and what the three numbers were.
pub mod reason;
/// Served work and the state of the engine that serves it.
pub mod work;

/// Values as the cycle sees them: fresh, stale or missing.
pub mod image;
/// Prices and forecasts for the slots ahead.
pub mod outlook;

/// What is commanded this second, and what came of it.
pub mod decision;
/// What the planner intends for the slots ahead.
pub mod plan;

/// What survives a restart.
pub mod checkpoint;
/// The books: receipts and closed slots in a hash chain.
pub mod entry;
/// What publishers may know.
pub mod record;

// The way in, the way out, and the loop between them.

/// Everything the plant can ask of its host.
pub mod effect;
/// Everything that can happen to the plant.
pub mod event;

/// The running house.
pub mod plant;

/// One cycle of it.
mod cycle;

// The stages of the cycle, in the order in which it passes them.

/// What was read, said and learned.
mod observe {
    pub mod commands;
    pub mod forecast;
    pub mod readings;
    pub mod stuck;
}

/// What a kilowatt-hour is worth.
mod value {
    pub mod balance;
    pub mod market;
    pub mod merit;
    pub mod revenue;
    pub mod situation;
    pub mod tariff;
    pub mod thermal;
}

/// Plans the slots ahead.
mod planner;

/// What is done about it.
mod act {
    pub mod devices;
    pub mod dispatch;
    pub mod explain;
    pub mod limits;
    pub mod orders;
}

/// The books.
mod books;

pub use act::devices;
pub use books::{ledger, receipt_ids};
pub use planner::{PlanRequest, plan};

#[cfg(test)]
mod random_test;
#[cfg(test)]
mod rule_test;
#[cfg(test)]
mod scenario_test;
#[cfg(test)]
mod test_house;
#[cfg(test)]
mod test_site;
