//! `heatmine worker`: the engine, alone.

use super::{Failure, Outcome, until_stopped};
use crate::clock::wall_time;
use clap::Args;
use inference::throttle::PowerModel;
use inference::worker::{self, WorkerConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `heatmine worker`.
#[derive(Debug, Args)]
pub(super) struct Worker {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8100")]
    listen: SocketAddr,
    /// The folder of its receipts.
    #[arg(long, value_name = "FOLDER", default_value = "heatmine-data/worker")]
    data: PathBuf,
    /// The folder of the experts.
    #[arg(long, value_name = "FOLDER", default_value = "heatmine-data/experts")]
    experts: PathBuf,
    /// The expert to load: its name, or a GGUF file; the first of the folder where not given.
    #[arg(long, value_name = "NAME|FILE")]
    model: Option<String>,
    /// Watts it may draw until somebody sets another budget, and again when nobody renews its budget; no limit where not given.
    #[arg(long, value_name = "W", value_parser = watts)]
    budget: Option<f64>,
    /// Watts of the machine while the engine does nothing.
    #[arg(long, value_name = "W", default_value_t = PowerModel::default().idle, value_parser = watts)]
    idle_w: f64,
    /// Watts of the machine while the engine computes all the time.
    #[arg(long, value_name = "W", default_value_t = PowerModel::default().max, value_parser = watts)]
    max_w: f64,
    /// Processor threads; all cores but one where not given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Answers made at the same time.
    #[arg(long, value_name = "N", default_value_t = 4)]
    parallel: usize,
    /// Tokens of context for each answer.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    context: usize,
    /// End when standard input is closed: the gateway that started it is gone.
    #[arg(long)]
    supervised: bool,
}

impl Worker {
    /// Runs the worker.
    pub(super) fn run(self) -> Outcome {
        let config = WorkerConfig {
            listen: self.listen,
            experts: self.experts,
            model: self.model,
            trial: super::expert::trial(),
            budget: self.budget,
            power: PowerModel { idle: self.idle_w, max: self.max_w },
            threads: self.threads,
            parallel: self.parallel,
            context: self.context,
            ..WorkerConfig::new(self.data, || wall_time().timestamp_millis())
        };
        let supervised = self.supervised;
        until_stopped(|shutdown| async move {
            if supervised {
                end_with_the_gateway(shutdown.clone());
            }
            worker::serve(config, shutdown)
                .await
                .map_err(|error| Failure::new(Failure::UNAVAILABLE, format!("the worker cannot go on: {error}")))
        })
    }
}

/// Cancels `shutdown` when standard input ends. A thread of its own: a read from it cannot be broken off.
fn end_with_the_gateway(shutdown: CancellationToken) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        shutdown.cancel();
    });
}

fn watts(text: &str) -> Result<f64, String> {
    let watts = text.parse::<f64>().ok().filter(|watts| watts.is_finite() && *watts >= 0.0);
    watts.ok_or_else(|| "expected watts, as 250".into())
}
