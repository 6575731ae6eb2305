//! `heatmine roi`: what the box has earned of its price, and when it has earned all of it if things go on like this.

use super::{Failure, Outcome, print_json, print_line};
use crate::config;
use crate::store::{Disk, Ledger, LedgerError};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use plant::units::Currency;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Books shorter than this many days say little about a year.
const DAYS_MIN: f64 = 14.0;
const DAYS_A_YEAR: f64 = 365.25;

/// Arguments of `heatmine roi`.
#[derive(Debug, Args)]
pub(super) struct Roi {
    /// The configuration: it names the data folder and what the box cost (compute.price_eur).
    #[arg(default_value = "heatmine.toml")]
    file: PathBuf,
    /// The folder that HeatMine keeps its data in; the configuration's where not given.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What the box cost; the configuration's where not given.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    price: Option<f64>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// What the books say about a price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Return {
    /// Of all amounts.
    currency: Currency,
    price_eur: f64,
    days: f64,
    net_eur: f64,
    net_eur_per_year: f64,
    earned_percent: f64,
    /// Years from the first entry until the price is earned; `None` where it never is.
    years: Option<f64>,
}

impl Roi {
    /// Compares the books with the price.
    pub(super) fn run(self) -> Outcome {
        let (data, price, currency) = match (self.data, self.price) {
            (Some(data), Some(price)) => (data, price, currency(&self.file)),
            (data, price) => {
                let loaded = config::load(&self.file)?;
                let price = price.or(loaded.config.compute.price_eur).ok_or_else(|| {
                    let file = self.file.display();
                    let words = format!("{file}: compute.price_eur: missing; expected what the box cost, or --price");
                    Failure::new(Failure::USAGE, words)
                })?;
                (data.unwrap_or(loaded.data_dir), price, loaded.site.currency)
            }
        };
        let earned = Return { currency, ..earned(&data, price)? };
        if self.json {
            return print_json(&earned);
        }
        print_line(earned.words())
    }
}

fn earned(data: &Path, price: f64) -> Result<Return, Failure> {
    let path = data.join("ledger.db");
    if !path.exists() {
        let words =
            format!("there is no ledger at {}; expected the data folder of a HeatMine that ran", path.display());
        return Err(Failure::new(Failure::NO_INPUT, words));
    }
    let wrong = |error: LedgerError| Failure::new(65, error.to_string());
    let ledger = Ledger::open_existing(&Disk::Folder(data.to_owned())).map_err(wrong)?;
    let head = ledger.head().map_err(wrong)?.sequence;
    let (first, last) = (ledger.after(0, 1).map_err(wrong)?, ledger.after(head.saturating_sub(1), 1).map_err(wrong)?);
    let (Some(first), Some(last)) = (first.first(), last.first()) else {
        return Err(Failure::new(Failure::NO_INPUT, format!("nothing is booked yet in {}", path.display())));
    };
    let days = (last.booked_at - first.booked_at).as_seconds_f64() / 86_400.0;
    let rows = ledger.days(Tz::UTC, NaiveDate::MIN, NaiveDate::MAX).map_err(wrong)?;
    Ok(Return::of(price, days, rows.iter().map(|(_, earnings)| earnings.net.0).sum()))
}

impl Return {
    fn of(price_eur: f64, days: f64, net_eur: f64) -> Self {
        let net_eur_per_year = if days > 0.0 { net_eur / days * DAYS_A_YEAR } else { 0.0 };
        let years = (net_eur_per_year > 0.0).then(|| price_eur / net_eur_per_year);
        let earned_percent = if price_eur > 0.0 { net_eur / price_eur * 100.0 } else { 100.0 };
        Self { currency: Currency::EUR, price_eur, days, net_eur, net_eur_per_year, earned_percent, years }
    }

    fn words(&self) -> String {
        let Self { currency, price_eur, days, net_eur, net_eur_per_year, earned_percent, years } = self;
        let outlook = match years {
            Some(years) => format!(
                "At this pace, {net_eur_per_year:.2} {currency} a year, it has paid for itself after {years:.1} years."
            ),
            None => "At this pace it never pays for itself.".to_owned(),
        };
        let caution = if *days < DAYS_MIN { "\nThe books are too short to say much about a year." } else { "" };
        format!(
            "In {days:.1} days the box has earned {net_eur:.2} {currency} net, {earned_percent:.1} % of its price of {price_eur:.2} {currency}.\n{outlook}{caution}"
        )
    }
}

/// The currency of the house whose configuration lies in `file`; the euro where there is none.
fn currency(file: &Path) -> Currency {
    config::load(file).map_or(Currency::EUR, |loaded| loaded.site.currency)
}

fn amount(text: &str) -> Result<f64, String> {
    let price = text.parse::<f64>().ok().filter(|price| (0.0..=1e7).contains(price));
    price.ok_or_else(|| "expected an amount from 0 to 10000000, as 1900".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_currency_of_the_house() {
        let earned = Return { currency: "CZK".parse().unwrap(), ..Return::of(40_000.0, 365.25, 4000.0) };
        let expected = "In 365.2 days the box has earned 4000.00 CZK net, 10.0 % of its price of 40000.00 CZK.\n\
            At this pace, 4000.00 CZK a year, it has paid for itself after 10.0 years.";
        assert_eq!(earned.words(), expected);
    }

    #[test]
    fn a_price_is_held_against_what_was_earned() {
        let rows = [
            (1000.0, 365.25, 100.0, 10.0, Some(10.0)),
            (1000.0, 36.525, 100.0, 10.0, Some(1.0)),
            (1000.0, 30.0, 0.0, 0.0, None),
            (1000.0, 30.0, -5.0, -0.5, None),
            (1000.0, 0.0, 0.0, 0.0, None),
            (0.0, 30.0, 5.0, 100.0, Some(0.0)),
        ];
        for (price, days, net, percent, years) in rows {
            let found = Return::of(price, days, net);
            assert!((found.earned_percent - percent).abs() < 1e-9, "{found:?}");
            assert_eq!(found.years.map(|years| (years * 1e6).round() / 1e6), years, "{found:?}");
        }
    }
}
