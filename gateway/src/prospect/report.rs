//! The answer: what the box brings in a year and when it is paid, as a range, and what that rests on.

use plant::totals::Earnings;
use plant::units::{Currency, Eur};
use plant::verdict::amount;
use serde::Serialize;
use std::fmt::Write;

/// Boxes of computers are used for so many years: afterwards newer ones do the same work for less power.
const USED_YEARS: f64 = 7.0;
/// Less than so many of the currency, or kilowatt-hours, a year is nothing.
const SAID: f64 = 1.0;

/// A range from the worse to the better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Range {
    pub low: f64,
    pub expected: f64,
    pub high: f64,
}

/// Years until the price is earned; `None` for never.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Payback {
    pub soonest: Option<f64>,
    pub expected: Option<f64>,
    pub latest: Option<f64>,
}

/// What one thing that comes otherwise changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Effect {
    /// In words.
    pub what: String,
    /// What it is about.
    pub group: &'static str,
    /// What it changes in the gain of a year.
    pub eur_per_year: f64,
}

/// A month of the expected year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Month {
    /// 1 to 12.
    pub month: u32,
    /// What it brings; the parts below add up to it.
    pub gain_eur: f64,
    pub revenue_eur: f64,
    pub heat_saved_eur: f64,
    /// Imported power, below zero what it costs more.
    pub power_eur: f64,
    pub feed_in_eur: f64,
    pub wear_eur: f64,
    pub stores_eur: f64,
    pub compute_kwh: f64,
    /// Of its heat what the house had a use for.
    pub heat_used_kwh: f64,
}

impl Month {
    /// A month from days of it, of which it has `scale` times as many.
    pub(super) fn of(month: u32, earnings: &Earnings, scale: f64) -> Self {
        let parts = earnings.parts().unwrap_or_default();
        Self {
            month,
            gain_eur: parts.gain.0 * scale,
            revenue_eur: parts.revenue.0 * scale,
            heat_saved_eur: parts.heat_saved.0 * scale,
            power_eur: parts.power.0 * scale,
            feed_in_eur: parts.feed_in.0 * scale,
            wear_eur: parts.wear.0 * scale,
            stores_eur: (parts.inventory + parts.colder_room).0 * scale,
            compute_kwh: earnings.energy.0 * scale,
            heat_used_kwh: earnings.heat.0 * scale,
        }
    }
}

impl Month {
    /// What it has more than `other`.
    pub(super) fn less(self, other: &Self) -> Self {
        Self {
            month: self.month,
            gain_eur: self.gain_eur - other.gain_eur,
            revenue_eur: self.revenue_eur - other.revenue_eur,
            heat_saved_eur: self.heat_saved_eur - other.heat_saved_eur,
            power_eur: self.power_eur - other.power_eur,
            feed_in_eur: self.feed_in_eur - other.feed_in_eur,
            wear_eur: self.wear_eur - other.wear_eur,
            stores_eur: self.stores_eur - other.stores_eur,
            compute_kwh: self.compute_kwh - other.compute_kwh,
            heat_used_kwh: self.heat_used_kwh - other.heat_used_kwh,
        }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Prospect {
    pub currency: Currency,
    pub price_eur: f64,
    /// Of the box alone.
    pub gain_eur_per_year: Range,
    /// What HeatMine's plan of battery and heat pump brings without a box; in none of the other figures.
    pub plan_alone_eur_per_year: f64,
    pub payback_years: Payback,
    pub effects: Vec<Effect>,
    pub months: Vec<Month>,
    pub assumptions: Vec<String>,
}

impl Prospect {
    pub(super) fn new(
        (price_eur, currency): (f64, Currency),
        (expected, plan_alone): (f64, f64),
        effects: Vec<Effect>,
        months: Vec<Month>,
        assumptions: Vec<String>,
    ) -> Self {
        let gain = Range { low: expected - off(&effects, -1.0), expected, high: expected + off(&effects, 1.0) };
        let years = |gain: f64| (gain > 0.0).then(|| price_eur / gain);
        let payback = Payback { soonest: years(gain.high), expected: years(gain.expected), latest: years(gain.low) };
        Self {
            currency,
            price_eur,
            gain_eur_per_year: gain,
            plan_alone_eur_per_year: plan_alone,
            payback_years: payback,
            effects,
            months,
            assumptions,
        }
    }

    /// For the owner.
    pub(crate) fn words(&self) -> String {
        let Range { low, expected, high } = self.gain_eur_per_year;
        let mut text = format!(
            "A box for {} would bring {} a year: between {} and {}.\n",
            self.money(self.price_eur),
            self.money(expected),
            self.money(low),
            self.money(high)
        );
        let sum = |value: fn(&Month) -> f64| self.months.iter().map(value).sum::<f64>();
        let _ = writeln!(text, "{}", self.payback());
        if self.plan_alone_eur_per_year.abs() >= SAID {
            let _ = writeln!(
                text,
                "Without a box HeatMine's plan of battery and heat pump brings {} a year: that is not in it.",
                self.money(self.plan_alone_eur_per_year)
            );
        }
        if sum(|month| month.compute_kwh) < SAID {
            let _ = writeln!(text, "It would not run: see what it rests on.");
            return self.rests_on(text);
        }
        type Part = fn(&Month) -> f64;
        let parts: [(&str, Part); 6] = [
            ("paid for work", |month| month.revenue_eur),
            ("heat that nothing else had to make", |month| month.heat_saved_eur),
            ("power from the grid", |month| month.power_eur),
            ("feed-in", |month| month.feed_in_eur),
            ("wear and starts", |month| month.wear_eur),
            ("what battery, room and tank hold more", |month| month.stores_eur),
        ];
        let _ = writeln!(text, "\nOf the year:");
        for (name, value) in parts {
            let _ = writeln!(text, "  {name}: {}", self.money(sum(value)));
        }
        let _ = writeln!(
            text,
            "It would use {:.0} kWh a year; of its heat {:.0} kWh find a use.",
            sum(|month| month.compute_kwh),
            sum(|month| month.heat_used_kwh)
        );
        let _ = writeln!(text, "\nMonth by month, {}:", self.currency);
        for month in &self.months {
            let name = NAMES.get(month.month.saturating_sub(1) as usize).copied().unwrap_or_default();
            let _ = writeln!(text, "  {name} {:>8.2}", zero(month.gain_eur));
        }
        let _ = writeln!(text, "\nWhat makes the range, a year:");
        for effect in &self.effects {
            let sign = if effect.eur_per_year >= 0.005 { "+" } else { "" };
            let _ = writeln!(text, "  {}: {sign}{}", effect.what, self.money(effect.eur_per_year));
        }
        self.rests_on(text)
    }

    /// `text`, and what all of it rests on.
    fn rests_on(&self, mut text: String) -> String {
        let _ = writeln!(text, "\nWhat it rests on:");
        for assumption in &self.assumptions {
            let _ = writeln!(text, "  - {assumption}");
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn payback(&self) -> String {
        let Payback { soonest, expected, latest } = self.payback_years;
        let years = |years: Option<f64>| years.map_or_else(|| "never".to_owned(), |years| format!("{years:.1}"));
        let Some(soonest) = soonest else { return "It never pays for itself.".to_owned() };
        let late = match latest {
            Some(latest) => format!("{latest:.1} years at the latest"),
            None => "at the worst never".to_owned(),
        };
        let usual = expected.map_or_else(
            || "as expected it never pays for itself".to_owned(),
            |_| format!("it has paid for itself after {} years", years(expected)),
        );
        let mut text = format!("{}: {soonest:.1} years at the soonest, {late}.", capital(&usual));
        if expected.is_some_and(|years| years > USED_YEARS) {
            let _ = write!(text, " That is longer than such a box is usually used, {USED_YEARS:.0} years.");
        }
        text
    }

    fn money(&self, euros: f64) -> String {
        format!("{}{}", if euros <= -0.005 { "-" } else { "" }, amount(Eur(euros), self.currency))
    }
}

const NAMES: [&str; 12] = [
    "January  ",
    "February ",
    "March    ",
    "April    ",
    "May      ",
    "June     ",
    "July     ",
    "August   ",
    "September",
    "October  ",
    "November ",
    "December ",
];

/// What the effects of one sign come to: of each group the largest, together the root of the sum of squares.
fn off(effects: &[Effect], sign: f64) -> f64 {
    let mut largest: std::collections::BTreeMap<&str, f64> = std::collections::BTreeMap::new();
    for effect in effects {
        let found = largest.entry(effect.group).or_default();
        *found = found.max(effect.eur_per_year * sign);
    }
    largest.values().map(|effect| effect * effect).sum::<f64>().sqrt()
}

/// Without a minus that is rounded away.
fn zero(value: f64) -> f64 {
    if value.abs() < 0.005 { 0.0 } else { value }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prospect(expected: f64, effects: &[(&'static str, f64)]) -> Prospect {
        let effects = effects
            .iter()
            .map(|(group, eur_per_year)| Effect {
                what: format!("{group} is otherwise"),
                group,
                eur_per_year: *eur_per_year,
            })
            .collect();
        Prospect::new(
            (1000.0, Currency::EUR),
            (expected, 36.0),
            effects,
            vec![Month { month: 3, gain_eur: 4.0, compute_kwh: 20.0, ..Month::default() }],
            vec!["The sun shines.".into()],
        )
    }

    #[test]
    fn independent_uncertainties_add_up_as_squares_and_those_of_a_group_never_come_together() {
        let found =
            prospect(200.0, &[("work", -60.0), ("work", 30.0), ("power", -80.0), ("power", -10.0), ("weather", 40.0)]);
        let Range { low, expected, high } = found.gain_eur_per_year;
        assert_eq!((low, expected, high), (100.0, 200.0, 250.0));
        assert_eq!(found.payback_years, Payback { soonest: Some(4.0), expected: Some(5.0), latest: Some(10.0) });
        let words = found.words();
        for said in [
            "A box for 1000.00 EUR would bring 200.00 EUR a year: between 100.00 EUR and 250.00 EUR.",
            "It has paid for itself after 5.0 years: 4.0 years at the soonest, 10.0 years at the latest.",
            "Without a box HeatMine's plan of battery and heat pump brings 36.00 EUR a year: that is not in it.",
            "power is otherwise: -80.00 EUR",
            "work is otherwise: +30.00 EUR",
            "March         4.00",
            "- The sun shines.",
        ] {
            assert!(words.contains(said), "{said} is not in: {words}");
        }
    }

    #[test]
    fn a_box_that_never_runs_has_no_year_to_show() {
        let mut found = prospect(0.0, &[]);
        found.months[0].compute_kwh = 0.0;
        let words = found.words();
        assert!(words.contains("It would not run") && !words.contains("Month by month"), "{words}");
        assert!(words.contains("- The sun shines."), "{words}");
    }

    #[test]
    fn never_is_an_answer() {
        let rows: [(f64, f64, f64, &str); 3] = [
            (
                50.0,
                -80.0,
                10.0,
                "It has paid for itself after 20.0 years: 16.7 years at the soonest, at the worst never. That is longer than",
            ),
            (-10.0, -5.0, 60.0, "As expected it never pays for itself: 20.0 years at the soonest, at the worst never."),
            (-10.0, -5.0, 5.0, "It never pays for itself."),
        ];
        for (expected, worse, better, words) in rows {
            let found = prospect(expected, &[("work", worse), ("work", better)]);
            assert!(found.words().contains(words), "{}", found.words());
        }
        assert_eq!(prospect(-10.0, &[]).payback_years, Payback { soonest: None, expected: None, latest: None });
    }
}
