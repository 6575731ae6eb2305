//! The worker as its clients see it, with a real model.
//!
//! The model is the file `HEATMINE_TEST_MODEL` names, or the first in `.cache/experts` of the workspace; without one the
//! tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

mod bench;

mod chat;
mod clients;
mod experts;
mod garbage;
mod ollama;
mod power;
mod receipts;
