//! The tariff as a contract: each side is a sum of parts, each of which may depend on the clock or on the spot price.
//!
//! ```text
//! price = (sum of the net parts) * (1 + tax) + sum of the parts that include their taxes
//! ```
//!
//! Example: spot 0.100, supplier 0.018, levies 0.050, network 0.080 by day and 0.020 from 22:00, 19 % on top. At noon that is
//! (0.100 + 0.018 + 0.050 + 0.080) * 1.19 = 0.295, at 23:00 0.224 EUR/kWh.

use crate::units::{EurPerKwh, Watts};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What power costs and earns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tariff {
    /// What imported power costs.
    pub import: Price,
    /// What exported power earns.
    pub export: Price,
    /// What the month's peak of import costs, where the contract charges for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
}

impl Tariff {
    /// A tariff without a capacity charge.
    pub fn new(import: Price, export: Price) -> Self {
        Self { import, export, capacity: None }
    }
}

/// One side of the tariff: the sum of its parts, with taxes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Price {
    /// What is added up.
    pub parts: Vec<Part>,
    /// Share on top of the parts that do not include it, 0.19 for 19 %.
    pub tax: f64,
    /// What holds while the spot price is negative.
    pub negative: Negative,
}

impl Price {
    /// Always the same, taxes included.
    pub fn fixed(price: EurPerKwh) -> Self {
        Self::time_of_use(price, Vec::new())
    }

    /// By local time, taxes included: `price` outside all windows.
    pub fn time_of_use(price: EurPerKwh, windows: Vec<PriceWindow>) -> Self {
        let energy = Part { name: Part::ENERGY.into(), rate: Rate::Clock { price, windows }, taxes_included: true };
        Self { parts: vec![energy], ..Self::default() }
    }

    /// `(spot + fee) * (1 + tax)`.
    pub fn spot(fee: EurPerKwh, tax: f64) -> Self {
        let spot = Rate::Spot { share: 1.0, billed: Billed::Quarter };
        let fee = Rate::Clock { price: fee, windows: Vec::new() };
        Self { parts: vec![Part::net(Part::SPOT, spot), Part::net(Part::FEE, fee)], tax, ..Self::default() }
    }

    /// Whether it can be known only where the spot price is.
    pub fn needs_spot(&self) -> bool {
        let has_spot = self.parts.iter().any(|part| matches!(part.rate, Rate::Spot { .. }));
        has_spot || matches!(self.negative, Negative::Unpaid { .. })
    }
}

/// One part of a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it pays for, for people.
    pub name: String,
    /// How much it is.
    pub rate: Rate,
    /// Whether the taxes are in it: none is added then.
    #[serde(default)]
    pub taxes_included: bool,
}

impl Part {
    /// The name of the energy itself, where the contract states its price.
    pub const ENERGY: &str = "energy";
    /// The name of the energy itself at the price of the exchange.
    pub const SPOT: &str = "spot";
    /// The name of what the supplier adds to the spot price.
    pub const FEE: &str = "fee";

    /// A part without its taxes.
    pub fn net(name: &str, rate: Rate) -> Self {
        Self { name: name.into(), rate, taxes_included: false }
    }
}

/// How much a part of the price is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Rate {
    /// By the local clock and calendar; always the same where there are no windows.
    Clock {
        /// Outside all windows.
        price: EurPerKwh,
        /// The windows; the first that matches counts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        windows: Vec<PriceWindow>,
    },
    /// By the spot price; unknown where that is.
    Spot {
        /// This share of it, 1 for all.
        share: f64,
        /// Which spot price it is.
        #[serde(default)]
        billed: Billed,
    },
}

/// Which spot price a contract bills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// That of the quarter hour.
    #[default]
    Quarter,
    /// The mean of the local clock hour's four quarters; unknown where one of them is.
    Hour,
}

/// What holds while the spot price is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Negative {
    /// The price stays what it is.
    #[default]
    Paid,
    /// Power earns nothing in every quarter hour with a negative spot price (German EEG 2023 section 51); unknown where the spot
    /// price is.
    Unpaid {
        /// From this local day on; `None` for always.
        since: Option<NaiveDate>,
    },
    /// The price does not fall below zero.
    Floor,
}

impl Negative {
    /// Whether nothing special holds.
    fn is_paid(&self) -> bool {
        *self == Self::Paid
    }
}

/// A window of local time. Where it spans midnight, its weekday is that of its beginning: one from Friday 22:00 to 06:00 ends on
/// Saturday. Its season goes by the date of the moment itself: what is priced by quarters of the year changes at midnight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceWindow {
    /// First minute of the local day.
    pub from_minute: u16,
    /// First minute after it; smaller than `from_minute` where the window spans midnight.
    pub to_minute: u16,
    /// The price in it.
    pub price: EurPerKwh,
    /// The weekdays on which it begins, 1 for Monday to 7 for Sunday; empty for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub weekdays: BTreeSet<u8>,
    /// The months in which it holds, 1 to 12; empty for all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub months: BTreeSet<u8>,
}

impl PriceWindow {
    /// A window of every day of the year.
    pub fn daily(from_minute: u16, to_minute: u16, price: EurPerKwh) -> Self {
        Self { from_minute, to_minute, price, weekdays: BTreeSet::new(), months: BTreeSet::new() }
    }
}

/// The charge for the month's peak: the highest mean import of a quarter hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// What a kilowatt of it costs in a month, taxes included, in the site's currency.
    pub per_kw_month: f64,
    /// The charge is never for less than this.
    pub at_least: Watts,
}

/// A price as a file has it: in the forms of version 0.1.0 where it has one of them, else as the sum that it is.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Sum {
        parts: Vec<Part>,
        tax: f64,
        #[serde(default, skip_serializing_if = "Negative::is_paid")]
        negative: Negative,
    },
    Kind(Kind),
}

/// The forms of version 0.1.0.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Kind {
    Fixed { price: EurPerKwh },
    TimeOfUse { price: EurPerKwh, windows: Vec<PriceWindow> },
    Spot { fee: EurPerKwh, tax: f64 },
}

impl From<Written> for Price {
    fn from(written: Written) -> Self {
        match written {
            Written::Sum { parts, tax, negative } => Self { parts, tax, negative },
            Written::Kind(Kind::Fixed { price }) => Self::fixed(price),
            Written::Kind(Kind::TimeOfUse { price, windows }) => Self::time_of_use(price, windows),
            Written::Kind(Kind::Spot { fee, tax }) => Self::spot(fee, tax),
        }
    }
}

impl From<Price> for Written {
    fn from(price: Price) -> Self {
        let Price { parts, tax, negative } = price;
        match kind(&parts, tax).filter(|_| negative.is_paid()) {
            Some(kind) => Self::Kind(kind),
            None => Self::Sum { parts, tax, negative },
        }
    }
}

/// The form of version 0.1.0 that says the same; `None` where none does.
fn kind(parts: &[Part], tax: f64) -> Option<Kind> {
    let price = match parts {
        [Part { rate: Rate::Clock { price, windows }, .. }] if windows.is_empty() => Kind::Fixed { price: *price },
        [Part { rate: Rate::Clock { price, windows }, .. }] => {
            Kind::TimeOfUse { price: *price, windows: windows.clone() }
        }
        [_, Part { rate: Rate::Clock { price: fee, .. }, .. }] => Kind::Spot { fee: *fee, tax },
        _ => return None,
    };
    // What it would be read as must be what it is.
    let same = match &price {
        Kind::Fixed { price } => Price::fixed(*price),
        Kind::TimeOfUse { price, windows } => Price::time_of_use(*price, windows.clone()),
        Kind::Spot { fee, tax } => Price::spot(*fee, *tax),
    };
    (same.parts == parts && same.tax == tax).then_some(price)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Price {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn prices_of_version_0_1_0_are_read_and_written_as_they_were() {
        let window = PriceWindow::daily(1320, 360, EurPerKwh(0.2));
        let rows = [
            (r#"{"kind":"fixed","price":0.32}"#, Price::fixed(EurPerKwh(0.32))),
            (
                r#"{"kind":"time_of_use","price":0.3,"windows":[{"from_minute":1320,"to_minute":360,"price":0.2}]}"#,
                Price::time_of_use(EurPerKwh(0.3), vec![window]),
            ),
            (r#"{"kind":"spot","fee":0.15,"tax":0.19}"#, Price::spot(EurPerKwh(0.15), 0.19)),
        ];
        for (text, expected) in rows {
            let price = read(text);
            assert_eq!(price, expected, "{text}");
            assert_eq!(serde_json::to_string(&price).unwrap(), text);
        }
        let unpaid = Price {
            negative: Negative::Unpaid { since: NaiveDate::from_ymd_opt(2027, 1, 1) },
            ..Price::fixed(EurPerKwh(0.08))
        };
        assert_eq!(read(&serde_json::to_string(&unpaid).unwrap()), unpaid);
    }

    #[test]
    fn a_tariff_of_version_0_1_0_has_no_capacity_charge() {
        let text = r#"{"import":{"kind":"fixed","price":0.3},"export":{"kind":"fixed","price":0.08}}"#;
        let tariff: Tariff = serde_json::from_str(text).unwrap();
        assert_eq!(tariff, Tariff::new(Price::fixed(EurPerKwh(0.3)), Price::fixed(EurPerKwh(0.08))));
    }
}
