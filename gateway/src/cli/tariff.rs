//! `heatmine tariff`: the contracts that come with the program, as data with source and date.

use super::{Failure, Outcome, print_json, print_text};
use crate::config::contract::{Contract, Row};
use clap::{Args, Subcommand};
use serde_json::json;

/// Arguments of `heatmine tariff`.
#[derive(Debug, Args)]
pub(super) struct Tariff {
    #[command(subcommand)]
    view: View,
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum View {
    /// The contracts by name, for `tariff.contract` of the configuration.
    List,
    /// The values of one contract, each with its source and the day from which it holds.
    Show {
        /// The name, as `list` shows it.
        name: String,
    },
}

impl Tariff {
    /// Prints the contracts, or one of them.
    pub(super) fn run(self) -> Outcome {
        match self.view {
            View::List if self.json => {
                let each = Contract::all().iter().map(
                    |contract| json!({ "name": contract.name, "title": contract.title, "currency": contract.currency }),
                );
                print_json(&each.collect::<Vec<_>>())
            }
            View::List => print_text(list()),
            View::Show { name } => {
                let contract = Contract::find(&name).ok_or_else(|| unknown(&name))?;
                if self.json {
                    return print_json(&rows(contract));
                }
                print_text(shown(contract))
            }
        }
    }
}

fn unknown(name: &str) -> Failure {
    let known: Vec<&str> = Contract::all().iter().map(|contract| contract.name).collect();
    Failure::new(Failure::USAGE, format!("there is no contract '{name}'; expected one of {}", known.join(", ")))
}

fn list() -> String {
    let width = Contract::all().iter().map(|contract| contract.name.len()).max().unwrap_or_default();
    let lines = Contract::all()
        .iter()
        .map(|contract| format!("{:<width$}  {}  {}\n", contract.name, contract.currency, contract.title));
    lines.collect()
}

fn shown(contract: &Contract) -> String {
    let mut text = format!("{}: {}, in {}\n", contract.name, contract.title, contract.currency);
    for Row { key, value, source, date } in contract.rows() {
        text += &format!("\n{key} = {value}\n    from {date}: {source}\n");
    }
    text + "\nTypical values: what your own bill says goes into [tariff], [network_fee] and [[levy]], and wins.\n"
}

fn rows(contract: &Contract) -> Vec<serde_json::Value> {
    let row = |row: &Row| json!({ "key": row.key, "value": row.value, "source": row.source, "date": row.date });
    contract.rows().into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contracts_are_listed_and_shown_with_source_and_date() {
        assert_eq!(list().lines().count(), Contract::all().len());
        assert!(
            list().contains("de-dynamic-2026           EUR  Germany 2026: dynamic tariff, fixed feed-in"),
            "{}",
            list()
        );
        let module3 = shown(Contract::find("de-module3-augsburg-2025").unwrap());
        for part in ["\"months\":\"1-3,10-12\"", "from 2025-01-01: ", "tariff.import.tax_percent = 19\n"] {
            assert!(module3.contains(part), "{part}: {module3}");
        }
        assert!(unknown("x").words.starts_with("there is no contract 'x'; expected one of at-dynamic-2026, "));
    }
}
