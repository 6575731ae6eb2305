//! The core of HeatMine: what a house's spare kilowatt-hours are worth, and what to do about it.
//!
//! Pure, synchronous and deterministic. It reads no clock, file, socket or random source; time comes in as `now`.
//! Samples are recorded when they arrive; only [`event::Event::Wake`] decides, on a frozen image.
//!
//! ```text
//! Event, now --> Plant::handle --> image -> plan -> dispatch -> limits --> Vec<Effect>
//! ```

#![warn(missing_docs, clippy::missing_errors_doc)]
#![forbid(unsafe_code)]
// What pure means is spelled out in this crate's clippy.toml.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros, clippy::disallowed_types)]

// The words.

/// A word that the core does not know.
pub mod error;
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
/// A linear program and its solution.
pub mod program;

/// What survives a restart.
pub mod checkpoint;
/// Money over a span of time, account by account.
pub mod earnings;
/// The books: receipts and closed slots in a hash chain.
pub mod entry;
/// The quarter hours that have passed.
pub mod history;
/// What the expectations of the time ahead rest on.
pub mod knowledge;
/// What publishers may know.
pub mod record;

// The way in, the way out, and the loop between them.

/// Everything the plant can ask of its host.
pub mod effect;
/// Everything that can happen to the plant.
pub mod event;

/// The running house.
pub mod plant;

// The stages of a cycle, in the order in which it passes them.

/// What was read, said and learned: readings become the image.
mod observe;

/// What the time ahead will be like, from what has passed and what the feeds say.
mod knowing;

/// What a kilowatt-hour is worth here and now.
mod value {
    pub(crate) mod balance;
    pub mod capacity;
    pub(crate) mod dimming;
    pub(crate) mod merit;
    pub(crate) mod revenue;
    pub(crate) mod situation;
    pub mod tariff;
    pub(crate) mod thermal;
    pub(crate) mod worth;
}

/// Plans the slots ahead.
mod planner;

/// The house by its physics and its own rules.
pub mod house;

/// The house without compute.
pub mod baseline;

/// What is done about it: dispatch, limits, the other devices.
mod act;

/// What it came to: accounts, totals, the chain of entries.
mod books;

pub use books::{comparison, journals, ledger, parts, review, totals, verdict};
pub use planner::{later, plan};
pub use value::{capacity, tariff};

#[cfg(test)]
mod baseline_test;
#[cfg(test)]
mod books_test;
#[cfg(test)]
mod clock_test;
#[cfg(test)]
mod disobedience_test;
#[cfg(test)]
mod feed_test;
#[cfg(test)]
mod fuse_test;
#[cfg(test)]
mod heat_test;
#[cfg(test)]
mod judgement_test;
#[cfg(test)]
mod knowing_test;
#[cfg(test)]
mod late_house;
#[cfg(test)]
mod limit_test;
#[cfg(test)]
mod meter_fault_test;
#[cfg(test)]
mod mode_test;
#[cfg(test)]
mod planned_test;
#[cfg(test)]
mod probe_test;
#[cfg(test)]
mod pump_test;
#[cfg(test)]
mod random_houses_test;
#[cfg(test)]
mod random_test;
#[cfg(test)]
mod receipt_test;
#[cfg(test)]
mod restless_plan_test;
#[cfg(test)]
mod rule_test;
#[cfg(test)]
mod scenario_test;
#[cfg(test)]
mod silent_house_test;
#[cfg(test)]
mod test_house;
#[cfg(test)]
mod test_loop;
#[cfg(test)]
mod test_site;
#[cfg(test)]
mod wallbox_test;
