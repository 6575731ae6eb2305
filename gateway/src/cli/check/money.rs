//! What power costs and earns for a person to read: the contract, each price as a formula, and what it comes to at this moment for
//! an example of a spot price.

use super::report::plain;
use super::row::{Row, row};
use crate::config::Loaded;
use crate::config::contract::Contract;
use crate::config::tariff::SpotSource;
use plant::site::{Billed, Negative, Part, Price, PriceWindow, Rate, Site};
use plant::tariff;
use plant::time::Timestamp;
use plant::units::{Currency, EurPerKwh};

/// The spot price of the example, in euros.
const EXAMPLE: EurPerKwh = EurPerKwh(0.10);

/// What concerns money; the example is one of `now`.
pub(super) fn rows(loaded: &Loaded, now: Timestamp) -> Vec<Row> {
    let site = &loaded.site;
    let currency = site.currency;
    let contract = loaded.config.tariff.contract.as_deref().and_then(Contract::find);
    let mut rows: Vec<Row> = contract
        .map(|contract| row("contract", format!("{}: {}", contract.name, contract.title)))
        .into_iter()
        .collect();
    for (name, price) in [("import", &site.tariff.import), ("export", &site.tariff.export)] {
        rows.push(row(name, formula(price, currency)));
        rows.extend(example(site, price, now).map(|words| row("", words)));
    }
    rows.extend(site.tariff.capacity.map(|capacity| {
        let least =
            if capacity.at_least.0 > 0.0 { format!(", for {} at least", capacity.at_least) } else { String::new() };
        let price = plain(capacity.per_kw_month);
        row(
            "peak",
            format!("{price} {currency} a month for each kW of the month's highest quarter hour of import{least}"),
        )
    }));
    rows.extend(loaded.config.tariff.spot.as_ref().map(|spot| row("spot prices", source(spot))));
    let work = &site.work;
    let (read, written) = (plain(work.eur_per_mtok_in), plain(work.eur_per_mtok_out));
    let own = currency.price(work.interactive);
    rows.push(row(
        "work",
        format!("{read} {currency} for a million tokens read, {written} {currency} written; own questions {own}"),
    ));
    rows
}

/// A price as `(spot + 0.155 EUR/kWh) + 19 %`.
fn formula(price: &Price, currency: Currency) -> String {
    let of = |taxed: bool| {
        let parts = price.parts.iter().filter(move |part| part.taxes_included != taxed);
        parts.map(|part| words(part, price.parts.len() == 1, currency)).collect::<Vec<_>>().join(" + ")
    };
    let (net, gross) = (of(true), of(false));
    let net = match (net.is_empty(), price.tax) {
        (true, _) => String::new(),
        (false, tax) if tax == 0.0 && !net.contains(" + ") => net,
        (false, tax) => format!("({net}) + {} %", plain(tax * 100.0)),
    };
    let sum = [gross, net].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" + ");
    let negative = match price.negative {
        Negative::Paid => String::new(),
        Negative::Floor => "; never below zero".into(),
        Negative::Unpaid { since: None } => "; nothing while the spot price is negative".into(),
        Negative::Unpaid { since: Some(day) } => format!("; nothing while the spot price is negative, from {day} on"),
    };
    format!("{sum}{negative}")
}

fn words(part: &Part, alone: bool, currency: Currency) -> String {
    let name = if alone || part.name == Part::FEE || part.name == Part::ENERGY {
        String::new()
    } else {
        format!("{} ", part.name)
    };
    match &part.rate {
        Rate::Clock { price, windows } if windows.is_empty() => format!("{name}{}", currency.price(*price)),
        Rate::Clock { price, windows } => {
            let each = windows.iter().map(|window| self::window(window, currency)).collect::<Vec<_>>().join(", ");
            let text = format!("{each}, else {}", currency.price(*price));
            if alone { text } else { format!("{name}[{text}]") }
        }
        Rate::Spot { share, billed } => {
            let spot = match billed {
                Billed::Quarter => Part::SPOT,
                Billed::Hour => "the hour's mean spot",
            };
            if *share == 1.0 { spot.to_owned() } else { format!("{} % of {spot}", plain(share * 100.0)) }
        }
    }
}

fn window(window: &PriceWindow, currency: Currency) -> String {
    const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let list = |names: Vec<String>| if names.is_empty() { String::new() } else { format!(" {}", names.join("/")) };
    let day = |day: &u8| WEEKDAYS.get(usize::from(*day) - 1).copied().unwrap_or_default().to_owned();
    let weekdays = list(window.weekdays.iter().map(day).collect());
    let months = list(window.months.iter().map(u8::to_string).collect());
    let months = if months.is_empty() { months } else { format!(" in months{months}") };
    let times = format!("{}-{}", clock(window.from_minute), clock(window.to_minute));
    format!("{times}{weekdays}{months} {}", currency.price(window.price))
}

/// The parts of a price now, at the example's spot price; `None` where the formula says it all.
fn example(site: &Site, price: &Price, now: Timestamp) -> Option<String> {
    if price.parts.len() < 2 {
        return None;
    }
    let currency = site.currency;
    let spot = currency.roughly(EXAMPLE);
    let value = |price: EurPerKwh| format!("{:.3}", price.0);
    let parts = tariff::parts(price, site.timezone, now, |_| Some(spot));
    let known: Vec<(&Part, EurPerKwh)> = parts.into_iter().filter_map(|(part, price)| Some((part, price?))).collect();
    let net: EurPerKwh = known.iter().filter(|(part, _)| !part.taxes_included).map(|(_, price)| *price).sum();
    let gross: EurPerKwh = known.iter().filter(|(part, _)| part.taxes_included).map(|(_, price)| *price).sum();
    let tax = net * price.tax;
    let terms = known.iter().filter(|(_, price)| price.0 != 0.0);
    let mut terms: Vec<String> = terms.map(|(part, price)| format!("{} {}", part.name, value(*price))).collect();
    if tax.0 != 0.0 {
        terms.push(format!("tax {}", value(tax)));
    }
    let sum = currency.price(net + tax + gross);
    let when = if price.needs_spot() { format!("now, at a spot price of {}", value(spot)) } else { "now".into() };
    Some(format!("{when}: {} = {sum}", terms.join(" + ")))
}

fn source(spot: &SpotSource) -> String {
    match (&spot.topic, &spot.url) {
        (Some(topic), _) => format!("from the topic {topic}"),
        (None, Some(url)) => format!("from {url} every {} s", spot.refresh_s),
        (None, None) => "from nowhere".into(),
    }
}
