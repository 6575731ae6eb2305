//! `heatmine ledger`.

use super::{Failure, Outcome, print_json, print_line, print_text, zone};
use crate::store::{self, Disk, Signed, Verified};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use plant::totals::Earnings;
use std::path::PathBuf;

/// The zone of books that name none: those of version 0.1.0, whose houses stood in it unless they said otherwise.
const ASSUMED: Tz = Tz::Europe__Berlin;

/// Arguments of `heatmine ledger`.
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    view: Option<View>,
    /// The folder that HeatMine keeps its data in.
    #[arg(long, global = true, value_name = "FOLDER", default_value = "heatmine-data")]
    data: PathBuf,
    /// Days and months begin at midnight of this time zone; the house's where not given.
    #[arg(long, global = true, value_name = "ZONE", value_parser = zone)]
    timezone: Option<Tz>,
    /// Print as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum View {
    /// Day by day, and the check of the chain.
    Days,
    /// Month by month, and the check of the chain.
    Months,
    /// Only the check of the chain.
    Verify,
}

impl Ledger {
    /// Prints the books and checks them.
    pub(super) fn run(self) -> Outcome {
        let path = self.data.join("ledger.db");
        if !path.exists() {
            let words =
                format!("there is no ledger at {}; expected the data folder of a HeatMine that ran", path.display());
            return Err(Failure::new(Failure::NO_INPUT, words));
        }
        let disk = Disk::Folder(self.data.clone());
        let ledger = store::Ledger::open_existing(&disk).map_err(wrong)?;
        let timezone = match self.timezone {
            Some(timezone) => timezone,
            None => ledger.zone().map_err(wrong)?.unwrap_or(ASSUMED),
        };
        let rows = match self.view.unwrap_or(View::Days) {
            View::Days => Some(ledger.days(timezone, NaiveDate::MIN, NaiveDate::MAX).map_err(wrong)?),
            View::Months => Some(ledger.months(timezone).map_err(wrong)?),
            View::Verify => None,
        };
        let bar = ProgressBar::new(ledger.count().map_err(wrong)?);
        let verified = ledger.verify(|seen| bar.set_position(seen)).map_err(wrong);
        bar.finish_and_clear();
        let verified = verified.and_then(|verified| self.complete(&ledger).map(|()| verified));
        if self.json {
            let verified = verified?;
            return print_json(&serde_json::json!({ "rows": rows, "verified": verified }));
        }
        if let Some(rows) = rows {
            print_text(table(&rows))?;
        }
        let verified = verified?;
        print_line(format_args!(
            "The chain holds: {} ({}, {}), newest {}.",
            counted(verified.entries, "entry", "entries"),
            counted(verified.slots, "quarter hour", "quarter hours"),
            counted(verified.receipts, "receipt", "receipts"),
            verified.head.hash
        ))?;
        print_text(signed(&verified))
    }

    /// A chain whose newest entries were taken away holds, too: but the running state beside it remembers them.
    fn complete(&self, ledger: &store::Ledger) -> Outcome {
        let newest = store::StateStore::peek(&Disk::Folder(self.data.clone()));
        let Some(head) = newest.map(|checkpoint| checkpoint.head) else { return Ok(()) };
        let held = ledger.holds(&head).map_err(wrong)?;
        let words = format!("the newest entries are missing: the running state remembers entry {}", head.sequence);
        held.then_some(()).ok_or_else(|| wrong(words))
    }
}

fn wrong(error: impl ToString) -> Failure {
    Failure::new(Failure::DATA, error.to_string())
}

/// Which entries are signed, and with which keys.
fn signed(verified: &Verified) -> String {
    let mut text = String::new();
    for Signed { key, up_to, signatures } in &verified.signed {
        let signatures = counted(*signatures, "signature fits", "signatures fit");
        text += &format!("Signed up to entry {up_to} with the key {key}: {signatures}.\n");
    }
    let (up_to, newest) = (verified.signed.last().map_or(0, |signed| signed.up_to), verified.head.sequence);
    match newest.saturating_sub(up_to) {
        0 => {}
        1 => text += &format!("Entry {newest} is not signed yet.\n"),
        _ => text += &format!("Entries {} to {newest} are not signed yet.\n", up_to + 1),
    }
    text
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn table(rows: &[(String, Earnings)]) -> String {
    let mut text = format!(
        "{:<12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}\n",
        "", "kWh", "tokens", "revenue", "heat", "power", "net", "cost", "without"
    );
    for (label, earnings) in rows {
        text += &format!(
            "{label:<12}{:>10.3}{:>10}{:>10.4}{:>10.4}{:>10.4}{:>10.4}{:>12.4}{:>12.4}\n",
            earnings.energy.0,
            earnings.tokens_in + earnings.tokens_out,
            earnings.revenue.0,
            earnings.heat_value.0,
            -earnings.electricity_cost.0,
            earnings.net.0,
            earnings.cost.0,
            earnings.cost_without.0
        );
    }
    text
}
