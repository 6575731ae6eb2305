//! `heatmine ledger`.

use super::{Failure, Outcome, print_json, print_line, print_text, zone};
use crate::store::{self, Disk, Signed, Verified};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use plant::parts::Parts;
use plant::totals::Earnings;
use plant::units::Currency;
use plant::units::Eur;
use plant::verdict::{When, verdict};
use std::path::PathBuf;

/// A gain below this is a loss that is worth a sentence.
const LOSS: Eur = Eur(-0.005);
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
            print_text(table(&rows, currency(&ledger).map_err(wrong)?))?;
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

/// The currency of the newest entry.
fn currency(ledger: &store::Ledger) -> Result<Currency, store::LedgerError> {
    let head = ledger.head()?;
    let newest = ledger.after(head.sequence.saturating_sub(1), 1)?;
    let booking = newest.first().and_then(|entry| plant::ledger::booking(entry).ok());
    Ok(booking.map(|booking| booking.currency()).unwrap_or_default())
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

/// The accounts of each day or month, in the books' currency. What needs the house without compute is a dash where that is not
/// known; a sentence each says why a time lost money.
fn table(rows: &[(String, Earnings)], currency: Currency) -> String {
    let mut text = format!(
        "{:<12}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}\n",
        "", "kWh", "tokens", "revenue", "power", "feed-in", "heat", "wear", "gain", "promised", "bill", "without"
    );
    let money = |money: Option<Eur>| money.map_or_else(|| "-".into(), |money| format!("{:.3}", money.0 + 0.0));
    for (label, earnings) in rows {
        let parts = earnings.parts();
        let known = |of: fn(&Parts) -> Eur| money(parts.as_ref().map(of));
        text += &format!(
            "{label:<12}{:>9.3}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}\n",
            earnings.energy.0,
            earnings.tokens_in.saturating_add(earnings.tokens_out),
            money(Some(earnings.revenue)),
            known(|parts| parts.power),
            known(|parts| parts.feed_in),
            known(|parts| parts.heat_saved),
            known(|parts| parts.wear),
            known(|parts| parts.gain),
            money(Some(earnings.net)),
            money(Some(earnings.cost)),
            money(earnings.known_cost_without()),
        );
    }
    let lost = rows.iter().filter(|(_, earnings)| earnings.known_gain().is_some_and(|gain| gain < LOSS));
    for (label, earnings) in lost {
        text += &verdict(&When::Period(label.clone()), earnings, currency);
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::units::KilowattHours;

    #[test]
    fn a_day_that_lost_money_says_so_below_the_table() {
        let lost = Earnings {
            revenue: Eur(0.20),
            net: Eur(1.17),
            cost: Eur(3.50),
            cost_without: Eur(3.06),
            heat_saved: Eur(0.16),
            gain: Eur(-0.24),
            observed_s: 86_400.0,
            compared_s: 86_400.0,
            energy: KilowattHours(5.2),
            tokens_in: 1000,
            tokens_out: 234,
            ..Earnings::default()
        };
        let unknown = Earnings { compared_s: 0.0, ..lost };
        let text = table(&[("2026-11-20".into(), lost), ("2026-11-21".into(), unknown)], Currency::EUR);
        let lines: Vec<&str> = text.lines().collect();
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(cells(lines[0]), "kWh tokens revenue power feed-in heat wear gain promised bill without");
        assert_eq!(cells(lines[1]), "2026-11-20 5.200 1234 0.200 -0.600 0.000 0.160 0.000 -0.240 1.170 3.500 3.060");
        assert_eq!(cells(lines[2]), "2026-11-21 5.200 1234 0.200 - - - - - 1.170 3.500 -");
        assert!(lines[3].starts_with("On 2026-11-20 the house was 0.24 EUR worse off by computing, because"), "{text}");
        assert_eq!(lines.len(), 4, "nothing is said of a day that is not known: {text}");
    }
}
