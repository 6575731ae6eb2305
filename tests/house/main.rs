//! Black-box tests: the built `heatmine` binary against real peers.

/// The peers and how they are started.
mod peer;
