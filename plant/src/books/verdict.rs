//! What a span of time came to, in words for a person: whether the house gained or lost, and why.
//!
//! Example: `Yesterday the house was 0.24 EUR worse off by computing, because its power cost 0.60 EUR; against that, others paid
//! 0.20 EUR and its heat saved 0.16 EUR. When it was decided, a gain of 1.17 EUR was expected.`

use crate::books::parts::Parts;
use crate::books::totals::Earnings;
use crate::units::{Currency, Eur};

/// Less than half a cent is not shown.
const SHOWN: Eur = Eur(0.005);
/// A part smaller than this share of the largest is no reason. Chosen.
const SHARE: f64 = 0.05;
/// Where less of a time than this is compared, that is said.
const COMPARED: f64 = 0.95;

/// A span of time as it begins a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// The day before this one.
    Yesterday,
    /// A day or month by its date.
    Period(String),
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            When::Yesterday => f.write_str("Yesterday"),
            // A month is `2026-11`, a day `2026-11-21`.
            When::Period(period) if period.len() > 7 => write!(f, "On {period}"),
            When::Period(period) => write!(f, "In {period}"),
        }
    }
}

/// An amount of money as people write it, without its sign.
pub fn amount(money: Eur, currency: Currency) -> String {
    format!("{:.2} {currency}", money.0.abs())
}

/// What `earnings` of `when` say, in one to three sentences; amounts are in `currency`.
pub fn verdict(when: &When, earnings: &Earnings, currency: Currency) -> String {
    let Some(parts) = earnings.parts() else {
        return format!(
            "{when} nothing could be compared with the house without compute: what it gained is not known."
        );
    };
    let money = |money: Eur| amount(money, currency);
    let (lost, gained) = (said(losses(&parts), &money), said(gains(&parts), &money));
    let loses = parts.gain < Eur::ZERO;
    let (because, against) = if loses { (lost, gained) } else { (gained, lost) };
    let mut text = match parts.gain {
        gain if gain.abs() < SHOWN && because.is_empty() && against.is_empty() => {
            return format!("{when} computing changed nothing of what the house pays.{}", partly(earnings));
        }
        gain if gain.abs() < SHOWN => format!("{when} the house came out even by computing"),
        gain => {
            let turn = if loses { "worse" } else { "better" };
            let spread = if earnings.spread.abs() < SHOWN {
                String::new()
            } else {
                format!(" (give or take {})", money(earnings.spread))
            };
            format!("{when} the house was {} {turn} off by computing{spread}", money(gain))
        }
    };
    if let Some(because) = listed(&because) {
        text += &format!(", because {because}");
    }
    if let Some(against) = listed(&against) {
        text += &format!("; against that, {against}");
    }
    text += ".";
    text += &promised(&parts, &money);
    text + &partly(earnings)
}

/// What was expected of a time that lost money, where that was better.
fn promised(parts: &Parts, money: &impl Fn(Eur) -> String) -> String {
    if parts.gain > -SHOWN || parts.forecast_error > -SHOWN || parts.promised.abs() < SHOWN {
        return String::new();
    }
    let turn = if parts.promised < Eur::ZERO { "loss" } else { "gain" };
    format!(" When it was decided, a {turn} of {} was expected.", money(parts.promised))
}

/// How much of the time this is about, where that is not (almost) all of it.
fn partly(earnings: &Earnings) -> String {
    match earnings.compared().filter(|share| *share < COMPARED) {
        Some(share) => format!(" Only {:.0} % of the time could be compared.", share * 100.0),
        None => String::new(),
    }
}

/// What each part is called where it is below zero.
fn losses(parts: &Parts) -> [(Eur, &'static str); 7] {
    let Parts { power, feed_in, heat_saved, wear, revenue, inventory, colder_room, .. } = *parts;
    [
        (-power, "its power cost {}"),
        (-feed_in, "{} of feed-in was lost"),
        (-heat_saved, "heating took {} more"),
        (-wear, "wear and starts cost {}"),
        (-revenue, "{} was paid back"),
        (-inventory, "battery, room and tank held {} less"),
        (-colder_room, "the room was colder than its own rule keeps it, which is worth {}"),
    ]
}

/// What each part is called where it is above zero.
fn gains(parts: &Parts) -> [(Eur, &'static str); 7] {
    let Parts { power, feed_in, heat_saved, wear, revenue, inventory, colder_room, .. } = *parts;
    [
        (power, "power was bought for {} less"),
        (feed_in, "power was fed in for {} more"),
        (heat_saved, "its heat saved {}"),
        (wear, "the battery wore {} less"),
        (revenue, "others paid {}"),
        (inventory, "battery, room and tank held {} more"),
        (colder_room, "the room was warmer, which is worth {}"),
    ]
}

/// Those of `parts` that are worth a word, the largest first.
fn said(mut parts: [(Eur, &'static str); 7], money: &impl Fn(Eur) -> String) -> Vec<String> {
    parts.sort_by(|(one, _), (other, _)| other.0.total_cmp(&one.0));
    let least = SHOWN.max(parts[0].0 * SHARE);
    let shown = parts.into_iter().filter(|(part, _)| *part >= least);
    shown.map(|(part, words)| words.replace("{}", &money(part))).collect()
}

/// `a, b and c`.
fn listed(words: &[String]) -> Option<String> {
    let (last, others) = words.split_last()?;
    Some(if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day that is compared all of it: what the house pays, would have paid, and earned by feed-in with and without.
    fn day(cost: f64, without: f64, revenue: f64, heat: f64) -> Earnings {
        let [cost, cost_without, revenue, heat_saved] = [cost, without, revenue, heat].map(Eur);
        Earnings {
            cost,
            cost_without,
            revenue,
            heat_saved,
            gain: cost_without - cost + revenue,
            observed_s: 86_400.0,
            compared_s: 86_400.0,
            ..Earnings::default()
        }
    }

    fn said_of(earnings: Earnings) -> String {
        verdict(&When::Yesterday, &earnings, Currency::EUR)
    }

    #[test]
    fn a_day_that_lost_money_says_so_and_why() {
        // Power 0.60 for compute, 0.16 saved by its heat, 0.20 paid by others; 1.17 was promised.
        let lost = Earnings { promised: Eur(1.17), household: Eur(1.41), ..day(1.00, 0.56, 0.20, 0.16) };
        assert_eq!(
            said_of(lost),
            "Yesterday the house was 0.24 EUR worse off by computing, because its power cost 0.60 EUR; against that, \
             others paid 0.20 EUR and its heat saved 0.16 EUR. When it was decided, a gain of 1.17 EUR was expected."
        );
    }

    #[test]
    fn the_largest_part_comes_first() {
        let fed = Earnings { export_revenue_without: Eur(0.50), promised: Eur(-0.30), ..day(1.0, 0.30, 0.40, 0.0) };
        assert_eq!(
            said_of(fed),
            "Yesterday the house was 0.30 EUR worse off by computing, because 0.50 EUR of feed-in was lost and its power \
             cost 0.20 EUR; against that, others paid 0.40 EUR."
        );
    }

    #[test]
    fn a_day_that_gained_says_why() {
        let gained = Earnings { spread: Eur(0.05), ..day(1.0, 0.90, 0.40, 0.15) };
        assert_eq!(
            said_of(gained),
            "Yesterday the house was 0.30 EUR better off by computing (give or take 0.05 EUR), because others paid 0.40 EUR \
             and its heat saved 0.15 EUR; against that, its power cost 0.25 EUR."
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let none = Earnings { compared_s: 0.0, ..day(1.0, 1.0, 0.0, 0.0) };
        assert_eq!(
            said_of(none),
            "Yesterday nothing could be compared with the house without compute: what it gained is not known."
        );
        let half = Earnings { compared_s: 43_200.0, ..day(1.0, 1.0, 0.0, 0.0) };
        assert_eq!(
            said_of(half),
            "Yesterday computing changed nothing of what the house pays. Only 50 % of the time could be compared."
        );
        let small = Earnings { wear: Eur(0.01), ..day(1.0, 0.50, 0.0, 0.0) };
        assert_eq!(
            said_of(small),
            "Yesterday the house was 0.50 EUR worse off by computing, because its power cost 0.50 EUR."
        );
        let even = said_of(day(1.0, 0.80, 0.20, 0.0));
        assert!(
            even.starts_with("Yesterday the house came out even by computing, because others paid 0.20 EUR;"),
            "{even}"
        );
    }

    #[test]
    fn a_span_has_its_preposition_and_its_currency() {
        let says =
            |period: &str| verdict(&When::Period(period.into()), &day(1.0, 1.0, 0.7, 0.0), "CZK".parse().unwrap());
        assert!(
            says("2026-11-21").starts_with("On 2026-11-21 the house was 0.70 CZK better off"),
            "{}",
            says("2026-11-21")
        );
        assert!(says("2026-11").starts_with("In 2026-11 the house"), "{}", says("2026-11"));
    }
}
