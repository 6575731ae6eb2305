//! `heatmine repair`.

use super::{Failure, Outcome, print_json, print_text};
use crate::repair::{self, Finding};
use clap::Args;
use std::path::PathBuf;

/// Arguments of `heatmine repair`.
#[derive(Debug, Args)]
pub(super) struct Repair {
    /// The folder that HeatMine keeps its data in; no HeatMine may be at work in it.
    #[arg(long, value_name = "FOLDER", default_value = "heatmine-data")]
    data: PathBuf,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Repair {
    /// Recovers what can be read, and says what it did.
    pub(super) fn run(self) -> Outcome {
        let known = ["ledger.db", "state.db", "jobs.db", "history.db"];
        if !known.iter().any(|file| self.data.join(file).exists()) {
            let words = format!(
                "there is nothing to repair in {}; expected the data folder of a HeatMine that ran",
                self.data.display()
            );
            return Err(Failure::new(Failure::NO_INPUT, words));
        }
        let findings = repair::repair(&self.data)?;
        if self.json {
            return print_json(&findings);
        }
        print_text(findings.iter().map(text).collect::<String>())
    }
}

fn text(Finding { file, words }: &Finding) -> String {
    let words: String = words.iter().map(|words| format!("  {words}\n")).collect();
    format!("{}:\n{words}", file.display())
}
