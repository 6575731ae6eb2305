//! The core of HeatMine: what a house's spare kilowatt-hours are worth, and what to do about it.
//!
//! Pure, synchronous and deterministic. It reads no clock, file, socket or random source; time comes in as `now`.
//! Samples are recorded when they arrive; only [`event::Event::Wake`] decides, on a frozen image.
//!
//! ```text
//! Event, now --> Plant::handle --> image -> plan -> dispatch -> limits --> Vec<Effect>
//! ```

/// What an interval with unchanged powers adds to the books.
pub mod account;
/// The slots ahead, with the battery in them.
pub mod ahead;
/// How much compute to run in each slot ahead.
pub mod allocate;
/// Powers on the house bus, and where compute's power comes from.
pub mod balance;
/// The running account of energy and money.
pub mod books;
/// The local day and month of the books.
mod calendar;
/// What survives a restart.
pub mod checkpoint;
/// What a person or an automation may ask for.
pub mod command;
/// One cycle of it.
mod cycle;
/// What is commanded this second, and what came of it.
pub mod decision;
/// This second's wish.
pub mod dispatch;
/// Everything the plant can ask of its host.
pub mod effect;
/// The books: receipts and closed slots in a hash chain.
pub mod entry;
/// Everything that can happen to the plant.
pub mod event;
/// The decision in words.
pub mod explain;
/// What is expected where no feed says it.
pub mod forecast;
/// Meters that repeat themselves.
mod frozen;
/// Values as the cycle sees them: fresh, stale or missing.
pub mod image;
/// Seals, opens and checks entries.
pub mod ledger;
/// The last word.
pub mod limits;
/// The merged outlook and its prices.
pub mod market;
/// The merit order of compute's power in one slot.
pub mod merit;
/// Which settings are sent, and when.
pub mod orders;
/// Prices and forecasts for the slots ahead.
pub mod outlook;
/// What the planner intends for the slots ahead.
pub mod plan;
/// Plans the slots ahead.
pub mod planner;
/// When a plan is asked for, and with what.
pub mod planning;
/// The running house.
pub mod plant;
/// The canonical points a device can offer, and samples of them.
pub mod point;
/// Why a decision was taken, and what the three numbers were.
pub mod reason;
/// What publishers may know.
pub mod record;
/// What work pays for a kilowatt-hour.
pub mod revenue;
/// The newest sample of every device, and the image made of them.
pub mod sampled;
/// What the other devices are told.
pub mod settings;
/// What is installed: the resolved configuration the core works on.
pub mod site;
/// All that one cycle decides on.
pub mod situation;
/// What a kilowatt-hour costs and earns at a moment.
pub mod tariff;
/// What compute's heat is worth.
pub mod thermal;
/// Quarter-hour slots of UTC time.
pub mod time;
/// Physical quantities and money as types.
pub mod units;
/// What the owner and the grid operator want.
pub mod wishes;
/// Served work and the state of the engine that serves it.
pub mod work;

#[cfg(test)]
mod random_test;
#[cfg(test)]
mod scenario_test;
#[cfg(test)]
mod test_house;
#[cfg(test)]
mod test_site;
