//! The engine as the gateway reaches it: a process of its own that is watched, asked and given a budget.

mod feeder;
mod interface;
mod process;
mod receipts;
mod watchdog;
mod worker;

pub use feeder::Feeder;
pub use interface::Engine;
pub use process::{Launch, Process};
pub use receipts::Receipts;
pub use watchdog::Watchdog;
pub use worker::Worker;
