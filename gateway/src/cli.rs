//! The command line. Each command is a module: its arguments, what it calls, and how its result is printed.
//!
//! Exit codes follow sysexits: 64 wrong usage or configuration, 66 no such input, 69 something needed is not there,
//! 70 an error of our own, 73 an output cannot be made, 74 an input or output error.

mod books;
mod check;
mod device;
mod expert;
mod plan;
mod progress;
mod repair;
mod roi;
mod run;
mod service;
mod simulation;
mod tariff;
mod worker;

use crate::config::ConfigErrors;
use crate::terminal;
use chrono_tz::Tz;
use clap::{Parser, Subcommand};
use plant::time::Timestamp;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// What went wrong, and the exit code for the shell.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    words: String,
}

impl Failure {
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 64;
    /// Data that are not what they should be.
    pub const DATA: u8 = 65;
    /// An input is missing or no good.
    pub const NO_INPUT: u8 = 66;
    /// Something needed is not there.
    pub const UNAVAILABLE: u8 = 69;
    /// An output cannot be made.
    pub const CANT_CREATE: u8 = 73;

    /// Nobody reads the output any more (`| head` has seen enough): there is nothing to say, and nothing went wrong.
    fn unread() -> Self {
        Self::new(0, "")
    }

    /// A failure with its exit code.
    pub fn new(code: u8, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Self::UNAVAILABLE, format!("{error:#}"))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::new(if errors.unreadable { Self::NO_INPUT } else { Self::USAGE }, errors.to_string())
    }
}

/// What a command comes to.
pub type Outcome = Result<(), Failure>;

/// Turns a home's spare kilowatt-hours into useful AI and useful heat.
#[derive(Debug, Parser)]
#[command(name = "heatmine", version, propagate_version = true)]
struct Cli {
    /// What is logged to standard error, as `info` or `gateway=debug`; RUST_LOG where it is not given.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The gateway: reads the house, decides, runs the engine, publishes.
    Run(run::Run),
    /// A simulated house over real Modbus and MQTT, the real engine and the page: no hardware, no accounts.
    Demo(run::Demo),
    /// The same core on recorded data, in virtual time.
    Simulate(simulation::Simulate),
    /// Plays a recording again: identical decisions, or the differences.
    Replay(simulation::Replay),
    /// Reads a configuration, resolves it and prints the site.
    Check(check::Check),
    /// The engine, alone.
    Worker(worker::Worker),
    /// The models: list, add, verify, remove.
    Expert(expert::Expert),
    /// Kinds of devices, and a look at the real ones: list, show, scan, read, watch.
    Device(device::Device),
    /// What a running HeatMine intends for the hours ahead, and why.
    Plan(plan::Plan),
    /// Contracts that come with the program: list, show.
    Tariff(tariff::Tariff),
    /// The books: days, months, or a check of the chain.
    Ledger(books::Ledger),
    /// What of broken files can be read: recovers it, and proves where the chain of the books breaks.
    Repair(repair::Repair),
    /// What the books say about the price of the box: when it has paid for itself.
    Roi(roi::Roi),
    /// A unit for systemd, with a watchdog and few rights: printed, not installed.
    Service(service::Service),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is wrong usage.
            let code = if error.use_stderr() { Failure::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    start_log(cli.log.as_deref());
    // Fails only where a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.words.is_empty() {
                // Where nobody reads standard error either, the exit code has to do.
                let _ = writeln!(std::io::stderr(), "heatmine: {}", failure.words);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn command(command: Command) -> Outcome {
    match command {
        Command::Run(run) => run.run(),
        Command::Demo(demo) => demo.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Replay(replay) => replay.run(),
        Command::Check(check) => check.run(),
        Command::Worker(worker) => worker.run(),
        Command::Expert(expert) => expert.run(),
        Command::Device(device) => device.run(),
        Command::Plan(plan) => plan.run(),
        Command::Ledger(ledger) => ledger.run(),
        Command::Repair(repair) => repair.run(),
        Command::Roi(roi) => roi.run(),
        Command::Service(service) => service.run(),
        Command::Tariff(tariff) => tariff.run(),
    }
}

fn start_log(filter: Option<&str>) {
    // llama.cpp logs a hundred lines per model at info.
    let usual = || EnvFilter::new("info,llama-cpp-2=error");
    let filter = match filter {
        Some(filter) => EnvFilter::try_new(filter).unwrap_or_else(|_| usual()),
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| usual()),
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|off| off.is_empty()))
        // Where nobody reads standard error any more, saying so there would end the program.
        .log_internal_errors(false)
        .try_init();
}

/// Runs a long-living command until it ends or somebody ends it (Ctrl-C, SIGTERM).
fn until_stopped<F>(work: impl FnOnce(CancellationToken) -> F) -> Outcome
where
    F: Future<Output = Outcome>,
{
    let runtime = runtime()?;
    let shutdown = CancellationToken::new();
    let result = runtime.block_on(async {
        tokio::spawn(stop_on_signal(shutdown.clone()));
        work(shutdown).await
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Failure::UNAVAILABLE, format!("cannot start: {error}")))
}

async fn stop_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    shutdown.cancel();
}

/// A time zone on the command line.
fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| "expected the name of a time zone, as Europe/Berlin".to_owned())
}

/// A moment on the command line.
fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "expected a moment in UTC, as 2024-06-01T00:00:00Z".to_owned())
}

fn print_text(text: impl Display) -> Outcome {
    terminal::print(text).map_err(|error| {
        let unread = error.kind() == ErrorKind::BrokenPipe;
        if unread { Failure::unread() } else { Failure::new(74, format!("cannot print: {error}")) }
    })
}

fn print_line(words: impl Display) -> Outcome {
    print_text(format_args!("{words}\n"))
}

fn print_json(value: &impl serde::Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(70, error.to_string()))?;
    print_line(text)
}
