//! From `[tariff]` to the core's tariff: each side a sum of parts.
//!
//! Example: `kind = "spot"`, a fee of 0.018, levies of 0.05, a network fee and `tax_percent = 19` come to four parts without
//! their tax, and a tax of 0.19 on their sum. `kind = "fixed"` comes to one part that includes its tax.

mod feed_in;
mod window;

use super::{Faults, quoted};
use crate::config::Config;
use crate::config::contract::Contract;
use crate::config::spot::SpotSource;
use crate::config::tariff::{BilledPrice, ExportPrice, ImportPrice, NetworkFee, PriceKind, TariffConfig, Window};
use plant::site::{Billed, Capacity, Negative, Part, Price, Rate, Tariff};
use plant::units::{Currency, EurPerKwh, Watts};

/// The tariff; `None` where a mistake was found that leaves none.
pub(super) fn resolve(config: &Config, currency: Option<Currency>, faults: &mut Faults) -> Option<Tariff> {
    let tariff = &config.tariff;
    check_contract(tariff, currency, faults);
    let has_spot = tariff.spot.is_some();
    let gross = tariff.spot.as_ref().is_some_and(SpotSource::includes_taxes);
    if gross && tariff.export.kind == PriceKind::Spot {
        let expected =
            "needs wholesale prices, and those of [tariff.spot] include fees and taxes; expected fixed or time_of_use";
        faults.wrong("tariff.export.kind", quoted("spot"), expected);
    }
    let import = side(&Side::from(&tariff.import), has_spot, faults).map(|mut parts| {
        let network = config.network_fee.as_ref().and_then(|fee| network(fee, faults));
        if gross && tariff.import.kind == PriceKind::Spot {
            // Fees, levies and taxes that are in the prices are not added again.
            parts.retain(|part| matches!(part.rate, Rate::Spot { .. }));
            parts.iter_mut().for_each(|part| part.taxes_included = true);
        } else {
            parts.extend(network);
            let levies = config.levy.iter();
            parts.extend(levies.map(|levy| Part::net(&levy.name, clock(levy.price_eur_per_kwh, Vec::new()))));
        }
        price(parts, tariff.import.tax_percent)
    });
    let export =
        side(&Side::from(&tariff.export), has_spot, faults).map(|parts| price(parts, tariff.export.tax_percent));
    let negative = feed_in::negative(config, faults);
    if gross && matches!(negative, Negative::Unpaid { .. }) {
        let expected = "is paid nothing while the exchange's price is below zero, and the prices of [tariff.spot] include fees and taxes; expected a source of wholesale prices, or negative_prices = \"paid\"";
        faults.about("tariff.export", expected);
    }
    let capacity = capacity(&tariff.import, faults);
    Some(Tariff { import: import?, export: Price { negative, ..export? }, capacity })
}

/// What is wrong about the contract itself.
fn check_contract(tariff: &TariffConfig, currency: Option<Currency>, faults: &mut Faults) {
    let Some(name) = &tariff.contract else { return };
    let Some(contract) = Contract::find(name) else {
        let known: Vec<&str> = Contract::all().iter().map(|contract| contract.name).collect();
        faults.wrong(
            "tariff.contract",
            quoted(name),
            format!("unknown contract; expected one of {}", known.join(", ")),
        );
        return;
    };
    if let Some(currency) = currency.filter(|currency| *currency != contract.currency) {
        let expected =
            format!("is in {}; expected a contract in site.currency, {currency}, or that left out", contract.currency);
        faults.wrong("tariff.contract", quoted(name), expected);
    }
    let (kind, meant) = (tariff.import.kind.name(), contract.value("tariff.import.kind"));
    if let Some(meant) = meant.and_then(|value| value.as_str()).filter(|meant| *meant != kind) {
        let expected =
            format!("the contract {name} is of kind \"{meant}\"; expected that, kind left out, or no contract");
        faults.wrong("tariff.import.kind", quoted(kind), expected);
    }
}

/// One side of the tariff as it was written.
struct Side<'a> {
    key: &'static str,
    kind: PriceKind,
    price: f64,
    windows: &'a [Window],
    share_percent: f64,
    billed: BilledPrice,
    fee: f64,
    taxes_included: Option<bool>,
}

impl<'a> From<&'a ImportPrice> for Side<'a> {
    fn from(import: &'a ImportPrice) -> Self {
        Self {
            key: "tariff.import",
            kind: import.kind,
            price: import.price_eur_per_kwh,
            windows: &import.windows,
            share_percent: import.share_percent,
            billed: import.billed,
            fee: import.fee_eur_per_kwh,
            taxes_included: import.taxes_included,
        }
    }
}

impl<'a> From<&'a ExportPrice> for Side<'a> {
    fn from(export: &'a ExportPrice) -> Self {
        Self {
            key: "tariff.export",
            kind: export.kind,
            price: export.price_eur_per_kwh,
            windows: &export.windows,
            share_percent: export.share_percent,
            billed: export.billed,
            fee: export.fee_eur_per_kwh,
            taxes_included: export.taxes_included,
        }
    }
}

/// What the energy itself costs, and what the supplier adds.
fn side(side: &Side<'_>, has_spot: bool, faults: &mut Faults) -> Option<Vec<Part>> {
    check_side(side, has_spot, faults);
    let windows = window::all(side.key, side.windows, faults);
    let stated = |windows| {
        let taxes_included = side.taxes_included.unwrap_or(true);
        vec![Part { taxes_included, ..Part::net(Part::ENERGY, clock(side.price, windows)) }]
    };
    match side.kind {
        PriceKind::Fixed => Some(stated(Vec::new())),
        PriceKind::TimeOfUse => windows.map(stated),
        PriceKind::Spot if has_spot => {
            let billed = match side.billed {
                BilledPrice::Quarter => Billed::Quarter,
                BilledPrice::Hour => Billed::Hour,
            };
            let spot = Part::net(Part::SPOT, Rate::Spot { share: side.share_percent / 100.0, billed });
            let taxes_included = side.taxes_included.unwrap_or(false);
            Some(vec![Part { taxes_included, ..spot }, Part::net(Part::FEE, clock(side.fee, Vec::new()))])
        }
        PriceKind::Spot => None,
    }
}

/// What does not fit the kind of the price.
fn check_side(side: &Side<'_>, has_spot: bool, faults: &mut Faults) {
    let key = side.key;
    let is_time_of_use = side.kind == PriceKind::TimeOfUse;
    if is_time_of_use == side.windows.is_empty() {
        let expected = if is_time_of_use {
            "missing; expected the windows of kind = \"time_of_use\", each with from, to and price_eur_per_kwh"
        } else {
            "are for kind = \"time_of_use\"; expected none for this kind"
        };
        faults.about(format!("{key}.windows"), expected);
    }
    let is_spot = side.kind == PriceKind::Spot;
    if is_spot && !has_spot {
        faults.wrong(
            format!("{key}.kind"),
            quoted("spot"),
            "needs a section [tariff.spot] with a source, topic or url",
        );
    }
    if !is_spot && side.billed == BilledPrice::Hour {
        faults.wrong(
            format!("{key}.billed"),
            quoted("hour"),
            "is the mean of an hour's spot prices; needs kind = \"spot\"",
        );
    }
    if !is_spot && side.share_percent != 100.0 {
        faults.wrong(
            format!("{key}.share_percent"),
            side.share_percent,
            "is a share of the spot price; needs kind = \"spot\"",
        );
    }
}

/// The network fee; none where it is always nothing.
fn network(fee: &NetworkFee, faults: &mut Faults) -> Option<Part> {
    let windows = window::all("network_fee", &fee.windows, faults)?;
    let some = fee.price_eur_per_kwh != 0.0 || !windows.is_empty();
    let part = Part::net("network", clock(fee.price_eur_per_kwh, windows));
    some.then_some(Part { taxes_included: fee.taxes_included, ..part })
}

/// The parts with their tax; what is all stated with its taxes has none on top.
fn price(parts: Vec<Part>, tax_percent: f64) -> Price {
    let taxed = parts.iter().any(|part| !part.taxes_included);
    Price { parts, tax: if taxed { tax_percent / 100.0 } else { 0.0 }, ..Price::default() }
}

fn clock(price: f64, windows: Vec<plant::site::PriceWindow>) -> Rate {
    Rate::Clock { price: EurPerKwh(price), windows }
}

fn capacity(import: &ImportPrice, faults: &mut Faults) -> Option<Capacity> {
    match (import.peak_eur_per_kw_month, import.peak_at_least_w) {
        (Some(per_kw_month), at_least) => Some(Capacity { per_kw_month, at_least: Watts(at_least.unwrap_or(0.0)) }),
        (None, Some(at_least)) => {
            let expected = "is the least that a capacity charge is for; needs tariff.import.peak_eur_per_kw_month";
            faults.wrong("tariff.import.peak_at_least_w", at_least, expected);
            None
        }
        (None, None) => None,
    }
}
