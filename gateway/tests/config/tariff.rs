//! The tariff: its kinds of price, windows, network fees, levies, taxes, feed-in rules, contracts as data, and currencies.

use crate::{changed, complaint, loaded};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use gateway::config::contract::Contract;
use plant::site::{Capacity, Negative, Price, PriceWindow};
use plant::tariff::{Prices, prices};
use plant::units::{EurPerKwh, Watts};

/// A house with this `[tariff]`, and `site` as its section `[site]`.
fn house(site: &str, tariff: &str) -> String {
    changed(&[("[pv]", &format!("{site}\n{tariff}\n[pv]"))])
}

const SPOT: &str = "[tariff.spot]\nurl = \"http://127.0.0.1:1/x\"\n";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect(text)
}

/// The prices of this tariff at a moment, while every quarter's spot price is `spot`.
fn priced(tariff: &str, moment: &str, spot: Option<f64>) -> Prices {
    let site = loaded(&house("", tariff)).site;
    prices(&site.tariff, site.timezone, at(moment), |_| spot.map(EurPerKwh))
}

fn close(found: Option<EurPerKwh>, expected: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: unknown"));
    assert!((found.0 - expected).abs() < 1e-9, "{what}: {found:?} for {expected}");
}

#[test]
fn a_configuration_of_0_1_0_has_the_prices_it_had() {
    let tariff = |text: &str| loaded(&house("", text)).site.tariff;
    let plain = tariff("");
    assert_eq!((plain.import, plain.export), (Price::fixed(EurPerKwh(0.32)), Price::fixed(EurPerKwh(0.08))));
    // What the add-on's options carry along for other kinds of price changes nothing.
    let fixed =
        tariff("[tariff.import]\nprice_eur_per_kwh = 0.30\nfee_eur_per_kwh = 0.2\ntax_percent = 19\nwindows = []");
    assert_eq!(fixed.import, Price::fixed(EurPerKwh(0.30)));
    let windows = "windows = [{ from = \"22:00\", to = \"06:00\", price_eur_per_kwh = 0.24 }]";
    let night = tariff(&format!("[tariff.import]\nkind = \"time_of_use\"\nprice_eur_per_kwh = 0.33\n{windows}"));
    let window = PriceWindow::daily(1320, 360, EurPerKwh(0.24));
    assert_eq!(night.import, Price::time_of_use(EurPerKwh(0.33), vec![window]));
    let spot = tariff(&format!("[tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0.155\n{SPOT}"));
    assert_eq!(spot.import, Price::spot(EurPerKwh(0.155), 0.19));
}

#[test]
fn the_parts_of_a_contract_add_up() {
    let text = format!(
        "[tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0.018\ntax_percent = 19\n\
         [network_fee]\nprice_eur_per_kwh = 0.08\n\
         windows = [{{ from = \"17:00\", to = \"19:00\", months = \"10-3\", price_eur_per_kwh = 0.13 }}, \
         {{ from = \"22:38\", to = \"04:30\", weekdays = \"mon-fri\", price_eur_per_kwh = 0.02 }}]\n\
         [[levy]]\nname = \"electricity tax\"\nprice_eur_per_kwh = 0.0205\n{SPOT}"
    );
    let rows = [
        ("2026-01-15T11:00:00Z", 0.08), // Thursday noon in winter
        ("2026-01-15T16:30:00Z", 0.13), // 17:30 in winter
        ("2026-07-15T15:30:00Z", 0.08), // 17:30 in summer
        ("2026-01-15T21:37:00Z", 0.08), // Thursday 22:37
        ("2026-01-15T21:38:00Z", 0.02), // Thursday 22:38
        ("2026-01-17T02:00:00Z", 0.02), // Saturday 03:00: the night of Friday
        ("2026-01-18T02:00:00Z", 0.08), // Sunday 03:00
    ];
    for (moment, network) in rows {
        close(priced(&text, moment, Some(0.10)).import, (0.10 + 0.018 + 0.0205 + network) * 1.19, moment);
    }
    assert_eq!(priced(&text, "2026-01-15T11:00:00Z", None).import, None);
}

#[test]
fn a_fixed_price_includes_its_taxes_and_a_network_fee_beside_it_does_not() {
    let text = "[tariff.import]\nprice_eur_per_kwh = 0.20\n[network_fee]\nprice_eur_per_kwh = 0.10";
    close(priced(text, "2026-01-15T11:00:00Z", None).import, 0.20 + 0.10 * 1.19, "a net fee");
    let gross = format!("{text}\ntaxes_included = true");
    close(priced(&gross, "2026-01-15T11:00:00Z", None).import, 0.30, "a gross fee");
    let net = text.replace("0.20", "0.20\ntaxes_included = false");
    close(priced(&net, "2026-01-15T11:00:00Z", None).import, 0.30 * 1.19, "a net price");
    let spot = format!("[tariff.import]\nkind = \"spot\"\ntaxes_included = true\nfee_eur_per_kwh = 0.01\n{SPOT}");
    close(priced(&spot, "2026-01-15T11:00:00Z", Some(0.25)).import, 0.25 + 0.01 * 1.19, "a gross spot price");
}

#[test]
fn quarters_of_0_0_0_and_80_cents_cost_20_where_the_hours_mean_is_billed() {
    for word in ["hour", "hourly"] {
        let text = format!(
            "[tariff.import]\nkind = \"spot\"\nfee_eur_per_kwh = 0\ntax_percent = 0\nbilled = \"{word}\"\n{SPOT}"
        );
        let site = loaded(&house("", &text)).site;
        let first = plant::time::Slot::containing(at("2026-05-01T10:00:00Z"));
        let spot = |slot: plant::time::Slot| Some(EurPerKwh(if slot == first.plus(3) { 0.80 } else { 0.0 }));
        for minute in [0, 15, 30, 45] {
            let moment = at("2026-05-01T10:00:00Z") + TimeDelta::minutes(minute);
            close(prices(&site.tariff, site.timezone, moment, spot).import, 0.20, word);
        }
    }
}

#[test]
fn a_new_german_plant_earns_nothing_at_negative_prices() {
    let since = |year| Negative::Unpaid { since: NaiveDate::from_ymd_opt(year, 1, 1) };
    let always = Negative::Unpaid { since: None };
    let rows = [
        ("", "9800", Negative::Paid),
        ("commissioned = \"2025-02-24\"", "9800", Negative::Paid),
        ("commissioned = \"2025-02-25\"", "9800", always),
        ("commissioned = \"2025-02-25\"\nsmart_meter = \"2026-05-01\"", "9800", since(2027)),
        ("commissioned = \"2025-02-25\"\nsmart_meter = \"2026-05-01\"", "100000", always),
        ("commissioned = \"2025-02-25\"", "1999", Negative::Paid),
        ("negative_prices = \"eeg\"\ncommissioned = \"2012-06-01\"", "9800", Negative::Paid),
        ("negative_prices = \"unpaid\"", "9800", always),
        ("negative_prices = \"not_below_zero\"", "9800", Negative::Floor),
        ("negative_prices = \"paid\"", "9800", Negative::Paid),
    ];
    for (keys, peak, expected) in rows {
        let text = house("", &format!("[tariff.export]\n{keys}\n{SPOT}"))
            .replace("peak_w = 9800", &format!("peak_w = {peak}"));
        assert_eq!(loaded(&text).site.tariff.export.negative, expected, "{keys}, {peak} W");
    }
    // A fixed feed-in pays nothing while the spot price is negative, whatever is imported at which price.
    let text = format!("[tariff.export]\nprice_eur_per_kwh = 0.0778\ncommissioned = \"2025-06-01\"\n{SPOT}");
    close(priced(&text, "2026-05-12T11:00:00Z", Some(-0.135)).export, 0.0, "12 May");
    close(priced(&text, "2026-05-12T11:00:00Z", Some(0.0)).export, 0.0778, "zero is not negative");
    assert_eq!(priced(&text, "2026-05-12T11:00:00Z", None), Prices { import: Some(EurPerKwh(0.32)), export: None });
}

#[test]
fn feed_in_may_be_a_share_of_spot() {
    let text = format!(
        "[tariff.export]\nkind = \"spot\"\nshare_percent = 90\nfee_eur_per_kwh = -0.01\nnegative_prices = \"not_below_zero\"\n{SPOT}"
    );
    for (spot, expected) in [(0.10, 0.08), (0.01, 0.0), (-0.2, 0.0)] {
        close(priced(&text, "2026-05-12T11:00:00Z", Some(spot)).export, expected, &spot.to_string());
    }
}

#[test]
fn the_months_peak_has_a_price() {
    let capacity = |keys: &str| loaded(&house("", &format!("[tariff.import]\n{keys}"))).site.tariff.capacity;
    assert_eq!(capacity(""), None);
    let plain = Capacity { per_kw_month: 4.25, at_least: Watts(0.0) };
    assert_eq!(capacity("peak_eur_per_kw_month = 4.25"), Some(plain));
    let least = Capacity { at_least: Watts(2500.0), ..plain };
    assert_eq!(capacity("peak_eur_per_kw_month = 4.25\npeak_at_least_w = 2500"), Some(least));
}

#[test]
fn every_contract_is_right_and_has_a_source_and_a_date_in_each_row() {
    let moments = ["2026-01-15T17:30:00Z", "2026-07-15T10:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
    assert_eq!(Contract::all().len(), 9, "a file that cannot be read is none");
    for contract in Contract::all() {
        let name = contract.name;
        assert!(!contract.rows().is_empty(), "{name}");
        for row in contract.rows() {
            assert!(row.source.len() > 2 && row.date > NaiveDate::MIN, "{name}: {}", row.key);
        }
        let text = house(
            "",
            &format!(
                "[tariff]\ncontract = \"{name}\"\n[tariff.export]\nkind = \"fixed\"\nprice_eur_per_kwh = 0.05\n{SPOT}"
            ),
        );
        let site = loaded(&text).site;
        assert_eq!(site.currency, contract.currency, "{name}");
        for moment in moments {
            let spot = site.currency.roughly(EurPerKwh(0.10));
            let found = prices(&site.tariff, site.timezone, at(moment), |_| Some(spot));
            let euros = found.import.unwrap_or_default().0 / site.currency.per_euro().unwrap_or(1.0);
            assert!((0.08..0.50).contains(&euros), "{name} at {moment}: {found:?}");
        }
    }
}

#[test]
fn a_contract_fills_in_what_the_owner_leaves_out() {
    let named = |rest: &str| format!("[tariff]\ncontract = \"de-dynamic-2026\"\n{rest}\n{SPOT}");
    let moment = "2026-06-01T10:00:00Z";
    let levies = 0.0205 + 0.01559 + 0.00941 + 0.00446 + 0.0166;
    let rows = [
        ("", (0.10 + 0.018 + 0.093 + levies) * 1.19),
        ("[tariff.import]\nfee_eur_per_kwh = 0.021", (0.10 + 0.021 + 0.093 + levies) * 1.19),
        ("[network_fee]\nprice_eur_per_kwh = 0.07", (0.10 + 0.018 + 0.07 + levies) * 1.19),
        ("[[levy]]\nname = \"all\"\nprice_eur_per_kwh = 0.05", (0.10 + 0.018 + 0.093 + 0.05) * 1.19),
        ("[tariff.import]\ntax_percent = 0\nwindows = []", 0.10 + 0.018 + 0.093 + levies),
    ];
    for (rest, expected) in rows {
        close(priced(&named(rest), moment, Some(0.10)).import, expected, rest);
    }
    close(priced(&named(""), moment, Some(0.10)).export, 0.0778, "feed-in");
    // Austria's summer days: 20 % less for the network from 10 to 16 o'clock.
    let austria = format!("[tariff]\ncontract = \"at-dynamic-2026\"\n{SPOT}");
    for (moment, network) in
        [("2026-06-01T10:00:00Z", 0.0682), ("2026-06-01T14:00:00Z", 0.0852), ("2026-01-10T10:00:00Z", 0.0852)]
    {
        close(priced(&austria, moment, Some(0.10)).import, (0.10 + 0.015 + network + 0.001 + 0.0062) * 1.2, moment);
    }
    // A contract that extends another has its own network fee and the other's levies.
    let module3 = format!("[tariff]\ncontract = \"de-module3-augsburg-2025\"\n{SPOT}");
    for (moment, network) in
        [("2026-01-15T01:00:00Z", 0.0367), ("2026-01-15T17:00:00Z", 0.1396), ("2026-07-15T16:00:00Z", 0.0915)]
    {
        close(priced(&module3, moment, Some(0.10)).import, (0.10 + 0.018 + levies) * 1.19 + network, moment);
    }
}

#[test]
fn a_house_may_have_any_currency_and_prices_follow_it() {
    let tariff = |import: f64, export: f64| {
        format!("[tariff.import]\nprice_eur_per_kwh = {import}\n[tariff.export]\nprice_eur_per_kwh = {export}")
    };
    for (code, import, export) in
        [("JPY", 31.0, 16.0), ("CZK", 6.5, 2.0), ("SEK", 2.2, 0.6), ("XTS", 4000.0, 3.0), ("EUR", 0.31, 0.08)]
    {
        let text = house(&format!("[site]\ncurrency = \"{code}\""), &tariff(import, export));
        let site = loaded(&text).site;
        assert_eq!((site.currency.code(), site.tariff.import), (code, Price::fixed(EurPerKwh(import))));
    }
    let yen = loaded(&house("[site]\ncurrency = \"JPY\"", &tariff(31.0, 16.0))).site;
    assert_eq!(
        (yen.work.interactive, yen.battery.map(|battery| battery.wear)),
        (EurPerKwh(360.0), Some(EurPerKwh(5.4)))
    );
    assert_eq!((yen.work.eur_per_mtok_in, yen.work.eur_per_mtok_out), (9.0, 36.0));
    let euro = loaded(&house("", "")).site;
    assert_eq!((euro.currency.code(), euro.work.interactive), ("EUR", EurPerKwh(2.0)));
}

/// `[site]`, `[tariff]`, and what is said about them.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "[site]\ncurrency = \"eur\"",
        "",
        "house.toml:5:1: site.currency = \"eur\": expected the ISO 4217 code of a currency, three capital letters, as EUR or CZK",
    ),
    (
        "",
        "[tariff.import]\nprice_eur_per_kwh = 31",
        "house.toml:6:1: tariff.import.price_eur_per_kwh = 31: expected a number from -1 to 5, in EUR/kWh",
    ),
    (
        "[site]\ncurrency = \"CZK\"",
        "[tariff.import]\nprice_eur_per_kwh = 310\n[tariff.export]\nprice_eur_per_kwh = 1",
        "house.toml:7:1: tariff.import.price_eur_per_kwh = 310: expected a number from -24.5 to 122.5, in CZK/kWh",
    ),
    (
        "[site]\ncurrency = \"JPY\"",
        "[tariff.export]\nprice_eur_per_kwh = 16",
        "tariff.import.price_eur_per_kwh: missing; expected it in JPY/kWh: the default is one in euros",
    ),
    (
        "",
        "[tariff]\ncontract = \"de-dynamic-2025\"",
        "house.toml:6:1: tariff.contract = \"de-dynamic-2025\": unknown contract; expected one of at-dynamic-2026, de-dynamic-2026, de-fixed-2026, de-module3-augsburg-2025, dk-spot-2026, gb-agile, gb-agile-formula, nl-dynamic-2026, nl-dynamic-2027",
    ),
    (
        "[site]\ncurrency = \"DKK\"",
        "[tariff]\ncontract = \"de-dynamic-2026\"\n[tariff.spot]\nurl = \"http://b/x\"",
        "house.toml:7:1: tariff.contract = \"de-dynamic-2026\": is in EUR; expected a contract in site.currency, DKK, or that left out",
    ),
    (
        "",
        "[tariff]\ncontract = \"de-dynamic-2026\"\n[tariff.import]\nkind = \"fixed\"",
        "house.toml:8:1: tariff.import.kind = \"fixed\": the contract de-dynamic-2026 is of kind \"spot\"; expected that, kind left out, or no contract",
    ),
    (
        "",
        "[tariff]\ncontract = \"de-dynamic-2026\"",
        "tariff.import.kind = \"spot\": needs a section [tariff.spot] with a source, topic or url",
    ),
    (
        "",
        "[tariff.import]\nbilled = \"hour\"",
        "house.toml:6:1: tariff.import.billed = \"hour\": is the mean of an hour's spot prices; needs kind = \"spot\"",
    ),
    (
        "",
        "[tariff.import]\nbilled = \"day\"",
        "house.toml:6:1: tariff.import.billed = \"day\": expected one of quarter, quarterly, quarter_hourly, hour or hourly",
    ),
    (
        "",
        "[tariff.export]\nshare_percent = 90",
        "house.toml:6:1: tariff.export.share_percent = 90: is a share of the spot price; needs kind = \"spot\"",
    ),
    (
        "",
        "[tariff.import]\npeak_at_least_w = 2500",
        "house.toml:6:1: tariff.import.peak_at_least_w = 2500: is the least that a capacity charge is for; needs tariff.import.peak_eur_per_kw_month",
    ),
    (
        "",
        "[tariff.import]\npeak_eur_per_kw_month = -1",
        "house.toml:6:1: tariff.import.peak_eur_per_kw_month = -1: expected a number from 0 to 1000, in EUR per kW and month",
    ),
    (
        "",
        "[network_fee]\nwindows = [{ from = \"17:00\", to = \"19:00\", months = \"1-13\", price_eur_per_kwh = 0.1 }]",
        "network_fee.windows[0].months = \"1-13\": expected months from 1 to 12, as 10-3 or 1-3,10-12",
    ),
    (
        "",
        "[network_fee]\nwindows = [{ from = \"17:00\", to = \"17:00\", price_eur_per_kwh = 0.1 }]",
        "network_fee.windows[0].to = \"17:00\": expected another time than from",
    ),
    (
        "",
        "[network_fee]\nwindows = [{ from = \"25:00\", to = \"17:00\", weekdays = \"mon-fry\", price_eur_per_kwh = 0.1 }]",
        "network_fee.windows[0].weekdays = \"mon-fry\": expected weekdays as mon-fri or sat,sun, of mon, tue, wed, thu, fri, sat, sun",
    ),
    (
        "",
        "[tariff.export]\ncommissioned = \"2025-06-01\"",
        "house.toml:6:1: tariff.export.commissioned = \"2025-06-01\": power earns nothing while the spot price is negative; needs a section [tariff.spot] that says it",
    ),
    (
        "",
        "[tariff.export]\ncommissioned = \"June 2025\"",
        "house.toml:6:1: tariff.export.commissioned = \"June 2025\": expected a day as 2025-06-30",
    ),
    (
        "",
        "[tariff.export]\nnegative_prices = \"eeg\"",
        "house.toml:6:1: tariff.export.negative_prices = \"eeg\": needs tariff.export.commissioned, the day on which the plant was commissioned",
    ),
    (
        "",
        "[tariff.export]\nsmart_meter = \"2026-05-01\"",
        "house.toml:6:1: tariff.export.smart_meter = \"2026-05-01\": is for tariff.export.negative_prices = \"eeg\"; expected that rule, or no date",
    ),
    (
        "",
        "[[levy]]\nname = \"tax\"",
        "levy[0].price_eur_per_kwh: missing; expected a number from -1 to 5, in EUR/kWh (How much it is)",
    ),
];

#[test]
fn each_mistake_about_the_tariff_has_its_message() {
    for (site, tariff, expected) in MISTAKES {
        let found = complaint(&house(site, tariff));
        assert!(found.contains(expected), "{site} {tariff}:\n{found}\nexpected\n{expected}");
    }
}
