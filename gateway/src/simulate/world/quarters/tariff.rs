//! What power costs and earns in such a house.

use super::hello::Node;
use plant::site::{Price, Tariff};
use plant::units::EurPerKwh;

/// Hours of a day.
const DAY: f64 = 24.0;

/// The tariff of `node`: the wholesale price with a fee, which is the day's mean where it depends on the hour.
pub(super) fn tariff(node: &Node) -> Tariff {
    let fee = EurPerKwh(node.fee_eur_kwh.unwrap_or_else(|| node.tax_eur_kwh.unwrap_or_default() + network(node)));
    let export = match (node.feedin_eur_kwh, node.feedin_fee_eur_kwh) {
        (Some(price), _) => Price::Fixed { price: EurPerKwh(price) },
        (None, fee) => Price::Spot { fee: EurPerKwh(-fee.unwrap_or_default()), tax: 0.0 },
    };
    Tariff { import: Price::Spot { fee, tax: 0.0 }, export }
}

/// The day's mean of the network fee.
fn network(node: &Node) -> f64 {
    let hours = |hours: Option<(u16, u16)>| {
        let (from, to) = hours.unwrap_or_default();
        f64::from((i32::from(to) - i32::from(from)).rem_euclid(24))
    };
    let (low, high) = (hours(node.grid_fee_low_hours), hours(node.grid_fee_high_hours));
    let fee = |fee: Option<f64>| fee.unwrap_or_default();
    (fee(node.grid_fee_low_eur_kwh) * low
        + fee(node.grid_fee_high_eur_kwh) * high
        + fee(node.grid_fee_mid_eur_kwh) * (DAY - low - high))
        / DAY
}
