//! The core of HeatMine: what a house's spare kilowatt-hours are worth, and what to do about it.
//!
//! Pure, synchronous and deterministic. It reads no clock, file, socket or random source; time comes in as `now`.
//! Samples are recorded when they arrive; only [`event::Event::Wake`] decides, on a frozen image.
//!
//! ```text
//! Event, now --> Plant::handle --> image -> plan -> dispatch -> limits --> Vec<Effect>
//! ```

/// Physical quantities and money as types.
pub mod units;
/// Quarter-hour slots of UTC time.
pub mod time;
/// The canonical points a device can offer, and samples of them.
pub mod point;
/// What is installed: the resolved configuration the core works on.
pub mod site;
/// What a person or an automation may ask for.
pub mod command;
/// Why a decision was taken, and what the three numbers were.
pub mod reason;
/// Prices and forecasts for the slots ahead.
pub mod outlook;
/// Values as the cycle sees them: fresh, stale or missing.
pub mod image;
/// What the planner intends for the slots ahead.
pub mod plan;
/// What is commanded this second, and what came of it.
pub mod decision;
/// Served work and the state of the engine that serves it.
pub mod work;
/// The books: receipts and closed slots in a hash chain.
pub mod entry;
/// What publishers may know.
pub mod record;
/// Everything that can happen to the plant.
pub mod event;
/// Everything the plant can ask of its host.
pub mod effect;
/// What survives a restart.
pub mod checkpoint;
/// The newest sample of every device, and the image made of them.
pub mod sampled;
/// Meters that repeat themselves.
mod frozen;
/// Powers on the house bus, and where compute's power comes from.
pub mod balance;
/// What a kilowatt-hour costs and earns at a moment.
pub mod tariff;
/// What compute's heat is worth.
pub mod thermal;
/// What is expected where no feed says it.
pub mod forecast;
/// Seals, opens and checks entries.
pub mod ledger;
/// Plans the slots ahead.
pub mod planner;
/// The running house.
pub mod plant;

#[cfg(test)]
mod test_site;
