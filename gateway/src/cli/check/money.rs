//! What power costs and earns for a person to read: the contract, each price as a formula, and what it comes to at this moment for
//! an example of a spot price.

use super::row::{Row, plain, row};
use crate::config::Loaded;
use crate::config::contract::Contract;
use crate::config::spot::SpotSource;
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
        Rate::Clock { price, windows } if windows.is_empty() => format!("{name}{}", exact(*price, currency)),
        Rate::Clock { price, windows } => {
            let each = windows.iter().map(|window| self::window(window, currency)).collect::<Vec<_>>().join(", ");
            let text = format!("{each}, else {}", exact(*price, currency));
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

/// A price of the contract with as many digits as it has, three at least.
fn exact(price: EurPerKwh, currency: Currency) -> String {
    let text = format!("{:.6}", price.0);
    let least = text.find('.').map_or(text.len(), |point| point + 4);
    let (kept, rest) = text.split_at(least);
    format!("{kept}{} {currency}/kWh", rest.trim_end_matches('0'))
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
    format!("{times}{weekdays}{months} {}", exact(window.price, currency))
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
    let often = spot.refresh_s.map(|seconds| format!(" every {seconds} s")).unwrap_or_default();
    match (spot.source, &spot.topic, &spot.url) {
        (Some(source), _, _) => {
            let place = [&spot.zone, &spot.product, &spot.home, &spot.site, &spot.entity, &spot.url];
            let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
            let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(", ")) };
            let taxes = if spot.includes_taxes() { ", fees and taxes included" } else { "" };
            format!("from {source}{place}{often}{taxes}")
        }
        (None, Some(topic), _) => format!("from the topic {topic}"),
        (None, None, Some(url)) => format!("from {url}{often}"),
        (None, None, None) => "from nowhere".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::advice;
    use super::*;
    use std::path::Path;

    /// A house with this tariff.
    fn house(tariff: &str) -> Loaded {
        let text = format!(
            "{tariff}\n[compute]\nmax_w = 900\n[worker]\nurl = \"http://127.0.0.1:1\"\n[[device]]\nname = \"m\"\n\
             type = \"eastron-sdm630\"\naddress = \"tcp://127.0.0.1:1\"\n"
        );
        crate::config::load_toml(Path::new("house.toml"), &text).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// What is said of this tariff at a quarter past noon in July, under these names.
    fn said(tariff: &str, names: &[&str]) -> Vec<String> {
        let rows = rows(&house(tariff), "2026-07-15T10:15:00Z".parse().unwrap());
        rows.into_iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, words)| words).collect()
    }

    const SPOT: &str = "[tariff.spot]\nurl = \"http://b/x\"";

    #[test]
    fn a_person_reads_each_price_as_a_formula() {
        let rows = [
            ("", "0.320 EUR/kWh"),
            (
                "[tariff.import]\nkind = \"time_of_use\"\nprice_eur_per_kwh = 0.3\nwindows = [{ from = \"22:38\", to = \"06:00\", \
                 weekdays = \"mon,tue\", months = \"10-12\", price_eur_per_kwh = 0.2 }]",
                "22:38-06:00 Mon/Tue in months 10/11/12 0.200 EUR/kWh, else 0.300 EUR/kWh",
            ),
            ("[tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0.155", "(spot + 0.155 EUR/kWh) + 19 %"),
            (
                "[tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0.02\nbilled = \"hour\"\nshare_percent = 110\n\
                 [network_fee]\nprice_eur_per_kwh = 0.1\ntaxes_included = true\n[[levy]]\nname = \"power tax\"\nprice_eur_per_kwh = 0.0205",
                "network 0.100 EUR/kWh + (110 % of the hour's mean spot + 0.020 EUR/kWh + power tax 0.0205 EUR/kWh) + 19 %",
            ),
            (
                "[site]\ncurrency = \"JPY\"\n[tariff.import]\nprice_eur_per_kwh = 31\n[tariff.export]\nprice_eur_per_kwh = 16",
                "31.000 JPY/kWh",
            ),
        ];
        for (tariff, expected) in rows {
            assert_eq!(said(&format!("{tariff}\n{SPOT}"), &["import"]), [expected], "{tariff}");
        }
        let export = format!("[tariff.export]\ncommissioned = \"2025-06-01\"\nsmart_meter = \"2026-02-01\"\n{SPOT}");
        let expected = "0.080 EUR/kWh; nothing while the spot price is negative, from 2027-01-01 on";
        assert_eq!(said(&export, &["export"]), [expected]);
        let peak = "[tariff.import]\npeak_eur_per_kw_month = 4.25\npeak_at_least_w = 2500";
        let expected =
            "4.25 EUR a month for each kW of the month's highest quarter hour of import, for 2500 W at least";
        assert_eq!(said(peak, &["peak"]), [expected]);
    }

    #[test]
    fn an_example_shows_the_parts_of_this_moment() {
        let austria = format!("[tariff]\ncontract = \"at-dynamic-2026\"\n{SPOT}");
        let expected = [
            "at-dynamic-2026: Austria 2026: dynamic tariff, network as in Vienna",
            "now, at a spot price of 0.100: spot 0.100 + fee 0.015 + network 0.068 + electricity levy 0.001 + renewables \
             contribution 0.006 + tax 0.038 = 0.228 EUR/kWh",
        ];
        assert_eq!(said(&austria, &["contract", ""]), expected);
    }

    #[test]
    fn what_nobody_states_is_worth_knowing() {
        let mistaken = "[site]\ncurrency = \"JPY\"\n[tariff.import]\nprice_eur_per_kwh = 0.31\n[tariff.export]\nprice_eur_per_kwh = 16";
        let rows = [
            ("", "site.timezone is left out, and Europe/Berlin is assumed", true),
            ("[site]\ntimezone = \"Europe/London\"", "site.timezone is left out", false),
            (mistaken, "tariff.import.price_eur_per_kwh = 0.31 is in JPY/kWh, and very cheap: were euros meant?", true),
            ("", "were euros meant?", false),
            (
                "[tariff]\ncontract = \"de-dynamic-2026\"\n[tariff.import]\nfee_eur_per_kwh = 0.155",
                "is much for a supplier's fee",
                true,
            ),
            ("[tariff]\ncontract = \"de-dynamic-2026\"", "is much for a supplier's fee", false),
        ];
        for (tariff, words, expected) in rows {
            let advice = advice::of(&house(&format!("{tariff}\n{SPOT}")));
            assert_eq!(advice.iter().any(|sentence| sentence.contains(words)), expected, "{tariff}: {advice:?}");
        }
    }
}
