//! What may come otherwise than expected, one thing at a time.

use crate::simulate::trace::Row;
use plant::site::{HeatSource, Price, Rate, Site};
use plant::units::{Celsius, EurPerKwh};

/// What work may pay less or more.
const WORK: f64 = 0.30;
/// In how much fewer or more hours somebody may want it.
const WANTED: f64 = 0.25;
/// What power and gas may cost less or more.
const POWER: f64 = 0.20;
/// What the sun of a year may be less or more than usual, and the air colder or warmer: years of Central Europe differ so.
const SUN: f64 = 0.08;
const AIR_K: f64 = 1.0;

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Expected,
    /// The house as HeatMine plans it without a box.
    NoBox,
    WorkLess,
    WorkMore,
    PowerCheaper,
    PowerDearer,
    YearDull,
    YearBright,
}

impl Case {
    pub(super) const ALL: [Self; 8] = [
        Self::Expected,
        Self::NoBox,
        Self::WorkLess,
        Self::WorkMore,
        Self::PowerCheaper,
        Self::PowerDearer,
        Self::YearDull,
        Self::YearBright,
    ];

    /// What it is about: two cases of a group never come together.
    pub(super) fn group(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::NoBox => "box",
            Self::WorkLess | Self::WorkMore => "work",
            Self::PowerCheaper | Self::PowerDearer => "power",
            Self::YearDull | Self::YearBright => "weather",
        }
    }

    /// Share of the hours that has work, where `sold` is expected.
    pub(super) fn sold(self, sold: f64) -> f64 {
        match self {
            Self::WorkLess => sold * (1.0 - WANTED),
            Self::WorkMore => (sold * (1.0 + WANTED)).min(1.0),
            Self::Expected
            | Self::NoBox
            | Self::PowerCheaper
            | Self::PowerDearer
            | Self::YearDull
            | Self::YearBright => sold,
        }
    }

    /// How many times as much the plan without a box brings: it follows the price of power.
    pub(super) fn without(self) -> f64 {
        match self {
            Self::PowerCheaper => 1.0 - POWER,
            Self::PowerDearer => 1.0 + POWER,
            Self::Expected | Self::NoBox | Self::WorkLess | Self::WorkMore | Self::YearDull | Self::YearBright => 1.0,
        }
    }

    /// In words for the owner of a house with gas, or without.
    pub(super) fn words(self, sold: f64, gas: bool) -> String {
        let wanted = self.sold(sold) * 100.0;
        let (work, power, sun) = (WORK * 100.0, POWER * 100.0, SUN * 100.0);
        let costs = if gas { "power and gas cost" } else { "power costs" };
        match self {
            Self::Expected => "everything as expected".to_owned(),
            Self::NoBox => "no box".to_owned(),
            Self::WorkLess => format!("work pays {work:.0} % less and is there in {wanted:.0} % of the hours"),
            Self::WorkMore => format!("work pays {work:.0} % more and is there in {wanted:.0} % of the hours"),
            Self::PowerCheaper => format!("{costs} {power:.0} % less"),
            Self::PowerDearer => format!("{costs} {power:.0} % more"),
            Self::YearDull => format!("a dull cold year: {sun:.0} % less sun, {AIR_K:.0} K colder"),
            Self::YearBright => format!("a bright mild year: {sun:.0} % more sun, {AIR_K:.0} K warmer"),
        }
    }

    /// Changes the site.
    pub(super) fn site(self, site: &mut Site) {
        let power = match self {
            Self::WorkLess => return site.work.standing = site.work.standing * (1.0 - WORK),
            Self::WorkMore => return site.work.standing = site.work.standing * (1.0 + WORK),
            Self::PowerCheaper => 1.0 - POWER,
            Self::PowerDearer => 1.0 + POWER,
            // A box without work rests.
            Self::NoBox => return site.work.standing = EurPerKwh::ZERO,
            Self::Expected | Self::YearDull | Self::YearBright => return,
        };
        scale(&mut site.tariff.import, power);
        if let Some(HeatSource::Gas { price, .. }) = &mut site.displaced {
            *price = *price * power;
        }
    }

    /// Changes a quarter hour.
    pub(super) fn row(self, row: Row) -> Row {
        let (sun, air) = match self {
            Self::YearDull => (1.0 - SUN, -AIR_K),
            Self::YearBright => (1.0 + SUN, AIR_K),
            Self::Expected | Self::NoBox | Self::WorkLess | Self::WorkMore | Self::PowerCheaper | Self::PowerDearer => {
                return row;
            }
        };
        Row { pv_per_kwp: row.pv_per_kwp * sun, ghi: row.ghi * sun, outdoor: row.outdoor + Celsius(air), ..row }
    }
}

/// A price as a whole so many times what it is.
fn scale(price: &mut Price, factor: f64) {
    let times = |price: &mut EurPerKwh| *price = *price * factor;
    for part in &mut price.parts {
        match &mut part.rate {
            Rate::Clock { price, windows } => {
                times(price);
                windows.iter_mut().for_each(|window| times(&mut window.price));
            }
            Rate::Spot { share, .. } => *share *= factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_dearer_as_a_whole() {
        let mut spot = Price::spot(EurPerKwh(0.15), 0.19);
        scale(&mut spot, 1.2);
        let rates: Vec<&Rate> = spot.parts.iter().map(|part| &part.rate).collect();
        assert!(matches!(rates[0], Rate::Spot { share, .. } if (share - 1.2).abs() < 1e-12), "{rates:?}");
        assert!(matches!(rates[1], Rate::Clock { price, .. } if (price.0 - 0.18).abs() < 1e-12), "{rates:?}");
        assert_eq!(spot.tax, 0.19);
    }

    #[test]
    fn more_than_every_hour_is_never_sold() {
        assert_eq!(
            (Case::WorkMore.sold(0.9), Case::WorkLess.sold(0.8), Case::YearDull.sold(0.8)),
            (1.0, 0.8 * 0.75, 0.8)
        );
        assert_eq!(Case::WorkLess.words(0.8, false), "work pays 30 % less and is there in 60 % of the hours");
    }
}
