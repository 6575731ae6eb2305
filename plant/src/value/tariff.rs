//! What a kilowatt-hour costs and earns at a moment. An unknown wholesale price stays unknown.

use crate::site::{Price, PriceWindow, Tariff};
use crate::time::Timestamp;
use crate::units::EurPerKwh;
use chrono::Timelike;
use chrono_tz::Tz;

/// Both sides of the tariff at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Prices {
    /// What imported power costs.
    pub import: Option<EurPerKwh>,
    /// What exported power earns.
    pub export: Option<EurPerKwh>,
}

impl Prices {
    /// Whether both are known.
    pub(crate) fn known(self) -> bool {
        self.import.is_some() && self.export.is_some()
    }
}

/// The prices at `at`, where the wholesale price is `spot`.
pub(crate) fn prices(tariff: &Tariff, timezone: Tz, at: Timestamp, spot: Option<EurPerKwh>) -> Prices {
    Prices { import: price(&tariff.import, timezone, at, spot), export: price(&tariff.export, timezone, at, spot) }
}

fn price(price: &Price, timezone: Tz, at: Timestamp, spot: Option<EurPerKwh>) -> Option<EurPerKwh> {
    match price {
        Price::Fixed { price } => Some(*price),
        Price::TimeOfUse { price, windows } => {
            let local = at.with_timezone(&timezone);
            let minute = (local.hour() * 60 + local.minute()) as u16;
            let window = windows.iter().find(|window| contains(window, minute));
            Some(window.map_or(*price, |window| window.price))
        }
        Price::Spot { fee, tax } => spot.map(|spot| (spot + *fee) * (1.0 + tax)),
    }
}

/// A window whose ends are equal is the whole day.
fn contains(window: &PriceWindow, minute: u16) -> bool {
    let (from, to) = (window.from_minute, window.to_minute);
    if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn time_of_use() -> Price {
        let window = |from_minute, to_minute, price| PriceWindow { from_minute, to_minute, price: EurPerKwh(price) };
        Price::TimeOfUse {
            price: EurPerKwh(0.30),
            windows: vec![window(22 * 60, 6 * 60, 0.20), window(12 * 60, 14 * 60, 0.10)],
        }
    }

    #[test]
    fn time_of_use_follows_local_time_through_dst() {
        let berlin = chrono_tz::Europe::Berlin;
        let rows = [
            ("2026-01-10T20:59:00Z", 0.30), // 21:59 CET
            ("2026-01-10T21:00:00Z", 0.20), // 22:00 CET
            ("2026-07-10T19:59:00Z", 0.30), // 21:59 CEST
            ("2026-07-10T20:00:00Z", 0.20), // 22:00 CEST
            ("2026-07-10T10:00:00Z", 0.10), // 12:00 CEST
            ("2026-07-10T12:00:00Z", 0.30), // 14:00 CEST
            ("2026-03-29T04:00:00Z", 0.30), // the night an hour is skipped: 06:00 CEST
            ("2026-03-29T03:45:00Z", 0.20), // 05:45 CEST
            ("2026-10-25T00:30:00Z", 0.20), // 02:30 for the first time
            ("2026-10-25T01:30:00Z", 0.20), // 02:30 for the second
            ("2026-10-25T05:00:00Z", 0.30), // 06:00 CET
        ];
        for (text, expected) in rows {
            assert_eq!(price(&time_of_use(), berlin, at(text), None), Some(EurPerKwh(expected)), "{text}");
        }
    }

    #[test]
    fn spot_adds_fee_and_tax_and_stays_unknown() {
        let spot = Price::Spot { fee: EurPerKwh(0.18), tax: 0.19 };
        let rows = [(Some(0.10), Some(0.3332)), (Some(-0.30), Some(-0.1428)), (None, None)];
        for (wholesale, expected) in rows {
            let found = price(&spot, chrono_tz::UTC, at("2026-05-01T10:00:00Z"), wholesale.map(EurPerKwh));
            match (found, expected) {
                (Some(found), Some(expected)) => assert!((found.0 - expected).abs() < 1e-9, "{wholesale:?}: {found:?}"),
                (found, expected) => assert_eq!(found.map(|price| price.0), expected),
            }
        }
    }
}
