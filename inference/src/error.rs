//! What can go wrong between a request and its tokens, in words a user can act on.

use std::path::{Path, PathBuf};

/// Everything this crate can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not a model this engine can load.
    #[error("{}: {found}; expected {expected}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// Bytes differ from those that were pinned.
    #[error("{what}: sha256 is {found}, expected {expected}")]
    Sha256 {
        /// The file or address.
        what: String,
        /// The digest of what came.
        found: String,
        /// The digest that was asked for.
        expected: String,
    },
    /// A source of experts is not one of the known forms.
    #[error("{given:?} is no source of an expert: {expected}")]
    Source {
        /// What was given.
        given: String,
        /// The forms that are understood.
        expected: String,
    },
    /// A download failed.
    #[error("{url}: {why}")]
    Fetch {
        /// The address.
        url: String,
        /// What happened.
        why: String,
    },
    /// An expert nobody has added.
    #[error("model {expert:?} is not installed; installed: {}", listed(known))]
    Unknown {
        /// The name asked for.
        expert: String,
        /// The names that are installed.
        known: Vec<String>,
    },
    /// An expert that was tried and cannot be served.
    #[error("{expert} is put aside: {why}")]
    Aside {
        /// Its name.
        expert: String,
        /// What happened when it was tried.
        why: String,
    },
    /// An expert that is being tried.
    #[error("{expert} is being tried for the first time; ask again in a moment")]
    Trying {
        /// Its name.
        expert: String,
    },
    /// The chat template of an expert is broken.
    #[error("chat template of {expert}: {why}")]
    Template {
        /// The expert.
        expert: String,
        /// What the template engine said.
        why: String,
    },
    /// llama.cpp refused a model.
    #[error("{}: llama.cpp cannot load this model ({why})", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The step that failed.
        why: String,
    },
    /// A request that cannot be served as it is.
    #[error("{message}")]
    Request {
        /// What is wrong and what was expected.
        message: String,
        /// The key that holds it.
        param: Option<String>,
    },
    /// A prompt that does not fit.
    #[error("the prompt has {tokens} tokens, but this model runs with a context of {context} tokens")]
    TooLong {
        /// Its length.
        tokens: usize,
        /// The room there is.
        context: usize,
    },
    /// The queue is full.
    #[error("{waiting} requests are waiting already; try again later")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// The engine failed while it worked.
    #[error("engine: {0}")]
    Engine(String),
    /// The worker's address cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A worker did not answer as it should.
    #[error("worker {url}: {why}")]
    Worker {
        /// The address.
        url: String,
        /// What happened.
        why: String,
    },
}

impl Error {
    /// Names the file in an error of the system, for `map_err`.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }

    /// Makes the error of a request that is wrong at `param`.
    pub fn request(param: &str, message: impl Into<String>) -> Self {
        Self::Request { message: message.into(), param: Some(param.to_owned()) }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none; add one with `heatmine expert add`".to_owned() } else { names.join(", ") }
}
