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

// What is: samples, balance, prices, heat, work.

/// Meters that repeat themselves.
mod frozen;
/// The newest sample of every device, and the image made of them.
pub mod sampled;

/// Powers on the house bus, and where compute's power comes from.
pub mod balance;
/// What the owner and the grid operator want.
pub mod wishes;

/// The merged outlook and its prices.
pub mod market;
/// What a kilowatt-hour costs and earns at a moment.
pub mod tariff;

/// What work pays for a kilowatt-hour.
pub mod revenue;
/// What compute's heat is worth.
pub mod thermal;

// What is intended: the slots ahead.

/// What is expected where no feed says it.
pub mod forecast;

/// When a plan is asked for, and with what.
pub mod planning;

/// Plans the slots ahead.
pub mod planner;

/// The slots ahead, with the battery in them.
pub mod ahead;
/// How much compute to run in each slot ahead.
pub mod allocate;
/// The merit order of compute's power in one slot.
pub mod merit;
/// Starts that do not pay for themselves.
mod starts;

// What is done: wish, last word, settings, words.

/// All that one cycle decides on.
pub mod situation;

/// This second's wish.
pub mod dispatch;
/// The last word.
pub mod limits;

/// The decision in words.
pub mod explain;
/// What went wrong with the last setpoints.
mod outcomes;
/// What the other devices are told.
pub mod settings;

// What is booked.

/// What an interval with unchanged powers adds to the books.
pub mod account;
/// The running account of energy and money.
pub mod books;
/// The local day and month of the books.
mod calendar;
/// Seals, opens and checks entries.
pub mod ledger;
/// Which receipts are known already.
pub mod told;

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
