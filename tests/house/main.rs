//! Black-box tests: the built `heatmine` binary against real peers.
