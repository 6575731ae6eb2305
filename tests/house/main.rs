//! Black-box tests: the built `heatmine` binary against real peers.

/// The peers and how they are started.
mod peer;
/// The real Home Assistant sees the demo.
mod home_assistant;
/// The licences, duplicates and sources of what is shipped.
mod policy;
