//! Watts to tokens and heat: the llama.cpp engine, its experts, and the worker that serves them.

#![warn(missing_docs, clippy::missing_errors_doc)]

/// The worker from outside.
pub mod client;
/// Requests in, tokens out, on one thread.
mod engine;
/// Everything that can go wrong.
pub mod error;
/// Models with a card, installed and pinned.
pub mod expert;
/// Work, energy and pace.
mod meter;
/// The processor's own energy counter.
mod rapl;
/// Served work on disk.
pub mod receipts;
/// How long things take.
mod stopwatch;
/// Conversations to prompts.
mod template;
/// Watts as a share of time.
pub mod throttle;
/// Tool calls in answers.
mod tools;
/// The engine as a service.
pub mod worker;

pub use error::Error;
