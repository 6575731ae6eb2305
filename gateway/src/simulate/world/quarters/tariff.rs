//! What power costs and earns in such a house: the wholesale price with fees, and a network fee by the hour where there is one.

use super::hello::Node;
use plant::site::{Billed, Negative, Part, Price, PriceWindow, Rate, Tariff};
use plant::units::EurPerKwh;

/// The tariff of `node`.
pub(super) fn tariff(node: &Node) -> Tariff {
    let import = Price { parts: vec![spot(), fee(node), network(node)], ..Price::default() };
    let export = match (node.feedin_eur_kwh, node.feedin_fee_eur_kwh) {
        // A plant of the newer law: negative hours earn nothing.
        (Some(price), _) => Price { negative: Negative::Unpaid { since: None }, ..Price::fixed(EurPerKwh(price)) },
        (None, fee) => {
            let spot = Price::spot(EurPerKwh(-fee.unwrap_or_default()), 0.0);
            Price { negative: Negative::Floor, ..spot }
        }
    };
    Tariff::new(import, export)
}

fn spot() -> Part {
    Part::net(Part::SPOT, Rate::Spot { share: 1.0, billed: Billed::Quarter })
}

fn fee(node: &Node) -> Part {
    let price = node.fee_eur_kwh.or(node.tax_eur_kwh).unwrap_or_default();
    Part::net(Part::FEE, Rate::Clock { price: EurPerKwh(price), windows: Vec::new() })
}

fn network(node: &Node) -> Part {
    let fee = |fee: Option<f64>| EurPerKwh(fee.unwrap_or_default());
    let window = |hours: Option<(u16, u16)>, price: Option<f64>| {
        let (from, to) = hours?;
        Some(PriceWindow::daily(from * 60, to % 24 * 60, fee(price)))
    };
    let windows = [
        window(node.grid_fee_low_hours, node.grid_fee_low_eur_kwh),
        window(node.grid_fee_high_hours, node.grid_fee_high_eur_kwh),
    ];
    let windows = windows.into_iter().flatten().collect();
    Part::net("network", Rate::Clock { price: fee(node.grid_fee_mid_eur_kwh), windows })
}
