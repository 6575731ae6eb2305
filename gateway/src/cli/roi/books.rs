//! What the books say about the price of the box.

use super::super::Failure;
use crate::store::{Disk, Ledger, LedgerError};
use chrono::NaiveDate;
use chrono_tz::Tz;
use plant::totals::Earnings;
use plant::units::{Currency, Eur};
use plant::verdict::amount;
use serde::Serialize;
use std::path::Path;

/// Books shorter than this many days say little about a year.
const DAYS_MIN: f64 = 14.0;
const DAYS_A_YEAR: f64 = 365.25;

/// What the books say about a price. Only days whose gain is known count: those of version 0.1.0 knew no house without compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Return {
    /// Of all amounts.
    currency: Currency,
    price_eur: f64,
    /// Days that count.
    days: f64,
    /// Days of books whose gain is not known.
    days_unknown: f64,
    /// The gain: what pays the price back.
    net_eur: f64,
    net_eur_per_year: f64,
    earned_percent: f64,
    /// Years from the first entry until the price is earned; `None` where it never is.
    years: Option<f64>,
    /// What of it the bill and the wear show.
    bill_eur: f64,
    /// What of it others paid.
    revenue_eur: f64,
    /// What of it the stores still hold, less what a colder room saved.
    stores_eur: f64,
    /// What the gain is more than was promised when it was decided to run.
    forecast_error_eur: f64,
    /// What the household's own questions were worth to it. Nobody pays it: it pays nothing back.
    household_eur: f64,
}

/// Whether there is a ledger in `data`.
pub(super) fn are_in(data: &Path) -> bool {
    data.join("ledger.db").exists()
}

/// What the ledger in `data` says about a price.
pub(super) fn earned(data: &Path, price: (f64, Currency)) -> Result<Return, Failure> {
    let path = data.join("ledger.db");
    if !are_in(data) {
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
    let zone = ledger.zone().map_err(wrong)?.unwrap_or(Tz::UTC);
    let rows = ledger.days(zone, NaiveDate::MIN, NaiveDate::MAX).map_err(wrong)?;
    Ok(Return::of(price, days, &rows.into_iter().map(|(_, earnings)| earnings).collect::<Vec<_>>()))
}

impl Return {
    /// The return of books that span `days`, from the earnings of each of their days.
    fn of((price_eur, currency): (f64, Currency), days: f64, rows: &[Earnings]) -> Self {
        let (mut sum, mut known) = (Earnings::default(), 0_u32);
        for earnings in rows.iter().filter(|earnings| earnings.is_known()) {
            sum += *earnings;
            known += 1;
        }
        let counted = if rows.is_empty() { 0.0 } else { days * f64::from(known) / rows.len() as f64 };
        let parts = sum.parts().unwrap_or_default();
        let net_eur = parts.gain.0;
        let net_eur_per_year = if counted > 0.0 { net_eur / counted * DAYS_A_YEAR } else { 0.0 };
        Self {
            currency,
            price_eur,
            days: counted,
            days_unknown: days - counted,
            net_eur,
            net_eur_per_year,
            earned_percent: if price_eur > 0.0 { net_eur / price_eur * 100.0 } else { 100.0 },
            years: (net_eur_per_year > 0.0).then(|| price_eur / net_eur_per_year),
            bill_eur: (parts.bill + parts.wear).0,
            revenue_eur: parts.revenue.0,
            stores_eur: (parts.inventory + parts.colder_room).0,
            forecast_error_eur: parts.forecast_error.0,
            household_eur: sum.household.0,
        }
    }

    pub(super) fn words(&self) -> String {
        let Self { price_eur, days, net_eur, net_eur_per_year, earned_percent, years, .. } = self;
        let money =
            |euros: f64| format!("{}{}", if euros <= -0.005 { "-" } else { "" }, amount(Eur(euros), self.currency));
        let mut lines = vec![
            format!(
                "In {days:.1} days the box has earned {}, {earned_percent:.1} % of its price of {}.",
                money(*net_eur),
                money(*price_eur)
            ),
            format!("  the bill and wear: {}", money(self.bill_eur)),
            format!("  paid by others: {}", money(self.revenue_eur)),
            format!("  what battery, room and tank hold more: {}", money(self.stores_eur)),
            match years {
                Some(years) => format!(
                    "At this pace, {} a year, it has paid for itself after {years:.1} years.",
                    money(*net_eur_per_year)
                ),
                None => "At this pace it never pays for itself.".to_owned(),
            },
            format!(
                "When it was decided, {} was promised: the forecast error is {}.",
                money(net_eur - self.forecast_error_eur),
                money(self.forecast_error_eur)
            ),
            format!(
                "The household's own questions were worth {} to it by the owner's value, which pays nothing back.",
                money(self.household_eur)
            ),
        ];
        if self.days_unknown >= 0.05 {
            let unknown = self.days_unknown;
            lines.push(format!(
                "Another {unknown:.1} days are left out: nothing of them could be compared with the house without compute."
            ));
        }
        if *days < DAYS_MIN {
            lines.push("The books are too short to say much about a year.".to_owned());
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(gain: f64) -> Earnings {
        Earnings {
            revenue: Eur(0.40),
            household: Eur(0.25),
            promised: Eur(gain + 0.10),
            cost: Eur(1.0),
            cost_without: Eur(1.0 + gain - 0.40),
            gain: Eur(gain),
            observed_s: 86_400.0,
            compared_s: 86_400.0,
            ..Earnings::default()
        }
    }

    #[test]
    fn amounts_are_in_the_currency_of_the_house() {
        let words = Return::of((40_000.0, "CZK".parse().unwrap()), 365.25, &[day(4000.0)]).words();
        let expected = [
            "In 365.2 days the box has earned 4000.00 CZK, 10.0 % of its price of 40000.00 CZK.",
            "At this pace, 4000.00 CZK a year, it has paid for itself after 10.0 years.",
        ];
        assert!(expected.iter().all(|line| words.lines().any(|found| found == *line)), "{words}");
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
        for (price, days, gain, percent, years) in rows {
            let found = Return::of((price, Currency::EUR), days, &[day(gain)]);
            assert!((found.earned_percent - percent).abs() < 1e-9, "{found:?}");
            assert_eq!(found.years.map(|years| (years * 1e6).round() / 1e6), years, "{found:?}");
        }
    }

    #[test]
    fn only_money_of_known_days_pays_back() {
        let unknown = Earnings { compared_s: 0.0, gain: Eur(50.0), ..day(50.0) };
        let found = Return::of((1000.0, Currency::EUR), 3.0, &[day(0.5), unknown, day(-0.2)]);
        assert!((found.net_eur - 0.3).abs() < 1e-9 && (found.days - 2.0).abs() < 1e-9, "{found:?}");
        assert!((found.household_eur - 0.5).abs() < 1e-9 && (found.revenue_eur - 0.8).abs() < 1e-9, "{found:?}");
        assert!((found.bill_eur + 0.5).abs() < 1e-9 && (found.forecast_error_eur + 0.2).abs() < 1e-9, "{found:?}");
        let words = found.words();
        for said in [
            "In 2.0 days the box has earned 0.30 EUR, 0.0 % of its price of 1000.00 EUR.",
            "the bill and wear: -0.50 EUR",
            "paid by others: 0.80 EUR",
            "0.50 EUR was promised: the forecast error is -0.20 EUR",
            "own questions were worth 0.50 EUR to it by the owner's value, which pays nothing back",
            "Another 1.0 days are left out",
        ] {
            assert!(words.contains(said), "{said} is not in: {words}");
        }
    }
}
