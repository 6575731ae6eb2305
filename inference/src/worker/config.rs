//! How a worker runs: what its command line decides.

use crate::expert::Trial;
use crate::stopwatch::WallClock;
use crate::throttle::PowerModel;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How a worker runs.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder of experts.
    pub experts: PathBuf,
    /// The expert loaded at the start and served where a request names none: a name in the store, or a GGUF file. The
    /// first of the store where it is not given.
    pub model: Option<String>,
    /// How models of the store are tried before they are offered; `None`: they are offered untried.
    pub trial: Option<Trial>,
    /// The folder of its receipts.
    pub data: PathBuf,
    /// Watts it may draw until it is given a budget, and again when nobody renews that; `None` is no limit.
    pub budget: Option<f64>,
    /// What the machine draws.
    pub power: PowerModel,
    /// Processor threads; all cores but one where it is not given. Never more than there are cores.
    pub threads: Option<usize>,
    /// Answers made at the same time.
    pub parallel: usize,
    /// Tokens of context for each answer, as far as the model allows.
    pub context: usize,
    /// Requests under way, waiting and served together, before more are refused.
    pub queue: usize,
    /// The date, for receipts and replies.
    pub clock: WallClock,
}

impl WorkerConfig {
    /// The usual worker: experts and receipts below `data`, on the loopback interface, no limit of power. Four answers
    /// of 4096 tokens fit into a small machine's memory beside a small model, and 64 requests are more than a household
    /// has at once.
    pub fn new(data: impl Into<PathBuf>, clock: WallClock) -> Self {
        let data = data.into();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8100)),
            experts: data.join("experts"),
            model: None,
            trial: None,
            data,
            budget: None,
            power: PowerModel::default(),
            threads: None,
            parallel: 4,
            context: 4096,
            queue: 64,
            clock,
        }
    }
}
