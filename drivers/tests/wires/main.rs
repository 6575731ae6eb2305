//! The drivers against servers written by somebody else: register dumps of real devices, pymodbus, Mosquitto. A test
//! whose peer is missing says so and passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

mod bad_days;
mod control;
mod debts;
mod devices;
mod link;
mod modbus;
mod mqtt;
mod peer;
mod phases;
mod sunspec;
